/* scatter: the adjoint of gather: zeros of given dimensions, but for z[v = ids[I]][R] += y[I, R].
 *
 * Several y that meet in one element add up in the order of y. Ids outside the size of v go nowhere.
 * Price     one FLOP per element of y; y and the ids are read, z is written. Gradient: gather.
 * Attributes  i[0] = v. Text: the result's dimensions. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *y = node_of(g, n->in[0]), *ids = node_of(g, n->in[1]);
    rk_dim v = (rk_dim)n->at.i[0];
    TRY(node_order(ctx, g, n, n->text));
    n->dtype = y->dtype;
    if (ids->dtype <= RK_f8e5m2) return FAIL(RK_E_DTYPE, "scatter: ids are %s, expected integers", rk_dtype_name(ids->dtype));
    if (graph_find_axis(y, v) >= 0) return FAIL(RK_E_SHAPE, "scatter: the values have the dimension %s along which they are scattered", dim_name(g, v));
    if (graph_find_axis(n, v) < 0) return FAIL(RK_E_SHAPE, "scatter: the result \"%s\" has no dimension %s", n->text, dim_name(g, v));
    for (int i = 0; i < ids->rank; i++)
        if (graph_find_axis(y, ids->dim[i]) < 0) return FAIL(RK_E_SHAPE, "scatter: the ids have the dimension %s, the values do not", dim_name(g, ids->dim[i]));
    for (int i = 0; i < n->rank; i++)
        if (n->dim[i] != v && graph_find_axis(y, n->dim[i]) < 0) return FAIL(RK_E_SHAPE, "scatter: the values have no dimension %s", dim_name(g, n->dim[i]));
    for (int i = 0; i < y->rank; i++)
        if (graph_find_axis(n, y->dim[i]) < 0 && graph_find_axis(ids, y->dim[i]) < 0) return FAIL(RK_E_SHAPE, "scatter: nothing says where the dimension %s of the values goes", dim_name(g, y->dim[i]));
    return RK_OK;
}

static rk_status bill(rk_ctx *ctx, const rk_graph *g, rk_ref y, struct bill_line *line)
{
    line->elementwise = bill_elements(line->polys, g, operand_of(g, y, 0));
    return bill_move(ctx, g, y, line);
}

static rk_ref grad(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    const struct node *n = node_of(g, y);
    if (i != 0) return 0;
    const struct node like = *node_of(g, n->in[0]);
    rk_ref back = rk_gather(g, dy, dim_name(g, (rk_dim)n->at.i[0]), n->in[1]);
    return build_reduce_to(g, back, &like);
}

static void ref(const struct refcall *c)
{
    rk_dim v = (rk_dim)c->n->at.i[0];
    int axis = layout_axis(&c->out.l, v);
    struct walk w;
    put_zeros(c);
    walk_begin(&w, &c->in[0].l);
    walk_follow(&w, &c->in[0].l), walk_follow(&w, &c->in[1].l), walk_follow(&w, &c->out.l);
    for (; w.valid; walk_next(&w)) {
        double id = GET(c, 1, w.at[1]), y = GET(c, 0, w.at[0]);
        if (!(id >= 0 && id < (double)c->out.l.size[axis])) continue;
        int64_t at = w.at[2] + (int64_t)id * c->out.l.stride[axis];
        PUT(c, at, FN(c, 1, c->out.at[at] + y));
    }
}

OPDEF(scatter) = { .name = "scatter", .flags = OP_REDUCES, .infer = infer, .bill = bill, .grad = grad, .ref = ref };

#ifndef RECKON_METER
rk_ref rk_scatter(rk_graph *g, rk_ref y, const char *dim, rk_ref ids, const char *like)
{
    const rk_ref in[] = { y, ids };
    rk_dim v = dim_named(g, "scatter", dim);
    return graph_add(g, NODE(op_scatter, .arity = 2, .in = in, .text = like, .at.i[0] = v));
}
#endif
