/* count_expand.c: the bill of a graph as its author built it: fused operations are priced as what they are made of. */
#include "pass/count.h"
#include "pass/pass.h"

enum { MOST_PHASES = 64 };

static bool has_fused(const rk_graph *g)
{
    for (rk_ref r = 1; r < g->nodes.n; r++)
        if ((node_of(g, r)->op->flags & OP_FUSED) != 0) return true;
    return false;
}

/* A phase ends after the last node that one of its nodes became. */
static void move_ends(const rk_graph *g, const rk_ref *map, int n_phases, rk_bill_phase *phases)
{
    rk_ref r = 1, end = 1;
    for (int i = 0; i < n_phases; i++) {
        for (; r < g->nodes.n && r < phases[i].end; r++)
            if (map[r] >= end) end = map[r] + 1;
        phases[i].end = end;
    }
}

rk_status bill_expand(rk_ctx *ctx, const rk_graph *g, int n_phases, rk_bill_phase *phases, rk_graph **own)
{
    rk_ref *map;
    *own = NULL;
    if (!has_fused(g)) return RK_OK;
    TRY(NEW(map, g->nodes.n));
    rk_status status = pass_expand(ctx, g, NULL, NULL, own, map);
    if (status == RK_OK) move_ends(g, map, n_phases, phases);
    FREE(map, g->nodes.n);
    return status;
}

rk_status rk_bill_of_graph(const rk_graph *g, int n_phases, const rk_bill_phase *phases, rk_bill **bill)
{
    rk_ctx *ctx = g->ctx;
    rk_bill_phase own_phases[MOST_PHASES] = { { "forward", g->nodes.n } };
    rk_graph *own;
    *bill = NULL;
    if (!g->sealed) return FAIL(RK_E_ARG, "a bill is made of a sealed graph");
    if (n_phases < 0 || n_phases > MOST_PHASES) return FAIL(RK_E_LIMIT, "%d phases of a bill, at most %d", n_phases, MOST_PHASES);
    for (int i = 0; i < n_phases; i++) own_phases[i] = phases[i];
    struct bill_terms terms = { .n_phases = n_phases > 0 ? n_phases : 1, .phases = own_phases };
    TRY(bill_expand(ctx, g, terms.n_phases, own_phases, &own));
    rk_status status = bill_of_graph(ctx, own != NULL ? own : g, &terms, bill);
    rk_graph_close(own);
    return status;
}
