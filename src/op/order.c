/* order: the same dimensions in another order: a transposition without moving anything. A view.
 *
 * Text: the order. Gradient: the order back. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *x = node_of(g, n->in[0]);
    TRY(node_order(ctx, g, n, n->text));
    n->dtype = x->dtype;
    for (int i = 0; i < x->rank; i++)
        if (graph_find_axis(n, x->dim[i]) < 0) return FAIL(RK_E_SHAPE, "order \"%s\": %s is missing", n->text, dim_name(g, x->dim[i]));
    if (n->rank != x->rank) return FAIL(RK_E_SHAPE, "order \"%s\": the operand has %d dimensions", n->text, x->rank);
    return RK_OK;
}

static rk_ref grad(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    const struct node *x = node_of(g, operand_of(g, y, i));
    struct dims_text dims = dims_text(g, x->rank, x->dim);
    return rk_order(g, dy, dims.at);
}

static bool view(const rk_graph *g, rk_ref y, const struct layout *x, struct layout *out)
{
    const struct node *n = node_of(g, y);
    *out = (struct layout){ .rank = n->rank, .offset = x->offset };
    for (int i = 0; i < n->rank; i++) {
        int axis = layout_axis(x, n->dim[i]);
        out->dim[i] = n->dim[i];
        out->size[i] = x->size[axis];
        out->stride[i] = x->stride[axis];
    }
    return true;
}

static void unview(const rk_graph *g, rk_ref y, const struct layout *out, struct layout *x)
{
    const struct node *n = node_of(g, operand_of(g, y, 0));
    *x = (struct layout){ .rank = n->rank, .offset = out->offset };
    for (int i = 0; i < n->rank; i++) {
        int axis = layout_axis(out, n->dim[i]);
        x->dim[i] = n->dim[i];
        x->size[i] = out->size[axis];
        x->stride[i] = out->stride[axis];
    }
}

OPDEF(order) = { .name = "order", .flags = OP_VIEW, .infer = infer, .bill = bill_nothing, .grad = grad, .view = view, .unview = unview };

#ifndef RECKON_METER
rk_ref rk_order(rk_graph *g, rk_ref x, const char *dims) { return graph_add(g, NODE(op_order, .arity = 1, .in = &x, .text = dims)); }
#endif
