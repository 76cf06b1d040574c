/* hand_attend.c: see hand_attend.h. */
#include "hand_attend.h"
#include "core/opdef.h"
#include "test.h"

static const char *const orders[][2] = {            /* of queries; of keys */
    { "batch head seq width", "batch head key width" }, { "batch seq head width", "batch key head width" },
    { "seq width batch head", "key head width batch" }, { "batch seq head width", "batch head key width" },
};

enum { TURNED = 2 };                                /* the order in which the elements of a head are no neighbours: the processor's alone */

static void dims(rk_graph *g, const struct attend_shape *s)
{
    (void)rk_dim_new(g, "batch", 0, s->batch), (void)rk_dim_new(g, "head", 0, s->head), (void)rk_dim_new(g, "seq", 0, s->seq);
    (void)rk_dim_new(g, "width", 0, s->width), (void)rk_dim_new(g, "three", 0, 3);
}

static rk_attend_options options_of(const struct attend_shape *s)
{
    return (rk_attend_options){ .causal = s->causal, .scale = 1 / sqrt((double)s->width), .keep = s->keep, .site = "here" };
}

static void finish(rk_graph *g, rk_ref y, rk_ref weights)
{
    rk_output(g, "y", y);
    rk_ref wide = node_of(g, y)->dtype == RK_f32 ? y : rk_cast(g, y, RK_f32);
    rk_output(g, "loss", rk_reduce(g, "sum", rk_mul(g, wide, weights), "batch head seq width"));
}

void attend_try_apart(rk_ctx *ctx, const struct fused_on *on, const struct attend_shape *s, int order, bool live)
{
    struct fused_case c = { .n = 4, .gradients = 3, .kernel = "attend", .adjoint = "attend_adjoint", .spread = 1.5, .backend = on->backend, .least = on->dtype == RK_f32 ? 0 : 1, .any_loss = on->dtype != RK_f32 };
    rk_attend_options o = options_of(s);
    if (on->backend != NULL && (order == TURNED || (order + 1) % 4 == TURNED)) c.kernel = c.adjoint = NULL;
    OK(ctx, rk_graph_open(ctx, &c.g));
    dims(c.g, s);
    if (live) {
        (void)rk_dim_live(c.g, "key", 0, s->key + 7);
        c.live = "key", c.extent = s->key;
    } else (void)rk_dim_new(c.g, "key", 0, s->key);
    c.source[0] = rk_input(c.g, "q", on->dtype, orders[order][0]);
    c.source[1] = rk_input(c.g, "k", on->dtype, orders[order][1]);
    c.source[2] = rk_input(c.g, "v", on->dtype, orders[(order + 1) % 4][1]);
    c.source[3] = rk_input(c.g, "weights", RK_f32, "batch head seq width");
    if (s->lengths != NULL) {
        c.source[c.n++] = o.lengths = rk_input(c.g, "lengths", RK_i32, s->lengths);
        c.most_id = (double)s->key + 2;             /* from -1 on: what is out of range is brought into it */
    }
    finish(c.g, rk_attend(c.g, c.source[0], c.source[1], c.source[2], "seq", "key", "width", &o), c.source[3]);
    fused_try(ctx, &c, on->tolerance);
    rk_graph_close(c.g);
}

void attend_try_joined(rk_ctx *ctx, const struct fused_on *on, const struct attend_shape *s)
{
    struct fused_case c = { .n = 2, .gradients = 1, .kernel = "attend", .adjoint = "attend_adjoint", .spread = 1.5, .backend = on->backend, .least = on->dtype == RK_f32 ? 0 : 1, .any_loss = on->dtype != RK_f32 };
    rk_attend_options o = options_of(s);
    OK(ctx, rk_graph_open(ctx, &c.g));
    dims(c.g, s);
    (void)rk_dim_new(c.g, "key", 0, s->seq);
    c.source[0] = rk_input(c.g, "qkv", on->dtype, "batch seq three head width");
    c.source[1] = rk_input(c.g, "weights", RK_f32, "batch seq head width");
    rk_ref q = rk_select(c.g, c.source[0], "three", 0), k = rk_rename(c.g, rk_select(c.g, c.source[0], "three", 1), "seq", "key");
    rk_ref v = rk_rename(c.g, rk_select(c.g, c.source[0], "three", 2), "seq", "key");
    finish(c.g, rk_attend(c.g, q, k, v, "seq", "key", "width", &o), c.source[1]);
    fused_try(ctx, &c, on->tolerance);
    rk_graph_close(c.g);
}

static int64_t draw(int64_t most) { return 1 + (int64_t)test_random((uint64_t)most); }

struct attend_shape attend_draw(int i)
{
    static const int64_t widths[] = { 1, 3, 8, 16, 17, 32, 40, 64 };
    struct attend_shape s = { .batch = draw(3), .head = draw(3), .width = widths[test_random(8)], .causal = i % 2 == 0, .keep = i % 5 == 0 ? 0.75 : 1 };
    s.seq = i % 3 == 0 ? draw(150) : draw(30);
    s.key = s.seq + (test_random(2) == 0 ? 0 : (int64_t)test_random(40));
    return s;
}
