/* A sum may be added into the memory of what it is added to, but not while it still reads that: by the plan, whatever kernels
 * happen to have read by then, and by numbers worked out by hand. */
#include "backend/cpu/cpu.h"
#include "backend/ref/ref.h"
#include "pass/pass.h"
#include "run/run.h"
#include "test.h"

enum { ROWS = 5, N = 300, ALL = ROWS * N };     /* more than a kernel holds in registers, and no multiple of it */

static struct values { double x[ALL], m[N * N], expected[ALL]; } v;

static void fill(void)
{
    for (int i = 0; i < ALL; i++) v.x[i] = (i % 7) - 3;
    for (int i = 0; i < N * N; i++) v.m[i] = (i % 5) - 2;
    for (int i = 0; i < ALL; i++) {
        const double *row = v.x + i / N * N;
        v.expected[i] = v.x[i] * v.x[i];
        for (int from = 0; from < N; from++) v.expected[i] += row[from] * row[from] * v.m[from * N + i % N];
    }
}

/* a = x², or a state of that value; y = a + a m: the product reads a through another name. */
static rk_graph *graph(rk_ctx *ctx, bool state, bool first)
{
    rk_graph *g;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "row", 'R', ROWS);
    (void)rk_dim_new(g, "to", 'T', N);
    (void)rk_dim_new(g, "from", 'F', N);
    rk_ref a = state ? rk_state(g, RK_PARAMETER, "a", RK_f32, "row to") : rk_map(g, "square", rk_input(g, "x", RK_f32, "row to"));
    rk_ref sum = rk_einsum(g, "row from, from to -> row to", rk_rename(g, a, "to", "from"), rk_input(g, "m", RK_f32, "from to"));
    rk_ref y = first ? rk_add(g, sum, a) : rk_add(g, a, sum);
    if (state) rk_update(g, a, y);
    else rk_output(g, "y", y);
    OK(ctx, rk_graph_seal(g));
    return g;
}

static void check_steps(const struct plan *plan)
{
    for (int i = 0; i < plan->n_steps; i++) {
        const struct step *s = &plan->steps[i];
        for (int k = 0; k < s->problem.n_in && s->problem.accumulate; k++) EXPECT(s->in[k].kind != s->out[0].kind || s->in[k].at != s->out[0].at);
    }
}

static void run_once(rk_ctx *ctx, const struct backend *backend, bool state, bool first, double *y)
{
    rk_graph *g = graph(ctx, state, first);
    struct plan *plan;
    struct store *store;
    struct run *r;
    double a[ALL];
    for (int i = 0; i < ALL; i++) a[i] = v.x[i] * v.x[i];
    OK(ctx, pass_lower(ctx, g, backend, &plan));
    OK(ctx, pass_place(ctx, plan, &(struct plan_options){ .reuse = true }));
    check_steps(plan);
    OK(ctx, store_open(ctx, backend, &store));
    OK(ctx, store_declare(ctx, store, g));
    OK(ctx, store_allocate(ctx, store));
    if (state) OK(ctx, store_write(ctx, store, 0, a, RK_f64));
    OK(ctx, run_open(ctx, plan, store, &r));
    if (!state) OK(ctx, run_input(ctx, r, "x", v.x, RK_f64));
    OK(ctx, run_input(ctx, r, "m", v.m, RK_f64));
    OK(ctx, run_go(ctx, r, 0, 0));
    if (state) OK(ctx, store_read(ctx, store, 0, y, RK_f64));
    else OK(ctx, run_output(ctx, r, "y", y, RK_f64));
    run_close(r);
    store_close(store);
    plan_free(plan);
    rk_graph_close(g);
}

TEST(a_sum_that_reads_what_it_is_added_to_comes_first)
{
    rk_ctx *ctx = test_ctx();
    const struct backend *backends[] = { backend_truth(), backend_cpu() };
    double y[ALL];
    fill();
    for (int b = 0; b < 2; b++)
        for (int way = 0; way < 4; way++) {
            run_once(ctx, backends[b], (way & 1) != 0, (way & 2) != 0, y);
            for (int i = 0; i < ALL; i++)
                if (y[i] != v.expected[i]) {
                    test_fail(__FILE__, __LINE__, "%s, way %d: y[%d] is %g, not %g", backends[b]->name, way, i, y[i], v.expected[i]);
                    break;
                }
        }
}

/* --- biases --- */

/* y = x m + b, or with more behind it; b over `dims`. Which steps there are, and numbers as they were worked out: whole ones, exact in f32. */
static void biased(rk_ctx *ctx, const struct backend *backend, const char *b_dims, const char *then, bool read_twice, bool b_first, int steps)
{
    rk_graph *g;
    struct plan *plan;
    struct store *store;
    struct run *r;
    static double y[ALL], sum[ALL], b[ALL];
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "row", 'R', ROWS);
    (void)rk_dim_new(g, "to", 'T', N);
    (void)rk_dim_new(g, "from", 'F', N);
    rk_ref s = rk_einsum(g, "row from, from to -> row to", rk_input(g, "x", RK_f32, "row from"), rk_input(g, "m", RK_f32, "from to"));
    rk_ref bias = rk_state(g, RK_PARAMETER, "b", RK_f32, b_dims), z = b_first ? rk_add(g, bias, s) : rk_add(g, s, bias);
    rk_output(g, "y", then == NULL ? z : rk_map(g, then, z));
    if (read_twice) rk_output(g, "sum", s);
    OK(ctx, rk_graph_seal(g));
    OK(ctx, pass_lower(ctx, g, backend, &plan));
    OK(ctx, pass_place(ctx, plan, &(struct plan_options){ .reuse = true }));
    EXPECT(plan->n_steps == steps);
    for (int i = 0; i < plan->n_steps; i++) EXPECT(plan->steps[i].problem.bias == (steps == 1));
    OK(ctx, store_open(ctx, backend, &store));
    OK(ctx, store_declare(ctx, store, g));
    OK(ctx, store_allocate(ctx, store));
    for (int i = 0; i < ALL; i++) b[i] = i % 11 - 4;
    OK(ctx, store_write(ctx, store, 0, b, RK_f64));
    OK(ctx, run_open(ctx, plan, store, &r));
    OK(ctx, run_input(ctx, r, "x", v.x, RK_f64));
    OK(ctx, run_input(ctx, r, "m", v.m, RK_f64));
    OK(ctx, run_go(ctx, r, 0, 0));
    OK(ctx, run_output(ctx, r, "y", y, RK_f64));
    if (read_twice) OK(ctx, run_output(ctx, r, "sum", sum, RK_f64));
    for (int i = 0; i < ALL; i++) {
        double truth = 0, own;
        for (int from = 0; from < N; from++) truth += v.x[i / N * N + from] * v.m[from * N + i % N];
        own = truth + b[strcmp(b_dims, "to") == 0 ? i % N : strcmp(b_dims, "row") == 0 ? i / N : i];
        if (y[i] != (then == NULL ? own : own * own) || (read_twice && sum[i] != truth)) {
            test_fail(__FILE__, __LINE__, "%s, bias over %s: y[%d] is %g, not %g", backend->name, b_dims, i, y[i], own);
            break;
        }
    }
    run_close(r);
    store_close(store);
    plan_free(plan);
    rk_graph_close(g);
}

TEST(a_bias_is_added_by_who_makes_the_sum_where_nobody_else_wants_that)
{
    rk_ctx *ctx = test_ctx();
    fill();
    for (int first = 0; first < 2; first++) {
        biased(ctx, backend_cpu(), "to", NULL, false, first != 0, 1);
        biased(ctx, backend_cpu(), "row", NULL, false, first != 0, 2);          /* no number for each column */
        biased(ctx, backend_cpu(), "to", NULL, true, first != 0, 2);            /* the sum is wanted too */
        biased(ctx, backend_cpu(), "to", "square", false, first != 0, 2);       /* one program for all that follows */
        biased(ctx, backend_truth(), "to", NULL, false, first != 0, 2);
        biased(ctx, backend_truth(), "to", "square", false, first != 0, 3);
    }
}
