/* append: writes a value into a state along one dimension, from the current extent of a live dimension on, and gives the
 * state as it is afterwards: how a KV cache grows. Places, a third operand over one dimension that both have, say it row by
 * row instead: sequences of different lengths grow side by side.
 *
 * Price     nothing but the traffic of the value and the places. No gradient.
 * Attributes  i[0] = the dimension of the state, i[1] = the live dimension whose extent is the place, or 0 with places. */
#include "op/build.h"

static rk_status check_places(rk_ctx *ctx, const rk_graph *g, const struct node *n)
{
    if (n->arity < 3) return RK_OK;
    const struct node *s = node_of(g, n->in[0]), *places = node_of(g, n->in[2]);
    if (places->dtype > RK_f8e5m2 && places->rank == 1 && places->dim[0] != (rk_dim)n->at.i[0] && graph_find_axis(s, places->dim[0]) >= 0) return RK_OK;
    return FAIL(RK_E_SHAPE, "append to %s: places are integers over one other dimension of the state", s->text);
}

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *s = node_of(g, n->in[0]), *v = node_of(g, n->in[1]);
    rk_dim d = (rk_dim)n->at.i[0];
    if (s->op != &op_state) return FAIL(RK_E_ARG, "append: the first operand is no state");
    if (s->dtype != v->dtype) return FAIL(RK_E_DTYPE, "append to %s: the state is %s, the value %s", s->text, rk_dtype_name(s->dtype), rk_dtype_name(v->dtype));
    if (graph_find_axis(s, d) < 0) return FAIL(RK_E_SHAPE, "append to %s: it has no dimension %s", s->text, dim_name(g, d));
    if (s->rank != v->rank) return FAIL(RK_E_SHAPE, "append to %s: the state has %d dimensions, the value %d", s->text, s->rank, v->rank);
    for (int i = 0; i < s->rank; i++)
        if (s->dim[i] != d && s->dim[i] != v->dim[i]) return FAIL(RK_E_SHAPE, "append to %s: %s against %s", s->text, dim_name(g, s->dim[i]), dim_name(g, v->dim[i]));
    TRY(check_places(ctx, g, n));
    node_like(n, s);
    return RK_OK;
}

static rk_status bill(rk_ctx *ctx, const rk_graph *g, rk_ref y, struct bill_line *line)
{
    (void)ctx;
    for (int i = 1; i < node_of(g, y)->arity; i++) bill_reads_operand(g, y, i, line);
    bill_writes(line, node_of(g, y)->dtype, bill_elements(line->polys, g, operand_of(g, y, 1)));
    return line->polys->status;
}

static void ref(const struct refcall *c)
{
    int axis = layout_axis(&c->out.l, (rk_dim)c->n->at.i[0]);
    const struct layout *v = &c->in[1].l;
    bool places = c->n->arity > 2;
    int64_t from = places ? 0 : c->live->extent[c->n->at.i[1]];
    struct walk w;
    walk_along(&w, v);
    if (places) walk_follow(&w, &c->in[2].l);
    for (; w.valid; walk_next(&w)) {
        int64_t at = c->out.l.offset;
        if (places) from = (int64_t)GET(c, 2, w.at[1]);
        for (int i = 0; i < v->rank; i++) at += (w.index[i] + (i == axis ? from : 0)) * c->out.l.stride[i];
        PUT(c, at, GET(c, 1, w.at[0]));
    }
}

OPDEF(append) = { .name = "append", .flags = OP_SINK, .precision = PRECISION_STATE, .infer = infer, .bill = bill, .ref = ref };

#ifndef RECKON_METER
rk_ref rk_append(rk_graph *g, rk_ref state, rk_ref value, const char *dim, const char *past)
{
    const rk_ref in[] = { state, value };
    rk_dim d = dim_named(g, "append", dim), p = dim_named(g, "append", past);
    return graph_add(g, NODE(op_append, .arity = 2, .in = in, .at.i = { d, p }));
}

rk_ref rk_append_at(rk_graph *g, rk_ref state, rk_ref value, const char *dim, rk_ref places)
{
    const rk_ref in[] = { state, value, places };
    rk_dim d = dim_named(g, "append", dim);
    return graph_add(g, NODE(op_append, .arity = 3, .in = in, .at.i[0] = d));
}
#endif
