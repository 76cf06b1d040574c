/* rename: the same elements under another name of the same size: seq as key. A view.
 *
 * Attributes  i[0] = from, i[1] = to. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *x = node_of(g, n->in[0]);
    rk_dim from = (rk_dim)n->at.i[0], to = (rk_dim)n->at.i[1];
    int axis = graph_find_axis(x, from);
    if (axis < 0) return FAIL(RK_E_SHAPE, "rename: the operand has no dimension %s", dim_name(g, from));
    if (graph_find_axis(x, to) >= 0) return FAIL(RK_E_SHAPE, "rename: the operand has a dimension %s already", dim_name(g, to));
    if (dim_size(g, from) != dim_size(g, to))
        return FAIL(RK_E_SHAPE, "rename: %s is %lld and %s is %lld", dim_name(g, from), (long long)dim_size(g, from), dim_name(g, to), (long long)dim_size(g, to));
    node_like(n, x);
    n->dim[axis] = to;
    return RK_OK;
}

static rk_ref grad(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    (void)i;
    return rk_rename(g, dy, dim_name(g, (rk_dim)node_of(g, y)->at.i[1]), dim_name(g, (rk_dim)node_of(g, y)->at.i[0]));
}

static bool view(const rk_graph *g, rk_ref y, const struct layout *x, struct layout *out)
{
    *out = *x;
    out->dim[layout_axis(x, (rk_dim)node_of(g, y)->at.i[0])] = (rk_dim)node_of(g, y)->at.i[1];
    return true;
}

static void unview(const rk_graph *g, rk_ref y, const struct layout *out, struct layout *x)
{
    *x = *out;
    x->dim[layout_axis(out, (rk_dim)node_of(g, y)->at.i[1])] = (rk_dim)node_of(g, y)->at.i[0];
}

OPDEF(rename) = { .name = "rename", .flags = OP_VIEW, .infer = infer, .bill = bill_nothing, .grad = grad, .view = view, .unview = unview };

#ifndef RECKON_METER
rk_ref rk_rename(rk_graph *g, rk_ref x, const char *from, const char *to)
{
    rk_dim f = dim_named(g, "rename", from), t = dim_named(g, "rename", to);
    return graph_add(g, NODE(op_rename, .arity = 1, .in = &x, .at.i = { f, t }));
}
#endif
