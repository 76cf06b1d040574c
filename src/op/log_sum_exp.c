/* log_sum_exp: log Σ exp(x) along one dimension: what logits lack to be logarithms of probabilities. Fused: it is what its
 * expansion says.
 *
 * The largest is taken off so that exp cannot overflow, and added again; it is detached: the result does not depend on what is taken
 * off. Attributes  i[0] = the dimension. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *x = node_of(g, n->in[0]);
    rk_dim d = (rk_dim)n->at.i[0];
    if (graph_find_axis(x, d) < 0) return FAIL(RK_E_SHAPE, "log_sum_exp: the operand has no dimension %s", dim_name(g, d));
    n->dtype = x->dtype;
    n->rank = 0;
    for (int i = 0; i < x->rank; i++)
        if (x->dim[i] != d) n->dim[n->rank++] = x->dim[i];
    return RK_OK;
}

static rk_ref expand(rk_graph *g, const rk_graph *from, rk_ref y, const rk_ref *in)
{
    const char *dim = dim_name(from, (rk_dim)node_of(from, y)->at.i[0]);
    rk_ref largest = rk_detach(g, rk_reduce(g, "max", in[0], dim));
    return rk_add(g, rk_map(g, "log", rk_reduce(g, "sum", rk_map(g, "exp", rk_sub(g, in[0], largest)), dim)), largest);
}

OPDEF(log_sum_exp) = { .name = "log_sum_exp", .flags = OP_FUSED, .precision = PRECISION_WIDE, .infer = infer, .expand = expand, .adjoint_reads = 1 | ADJOINT_RESULT };

#ifndef RECKON_METER
rk_ref rk_log_sum_exp(rk_graph *g, rk_ref x, const char *dim)
{
    rk_dim d = dim_named(g, "log_sum_exp", dim);
    return graph_add(g, NODE(op_log_sum_exp, .arity = 1, .in = &x, .at.i[0] = d));
}
#endif
