/* remat: cheap values are computed again in the backward pass instead of being kept from the forward pass.
 *
 * An elementwise value x qualifies when the backward pass reads it only elementwise and keeps everything x is made of for
 * its own reasons: then forgetting x saves its bytes and costs its FLOPs once. Source: Chen et al. 2016 (arXiv 1604.06174). */
#include "pass/pass.h"

struct remat { rk_ctx *ctx; const rk_graph *from; rk_ref backward; bool *kept, *again; };

static rk_ref root_of(const rk_graph *g, rk_ref r)
{
    while ((node_of(g, r)->op->flags & OP_VIEW) != 0) r = operand_of(g, r, 0);
    return r;
}

/* kept[r]: the backward pass holds on to r, as a source or because some node of it needs r as an array. */
static void find_kept(struct remat *m)
{
    const rk_graph *g = m->from;
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        m->kept[r] = m->kept[r] || (n->op->flags & OP_SOURCE) != 0;
        bool reads = r >= m->backward && (n->op->flags & OP_VIEW) == 0;
        for (int i = 0; reads && i < n->arity; i++) {
            rk_ref s = root_of(g, n->in[i]);
            bool elementwise = (n->op->flags & OP_MAP) != 0 && (node_of(g, s)->op->flags & OP_MAP) != 0 && s == n->in[i];
            if (n->op == &op_adjoint && !adjoint_reads(g, n, i)) continue;
            if (!elementwise) m->kept[s] = true;
        }
    }
    for (int i = 0; i < g->outputs.n; i++) m->kept[root_of(g, g->outputs.at[i].ref)] = true;
}

static void choose(struct remat *m)
{
    const rk_graph *g = m->from;
    for (rk_ref r = 1; r < m->backward; r++) {
        const struct node *n = node_of(g, r);
        m->again[r] = !m->kept[r] && (n->op->flags & OP_MAP) != 0;
        for (int i = 0; i < n->arity && m->again[r]; i++) m->again[r] = m->kept[root_of(g, n->in[i])];
    }
}

static rk_status copy(struct remat *m, rk_graph *to, rk_ref *map, rk_ref *twin)
{
    rk_ctx *ctx = m->ctx;
    const rk_graph *g = m->from;
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        bool elementwise = r >= m->backward && (n->op->flags & OP_MAP) != 0;
        rk_ref old[MOST_OPERANDS];
        for (int i = 0; i < n->arity && elementwise; i++) {
            rk_ref x = n->in[i];
            old[i] = map[x];
            if (x < m->backward && m->again[x] && twin[x] == 0) twin[x] = graph_repeat(to, g, x, map);
            if (x < m->backward && m->again[x]) map[x] = twin[x];
        }
        map[r] = graph_repeat(to, g, r, map);
        for (int i = 0; i < n->arity && elementwise; i++) map[n->in[i]] = old[i];
    }
    for (int i = 0; i < g->outputs.n; i++) rk_output(to, g->outputs.at[i].name, map[g->outputs.at[i].ref]);
    return to->status == RK_OK ? RK_OK : FAIL(to->status, "%s", to->message);
}

rk_status pass_remat(rk_ctx *ctx, const rk_graph *from, rk_ref backward, rk_graph **out)
{
    struct remat m = { .ctx = ctx, .from = from, .backward = backward };
    rk_graph *to = NULL;
    rk_ref *map = NULL, *twin = NULL;
    rk_status status;
    int n = from->nodes.n;
    *out = NULL;
    GO(NEW(m.kept, n));
    GO(NEW(m.again, n));
    GO(NEW(map, n));
    GO(NEW(twin, n));
    find_kept(&m);
    choose(&m);
    GO(graph_like(ctx, from, &to));
    GO(copy(&m, to, map, twin));
    *out = to;
    to = NULL;
out:
    FREE(m.kept, n);
    FREE(m.again, n);
    FREE(map, n);
    FREE(twin, n);
    rk_graph_close(to);
    return status;
}
