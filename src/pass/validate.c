/* validate: what every graph promises: operands precede results, dims exist, old states are read before they are updated. */
#include "pass/pass.h"

void pass_needed(const rk_graph *g, bool *needed)
{
    for (rk_ref r = 0; r < g->nodes.n; r++) needed[r] = r > 0 && (node_of(g, r)->op->flags & OP_SINK) != 0;
    for (int i = 0; i < g->outputs.n; i++) needed[g->outputs.at[i].ref] = true;
    for (rk_ref r = g->nodes.n - 1; r > 0; r--)
        for (int i = 0; needed[r] && i < node_of(g, r)->arity; i++) needed[operand_of(g, r, i)] = true;
}

static rk_status check_node(rk_ctx *ctx, const rk_graph *g, rk_ref r)
{
    const struct node *n = node_of(g, r);
    for (int i = 0; i < n->arity; i++) PROMISE(n->in[i] > 0 && n->in[i] < r);
    for (int i = 0; i < n->rank; i++) {
        PROMISE(n->dim[i] > 0 && n->dim[i] < g->dims.n);
        for (int k = 0; k < i; k++) PROMISE(n->dim[i] != n->dim[k]);
    }
    PROMISE((unsigned)n->dtype < RK_DTYPE_COUNT && n->path >= 0 && n->path < g->paths.n);
    return RK_OK;
}

/* The node that last updated each state, looking from a view's root. */
static rk_status check_reads(rk_ctx *ctx, const rk_graph *g, rk_ref *updated)
{
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        bool update = n->op == &op_update;
        for (int i = update ? 1 : 0; i < n->arity; i++) {
            rk_ref base = n->in[i];
            while ((node_of(g, base)->op->flags & OP_VIEW) != 0) base = operand_of(g, base, 0);
            if (updated[base] != 0)
                return FAIL(RK_E_ARG, "%s at %s reads %s after its update", n->op->name, g->paths.at[n->path], node_of(g, base)->text);
        }
        if (!update) continue;
        if (updated[n->in[0]] != 0) return FAIL(RK_E_ARG, "state %s is updated twice", node_of(g, n->in[0])->text);
        updated[n->in[0]] = r;
    }
    return RK_OK;
}

rk_status pass_validate(rk_ctx *ctx, const rk_graph *g)
{
    rk_ref *updated;
    for (rk_ref r = 1; r < g->nodes.n; r++) TRY(check_node(ctx, g, r));
    TRY(NEW(updated, g->nodes.n));
    rk_status status = check_reads(ctx, g, updated);
    FREE(updated, g->nodes.n);
    return status;
}
