/* copy: a view's elements, laid out densely in the order of its dimensions.
 *
 * Price     nothing but the traffic. Gradient: dy itself. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    (void)ctx;
    node_like(n, node_of(g, n->in[0]));
    return RK_OK;
}

static rk_ref grad(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    (void)g, (void)y, (void)i;
    return dy;
}

static void ref(const struct refcall *c)
{
    struct walk w;
    walk_begin(&w, &c->out.l);
    walk_follow(&w, &c->in[0].l), walk_follow(&w, &c->out.l);
    for (; w.valid; walk_next(&w)) PUT(c, w.at[1], GET(c, 0, w.at[0]));
}

OPDEF(copy) = { .name = "copy", .infer = infer, .bill = bill_move, .grad = grad, .ref = ref };

#ifndef RECKON_METER
rk_ref rk_copy(rk_graph *g, rk_ref x) { return graph_add(g, NODE(op_copy, .arity = 1, .in = &x)); }
#endif
