/* join: n values of equal dimensions stacked along a new one of size n.
 *
 * Price     nothing but the traffic; a plan lets the parts be born in their place where it can. Gradient: select.
 * Attributes  i[0] = the new dimension. Text: the result's dimensions. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    rk_dim d = (rk_dim)n->at.i[0];
    const struct node *x = node_of(g, n->in[0]);
    TRY(node_order(ctx, g, n, n->text));
    n->dtype = x->dtype;
    if (dim_size(g, d) != n->arity) return FAIL(RK_E_SHAPE, "join: %d parts for %s (%lld)", n->arity, dim_name(g, d), (long long)dim_size(g, d));
    if (graph_find_axis(n, d) < 0) return FAIL(RK_E_SHAPE, "join \"%s\": %s is missing", n->text, dim_name(g, d));
    for (int i = 0; i < n->arity; i++) {
        const struct node *part = node_of(g, n->in[i]);
        if (part->dtype != n->dtype) return FAIL(RK_E_DTYPE, "join: part %d is %s, part 1 is %s", i + 1, rk_dtype_name(part->dtype), rk_dtype_name(n->dtype));
        if (part->rank + 1 != n->rank) return FAIL(RK_E_SHAPE, "join \"%s\": part %d has %d dimensions", n->text, i + 1, part->rank);
        for (int k = 0; k < part->rank; k++)
            if (part->dim[k] == d || graph_find_axis(n, part->dim[k]) < 0) return FAIL(RK_E_SHAPE, "join \"%s\": part %d has the dimension %s", n->text, i + 1, dim_name(g, part->dim[k]));
    }
    return RK_OK;
}

static rk_ref grad(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    rk_dim d = (rk_dim)node_of(g, y)->at.i[0];
    const struct node like = *node_of(g, operand_of(g, y, i));
    return build_reduce_to(g, rk_select(g, dy, dim_name(g, d), i), &like);
}

static void part(const rk_graph *g, rk_ref y, int i, const struct layout *whole, struct layout *out)
{
    const struct node *x = node_of(g, operand_of(g, y, i));
    int axis = layout_axis(whole, (rk_dim)node_of(g, y)->at.i[0]);
    *out = (struct layout){ .rank = x->rank, .offset = whole->offset + i * whole->stride[axis] };
    for (int k = 0; k < x->rank; k++) {
        int at = layout_axis(whole, x->dim[k]);
        out->dim[k] = x->dim[k];
        out->size[k] = whole->size[at];
        out->stride[k] = whole->stride[at];
    }
}

static void ref(const struct refcall *c)
{
    int axis = layout_axis(&c->out.l, (rk_dim)c->n->at.i[0]);
    for (int i = 0; i < c->arity; i++) {
        struct walk w;
        walk_begin(&w, &c->in[i].l);
        walk_follow(&w, &c->in[i].l), walk_follow(&w, &c->out.l);
        for (; w.valid; walk_next(&w)) PUT(c, w.at[1] + i * c->out.l.stride[axis], GET(c, i, w.at[0]));
    }
}

OPDEF(join) = { .name = "join", .infer = infer, .bill = bill_move, .grad = grad, .part = part, .ref = ref };

#ifndef RECKON_METER
rk_ref rk_join(rk_graph *g, const char *dim, const rk_ref *parts, int n, const char *dims)
{
    rk_dim d = dim_named(g, "join", dim);
    if (n < 1) build_mistake(g, RK_E_ARG, "join: %d parts", n);
    return graph_add(g, NODE(op_join, .arity = n, .in = parts, .text = dims, .at.i[0] = d));
}
#endif
