/* const: one number, f32, without dimensions.
 *
 * Attributes  f[0] = the number. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    (void)ctx, (void)g;
    n->dtype = RK_f32;
    return RK_OK;
}

static void ref(const struct refcall *c) { PUT(c, c->out.l.offset, c->n->at.f[0]); }

OPDEF(const) = { .name = "const", .flags = OP_SOURCE | OP_VIRTUAL, .infer = infer, .bill = bill_write, .ref = ref };

#ifndef RECKON_METER
rk_ref rk_const(rk_graph *g, double value) { return graph_add(g, NODE(op_const, .at.f[0] = value)); }
#endif
