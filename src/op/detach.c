/* detach: the same value, through which no gradient passes. A view. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    (void)ctx;
    node_like(n, node_of(g, n->in[0]));
    return RK_OK;
}

static rk_ref grad(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    (void)g, (void)y, (void)i, (void)dy;
    return 0;
}

OPDEF(detach) = { .name = "detach", .flags = OP_VIEW, .infer = infer, .bill = bill_nothing, .grad = grad, .view = view_same };

#ifndef RECKON_METER
rk_ref rk_detach(rk_graph *g, rk_ref x) { return graph_add(g, NODE(op_detach, .arity = 1, .in = &x)); }
#endif
