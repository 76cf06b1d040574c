/* hand_xent_head.c: see hand_xent_head.h. */
#include "hand_xent_head.h"
#include "test.h"

void xent_head_try(rk_ctx *ctx, const struct fused_on *on, const struct xent_head_shape *s)
{
    struct fused_case c = { .n = s->bias ? 4 : 3, .gradients = s->gradients ? 2 : 0, .most_id = (double)s->vocab - 1, .spread = s->spread, .unit_seed = s->unit_seed, .backend = on->backend };
    if (on->backend != NULL && s->batch * s->seq == 0) ;               /* nothing to do may be left written out */
    else if (s->gradients) c.adjoint = "xent_head_adjoint";
    else c.kernel = "xent_head";
    OK(ctx, rk_graph_open(ctx, &c.g));
    (void)rk_dim_new(c.g, "batch", 0, s->batch), (void)rk_dim_new(c.g, "seq", 0, s->seq);
    (void)rk_dim_new(c.g, "hidden", 0, s->hidden), (void)rk_dim_new(c.g, "vocab", 0, s->vocab);
    c.source[0] = rk_input(c.g, "x", on->dtype, "batch seq hidden");
    c.source[1] = rk_input(c.g, "w", on->dtype, "vocab hidden");
    rk_ref labels = c.source[c.n - 1] = rk_input(c.g, "labels", RK_i32, "batch seq"), bias = 0;
    if (s->bias) {
        bias = c.source[2] = rk_input(c.g, "bias", on->dtype, "vocab");
        if (s->gradients) c.gradients = 3;
    }
    rk_output(c.g, "loss", rk_xent_head(c.g, c.source[0], c.source[1], bias, labels, "hidden", "vocab"));
    fused_try(ctx, &c, on->tolerance);
    rk_graph_close(c.g);
}
