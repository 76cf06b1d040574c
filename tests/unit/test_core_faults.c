/* The n-th allocation fails, for every n: building, writing out, gradients, lowering, placing, running: the status is "out of
 * memory", it has a message, and everything is given back. */
#include "backend/ref/ref.h"
#include "core/graph.h"
#include "pass/pass.h"
#include "run/run.h"
#include "test.h"

static void say_dims(rk_graph *g)
{
    (void)rk_dim_new(g, "batch", 'B', 2);
    (void)rk_dim_new(g, "seq", 'T', 3);
    (void)rk_dim_new(g, "key", 'S', 3);
    (void)rk_dim_new(g, "hidden", 'D', 4);
    (void)rk_dim_new(g, "head", 'H', 2);
    (void)rk_dim_new(g, "head_dim", 'K', 2);
    (void)rk_dim_new(g, "vocab", 'V', 5);
    rk_dim_relate(g, "head head_dim", 1, "hidden");
}

/* A small transformer layer and its head, with gradients and updates. */
static void say_graph(rk_graph *g, rk_ref *loss, rk_ref *by)
{
    const rk_attend_options options = { .causal = true, .scale = 0.5, .keep = 0.5, .site = "attn" };
    say_dims(g);
    rk_enter(g, "h");
    rk_ref table = by[0] = rk_state(g, RK_PARAMETER, "wte", RK_f32, "vocab hidden"), gain = by[1] = rk_state(g, RK_PARAMETER, "gain", RK_f32, "hidden");
    rk_ref tokens = rk_input(g, "tokens", RK_i32, "batch seq"), labels = rk_input(g, "labels", RK_i32, "batch seq");
    rk_ref x = rk_rms_norm(g, rk_gather(g, table, "vocab", tokens), "hidden", gain, 1e-5);
    rk_ref q = rk_rope(g, rk_split(g, x, "hidden", "head head_dim"), "seq", NULL, "head_dim", RK_ROPE_INTERLEAVED, 2, 10000);
    rk_ref k = rk_rename(g, q, "seq", "key");
    x = rk_add(g, x, rk_merge(g, rk_attend(g, q, k, k, "seq", "key", "head_dim", &options), "head head_dim", "hidden"));
    rk_leave(g);
    *loss = rk_xent_head(g, x, table, 0, labels, "hidden", "vocab");
    rk_output(g, "loss", *loss);
}

static rk_status build(rk_ctx *ctx)
{
    rk_graph *g;
    rk_ref loss, by[2] = { 0, 0 }, found[2];
    TRY(rk_graph_open(ctx, &g));
    say_graph(g, &loss, by);
    rk_grad(g, loss, 0, by, 2, found);
    rk_status status = rk_graph_seal(g);
    rk_graph_close(g);
    return status;
}

TEST(building_stands_every_failed_allocation) { FOR_EVERY_FAILED_ALLOCATION(build); }

static rk_status written_out(rk_ctx *ctx, rk_graph *g, rk_graph **out)
{
    rk_ref loss, by[2] = { 0, 0 }, found[2] = { 0, 0 }, map[256];
    say_graph(g, &loss, by);
    TRY(rk_graph_seal(g));
    PROMISE(g->nodes.n < 256);
    TRY(pass_expand(ctx, g, NULL, NULL, out, map));
    for (int i = 0; i < 2; i++) by[i] = map[by[i]];
    rk_grad(*out, map[loss], 0, by, 2, found);
    for (int i = 0; i < 2; i++) rk_update(*out, by[i], rk_sub(*out, by[i], rk_scale(*out, found[i], 0.1)));
    return rk_graph_seal(*out);
}

static rk_status run_all(rk_ctx *ctx)
{
    static const int32_t tokens[] = { 0, 1, 2, 3, 4, 0 }, labels[] = { 1, 2, 3, 4, 0, -1 };
    rk_graph *g = NULL, *out = NULL;
    struct plan *plan = NULL;
    struct store *store = NULL;
    struct run *r = NULL;
    const struct plan_options options = { .reuse = true };
    double loss;
    rk_status status;
    GO(rk_graph_open(ctx, &g));
    GO(written_out(ctx, g, &out));
    GO(pass_lower(ctx, out, backend_truth(), &plan));
    GO(pass_place(ctx, plan, &options));
    GO(store_open(ctx, backend_truth(), &store));
    GO(store_declare(ctx, store, out));
    GO(store_allocate(ctx, store));
    GO(run_open(ctx, plan, store, &r));
    GO(run_input(ctx, r, "tokens", tokens, RK_i32));
    GO(run_input(ctx, r, "labels", labels, RK_i32));
    size_t before = rk_ctx_bytes(ctx);
    GO(run_go(ctx, r, 1, 1));
    GO(run_output(ctx, r, "loss", &loss, RK_f64));
    if (rk_ctx_bytes(ctx) != before) test_fail(__FILE__, __LINE__, "a step kept %zu bytes", rk_ctx_bytes(ctx) - before);
    EXPECT_NEAR(loss, 5 * log(5), 1e-5);                    /* all weights are zero: every label is as likely as any other */
out:
    run_close(r);
    store_close(store);
    plan_free(plan);
    rk_graph_close(out);
    rk_graph_close(g);
    return status;
}

TEST(everything_up_to_a_step_stands_every_failed_allocation) { FOR_EVERY_FAILED_ALLOCATION(run_all); }
