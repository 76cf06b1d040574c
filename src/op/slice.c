/* slice: a stretch of one dimension under a name of its own size. A view.
 *
 * Attributes  i[0] = the dimension, i[1] = what it becomes, i[2] = where it starts. Gradient: place. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *x = node_of(g, n->in[0]);
    rk_dim d = (rk_dim)n->at.i[0], into = (rk_dim)n->at.i[1];
    int axis = graph_find_axis(x, d);
    if (axis < 0) return FAIL(RK_E_SHAPE, "slice: the operand has no dimension %s", dim_name(g, d));
    if (into != d && graph_find_axis(x, into) >= 0) return FAIL(RK_E_SHAPE, "slice: the operand has a dimension %s already", dim_name(g, into));
    if (n->at.i[2] < 0 || n->at.i[2] > dim_size(g, d) - dim_size(g, into))
        return FAIL(RK_E_SHAPE, "slice: %lld + %s (%lld) is beyond %s (%lld)", (long long)n->at.i[2], dim_name(g, into), (long long)dim_size(g, into), dim_name(g, d), (long long)dim_size(g, d));
    node_like(n, x);
    n->dim[axis] = into;
    return RK_OK;
}

static rk_ref grad(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    const struct node *n = node_of(g, y), *x = node_of(g, n->in[i]);
    struct dims_text dims = dims_text(g, x->rank, x->dim);
    return rk_place(g, dy, dim_name(g, (rk_dim)n->at.i[1]), dim_name(g, (rk_dim)n->at.i[0]), n->at.i[2], dims.at);
}

static bool view(const rk_graph *g, rk_ref y, const struct layout *x, struct layout *out)
{
    const struct node *n = node_of(g, y);
    int axis = layout_axis(x, (rk_dim)n->at.i[0]);
    *out = *x;
    out->dim[axis] = (rk_dim)n->at.i[1];
    out->size[axis] = dim_size(g, out->dim[axis]);
    out->offset += n->at.i[2] * x->stride[axis];
    return true;
}

OPDEF(slice) = { .name = "slice", .flags = OP_VIEW, .infer = infer, .bill = bill_nothing, .grad = grad, .view = view };

#ifndef RECKON_METER
rk_ref rk_slice(rk_graph *g, rk_ref x, const char *dim, int64_t start, const char *into)
{
    rk_dim d = dim_named(g, "slice", dim), to = dim_named(g, "slice", into);
    return graph_add(g, NODE(op_slice, .arity = 1, .in = &x, .at.i = { d, to, start }));
}
#endif
