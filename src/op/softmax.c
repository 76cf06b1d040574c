/* softmax: exp(x - max) / Σ exp(x - max) along one dimension. Fused: it is what its expansion says.
 *
 * The largest is taken off so that exp cannot overflow; it is detached, which changes no gradient, since softmax does not
 * change when a constant is added. Attributes  i[0] = the dimension. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    if (graph_find_axis(node_of(g, n->in[0]), (rk_dim)n->at.i[0]) < 0) return FAIL(RK_E_SHAPE, "softmax: the operand has no dimension %s", dim_name(g, (rk_dim)n->at.i[0]));
    node_like(n, node_of(g, n->in[0]));
    return RK_OK;
}

static rk_ref expand(rk_graph *g, const rk_graph *from, rk_ref y, const rk_ref *in)
{
    const char *dim = dim_name(from, (rk_dim)node_of(from, y)->at.i[0]);
    rk_ref largest = rk_detach(g, rk_reduce(g, "max", in[0], dim));
    rk_ref e = rk_map(g, "exp", rk_sub(g, in[0], largest));
    return rk_map2(g, "div", e, rk_reduce(g, "sum", e, dim));
}

OPDEF(softmax) = { .name = "softmax", .flags = OP_FUSED | OP_LIGHT, .precision = PRECISION_WIDE, .infer = infer, .expand = expand, .adjoint_reads = ADJOINT_RESULT };

#ifndef RECKON_METER
rk_ref rk_softmax(rk_graph *g, rk_ref x, const char *dim)
{
    rk_dim d = dim_named(g, "softmax", dim);
    return graph_add(g, NODE(op_softmax, .arity = 1, .in = &x, .at.i[0] = d));
}
#endif
