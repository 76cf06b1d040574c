/* place: zeros of given dimensions, but for x in a stretch (or at one index) of one of them: the adjoint of slice and select.
 *
 * Price     nothing but the traffic. Gradient: slice or select. The sum of places at every index of a dimension is a join.
 * Attributes  i[0] = the dimension, i[1] = x's name of the stretch or 0, i[2] = where it starts. Text: the result's dimensions. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *x = node_of(g, n->in[0]);
    rk_dim d = (rk_dim)n->at.i[0], part = (rk_dim)n->at.i[1];
    TRY(node_order(ctx, g, n, n->text));
    n->dtype = x->dtype;
    if (graph_find_axis(n, d) < 0) return FAIL(RK_E_SHAPE, "place \"%s\": %s is missing", n->text, dim_name(g, d));
    if (x->rank + (part == 0) != n->rank) return FAIL(RK_E_SHAPE, "place \"%s\": the operand has %d dimensions", n->text, x->rank);
    for (int i = 0; i < x->rank; i++)
        if (x->dim[i] != part && (x->dim[i] == d || graph_find_axis(n, x->dim[i]) < 0)) return FAIL(RK_E_SHAPE, "place \"%s\": the operand has the dimension %s", n->text, dim_name(g, x->dim[i]));
    if (part != 0 && graph_find_axis(x, part) < 0) return FAIL(RK_E_SHAPE, "place: the operand has no dimension %s", dim_name(g, part));
    int64_t length = part == 0 ? 1 : dim_size(g, part);
    if (n->at.i[2] < 0 || n->at.i[2] > dim_size(g, d) - length) return FAIL(RK_E_SHAPE, "place: %lld + %lld is beyond %s (%lld)", (long long)n->at.i[2], (long long)length, dim_name(g, d), (long long)dim_size(g, d));
    return RK_OK;
}

static rk_ref grad(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    const struct node *n = node_of(g, y);
    const struct node like = *node_of(g, n->in[i]);
    rk_dim d = (rk_dim)n->at.i[0], part = (rk_dim)n->at.i[1];
    rk_ref dx = part == 0 ? rk_select(g, dy, dim_name(g, d), n->at.i[2]) : rk_slice(g, dy, dim_name(g, d), n->at.i[2], dim_name(g, part));
    return build_reduce_to(g, dx, &like);
}

/* n places of single indices of one dimension, all of them: a join of what they hold. */
static rk_ref sum(rk_graph *g, const rk_ref *parts, int n)
{
    rk_ref held[MOST_OPERANDS] = { 0 };
    const struct node *first = node_of(g, parts[0]);
    rk_dim d = (rk_dim)first->at.i[0];
    if (n != dim_size(g, d) || n > MOST_OPERANDS) return 0;
    for (int i = 0; i < n; i++) {
        const struct node *p = node_of(g, parts[i]);
        if (p->at.i[0] != d || p->at.i[1] != 0 || held[p->at.i[2]] != 0) return 0;
        held[p->at.i[2]] = p->in[0];
    }
    struct dims_text dims = dims_text(g, first->rank, first->dim);
    return rk_join(g, dim_name(g, d), held, n, dims.at);
}

static void ref(const struct refcall *c)
{
    rk_dim d = (rk_dim)c->n->at.i[0], part = (rk_dim)c->n->at.i[1];
    int64_t stride = c->out.l.stride[layout_axis(&c->out.l, d)];
    struct walk w;
    int axis = layout_axis(&c->in[0].l, part);
    put_zeros(c);
    walk_begin(&w, &c->in[0].l);
    walk_follow(&w, &c->in[0].l), walk_follow(&w, &c->out.l);
    for (; w.valid; walk_next(&w)) {
        int64_t index = c->n->at.i[2] + (part == 0 ? 0 : w.index[axis]);
        PUT(c, w.at[1] + index * stride, GET(c, 0, w.at[0]));
    }
}

OPDEF(place) = { .name = "place", .infer = infer, .bill = bill_move, .grad = grad, .sum = sum, .ref = ref };

#ifndef RECKON_METER
rk_ref rk_place(rk_graph *g, rk_ref x, const char *part, const char *dim, int64_t start, const char *dims)
{
    rk_dim d = dim_named(g, "place", dim), p = part == NULL ? 0 : dim_named(g, "place", part);
    return graph_add(g, NODE(op_place, .arity = 1, .in = &x, .text = dims, .at.i = { d, p, start }));
}
#endif
