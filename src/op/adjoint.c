/* adjoint: the gradient of a fused operation for one of its operands, where a kernel gives it in one go.
 *
 * It is defined as grad(expand(...)): pass/expand writes a fused operation out before gradients are taken wherever the back
 * end has no kernel for both, so this op needs neither bill nor reference.
 * Operands: those of the operation, its result, and the gradient of its result. Attributes  i[0] = for which operand,
 * i[1] = the operation's id. Text: the operation's name. Its dtype is that of the operand's gradient (graph_gradient_dtype). */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    if (n->at.i[0] < 0 || n->at.i[0] >= n->arity - 2) return FAIL(RK_E_ARG, "adjoint %s: no operand %lld", n->text, (long long)n->at.i[0]);
    node_like(n, node_of(g, n->in[n->at.i[0]]));
    n->dtype = graph_gradient_dtype(g, n->in[n->at.i[0]]);
    return RK_OK;
}

OPDEF(adjoint) = { .name = "adjoint", .infer = infer };
