/* spread: the same value at every index of further dimensions. A view: their stride is 0.
 *
 * Text: the result's dimensions, among them all of the operand's. Gradient: the sum over what was added. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *x = node_of(g, n->in[0]);
    TRY(node_order(ctx, g, n, n->text));
    n->dtype = x->dtype;
    for (int i = 0; i < x->rank; i++)
        if (graph_find_axis(n, x->dim[i]) < 0) return FAIL(RK_E_SHAPE, "spread \"%s\": %s is missing", n->text, dim_name(g, x->dim[i]));
    return RK_OK;
}

static rk_ref grad(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    const struct node like = *node_of(g, operand_of(g, y, i));
    return build_reduce_to(g, dy, &like);
}

static bool view(const rk_graph *g, rk_ref y, const struct layout *x, struct layout *out)
{
    const struct node *n = node_of(g, y);
    *out = (struct layout){ .rank = n->rank, .offset = x->offset };
    for (int i = 0; i < n->rank; i++) {
        int axis = layout_axis(x, n->dim[i]);
        out->dim[i] = n->dim[i];
        out->size[i] = dim_size(g, n->dim[i]);
        out->stride[i] = axis < 0 ? 0 : x->stride[axis];
    }
    return true;
}

OPDEF(spread) = { .name = "spread", .flags = OP_VIEW, .infer = infer, .bill = bill_nothing, .grad = grad, .view = view };

#ifndef RECKON_METER
rk_ref rk_spread(rk_graph *g, rk_ref x, const char *dims) { return graph_add(g, NODE(op_spread, .arity = 1, .in = &x, .text = dims)); }
#endif
