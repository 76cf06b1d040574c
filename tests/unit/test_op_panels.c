/* Operations on panels of floats have an operand less than those of integers, and read none that is not there. */
#include "core/graph.h"
#include "reckon/graph.h"
#include "test.h"
#include <stdlib.h>

/* The node once more, its operands in memory that ends behind them. */
static rk_ref again(rk_ctx *ctx, rk_graph *g, rk_ref y)
{
    struct node draft = *node_of(g, y);
    rk_ref *in = malloc((size_t)draft.arity * sizeof *in);
    REQUIRE(in != NULL);
    memcpy(in, draft.in, (size_t)draft.arity * sizeof *in);
    draft.in = in;
    y = graph_add(g, draft);
    free(in);
    if (y == 0) test_fail(__FILE__, __LINE__, "%s", rk_error_message(ctx));
    return y;
}

TEST(panels_of_floats_have_no_scales_to_be_read)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g;
    OK(ctx, rk_graph_open(ctx, &g));
    rk_dim_new(g, "rows", '\0', 3), rk_dim_new(g, "hidden", '\0', 64), rk_dim_new(g, "vocab", '\0', 16);
    rk_dim_new(g, "panel", '\0', 1), rk_dim_new(g, "block", '\0', 1), rk_dim_new(g, "four", '\0', 16), rk_dim_new(g, "each", '\0', 4), rk_dim_new(g, "column", '\0', 16);
    rk_ref x = rk_input(g, "x", RK_f32, "rows hidden"), ids = rk_input(g, "ids", RK_i32, "rows"), w = rk_input(g, "w", RK_f32, "panel block four each column");
    EXPECT(again(ctx, g, rk_einsum_panels(g, "r h, v h -> r v", x, w, 0, "vocab hidden")) != 0);
    EXPECT(again(ctx, g, rk_gather_panels(g, w, 0, "vocab hidden", ids)) != 0);
    rk_graph_close(g);
}
