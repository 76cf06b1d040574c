/* expand: fused operations written out in primitives, wherever nobody has a kernel for them: the meaning of a graph.
 *
 * An expansion may itself hold fused operations (attend holds softmax): they are asked about in turn. */
#include "pass/pass.h"

struct expansion { rk_ctx *ctx; bool (*keep)(void *, const rk_graph *, rk_ref); void *user; };

static rk_status copy(struct expansion *e, const rk_graph *from, rk_graph *to, rk_ref *map, bool *again);

static rk_status copy_outputs(rk_ctx *ctx, const rk_graph *from, rk_graph *to, const rk_ref *map)
{
    for (int i = 0; i < from->outputs.n; i++) rk_output(to, from->outputs.at[i].name, map[from->outputs.at[i].ref]);
    if (to->status == RK_OK) return RK_OK;
    return FAIL(to->status, "%s", to->message);
}

static rk_status copy(struct expansion *e, const rk_graph *from, rk_graph *to, rk_ref *map, bool *again)
{
    rk_ctx *ctx = e->ctx;
    *again = false;
    map[0] = 0;
    for (rk_ref r = 1; r < from->nodes.n; r++) {
        const struct node *n = node_of(from, r);
        bool fused = (n->op->flags & OP_FUSED) != 0;
        if (!fused || (e->keep != NULL && e->keep(e->user, from, r))) {
            map[r] = graph_repeat(to, from, r, map);
            continue;
        }
        rk_ref in[MOST_OPERANDS];
        for (int i = 0; i < n->arity; i++) in[i] = map[n->in[i]];
        rk_ref before = to->nodes.n;
        to->path = n->path;
        to->times = n->times;
        map[r] = n->op->expand(to, from, r, in);
        to->path = 0;
        to->times = 1;
        if (n->shared && map[r] != 0) to->nodes.at[map[r]].shared = true;
        for (rk_ref k = before; k < to->nodes.n; k++) *again = *again || (node_of(to, k)->op->flags & OP_FUSED) != 0;
    }
    return copy_outputs(ctx, from, to, map);
}

/* Leaves the newest graph in *to; *map is from `from`'s ids to its ids. */
static rk_status once(struct expansion *e, const rk_graph *from, rk_graph **to, rk_ref *map, bool *again)
{
    rk_ctx *ctx = e->ctx;
    rk_graph *g;
    TRY(graph_like(ctx, from, &g));
    rk_status status = copy(e, from, g, map, again);
    if (status != RK_OK) rk_graph_close(g);
    else *to = g;
    return status;
}

rk_status pass_expand(rk_ctx *ctx, const rk_graph *from, bool (*keep)(void *user, const rk_graph *g, rk_ref r), void *user, rk_graph **to, rk_ref *map)
{
    struct expansion e = { ctx, keep, user };
    rk_graph *g = NULL, *next = NULL;
    rk_ref *first = NULL, *second = NULL;
    rk_status status;
    bool again = false;
    int n_second = 0;
    *to = NULL;
    GO(NEW(first, from->nodes.n));
    GO(once(&e, from, &g, first, &again));
    while (again) {
        n_second = g->nodes.n;
        GO(NEW(second, n_second));
        GO(once(&e, g, &next, second, &again));
        for (rk_ref r = 0; r < from->nodes.n; r++) first[r] = second[first[r]];
        FREE(second, n_second);
        rk_graph_close(g);
        g = next;
        next = NULL;
    }
    if (map != NULL)
        for (rk_ref r = 0; r < from->nodes.n; r++) map[r] = first[r];
    *to = g;
    g = NULL;
out:
    FREE(first, from->nodes.n);
    FREE(second, n_second);
    rk_graph_close(g);
    return status;
}
