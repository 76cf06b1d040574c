/* Casts among elementwise nodes: a group of nodes of several dtypes gives what its nodes give one by one, to the last bit, and is
 * one step. */
#include "backend/cpu/cpu.h"
#include "backend/ref/ref.h"
#include "execute.h"
#include "interpret.h"
#include "pass/pass.h"
#include "sample.h"

static const rk_dtype dtypes[] = { RK_f64, RK_f32, RK_f16, RK_bf16, RK_f8e4m3, RK_f8e5m2 };
enum { DTYPES = sizeof dtypes / sizeof *dtypes, MOST_VALUES = 40 };

/* Every value has the same two dims, or one of them. */
struct pool { struct sample *s; rk_dim dim[2]; int n; rk_ref at[MOST_VALUES]; };

static rk_ref some(const struct pool *p) { return p->at[draw(p->s, (uint64_t)p->n)]; }
static rk_dtype dtype_of(const struct pool *p, rk_ref r) { return node_of(p->s->g, r)->dtype; }
static void keep(struct pool *p, rk_ref r)
{
    if (r != 0 && p->n < MOST_VALUES) p->at[p->n++] = r;
}

/* An operand of the first one's dtype: a number, a mask, or another value, cast. */
static rk_ref other(const struct pool *p, rk_ref first)
{
    char dims[512];
    dims_names(p->s, 2, p->dim, dims);
    switch (draw(p->s, 6)) {
    case 0: return rk_const(p->s->g, 0.5);
    case 1: return rk_rand(p->s->g, "mask", 0.5, dims);
    default: return rk_cast(p->s->g, some(p), dtype_of(p, first));
    }
}

static void add_node(struct pool *p)
{
    static const char *const one[] = { "neg", "tanh", "exp", "relu", "gelu_tanh" }, *const two[] = { "add", "sub", "mul", "max", "less" };
    rk_graph *g = p->s->g;
    rk_ref x = some(p);
    switch (draw(p->s, 8)) {
    case 0: case 1: case 2: keep(p, rk_cast(g, x, dtypes[draw(p->s, DTYPES)])); break;
    case 3: keep(p, rk_map(g, one[draw(p->s, 5)], x)); break;
    case 4: keep(p, rk_map3(g, "where", some(p), x, other(p, x))); break;
    case 5: if (draw(p->s, 3) == 0) keep(p, rk_copy(g, x)); break;          /* no group goes beyond it */
    default: keep(p, rk_map2(g, two[draw(p->s, 5)], x, other(p, x))); break;
    }
}

static void draw_graph(struct sample *s)
{
    struct pool p = { .s = s };
    char name[32];
    for (int i = 0; i < 2; i++) p.dim[i] = draw_dim(s);
    for (int i = 0; i < 4; i++) keep(&p, draw_operand(s, dtypes[draw(s, DTYPES)], ANY_SIGN, i == 3 ? 1 : 2, p.dim));
    for (int i = 0; i < 24; i++) add_node(&p);
    for (int i = 0; i < 4 && rk_graph_ok(s->g); i++) {
        (void)snprintf(name, sizeof name, "out%d", i);
        rk_output(s->g, name, rk_copy(s->g, some(&p)));
    }
    if (rk_graph_ok(s->g)) rk_output(s->g, "last", p.at[p.n - 1]);
}

static int casting, together;               /* programs with a cast, and those with something else besides; over all samples */

static void count_programs(struct sample *s)
{
    struct plan *plan;
    if (pass_lower(s->ctx, s->g, backend_interpreter(), &plan) != RK_OK) return;
    for (int i = 0; i < plan->n_steps; i++) {
        const struct program *program = plan->steps[i].problem.program;
        int casts = 0, maps = 0;
        for (int k = 0; program != NULL && k < program->n; k++) casts += program->at[k].kind == I_CAST, maps += program->at[k].kind == I_MAP;
        casting += casts > 0;
        together += casts > 0 && maps > 0;
    }
    plan_free(plan);
}

static void same_as_one_by_one(struct sample *s)
{
    static struct outcome grouped, alone;
    struct values v;
    draw_graph(s);
    if (rk_graph_seal(s->g) != RK_OK) { sample_fails(s, "refused: %s", s->g->message); return; }
    values_open(&v, s->ctx, s->g);
    sample_fill(s, &v);
    if (execute(s->ctx, s->g, &v, &(struct execution){ .backend = backend_interpreter() }, &grouped) != RK_OK ||
        execute(s->ctx, s->g, &v, &(struct execution){ .backend = backend_truth() }, &alone) != RK_OK)
        sample_fails(s, "%s\n%s", rk_error_message(s->ctx), rk_error_trail(s->ctx));
    else {
        sample_notes(s, grouped.plan);
        for (int i = 0; i < grouped.n && !s->failed; i++)
            for (int64_t k = 0; k < grouped.count[i] && !s->failed; k++) {
                double a = grouped.at[i][k], b = alone.at[i][k];
                if (a != b && !(isnan(a) && isnan(b))) sample_fails(s, "%s: element %lld is %.9g, one by one %.9g", grouped.name[i], (long long)k, a, b);
            }
        count_programs(s);
    }
    outcome_free(&grouped);
    outcome_free(&alone);
    values_close(&v);
}

TEST(groups_of_several_dtypes_are_their_nodes)
{
    const struct law law = { .body = same_as_one_by_one, .rounds = TEST_SANITIZED ? 60 : 400, .largest = 4, .zeros = true, .views = true, .ties = true };
    FOR_SEEDS("casts in groups", law);
    EXPECT(casting > law.rounds);
    EXPECT(together > law.rounds / 2);
}

/* r + bf16(gelu(bf16(x))): a residual stream in f32 beside a feed-forward in bf16. */
static int steps_on(rk_ctx *ctx, const struct backend *backend, const rk_graph *g)
{
    struct plan *plan;
    OK(ctx, pass_lower(ctx, g, backend, &plan));
    int n = plan->n_steps;
    plan_free(plan);
    return n;
}

TEST(casts_and_their_neighbours_are_one_step)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "n", 'N', 5);
    rk_ref x = rk_input(g, "x", RK_f32, "n"), r = rk_input(g, "r", RK_f32, "n");
    rk_ref narrow = rk_map(g, "gelu_tanh", rk_cast(g, x, RK_bf16));
    rk_output(g, "y", rk_add(g, r, rk_cast(g, narrow, RK_f32)));
    rk_output(g, "kept", narrow);
    OK(ctx, rk_graph_seal(g));
    EXPECT_INT(steps_on(ctx, backend_interpreter(), g), 1);
    EXPECT_INT(steps_on(ctx, backend_truth(), g), 4);
    EXPECT_INT(steps_on(ctx, backend_cpu(), g), 4);                 /* its programs do not cast */
    rk_graph_close(g);
}
