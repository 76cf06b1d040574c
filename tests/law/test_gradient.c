/* The gradient is the adjoint of the derivative: against central differences element by element, and ⟨Ju, v⟩ = ⟨u, Jᵀv⟩, for
 * every operation; fused ones through what they are written out to. In f64, away from kinks. */
#include "sample.h"
#include <stdlib.h>

enum { PICKS = 10 };
static const double H = 1e-5, NEAR_ENOUGH = 1e-6;

static bool has_gradient(const struct maker *m) { return (m->traits & HAS_GRADIENT) != 0; }
static bool is_real(const struct sample *s, int i) { return s->leaf[i].domain != INDEX; }

static double loss_at(struct values *v, rk_ref loss)
{
    evaluate(v, false);
    return values_scalar(v, loss);
}

static double difference(struct values *v, rk_ref loss, double *x)
{
    double at = *x;
    *x = at + H;
    double above = loss_at(v, loss);
    *x = at - H;
    double below = loss_at(v, loss);
    *x = at;
    return (above - below) / (2 * H);
}

/* A random step along all real leaves at once: u is added `times` times; returns ⟨u, gradient⟩. */
static double step_along(struct sample *s, struct values *v, const struct values *after, const rk_ref *gradient, double times)
{
    double dot = 0;
    uint64_t drawn = s->drawn;
    s->drawn = 2000000;
    for (int i = 0; i < s->n_leaves; i++) {
        int64_t n = values_count(v, s->leaf[i].ref);
        if (!is_real(s, i)) continue;
        for (int64_t k = 0; k < n; k++) {
            double u = draw_unit(s) - 0.5;
            values_own(v, s->leaf[i].ref)[k] += times * u;
            if (gradient[i] == 0) continue;
            double *dx = calloc((size_t)n, sizeof *dx);
            if (dx == NULL) abort();
            (void)values_read(after, gradient[i], dx);
            dot += u * dx[k];
            free(dx);
        }
    }
    s->drawn = drawn;
    return dot;
}

static void compare(struct sample *s, rk_ref loss, const rk_ref *gradient, struct values *v)
{
    struct values after;
    values_open(&after, s->ctx, s->g);
    sample_fill(s, &after);
    evaluate(&after, false);
    for (int i = 0; i < s->n_leaves && !s->failed; i++) {
        if (!is_real(s, i)) continue;
        int64_t n = values_count(v, s->leaf[i].ref);
        double *dx = calloc((size_t)n + 1, sizeof *dx), *x = values_own(v, s->leaf[i].ref);
        if (dx == NULL) abort();
        if (gradient[i] != 0) HOLDS(s, values_read(&after, gradient[i], dx) == n);
        for (int pick = 0; pick < PICKS && n > 0 && !s->failed; pick++) {
            int64_t k = n <= PICKS ? pick % n : (int64_t)draw(s, (uint64_t)n);
            double expected = difference(v, loss, x + k);
            if (!(fabs(dx[k] - expected) <= NEAR_ENOUGH * (1 + fabs(expected))))
                sample_fails(s, "gradient of leaf %d (element %lld) is %.12g, differences say %.12g", s->leaf[i].ref, (long long)k, dx[k], expected);
        }
        free(dx);
    }
    double right = step_along(s, v, &after, gradient, H);
    double above = loss_at(v, loss);
    (void)step_along(s, v, &after, gradient, -2 * H);
    double left = (above - loss_at(v, loss)) / (2 * H);
    if (!s->failed) NEAR(s, left, right, NEAR_ENOUGH * (1 + fabs(left)));
    values_close(&after);
}

static void is_adjoint(struct sample *given)
{
    static struct sample s;
    rk_ref by[MOST_LEAVES], found[MOST_LEAVES], gradient[MOST_LEAVES] = { 0 };
    int which[MOST_LEAVES], n = 0;
    char text[512];
    struct values v;
    if (!sample_write_out(given, NULL, NULL, &s)) return;
    const struct node y = *node_of(s.g, s.y);
    rk_ref direction = draw_leaf(&s, y.dtype, ANY_SIGN, y.rank, y.dim);
    dims_names(&s, y.rank, y.dim, text);
    rk_ref loss = rk_reduce(s.g, "sum", rk_mul(s.g, s.y, direction), text);
    values_open(&v, s.ctx, s.g);                            /* knows nothing of the gradient: differences are cheap */
    for (int i = 0; i < s.n_leaves; i++)
        if (is_real(&s, i)) by[which[n] = i, n++] = s.leaf[i].ref;
    rk_grad(s.g, loss, 0, by, n, found);
    for (int i = 0; i < n; i++) {
        gradient[which[i]] = found[i];
        if (found[i] == 0 || !rk_graph_ok(s.g)) continue;
        const struct node *dx = node_of(s.g, found[i]), *x = node_of(s.g, by[i]);
        HOLDS(&s, dx->rank == x->rank && memcmp(dx->dim, x->dim, sizeof(rk_dim) * (size_t)x->rank) == 0 && dx->dtype == x->dtype);
    }
    sample_fill(&s, &v);
    if (!rk_graph_ok(s.g)) sample_fails(&s, "refused: %s", s.g->message);
    else if (!s.failed && isfinite(loss_at(&v, loss))) compare(&s, loss, gradient, &v);         /* the largest of nothing is -inf */
    values_close(&v);
    sample_blame(given, &s);
    rk_graph_close(s.g);
}

TEST(gradient_is_the_adjoint_of_the_derivative)
{
    const struct law law = { .body = is_adjoint, .rounds = 100, .largest = 4, .zeros = true, .views = true, .ties = true };
    FOR_MAKERS(law, NULL, has_gradient);
}

TEST(detach_passes_no_gradient)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g;
    rk_ref by[2], found[2];
    OK(ctx, rk_graph_open(ctx, &g));
    by[0] = rk_input(g, "a", RK_f64, "");
    by[1] = rk_input(g, "b", RK_f64, "");
    rk_grad(g, rk_mul(g, rk_detach(g, by[0]), by[1]), 0, by, 2, found);
    OK(ctx, rk_graph_seal(g));
    EXPECT(found[0] == 0 && found[1] != 0);
    rk_graph_close(g);
}

/* A value read several times gets the sum of what its readers say, and a seed multiplies all of it. */
TEST(gradients_of_shared_values_add_up)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g;
    rk_ref x, seed, found;
    struct values v;
    OK(ctx, rk_graph_open(ctx, &g));
    x = rk_input(g, "x", RK_f64, "");
    seed = rk_input(g, "seed", RK_f64, "");
    rk_ref cube = rk_mul(g, rk_mul(g, x, x), x);
    rk_grad(g, rk_add(g, cube, x), seed, &x, 1, &found);
    OK(ctx, rk_graph_seal(g));
    values_open(&v, ctx, g);
    *values_own(&v, x) = 3;
    *values_own(&v, seed) = 10;
    evaluate(&v, false);
    EXPECT_NEAR(values_scalar(&v, found), 280, 0);
    values_close(&v);
    rk_graph_close(g);
}

TEST(slopes_of_elementwise_functions_are_their_derivatives)
{
    for (int fn = 0; fn < MAP_COUNT; fn++) {
        if (strncmp(mapfn_table[fn].name, "d_", 2) != 0) continue;
        bool positive = fn - 1 == MAP_log || fn - 1 == MAP_sqrt || fn - 1 == MAP_rsqrt;
        for (int round = 0; round < 200; round++) {
            double x = (positive || test_random(2) == 0 ? 1 : -1) * (0.1 + 3 * (double)test_random(1u << 20) * 0x1p-20), dy = test_normal();
            double above = x + 1e-6, below = x - 1e-6;
            const double args[] = { x, dy };
            double expected = dy * (mapfn_eval(fn - 1, &above) - mapfn_eval(fn - 1, &below)) / (above - below), slope = mapfn_eval(fn, args);
            if (!(fabs(slope - expected) <= 1e-7 * (1 + fabs(expected) * 10)))
                test_fail(__FILE__, __LINE__, "%s(%g, %g) is %.12g, differences say %.12g", mapfn_table[fn].name, x, dy, slope, expected);
        }
    }
}
