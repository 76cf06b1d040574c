/* select: one index of a dimension, which goes. A view.
 *
 * Attributes  i[0] = the dimension, i[1] = the index. Gradient: place, or join where every index has one. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *x = node_of(g, n->in[0]);
    rk_dim d = (rk_dim)n->at.i[0];
    if (graph_find_axis(x, d) < 0) return FAIL(RK_E_SHAPE, "select: the operand has no dimension %s", dim_name(g, d));
    if (n->at.i[1] < 0 || n->at.i[1] >= dim_size(g, d)) return FAIL(RK_E_SHAPE, "select: index %lld of %s (%lld)", (long long)n->at.i[1], dim_name(g, d), (long long)dim_size(g, d));
    n->dtype = x->dtype;
    for (int i = 0; i < x->rank; i++)
        if (x->dim[i] != d) n->dim[n->rank++] = x->dim[i];
    return RK_OK;
}

static rk_ref grad(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    const struct node *n = node_of(g, y), *x = node_of(g, n->in[i]);
    struct dims_text dims = dims_text(g, x->rank, x->dim);
    return rk_place(g, dy, NULL, dim_name(g, (rk_dim)n->at.i[0]), n->at.i[1], dims.at);
}

static bool view(const rk_graph *g, rk_ref y, const struct layout *x, struct layout *out)
{
    const struct node *n = node_of(g, y);
    int axis = layout_axis(x, (rk_dim)n->at.i[0]);
    *out = (struct layout){ .offset = x->offset + n->at.i[1] * x->stride[axis] };
    for (int i = 0; i < x->rank; i++) {
        if (i == axis) continue;
        out->dim[out->rank] = x->dim[i];
        out->size[out->rank] = x->size[i];
        out->stride[out->rank++] = x->stride[i];
    }
    return true;
}

OPDEF(select) = { .name = "select", .flags = OP_VIEW, .takes_stored = 1 << 0, .infer = infer, .bill = bill_nothing, .grad = grad, .view = view };

#ifndef RECKON_METER
rk_ref rk_select(rk_graph *g, rk_ref x, const char *dim, int64_t index)
{
    rk_dim d = dim_named(g, "select", dim);
    return graph_add(g, NODE(op_select, .arity = 1, .in = &x, .at.i = { d, index }));
}
#endif
