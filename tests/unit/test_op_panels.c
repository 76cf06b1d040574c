/* Operations on panels of floats have an operand less than those of integers, and read none that is not there. */
#include "core/graph.h"
#include "core/opdef.h"
#include "reckon/graph.h"
#include "test.h"
#include <stdlib.h>

/* Its shape is asked for once more, the operands in memory that ends behind them. */
static void infer_again(rk_ctx *ctx, rk_graph *g, rk_ref y)
{
    REQUIRE(y != 0);
    struct node n = *node_of(g, y);
    rk_ref *in = malloc((size_t)n.arity * sizeof *in);
    REQUIRE(in != NULL);
    memcpy(in, n.in, (size_t)n.arity * sizeof *in);
    n.in = in;
    OK(ctx, n.op->infer(ctx, g, &n));
    free(in);
}

TEST(panels_of_floats_have_no_scales_to_be_read)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g;
    OK(ctx, rk_graph_open(ctx, &g));
    rk_dim_new(g, "rows", '\0', 3), rk_dim_new(g, "hidden", '\0', 64), rk_dim_new(g, "vocab", '\0', 16);
    rk_dim_new(g, "panel", '\0', 1), rk_dim_new(g, "block", '\0', 1), rk_dim_new(g, "four", '\0', 16), rk_dim_new(g, "each", '\0', 4), rk_dim_new(g, "column", '\0', 16);
    rk_ref x = rk_input(g, "x", RK_f32, "rows hidden"), ids = rk_input(g, "ids", RK_i32, "rows"), w = rk_input(g, "w", RK_f32, "panel block four each column");
    infer_again(ctx, g, rk_einsum_panels(g, "r h, v h -> r v", x, w, 0, "vocab hidden"));
    infer_again(ctx, g, rk_gather_panels(g, w, 0, "vocab hidden", ids));
    rk_graph_close(g);
}
