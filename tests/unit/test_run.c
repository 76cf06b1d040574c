/* Runs whose sizes change: who is prepared again, also after it failed halfway. */
#include "backend/ref/ref.h"
#include "pass/pass.h"
#include "run/run.h"
#include "test.h"
#include <string.h>

static int prepared, fail_at;                   /* since it was set to 0; the one that fails, counted from 1, or 0 */

static rk_status prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    if (++prepared == fail_at) return FAIL(RK_E_NOMEM, "no memory, for the sake of a test");
    return reference_prepare(ctx, p, false, out);
}

static const struct backend *counting(void)
{
    static struct kernel kernels[2];
    static struct backend b;
    b = *backend_truth();
    kernels[0] = b.kernels[0];
    kernels[0].prepare = prepare;
    b.kernels = kernels;
    return &b;
}

/* y = sum over n of (2 x)²: two live steps, and a third over what is not live. */
static rk_graph *graph(rk_ctx *ctx)
{
    rk_graph *g;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_live(g, "n", 'N', 5);
    (void)rk_dim_new(g, "m", 'M', 2);
    rk_ref x = rk_map(g, "square", rk_scale(g, rk_input(g, "x", RK_f32, "n"), 2));
    rk_output(g, "y", rk_reduce(g, "sum", x, "n"));
    rk_output(g, "z", rk_map(g, "square", rk_input(g, "w", RK_f32, "m")));
    OK(ctx, rk_graph_seal(g));
    return g;
}

static double result(rk_ctx *ctx, struct run *r)
{
    double y;
    OK(ctx, run_go(ctx, r, 0, 0));
    OK(ctx, run_output(ctx, r, "y", &y, RK_f64));
    return y;
}

TEST(steps_are_sized_where_they_changed_and_all_of_them_after_a_failure)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g = graph(ctx);
    struct plan *plan;
    struct store *store;
    struct run *r;
    const double x[] = { 1, 2, 3, 4, 5 };
    int live = 0;
    OK(ctx, pass_lower(ctx, g, counting(), &plan));
    OK(ctx, pass_place(ctx, plan, &(struct plan_options){ .reuse = true }));
    OK(ctx, store_open(ctx, counting(), &store));
    OK(ctx, store_allocate(ctx, store));
    OK(ctx, run_open(ctx, plan, store, &r));
    for (int i = 0; i < plan->n_steps; i++) live += plan->steps[i].problem.live;
    EXPECT(live >= 2 && live < plan->n_steps);

    prepared = 0;
    OK(ctx, run_extent(ctx, r, "n", 3));
    OK(ctx, run_input(ctx, r, "x", x, RK_f64));
    EXPECT(result(ctx, r) == 4 * (1 + 4 + 9) && prepared == live);
    EXPECT(result(ctx, r) == 4 * (1 + 4 + 9) && prepared == live);

    prepared = 0, fail_at = live;
    OK(ctx, run_extent(ctx, r, "n", 2));
    EXPECT(run_go(ctx, r, 0, 0) == RK_E_NOMEM);
    rk_error_clear(ctx);
    prepared = fail_at = 0;
    OK(ctx, run_input(ctx, r, "x", x, RK_f64));
    EXPECT(result(ctx, r) == 4 * (1 + 4) && prepared == live);

    run_close(r);
    store_close(store);
    plan_free(plan);
    rk_graph_close(g);
}
