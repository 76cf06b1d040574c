/* split: one dimension seen as several, the last of them fastest: hidden as head, head_dim. A view.
 *
 * Attributes  i[0] = the dimension. Text: what it becomes. Gradient: merge. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *x = node_of(g, n->in[0]);
    rk_dim d = (rk_dim)n->at.i[0], into[RK_MAX_RANK];
    int n_into, axis = graph_find_axis(x, d);
    int64_t size = 1;
    if (axis < 0) return FAIL(RK_E_SHAPE, "split: the operand has no dimension %s", dim_name(g, d));
    TRY(graph_dims(ctx, g, n->text, RK_MAX_RANK, &n_into, into));
    for (int i = 0; i < n_into; i++) {
        if (graph_find_axis(x, into[i]) >= 0) return FAIL(RK_E_SHAPE, "split: the operand has a dimension %s already", dim_name(g, into[i]));
        if (!extent_mul(size, dim_size(g, into[i]), &size)) return FAIL(RK_E_LIMIT, "split: the sizes of \"%s\" overflow", n->text);
    }
    if (n_into == 0 || size != dim_size(g, d)) return FAIL(RK_E_SHAPE, "split: %s is %lld, \"%s\" makes %lld", dim_name(g, d), (long long)dim_size(g, d), n->text, (long long)size);
    if (x->rank + n_into - 1 > RK_MAX_RANK) return FAIL(RK_E_LIMIT, "split: more than %d dimensions", RK_MAX_RANK);
    n->dtype = x->dtype;
    for (int i = 0; i < x->rank; i++) {
        if (i != axis) n->dim[n->rank++] = x->dim[i];
        for (int k = 0; i == axis && k < n_into; k++) n->dim[n->rank++] = into[k];
    }
    return RK_OK;
}

static rk_ref grad(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    (void)i;
    const struct node *n = node_of(g, y);
    return rk_merge(g, dy, n->text, dim_name(g, (rk_dim)n->at.i[0]));
}

static bool view(const rk_graph *g, rk_ref y, const struct layout *x, struct layout *out)
{
    const struct node *n = node_of(g, y);
    int axis = layout_axis(x, (rk_dim)n->at.i[0]), extra = n->rank - x->rank;
    *out = (struct layout){ .rank = n->rank, .offset = x->offset };
    int64_t stride = x->stride[axis];
    for (int i = n->rank - 1; i >= 0; i--) {
        bool inside = i >= axis && i <= axis + extra;
        int from = i < axis ? i : i - extra;
        out->dim[i] = n->dim[i];
        out->size[i] = inside ? dim_size(g, n->dim[i]) : x->size[from];
        out->stride[i] = inside ? stride : x->stride[from];
        if (inside) stride *= out->size[i];
    }
    return true;
}

OPDEF(split) = { .name = "split", .flags = OP_VIEW, .infer = infer, .bill = bill_nothing, .grad = grad, .view = view };

#ifndef RECKON_METER
rk_ref rk_split(rk_graph *g, rk_ref x, const char *dim, const char *into)
{
    rk_dim d = dim_named(g, "split", dim);
    return graph_add(g, NODE(op_split, .arity = 1, .in = &x, .text = into, .at.i[0] = d));
}
#endif
