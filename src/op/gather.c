/* gather: y[I, R] = x[v = ids[I]][R]: rows of a table, or one element per row.
 *
 * I are the dimensions of ids, R those of x without v that ids lacks; names that both have are walked together. So an
 * embedding is gather(table[v d], v, ids[b t]) -> [b t d], and the logit of the label gather(logits[b t v], v, ids[b t])
 * -> [b t]. An id outside 0 .. size-1 reads 0.
 * Price     no FLOPs; one element read per result element, however often ids repeat, and the ids. Gradient: scatter.
 * Attributes  i[0] = v. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *x = node_of(g, n->in[0]), *ids = node_of(g, n->in[1]);
    rk_dim v = (rk_dim)n->at.i[0];
    if (graph_find_axis(x, v) < 0) return FAIL(RK_E_SHAPE, "gather: the table has no dimension %s", dim_name(g, v));
    if (graph_find_axis(ids, v) >= 0) return FAIL(RK_E_SHAPE, "gather: the ids have the dimension %s that they choose from", dim_name(g, v));
    if (ids->dtype <= RK_f8e5m2) return FAIL(RK_E_DTYPE, "gather: ids are %s, expected integers", rk_dtype_name(ids->dtype));
    n->dtype = x->dtype;
    for (int i = 0; i < ids->rank; i++) n->dim[n->rank++] = ids->dim[i];
    for (int i = 0; i < x->rank; i++) {
        if (x->dim[i] == v || graph_find_axis(ids, x->dim[i]) >= 0) continue;
        if (n->rank == RK_MAX_RANK) return FAIL(RK_E_LIMIT, "gather: more than %d dimensions", RK_MAX_RANK);
        n->dim[n->rank++] = x->dim[i];
    }
    return RK_OK;
}

static rk_status bill(rk_ctx *ctx, const rk_graph *g, rk_ref y, struct bill_line *line)
{
    (void)ctx;
    bill_reads_operand(g, y, 1, line);
    bill_reads(line, node_of(g, y)->dtype, bill_elements(line->polys, g, y));
    bill_writes_result(g, y, line);
    return line->polys->status;
}

static rk_ref grad(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    const struct node *n = node_of(g, y), *x = node_of(g, n->in[0]);
    if (i != 0) return 0;
    struct dims_text like = dims_text(g, x->rank, x->dim);
    dy = rk_cast(g, dy, graph_gradient_dtype(g, n->in[0]));          /* many rows are added into one */
    n = node_of(g, y);
    return rk_scatter(g, dy, dim_name(g, (rk_dim)n->at.i[0]), n->in[1], like.at);
}

static void ref(const struct refcall *c)
{
    rk_dim v = (rk_dim)c->n->at.i[0];
    int axis = layout_axis(&c->in[0].l, v);
    struct walk w;
    walk_begin(&w, &c->out.l);
    walk_follow(&w, &c->in[0].l), walk_follow(&w, &c->in[1].l), walk_follow(&w, &c->out.l);
    for (; w.valid; walk_next(&w)) {
        double id = GET(c, 1, w.at[1]);
        bool inside = id >= 0 && id < (double)c->in[0].l.size[axis];
        PUT(c, w.at[2], inside ? GET_EACH(c, 0, w.at[0] + (int64_t)id * c->in[0].l.stride[axis]) : 0);
    }
}

OPDEF(gather) = { .name = "gather", .flags = OP_LIGHT | OP_PICKS, .takes_stored = 1 << 0, .precision = PRECISION_ROWS, .infer = infer, .bill = bill, .grad = grad, .ref = ref };

#ifndef RECKON_METER
rk_ref rk_gather(rk_graph *g, rk_ref x, const char *dim, rk_ref ids)
{
    const rk_ref in[] = { x, ids };
    rk_dim v = dim_named(g, "gather", dim);
    return graph_add(g, NODE(op_gather, .arity = 2, .in = in, .at.i[0] = v));
}
#endif
