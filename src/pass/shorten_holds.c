/* shorten_holds: does a graph that was made from a shortened one, by gradients above all, count what the whole would? Where the first of the
 * last periods and the one that stands for those left out are still the same, node by node: why that is enough is told in shorten.c. */
#include "pass/blocks.h"
#include "pass/pass.h"
#include <string.h>

struct holding { const rk_graph *g; const struct shortened_stretch *how; int *block; rk_ref *twin; };      /* a node near the late one -> its twin near 1 */

static bool is_of(const struct holding *h, rk_ref r, int first)
{
    int block = h->block[node_of(h->g, r)->path];
    return block >= first && block < first + h->how->blocks;
}

/* The nodes of both periods are twins in the order in which they stand; false: there are more of one. */
static bool pair(struct holding *h)
{
    rk_ref a = 1;
    for (rk_ref r = 1; r < h->g->nodes.n; r++) {
        if (!is_of(h, r, h->how->late)) continue;
        while (a < h->g->nodes.n && !is_of(h, a, h->how->middle)) a++;
        if (a == h->g->nodes.n) return false;
        h->twin[r] = a++;
    }
    while (a < h->g->nodes.n && !is_of(h, a, h->how->middle)) a++;
    return a == h->g->nodes.n;
}

/* Whoever is read from elsewhere becomes a twin where it looks the same, once for all. */
static bool same_reading(struct holding *h, rk_ref r)
{
    const rk_graph *g = h->g;
    if (!blocks_same_node(g, h->how->pattern, h->twin[r], r)) return false;
    for (int i = 0; i < node_of(g, r)->arity; i++) {
        rk_ref y = operand_of(g, r, i), x = operand_of(g, h->twin[r], i);
        if (h->twin[y] == 0 && blocks_same_node(g, h->how->pattern, x, y)) h->twin[y] = x;
        if (h->twin[y] != x) return false;
    }
    return true;
}

static bool stretch_holds(struct holding *h)
{
    memset(h->twin, 0, sizeof *h->twin * (size_t)h->g->nodes.n);
    blocks_find(h->g, h->how->pattern, h->block);
    bool holds = pair(h);
    for (rk_ref r = 1; r < h->g->nodes.n && holds; r++) holds = !is_of(h, r, h->how->late) || same_reading(h, r);
    return holds;
}

rk_status pass_shortened_holds(rk_ctx *ctx, const rk_graph *g, const struct shortened *how, bool *holds)
{
    struct holding h = { .g = g };
    rk_status status;
    *holds = false;
    GO(NEW(h.block, g->paths.n));
    GO(NEW(h.twin, g->nodes.n));
    *holds = true;
    for (int i = 0; i < how->n && *holds; i++) {
        h.how = &how->at[i];
        *holds = stretch_holds(&h);
    }
out:
    FREE(h.block, g->paths.n);
    FREE(h.twin, g->nodes.n);
    return status;
}
