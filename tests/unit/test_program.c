/* Programs of one's own graphs: what comes out, what is shared, what is refused. */
#include "reckon/plan.h"
#include "test.h"

static rk_device *device_of(rk_ctx *ctx, const char *name)
{
    rk_device *d;
    OK(ctx, rk_device_open(ctx, name, &(rk_device_options){ .blas = "own" }, &d));
    return d;
}

/* y = sum over n of w[n] x[n], along a live dimension; and w doubles with every run. */
static rk_graph *doubling(rk_ctx *ctx)
{
    rk_graph *g;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_live(g, "n", 'N', 5);
    (void)rk_dim_new(g, "m", 'M', 5);
    rk_ref x = rk_input(g, "x", RK_f32, "n"), w = rk_state(g, RK_PARAMETER, "w", RK_f32, "m");
    rk_output(g, "y", rk_reduce(g, "sum", rk_mul(g, x, rk_slice(g, w, "m", 0, "n")), "n"));
    rk_update(g, w, rk_scale(g, w, 2));
    OK(ctx, rk_graph_seal(g));
    return g;
}

TEST(a_program_runs_keeps_its_states_and_heeds_extents)
{
    static const char *const devices[] = { "cpu", "ref", "guard", "meter" };
    rk_ctx *ctx = test_ctx();
    for (int i = 0; i < 4; i++) {
        rk_device *d = device_of(ctx, devices[i]);
        rk_graph *g = doubling(ctx);
        rk_program *p;
        const double x[] = { 1, 2, 3, 4, 5 }, w[] = { 1, 10, 100, 1000, 10000 };
        float y, now[5];
        const char *text;
        OK(ctx, rk_program_open(ctx, g, d, NULL, &p));
        rk_graph_close(g);
        OK(ctx, rk_program_write(p, RK_PARAMETER, "w", w, RK_f64));
        OK(ctx, rk_program_input(p, "x", x, RK_f64));
        OK(ctx, rk_program_run(p, 0, 1));
        OK(ctx, rk_program_output(p, "y", &y, RK_f32));
        EXPECT_NEAR(y, 54321, 0);
        OK(ctx, rk_program_extent(p, "n", 2));
        OK(ctx, rk_program_input(p, "x", x, RK_f64));
        OK(ctx, rk_program_run(p, 0, 2));
        OK(ctx, rk_program_output(p, "y", &y, RK_f32));
        EXPECT_NEAR(y, 42, 0);
        OK(ctx, rk_program_read(p, RK_PARAMETER, "w", now, RK_f32));
        EXPECT_NEAR(now[4], 40000, 0);
        EXPECT(rk_program_bytes(p, RK_PARAMETER) >= 20);
        OK(ctx, rk_program_text(p, &text));
        EXPECT(strstr(text, "arena") != NULL);
        rk_program_close(p);
        rk_device_close(d);
    }
}

TEST(programs_share_states)
{
    rk_ctx *ctx = test_ctx();
    rk_device *d = device_of(ctx, "cpu");
    rk_graph *g = doubling(ctx);
    rk_program *first, *second;
    float w[5] = { 1, 1, 1, 1, 1 }, x[5] = { 1, 1, 1, 1, 1 }, y;
    OK(ctx, rk_program_open(ctx, g, d, NULL, &first));
    OK(ctx, rk_program_open(ctx, g, d, first, &second));
    rk_graph_close(g);
    EXPECT_INT(rk_program_bytes(second, RK_PARAMETER), 0);
    OK(ctx, rk_program_write(second, RK_PARAMETER, "w", w, RK_f32));
    OK(ctx, rk_program_input(first, "x", x, RK_f32));
    OK(ctx, rk_program_input(second, "x", x, RK_f32));
    OK(ctx, rk_program_run(first, 0, 1));
    OK(ctx, rk_program_run(second, 0, 1));
    OK(ctx, rk_program_output(second, "y", &y, RK_f32));
    EXPECT_NEAR(y, 10, 0);
    OK(ctx, rk_program_read(first, RK_PARAMETER, "w", w, RK_f32));
    EXPECT_NEAR(w[0], 4, 0);
    rk_program_close(second);
    rk_program_close(first);
    rk_device_close(d);
}

TEST(names_that_are_not_there_are_answered_with_those_that_are)
{
    rk_ctx *ctx = test_ctx();
    rk_device *d = device_of(ctx, "cpu");
    rk_graph *g = doubling(ctx), *open;
    rk_program *p, *none;
    float x[5] = { 0 };
    OK(ctx, rk_graph_open(ctx, &open));
    FAILS(ctx, rk_program_open(ctx, open, d, NULL, &none), RK_E_ARG, "not sealed");
    EXPECT(none == NULL);
    rk_graph_close(open);
    OK(ctx, rk_program_open(ctx, g, d, NULL, &p));
    FAILS(ctx, rk_program_input(p, "z", x, RK_f32), RK_E_UNKNOWN, "input named \"z\"");
    EXPECT(strstr(rk_error_hint(ctx), "x") != NULL);
    FAILS(ctx, rk_program_output(p, "x", x, RK_f32), RK_E_UNKNOWN, "output named \"x\"");
    FAILS(ctx, rk_program_read(p, RK_GRADIENT, "w", x, RK_f32), RK_E_UNKNOWN, "state named \"w\"");
    FAILS(ctx, rk_program_write(p, RK_PARAMETER, "v", x, RK_f32), RK_E_UNKNOWN, "state named \"v\"");
    FAILS(ctx, rk_program_extent(p, "m", 1), RK_E_UNKNOWN, "m");
    FAILS(ctx, rk_program_extent(p, "n", 6), RK_E_LIMIT, "bound is 5");
    rk_program_close(p);
    rk_graph_close(g);
    rk_device_close(d);
}

static rk_status open_and_run(rk_ctx *ctx)
{
    rk_graph *g = NULL;
    rk_device *d = NULL;
    rk_program *p = NULL;
    rk_status status = rk_graph_open(ctx, &g);
    if (status != RK_OK) return status;
    (void)rk_dim_new(g, "n", 'N', 4);
    rk_ref w = rk_state(g, RK_PARAMETER, "w", RK_f32, "n"), loss = rk_einsum(g, "n, n -> ", w, w), gradient;
    rk_grad(g, loss, 0, &w, 1, &gradient);
    rk_update(g, w, gradient);
    rk_output(g, "loss", loss);
    status = rk_graph_seal(g);
    if (status == RK_OK) status = rk_device_open(ctx, "ref", NULL, &d);
    if (status == RK_OK) status = rk_program_open(ctx, g, d, NULL, &p);
    if (status == RK_OK) status = rk_program_run(p, 0, 1);
    rk_program_close(p);
    rk_device_close(d);
    rk_graph_close(g);
    return status;
}
TEST(programs_survive_every_failed_allocation) { FOR_EVERY_FAILED_ALLOCATION(open_and_run); }
