/* lower: from nodes to steps: which nodes run together, which values share memory, which kernel takes each problem.
 *
 *   cast    casts that a kernel makes itself
 *   group   elementwise neighbours become one program; the gradients of one fused operation become one call
 *   share   a value is written where it will be needed: into its state, into the sum it adds to, into its place of a join
 *   emit    problems in order, each offered to the chain of kernels
 *
 * Not here: addresses (place.c). Reference: sums run through kernels of the back end; this pass never asks what an op is,
 * only what its flags say. */
#include "pass/lowering.h"
#include <string.h>

static rk_status resolve(struct lowering *l)
{
    for (rk_ref r = 1; r < l->n; r++) {
        const struct node *n = lowering_node(l, r);
        bool shares = (n->op->flags & OP_VIEW) != 0 || ((n->op->flags & OP_SINK) != 0 && n->op->ref != NULL);
        l->storage[r] = shares ? l->storage[n->in[0]] : r;
        if (!l->needed[r] || n->op != &op_update) continue;
        l->updates[l->storage[n->in[0]]] = n->in[1];
        l->is_value[l->storage[n->in[1]]] = true;
    }
    for (int i = 0; i < l->g->outputs.n; i++) l->is_output[l->storage[l->g->outputs.at[i].ref]] = true;
    return RK_OK;
}

/* Edges storage -> reader. A virtual value read elementwise is computed in the reader and has no edge. */
static void connect(struct lowering *l)
{
    for (rk_ref r = l->n - 1; r > 0; r--) {
        const struct node *n = lowering_node(l, r);
        if (!l->needed[r] || (n->op->flags & OP_VIEW) != 0) continue;
        for (int i = n->arity - 1; i >= (n->op == &op_update ? 1 : 0); i--) {
            rk_ref x = lowering_operand(l, r, i), s = l->storage[x];
            if (n->op == &op_adjoint && !adjoint_reads(l->g, n, i)) continue;
            if (lowering_groups(l, r) && is_virtual(l, s) && s == x) continue;        /* a view of one is looked at as an array */
            l->reader[l->n_edges] = r;
            l->reader_next[l->n_edges] = l->reader_head[s];
            l->reader_head[s] = l->n_edges++;
        }
    }
}

/* What gets memory: results of computation, and virtual values that somebody needs as an array. */
static void choose_stored(struct lowering *l)
{
    for (rk_ref r = 1; r < l->n; r++) {
        const struct node *n = lowering_node(l, r);
        unsigned flags = n->op->flags;
        bool computed = l->needed[r] && (flags & (OP_VIEW | OP_SINK)) == 0 && ((flags & OP_SOURCE) == 0 || is_virtual(l, r));
        l->stored[r] = computed && l->narrowed[r] == 0 && (!is_virtual(l, r) || l->reader_head[r] >= 0 || l->is_output[r]);
    }
}

bool lowering_groups(const struct lowering *l, rk_ref r)
{
    const struct node *n = lowering_node(l, r);
    const unsigned dtypes = l->backend->groups;
    if ((dtypes >> n->dtype & 1) == 0) return false;
    if ((n->op->flags & OP_CASTS) != 0) return l->backend->casts && (dtypes >> lowering_node(l, n->in[0])->dtype & 1) != 0;
    return (n->op->flags & (OP_MAP | OP_VIRTUAL)) != 0;
}

rk_ref lowering_home(const struct lowering *l, rk_ref storage)
{
    while (l->home[storage] != 0) storage = l->home[storage];
    return storage;
}

int lowering_step(const struct lowering *l, rk_ref r)
{
    return l->group_of[r] < 0 ? -1 : l->groups.at[l->group_of[r]].step;
}

/* Positions are ids, and beyond n for copies at the end. Groups of one position keep the order in which they were made. */
void lowering_order(struct lowering *l)
{
    int step = 0;
    for (int i = 0; i < 2 * l->n; i++) l->bucket[i] = -1;
    for (int i = l->groups.n - 1; i >= 0; i--) {
        struct group *a = &l->groups.at[i];
        if (a->dead) {
            a->step = -1;
            continue;
        }
        a->step = l->bucket[a->position];                   /* the next of this position, for a moment */
        l->bucket[a->position] = i;
    }
    for (int p = 0; p < 2 * l->n; p++) {
        for (int i = l->bucket[p]; i >= 0;) {
            int next = l->groups.at[i].step;
            const struct group *a = &l->groups.at[i];
            struct group *whole = &l->groups.at[l->group_of[a->first]];
            if (a->part >= 0 && whole->dead) whole->step = step;    /* a whole reads its operands when its last part is copied */
            l->groups.at[i].step = step++;
            i = next;
        }
    }
}

struct layout lowering_layout(const struct lowering *l, rk_ref x)
{
    const struct node *n = lowering_node(l, x);
    if ((n->op->flags & OP_VIEW) == 0) return l->inside[x] != NULL ? *l->inside[x] : layout_dense(l->g, n->rank, n->dim);
    struct layout inner = lowering_layout(l, n->in[0]), out = { 0 };
    (void)n->op->view(l->g, x, &inner, &out);
    return out;
}

int lowering_last_reader(const struct lowering *l, rk_ref storage)
{
    int last = -1;
    for (int e = l->reader_head[storage]; e >= 0; e = l->reader_next[e]) {
        int group = l->group_of[l->reader[e]];
        if (group >= 0 && l->groups.at[group].step > last) last = l->groups.at[group].step;
    }
    return last;
}

rk_status lowering_begin(struct lowering *l)
{
    rk_ctx *ctx = l->ctx;
    int edges = 0;
    l->n = l->g->nodes.n;
    for (rk_ref r = 1; r < l->n; r++) edges += lowering_node(l, r)->arity;
    TRY(NEW(l->needed, l->n));
    TRY(NEW(l->storage, l->n));
    TRY(NEW(l->stored, l->n));
    TRY(NEW(l->looks_through, l->n));
    TRY(NEW(l->narrowed, l->n));
    TRY(NEW(l->narrows, l->n));
    TRY(NEW(l->reader_head, l->n));
    TRY(NEW(l->reader_next, edges));
    TRY(NEW(l->reader, edges));
    TRY(NEW(l->group_of, l->n));
    TRY(NEW(l->next_member, l->n));
    TRY(NEW(l->home, l->n));
    TRY(NEW(l->updates, l->n));
    TRY(NEW(l->inside, l->n));
    TRY(NEW(l->is_output, l->n));
    TRY(NEW(l->is_value, l->n));
    TRY(NEW(l->is_whole, l->n));
    TRY(NEW(l->is_taken, l->n));
    TRY(NEW(l->first_step, l->n));
    TRY(NEW(l->map_reader, l->n));
    TRY(NEW(l->bucket, 2 * l->n));
    for (int i = 0; i < l->n; i++) l->reader_head[i] = l->group_of[i] = l->next_member[i] = l->map_reader[i] = -1;
    pass_needed(l->g, l->needed);
    TRY(resolve(l));
    TRY(lowering_casts(l));
    connect(l);
    choose_stored(l);
    return RK_OK;
}

void lowering_end(struct lowering *l)
{
    rk_ctx *ctx = l->ctx;
    int edges = 0;
    for (rk_ref r = 1; r < l->n; r++) edges += lowering_node(l, r)->arity;
    FREE(l->needed, l->n);
    FREE(l->storage, l->n);
    FREE(l->stored, l->n);
    FREE(l->looks_through, l->n);
    FREE(l->narrowed, l->n);
    FREE(l->narrows, l->n);
    FREE(l->reader_head, l->n);
    FREE(l->reader_next, edges);
    FREE(l->reader, edges);
    FREE(l->group_of, l->n);
    FREE(l->next_member, l->n);
    FREE(l->home, l->n);
    FREE(l->updates, l->n);
    FREE(l->inside, l->n);
    FREE(l->is_output, l->n);
    FREE(l->is_value, l->n);
    FREE(l->is_whole, l->n);
    FREE(l->is_taken, l->n);
    FREE(l->first_step, l->n);
    FREE(l->map_reader, l->n);
    FREE(l->bucket, 2 * l->n);
    VEC_FREE(&l->groups);
    VEC_FREE(&l->parts);
    VEC_FREE(&l->asked);
}

rk_status lowering_ask(struct lowering *l, const struct problem *p, const struct plan_part *trial, const struct kernel **k)
{
    rk_ctx *ctx = l->ctx;
    *k = backend_find(l->backend, p, NULL);
    if (!l->resizable) return RK_OK;
    struct plan_asked asked = { .problem = *p, .answer = *k, .n_parts = l->parts.n };
    if (trial != NULL) asked.trial = *trial;
    TRY(lowering_keep(ctx, l->plan, &asked.problem));
    VEC_PUSH(&l->asked, asked);
    return RK_OK;
}

/* For whoever wants the plan of other sizes. */
static rk_status keep_asked(struct lowering *l)
{
    rk_ctx *ctx = l->ctx;
    struct plan *plan = l->plan;
    if (!l->resizable) return RK_OK;
    TRY(TAKE(&plan->arena, plan->parts, l->parts.n));
    TRY(TAKE(&plan->arena, plan->asked, l->asked.n));
    plan->n_parts = l->parts.n;
    plan->n_asked = l->asked.n;
    if (plan->n_parts > 0) memcpy(plan->parts, l->parts.at, (size_t)plan->n_parts * sizeof *plan->parts);
    if (plan->n_asked > 0) memcpy(plan->asked, l->asked.at, (size_t)plan->n_asked * sizeof *plan->asked);
    return RK_OK;
}

static rk_status lower(rk_ctx *ctx, const rk_graph *g, const struct backend *backend, bool resizable, struct plan **out)
{
    struct lowering l = { .ctx = ctx, .g = g, .backend = backend, .resizable = resizable };
    rk_status status;
    *out = NULL;
    TRY(pass_validate(ctx, g));
    TRY(NEW(l.plan, 1));
    l.plan->ctx = ctx;
    l.plan->g = g;
    l.plan->backend = backend;
    GO(lowering_begin(&l));
    GO(lowering_group(&l));
    GO(lowering_share(&l));
    GO(lowering_emit(&l));
    GO(keep_asked(&l));
    *out = l.plan;
    l.plan = NULL;
out:
    lowering_end(&l);
    plan_free(l.plan);
    return status;
}

rk_status pass_lower(rk_ctx *ctx, const rk_graph *g, const struct backend *backend, struct plan **plan) { return lower(ctx, g, backend, false, plan); }
rk_status pass_lower_resizable(rk_ctx *ctx, const rk_graph *g, const struct backend *backend, struct plan **plan) { return lower(ctx, g, backend, true, plan); }
