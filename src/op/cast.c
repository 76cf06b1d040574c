/* cast: the same numbers in another dtype, rounded to nearest even (base/num).
 *
 * Price     nothing but the traffic. Gradient: cast back; what came out of a product for something that had been rounded comes in the
 *           dtype of before (graph_gradient_dtype), and there is nothing to cast. */
#include "base/num.h"
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    if (n->at.i[0] < 0 || n->at.i[0] >= RK_DTYPE_COUNT) return FAIL(RK_E_DTYPE, "cast: no such dtype");
    node_like(n, node_of(g, n->in[0]));
    n->dtype = (rk_dtype)n->at.i[0];
    return RK_OK;
}

static rk_ref grad(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    rk_dtype from = graph_gradient_dtype(g, operand_of(g, y, i));
    return from <= RK_f8e5m2 ? rk_cast(g, dy, from) : 0;
}

static void ref(const struct refcall *c)
{
    struct walk w;
    walk_begin(&w, &c->out.l);
    walk_follow(&w, &c->in[0].l), walk_follow(&w, &c->out.l);
    for (; w.valid; walk_next(&w)) {
        double x = GET(c, 0, w.at[0]);
        uint64_t bits;
        num_store(&bits, (int)c->n->dtype, &x, 1);
        num_load(&x, &bits, (int)c->n->dtype, 1);
        PUT(c, w.at[1], x);
    }
}

OPDEF(cast) = { .name = "cast", .flags = OP_LIGHT | OP_CASTS, .infer = infer, .bill = bill_move, .grad = grad, .ref = ref };

#ifndef RECKON_METER
rk_ref rk_cast(rk_graph *g, rk_ref x, rk_dtype dtype)
{
    if (x > 0 && x < g->nodes.n && node_of(g, x)->dtype == dtype) return x;
    return graph_add(g, NODE(op_cast, .arity = 1, .in = &x, .text = rk_dtype_name(dtype), .at.i[0] = dtype));
}
#endif
