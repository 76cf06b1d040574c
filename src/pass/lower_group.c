/* lower_group.c: which nodes run together.
 *
 * Elementwise nodes over the same dimensions join the groups of their operands as long as nobody outside has read from those
 * groups; casts among them, and so nodes of several dtypes, where the back end's programs cast: a group runs at the place of its last member, so nobody may be waiting for it earlier. What may be added in place
 * stays alone. The gradients of one fused operation are one group. Where a kernel also gives the forward result (the head and
 * its loss), both run at its place. */
#include "pass/lowering.h"

enum { MOST_MEMBERS = 40, MOST_READS = MOST_PROBLEM_OPERANDS - 4 };

rk_status lowering_group_new(struct lowering *l, rk_ref r, bool map)
{
    rk_ctx *ctx = l->ctx;
    struct group fresh = { .first = r, .last = r, .members = 1, .position = r, .open = map, .map = map, .step = -1, .part = -1 };
    fresh.reads = fresh.instructions = lowering_node(l, r)->arity;
    fresh.instructions++;
    VEC_PUSH(&l->groups, fresh);
    l->group_of[r] = l->groups.n - 1;
    return RK_OK;
}

static bool same_space(const struct node *a, const struct node *b)
{
    bool same = a->rank == b->rank;
    for (int i = 0; i < a->rank && same; i++) same = a->dim[i] == b->dim[i];
    return same;
}

static bool may_mix(const struct lowering *l, rk_dtype a, rk_dtype b) { return a == b || (l->backend->casts && a <= RK_f8e5m2 && b <= RK_f8e5m2); }

/* b's members follow a's. */
static void absorb(struct lowering *l, int a, int b)
{
    struct group *x = &l->groups.at[a], *y = &l->groups.at[b];
    for (int r = y->first; r >= 0; r = l->next_member[r]) l->group_of[r] = a;
    l->next_member[x->last] = y->first;
    x->last = y->last;
    x->members += y->members;
    x->reads += y->reads;
    x->instructions += y->instructions;
    if (y->position > x->position) x->position = y->position;
    y->dead = true;
}

/* A member looks at a value of the other group through a view: not element by element. */
static bool looks_through(const struct lowering *l, const struct group *a, int other)
{
    for (int r = a->first; r >= 0; r = l->next_member[r]) {
        const struct node *n = lowering_node(l, r);
        for (int i = 0; i < n->arity; i++)
            if (l->storage[n->in[i]] != n->in[i] && l->group_of[l->storage[n->in[i]]] == other) return true;
    }
    return false;
}

/* How many values of a group somebody outside of it and of another one reads, or may come to read. */
static int results(const struct lowering *l, int group, int other)
{
    int n = 0;
    for (int r = l->groups.at[group].first; r >= 0; r = l->next_member[r]) {
        bool outside = l->is_output[r];
        for (int e = l->reader_head[r]; e >= 0 && !outside; e = l->reader_next[e]) {
            int reader = l->group_of[l->reader[e]];
            outside = reader != group && reader != other;
        }
        n += outside;
    }
    return n;
}

static void try_join(struct lowering *l, rk_ref r, int theirs)
{
    int mine = l->group_of[r];
    while (theirs >= 0 && l->groups.at[theirs].dead) theirs = l->group_of[l->groups.at[theirs].first];
    if (theirs < 0 || theirs == mine) return;
    const struct group *a = &l->groups.at[theirs], *b = &l->groups.at[mine];
    const struct node *first = lowering_node(l, a->first), *n = lowering_node(l, r);
    if (!a->open || !a->map || !same_space(first, n) || !may_mix(l, first->dtype, n->dtype)) return;
    if (looks_through(l, a, mine) || looks_through(l, b, theirs)) return;
    if (results(l, mine, theirs) + results(l, theirs, mine) > MOST_PROBLEM_RESULTS) return;
    if (a->members + b->members > MOST_MEMBERS || a->reads + b->reads > MOST_READS || a->instructions + b->instructions > MOST_PROGRAM) return;
    absorb(l, theirs, mine);
}

/* With whoever computed an operand, and with whoever read the same one last: it is then read once for both. */
static void join_operands(struct lowering *l, rk_ref r)
{
    const struct node *n = lowering_node(l, r);
    for (int i = 0; i < n->arity; i++) {
        rk_ref s = l->storage[n->in[i]];
        if (s == n->in[i]) try_join(l, r, l->group_of[s]);
        if (n->rank > 0 && lowering_node(l, s)->rank == n->rank) try_join(l, r, l->map_reader[s]);
        l->map_reader[s] = l->group_of[r];
    }
}

/* y = a + Σ.., both of which nobody else reads: it stays alone, so that share can let the sum be added into a's memory. */
static bool may_be_sum(const struct lowering *l, rk_ref y)
{
    const struct node *n = lowering_node(l, y);
    bool may = is_map(l, y) && n->at.i[0] == MAP_add && n->in[0] != n->in[1], sum = false;
    for (int i = 0; i < 2 && may; i++) {
        rk_ref s = n->in[i];
        int edge = l->reader_head[s];
        may = l->stored[s] && !l->is_output[s] && same_space(n, lowering_node(l, s)) && n->dtype == lowering_node(l, s)->dtype && edge >= 0 && l->reader_next[edge] < 0;
        sum = sum || (lowering_node(l, s)->op->flags & OP_REDUCES) != 0;
    }
    return may && sum;
}

/* Whoever reads a group from outside closes it. */
static void close_operands(struct lowering *l, rk_ref r)
{
    const struct node *n = lowering_node(l, r);
    if (n->op == &op_update) return;
    for (int i = 0; i < n->arity; i++) {
        if (n->op == &op_adjoint && !adjoint_reads(l->g, n, i)) continue;
        int theirs = l->group_of[l->storage[lowering_operand(l, r, i)]];
        if (theirs >= 0 && theirs != l->group_of[r]) l->groups.at[theirs].open = false;
    }
}

/* The group of an earlier gradient of the same operation by the same dy, or -1. */
static int sibling(const struct lowering *l, rk_ref r)
{
    const struct node *n = lowering_node(l, r);
    for (rk_ref k = r - 1; k > (rk_ref)n->at.i[1] && k > r - 64; k--) {
        const struct node *o = lowering_node(l, k);
        if (o->op == n->op && l->needed[k] && o->at.i[1] == n->at.i[1] && o->in[o->arity - 1] == n->in[n->arity - 1]) return l->group_of[k];
    }
    return -1;
}

/* Whether everything that the gradient node r reads is there where its operation stands: inputs and states always are, dy and
 * constants once they are made; an operand may have been made again for the gradients alone. */
static bool is_ready(const struct lowering *l, rk_ref r)
{
    const struct node *n = lowering_node(l, r);
    bool ready = true;
    for (int i = 0; i < n->arity && ready; i++) {
        rk_ref s = l->storage[lowering_operand(l, r, i)];
        unsigned flags = lowering_node(l, s)->op->flags;
        ready = !adjoint_reads(l->g, n, i) || (flags & (OP_SOURCE | OP_VIRTUAL)) == OP_SOURCE || s < (rk_ref)n->at.i[1];
    }
    return ready;
}

/* Runs the gradients where their operation stands, together with it, if a kernel does both and all is there by then. */
static rk_status move_to_forward(struct lowering *l, int group)
{
    rk_ctx *ctx = l->ctx;
    struct group *a = &l->groups.at[group];
    const struct node *n = lowering_node(l, a->first);
    rk_ref forward = (rk_ref)n->at.i[1];
    struct problem p;
    struct stating stating;
    TRY(problem_of_group(l, group, &p, &stating));
    const struct kernel *k;
    TRY(lowering_ask(l, &p, NULL, &k));
    if (k == NULL || !k->with_forward || !is_ready(l, a->first)) return RK_OK;
    int f = l->group_of[forward];
    if (f < 0) return RK_OK;
    absorb(l, f, group);
    l->groups.at[f].position = forward;
    return RK_OK;
}

rk_status lowering_group(struct lowering *l)
{
    for (rk_ref r = 1; r < l->n; r++) {
        rk_ctx *ctx = l->ctx;
        const struct node *n = lowering_node(l, r);
        if (l->narrows[r] != 0 && l->needed[r]) {                /* written by who makes what it rounds */
            l->group_of[r] = l->group_of[l->narrows[r]];
            continue;
        }
        bool runs = l->stored[r] || l->narrowed[r] != 0 || (l->needed[r] && l->storage[r] != r && (n->op->flags & OP_SINK) != 0);
        if (runs) {
            int with = n->op == &op_adjoint ? sibling(l, r) : -1;
            TRY(lowering_group_new(l, r, lowering_groups(l, r)));
            if (with >= 0) {
                int at = l->groups.at[with].position;
                absorb(l, with, l->group_of[r]);
                l->groups.at[with].position = at;            /* the first one's place: every operand is there */
            } else if (!is_virtual(l, r) && lowering_groups(l, r)) {
                if (may_be_sum(l, r)) l->groups.at[l->group_of[r]].open = false;
                else join_operands(l, r);
            }
        }
        if (l->needed[r] && (n->op->flags & OP_VIEW) == 0) close_operands(l, r);
    }
    for (int i = 0; i < l->groups.n; i++) {
        const struct group *a = &l->groups.at[i];
        if (!a->dead && lowering_node(l, a->first)->op == &op_adjoint) {
            rk_status status = move_to_forward(l, i);
            if (status != RK_OK) return status;
        }
    }
    return RK_OK;
}
