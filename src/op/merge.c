/* merge: several neighbouring dimensions seen as one: head, head_dim as hidden. A view, so they must be neighbours in
 * memory too; the builder copies a value that is not.
 *
 * Attributes  i[0] = the dimension they become. Text: the dimensions. Gradient: split. */
#include "op/build.h"

static rk_status read_dims(rk_ctx *ctx, const rk_graph *g, const struct node *n, int *first, int *count)
{
    const struct node *x = node_of(g, n->in[0]);
    rk_dim dims[RK_MAX_RANK];
    int64_t size = 1;
    TRY(graph_dims(ctx, g, n->text, RK_MAX_RANK, count, dims));
    *first = *count == 0 ? -1 : graph_find_axis(x, dims[0]);
    for (int i = 0; i < *count; i++) {
        if (*first < 0 || *first + i >= x->rank || x->dim[*first + i] != dims[i])
            return FAIL(RK_E_SHAPE, "merge: \"%s\" are not neighbours in this order in the operand", n->text);
        size *= dim_size(g, dims[i]);
    }
    rk_dim into = (rk_dim)n->at.i[0];
    if (*count == 0 || size != dim_size(g, into)) return FAIL(RK_E_SHAPE, "merge: \"%s\" makes %lld, %s is %lld", n->text, (long long)size, dim_name(g, into), (long long)dim_size(g, into));
    if (graph_find_axis(x, into) >= 0) return FAIL(RK_E_SHAPE, "merge: the operand has a dimension %s already", dim_name(g, into));
    return RK_OK;
}

static bool merged(const struct layout *x, int first, int count, rk_dim into, int64_t size, struct layout *out)
{
    *out = (struct layout){ .offset = x->offset };
    for (int i = 0; i < x->rank; i++) {
        if (i > first && i < first + count) continue;
        out->dim[out->rank] = x->dim[i];
        out->size[out->rank] = x->size[i];
        out->stride[out->rank++] = x->stride[i];
    }
    int64_t stride = x->stride[first + count - 1];
    for (int i = first + count - 1; i >= first; i--) {
        if (x->size[i] != 1 && x->stride[i] != stride) return false;
        stride *= x->size[i];
    }
    out->dim[first] = into;
    out->size[first] = size;
    out->stride[first] = x->stride[first + count - 1];
    return true;
}

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *x = node_of(g, n->in[0]);
    int first = 0, count = 0;
    struct layout from = layout_of(g, n->in[0], NULL), to;
    TRY(read_dims(ctx, g, n, &first, &count));
    if (!merged(&from, first, count, (rk_dim)n->at.i[0], dim_size(g, (rk_dim)n->at.i[0]), &to))
        return FAIL(RK_E_SHAPE, "merge: \"%s\" are not neighbours in memory", n->text);
    n->dtype = x->dtype;
    n->rank = to.rank;
    for (int i = 0; i < to.rank; i++) n->dim[i] = to.dim[i];
    return RK_OK;
}

static rk_ref grad(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    (void)i;
    return rk_split(g, dy, dim_name(g, (rk_dim)node_of(g, y)->at.i[0]), node_of(g, y)->text);
}

static bool view(const rk_graph *g, rk_ref y, const struct layout *x, struct layout *out)
{
    const struct node *n = node_of(g, y);
    int axis = graph_find_axis(n, (rk_dim)n->at.i[0]);
    return merged(x, axis, x->rank - n->rank + 1, n->dim[axis], dim_size(g, n->dim[axis]), out);
}

OPDEF(merge) = { .name = "merge", .flags = OP_VIEW, .infer = infer, .bill = bill_nothing, .grad = grad, .view = view };

#ifndef RECKON_METER
rk_ref rk_merge(rk_graph *g, rk_ref x, const char *dims, const char *into)
{
    rk_dim d = dim_named(g, "merge", into);
    if (graph_broken(g) || x <= 0 || x >= g->nodes.n) return graph_add(g, NODE(op_merge, .arity = 1, .in = &x, .text = dims, .at.i[0] = d));
    struct node draft = NODE(op_merge, .arity = 1, .in = &x, .text = dims, .at.i[0] = d);
    struct layout from = layout_of(g, x, NULL), to;
    int first = 0, count = 0;
    rk_status status = read_dims(g->ctx, g, &draft, &first, &count);
    if (status != RK_OK) graph_mistake(g, status);
    else if (!merged(&from, first, count, d, dim_size(g, d), &to)) x = rk_copy(g, x);
    return graph_add(g, NODE(op_merge, .arity = 1, .in = &x, .text = dims, .at.i[0] = d));
}
#endif
