/* update: the state takes a value, once everything that reads the old one has run. A sink.
 *
 * Price     nothing: a plan writes the value where the state lies (where it must copy, the plan says so). */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *s = node_of(g, n->in[0]), *v = node_of(g, n->in[1]);
    if (s->op != &op_state) return FAIL(RK_E_ARG, "update: the first operand is no state");
    if (s->dtype != v->dtype) return FAIL(RK_E_DTYPE, "update of %s: the state is %s, the value %s", s->text, rk_dtype_name(s->dtype), rk_dtype_name(v->dtype));
    bool same = s->rank == v->rank;
    for (int i = 0; i < s->rank && same; i++) same = s->dim[i] == v->dim[i];
    if (!same) {
        struct dims_text a = dims_text(g, s->rank, s->dim), b = dims_text(g, v->rank, v->dim);
        return FAIL(RK_E_SHAPE, "update of %s: the state is [%s], the value [%s]", s->text, a.at, b.at);
    }
    node_like(n, s);
    return RK_OK;
}

OPDEF(update) = { .name = "update", .flags = OP_SINK, .infer = infer, .bill = bill_nothing };

#ifndef RECKON_METER
void rk_update(rk_graph *g, rk_ref state, rk_ref value)
{
    const rk_ref in[] = { state, value };
    (void)graph_add(g, NODE(op_update, .arity = 2, .in = in));
}
#endif
