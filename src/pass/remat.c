/* remat: what is cheap to make is made again in the backward pass instead of being kept from the forward pass.
 *
 * A light operation (OP_LIGHT) costs little more than the reading of its operands. Its result is forgotten when the backward
 * pass has everything it is made of anyway: what must be kept, what is in a store, or what is itself made again. So nothing
 * is kept for the sake of forgetting something else; bytes are saved, and the FLOPs of light operations are done twice.
 * Nothing is forgotten that is wanted back before anything else was made.
 *
 * What is made again stands where it is first read. Whoever reads an elementwise value as an array (the gradient of a weight)
 * waits for the elementwise nodes that follow: then the value is one more result of the sweep that makes the gradients, and
 * its operands are read once for both. Source: Chen et al. 2016 (arXiv 1604.06174).
 * Law: a plan with and without is the same to the last bit (tests/law/test_remat.c). */
#include "pass/pass.h"

struct remat {
    rk_ctx *ctx;
    const rk_graph *from;
    rk_graph *to;
    rk_ref backward;
    bool *there;                            /* per node: the backward pass can have it without keeping it for this */
    bool *again;                            /* it is made again */
    bool *shown;                            /* an output shows it, or a sink writes over it */
    int *last, *first;                      /* the last node of the forward pass that reads it, the first of the backward one; 0 */
    int *made;                              /* how many arrays were made up to this node */
    rk_ref *map, *twin;                     /* in `to`: as it was, and made again */
    rk_ref *late;                           /* nodes that wait, in order */
    int n_late;
    bool *waits;
};

static rk_ref root_of(const rk_graph *g, rk_ref r)
{
    while ((node_of(g, r)->op->flags & OP_VIEW) != 0) r = operand_of(g, r, 0);
    return r;
}

static bool is(const struct remat *m, rk_ref r, unsigned flags) { return (node_of(m->from, r)->op->flags & flags) != 0; }
static bool reads(const struct remat *m, rk_ref r, int i) { return node_of(m->from, r)->op != &op_adjoint || adjoint_reads(m->from, node_of(m->from, r), i); }

/* --- what to forget --- */

static void find_readers(struct remat *m)
{
    const rk_graph *g = m->from;
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        m->made[r] = m->made[r - 1] + (node_of(g, r)->rank > 0 && !is(m, r, OP_VIEW | OP_SOURCE | OP_SINK));
        for (int i = 0; i < node_of(g, r)->arity && !is(m, r, OP_VIEW); i++) {
            rk_ref s = root_of(g, operand_of(g, r, i));
            if (!reads(m, r, i)) continue;
            if (r < m->backward) m->last[s] = r;
            else if (m->first[s] == 0) m->first[s] = r;
        }
        if (is(m, r, OP_SINK)) m->shown[root_of(g, operand_of(g, r, 0))] = true;
    }
    for (int i = 0; i < g->outputs.n; i++) m->shown[root_of(g, g->outputs.at[i].ref)] = true;
}

/* It may be gone between its last reader forward and its first reader backward, and something is made in between. */
static bool rests(const struct remat *m, rk_ref r)
{
    rk_ref from = m->last[r] > r ? m->last[r] : r;
    return m->first[r] == 0 || m->made[m->first[r] - 1] > m->made[from];
}

static void choose(struct remat *m)
{
    const rk_graph *g = m->from;
    for (rk_ref r = 1; r < m->backward; r++) {
        const struct node *n = node_of(g, r);
        bool can = is(m, r, OP_LIGHT);
        for (int i = 0; i < n->arity && can; i++) can = m->there[n->in[i]];
        if (is(m, r, OP_VIEW)) {
            m->there[r] = m->there[n->in[0]];
            m->again[r] = m->again[n->in[0]];
        } else if (is(m, r, OP_SOURCE)) {
            m->there[r] = !m->shown[r];                         /* a state may have another value by then */
        } else {
            m->again[r] = can && !m->shown[r] && rests(m, r);
            m->there[r] = m->again[r] || m->first[r] != 0 || m->shown[r];
        }
    }
}

/* --- the new graph --- */

static rk_ref repeat(struct remat *m, rk_ref r, bool backward);

/* What a node of the backward pass reads for x. */
static rk_ref seen(struct remat *m, rk_ref x)
{
    if (x >= m->backward || !m->again[x]) return m->map[x];
    if (m->twin[x] == 0) m->twin[x] = repeat(m, x, true);
    return m->twin[x];
}

static rk_ref repeat(struct remat *m, rk_ref r, bool backward)
{
    const struct node *n = node_of(m->from, r);
    rk_ref old[MOST_OPERANDS], in[MOST_OPERANDS];
    for (int i = 0; i < n->arity; i++) in[i] = backward && reads(m, r, i) ? seen(m, n->in[i]) : m->map[n->in[i]];
    for (int i = 0; i < n->arity; i++) {
        old[i] = m->map[n->in[i]];
        m->map[n->in[i]] = in[i];
    }
    rk_ref fresh = graph_repeat(m->to, m->from, r, m->map);
    for (int i = n->arity - 1; i >= 0; i--) m->map[n->in[i]] = old[i];
    return fresh;
}

/* --- who waits --- */

static bool needs_late(const struct remat *m, const struct node *n)
{
    bool needs = false;
    for (int i = 0; i < n->arity; i++) needs = needs || m->waits[n->in[i]];
    return needs;
}

static bool reads_remade_map(const struct remat *m, rk_ref r)
{
    const struct node *n = node_of(m->from, r);
    for (int i = 0; i < n->arity; i++) {
        rk_ref s = root_of(m->from, n->in[i]);
        if (s < m->backward && m->again[s] && is(m, s, OP_MAP) && reads(m, r, i)) return true;
    }
    return false;
}

static void hold(struct remat *m, rk_ref r)
{
    m->waits[r] = true;
    m->late[m->n_late++] = r;
}

static void let_go(struct remat *m)
{
    for (int i = 0; i < m->n_late; i++) {
        m->map[m->late[i]] = repeat(m, m->late[i], true);
        m->waits[m->late[i]] = false;
    }
    m->n_late = 0;
}

static rk_status copy(struct remat *m)
{
    rk_ctx *ctx = m->ctx;
    const rk_graph *g = m->from;
    for (rk_ref r = 1; r < m->backward; r++) m->map[r] = repeat(m, r, false);
    for (rk_ref r = m->backward; r < g->nodes.n; r++) {
        bool late = needs_late(m, node_of(g, r)), passes = is(m, r, OP_MAP | OP_VIEW | OP_SOURCE);
        if (late ? passes || is(m, r, OP_SINK) : !passes && reads_remade_map(m, r)) {
            hold(m, r);
            continue;
        }
        if (!passes) let_go(m);
        m->map[r] = repeat(m, r, true);
    }
    let_go(m);
    for (int i = 0; i < g->outputs.n; i++) rk_output(m->to, g->outputs.at[i].name, m->map[g->outputs.at[i].ref]);
    return m->to->status == RK_OK ? RK_OK : FAIL(m->to->status, "%s", m->to->message);
}

rk_status pass_remat(rk_ctx *ctx, const rk_graph *from, rk_ref backward, rk_graph **out)
{
    struct remat m = { .ctx = ctx, .from = from, .backward = backward };
    rk_status status;
    int n = from->nodes.n;
    *out = NULL;
    GO(NEW(m.there, n));
    GO(NEW(m.again, n));
    GO(NEW(m.shown, n));
    GO(NEW(m.last, n));
    GO(NEW(m.first, n));
    GO(NEW(m.made, n));
    GO(NEW(m.map, n));
    GO(NEW(m.twin, n));
    GO(NEW(m.late, n));
    GO(NEW(m.waits, n));
    find_readers(&m);
    choose(&m);
    GO(graph_like(ctx, from, &m.to));
    GO(copy(&m));
    *out = m.to;
    m.to = NULL;
out:
    FREE(m.there, n);
    FREE(m.again, n);
    FREE(m.shown, n);
    FREE(m.last, n);
    FREE(m.first, n);
    FREE(m.made, n);
    FREE(m.map, n);
    FREE(m.twin, n);
    FREE(m.late, n);
    FREE(m.waits, n);
    rk_graph_close(m.to);
    return status;
}
