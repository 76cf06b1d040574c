/* state: a value that lives in a store from run to run: a parameter, its gradient, a moment, a KV cache.
 *
 * Attributes  i[0] = what it is for (enum rk_kind); i[1] = the dtype of its gradient + 1, 0: its own. Text: its name, unique among
 * states of that kind. The builder is in input.c. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    (void)g;
    return (unsigned)n->dtype < RK_DTYPE_COUNT ? RK_OK : FAIL(RK_E_DTYPE, "state %s: no such dtype", n->text);
}

OPDEF(state) = { .name = "state", .flags = OP_SOURCE, .infer = infer, .bill = bill_nothing };
