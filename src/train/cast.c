/* cast.c: the graph of a model as a policy computes it (pass/cast.c), and what is kept under its new ids: of what is trained, what is
 * scored, and what is priced. */
#include "train/graphs.h"

static rk_status follow_casts(rk_ctx *ctx, struct built *built, rk_graph *g, const rk_ref *map)
{
    for (int i = 0; i < built_stored(built) + built->n_inputs; i++) {
        struct parameter *p = &built->parameters.at[i];
        p->ref = map[p->ref];
        p->name = node_of(g, p->ref)->text;
    }
    rk_graph_close(built->g);
    built->g = g;
    return built_index(ctx, built);
}

rk_status train_cast(rk_ctx *ctx, const struct policy *policy, struct built *built)
{
    rk_graph *g = NULL;
    rk_ref *map;
    int nodes = built->g->nodes.n;
    if (policy_is_plain(policy)) return RK_OK;
    TRY(NEW(map, nodes));
    rk_status status = pass_cast(ctx, built->g, policy, &g, map);
    if (status == RK_OK) status = follow_casts(ctx, built, g, map);
    FREE(map, nodes);
    return status;
}
