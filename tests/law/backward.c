/* backward.c: see backward.h. */
#include "backward.h"
#include "op/build.h"

/* Σ over all outputs, with weights that differ. */
static rk_ref loss_of(rk_graph *g)
{
    rk_ref loss = 0;
    for (int i = 0; i < g->outputs.n; i++) {
        const struct node n = *node_of(g, g->outputs.at[i].ref);
        struct dims_text dims = dims_text(g, n.rank, n.dim);
        rk_ref part = rk_scale(g, rk_reduce(g, "sum", rk_map(g, "sin", g->outputs.at[i].ref), dims.at), 0.5 + i);
        loss = loss == 0 ? part : rk_add(g, loss, part);
    }
    return loss;
}

rk_ref add_gradients(struct sample *s)
{
    rk_ref by[MOST_LEAVES], found[MOST_LEAVES], loss = loss_of(s->g), backward = s->g->nodes.n;
    int n = 0, leaves = s->n_leaves;
    for (int i = 0; i < leaves; i++)
        if (s->leaf[i].domain != INDEX) by[n++] = s->leaf[i].ref;
    rk_grad(s->g, loss, 0, by, n, found);
    for (int i = 0; i < n && rk_graph_ok(s->g); i++) {
        const struct node x = *node_of(s->g, by[i]);
        char name[64];
        if (found[i] == 0 || s->n_leaves == MOST_LEAVES) continue;
        struct dims_text dims = dims_text(s->g, x.rank, x.dim);
        (void)snprintf(name, sizeof name, "%.40s", x.text);
        rk_ref state = rk_state(s->g, RK_GRADIENT, name, x.dtype, dims.at);
        s->leaf[s->n_leaves++] = (struct leaf){ .ref = state, .domain = ANY_SIGN };
        rk_update(s->g, state, i % 2 == 0 ? found[i] : rk_add(s->g, state, found[i]));
    }
    return backward;
}
