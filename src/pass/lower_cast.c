/* lower_cast.c: casts that a kernel makes itself, where it reads or where it writes: nothing is then stored in both widths.
 *
 *   before   a kernel that takes mixed dtypes reads what a cast widens, as it lies
 *   behind   what such a kernel makes, and one cast alone reads, is written as the cast leaves it
 *
 * Widening is exact and the result is rounded once, so the numbers are the same. Who takes mixed dtypes is the kernel's to say
 * (core/problem.h: mixes), and each problem is asked about with its own. */
#include "pass/lowering.h"

static bool is_float(rk_dtype dtype) { return dtype <= RK_f8e5m2; }
static bool is_cast(const struct lowering *l, rk_ref r) { return (lowering_node(l, r)->op->flags & OP_CASTS) != 0; }

/* Gradients name what they do not read, too. */
static bool reads(const struct lowering *l, rk_ref r, int i) { return lowering_node(l, r)->op != &op_adjoint || adjoint_reads(l->g, lowering_node(l, r), i); }

static struct operand operand(const struct lowering *l, rk_ref x) { return (struct operand){ x, lowering_node(l, x)->dtype, layout_of(l->g, x, NULL) }; }

/* The problem of a node alone, with its result `y`. */
static void state(const struct lowering *l, rk_ref r, bool through, rk_ref y, struct problem *p, struct problem_room *room, const rk_ref *self)
{
    const struct node *n = lowering_node(l, r);
    bool adjoint = n->op == &op_adjoint;
    *p = (struct problem){ .g = l->g, .op = n->op, .node = n, .first = r, .n_nodes = 1, .nodes = self, .in = room->in, .out = room->out, .n_out = 1, .machine = l->backend->machine };
    for (int i = 0; i < n->arity && i < MOST_PROBLEM_OPERANDS; i++) p->in[p->n_in++] = operand(l, through && lowering_widens(l, n->in[i]) ? lowering_node(l, n->in[i])->in[0] : n->in[i]);
    p->out_role[0] = adjoint ? 1 + (int)n->at.i[0] : 0;
    p->out[0] = operand(l, y);
    for (int i = 0; i < p->n_in + p->n_out; i++) {
        const struct layout *at = i < p->n_in ? &p->in[i].at : &p->out[i - p->n_in].at;
        for (int k = 0; k < at->rank; k++) p->live = p->live || l->g->dims.at[at->dim[k]].live;
    }
}

static rk_status mixes(struct lowering *l, rk_ref r, bool through, rk_ref y, bool *does)
{
    rk_ctx *ctx = l->ctx;
    struct problem p;
    struct problem_room room;
    const struct kernel *k;
    state(l, r, through, y, &p, &room, &r);
    TRY(lowering_ask(l, &p, NULL, &k));
    *does = k != NULL && k->mixes;
    return RK_OK;
}

/* Neither a group of elementwise nodes, nor a view, nor anything that lies in what it reads. */
static bool is_candidate(const struct lowering *l, rk_ref r)
{
    const struct node *n = lowering_node(l, r);
    return l->needed[r] && (n->op->flags & (OP_VIEW | OP_SINK | OP_SOURCE | OP_MAP | OP_CASTS)) == 0 && l->storage[r] == r && !lowering_groups(l, r) && is_float(n->dtype);
}

static bool reads_widened(const struct lowering *l, rk_ref r)
{
    const struct node *n = lowering_node(l, r);
    bool any = false;
    for (int i = 0; i < n->arity; i++) any = any || lowering_widens(l, n->in[i]);
    return any;
}

/* The cast that alone reads each value, or 0. */
static void find_only_casts(const struct lowering *l, rk_ref *only)
{
    for (rk_ref r = 1; r < l->n; r++) {
        const struct node *n = lowering_node(l, r);
        for (int i = 0; l->needed[r] && i < n->arity; i++) {
            rk_ref x = n->in[i], s = l->storage[x];
            if (!reads(l, r, i)) continue;
            bool narrower = rk_dtype_bytes(n->dtype) < rk_dtype_bytes(lowering_node(l, x)->dtype);         /* what widens would leave a rounding out */
            bool first = only[s] == 0 && x == s && (n->op->flags & OP_CASTS) != 0 && is_float(n->dtype) && narrower;
            only[s] = first ? r : -1;
        }
    }
    for (rk_ref r = 1; r < l->n; r++)
        if (only[r] < 0 || l->is_output[r] || l->is_value[r]) only[r] = 0;
}

/* Casts whose every reader looks through them need not be made. */
static void drop_unread(struct lowering *l)
{
    for (rk_ref r = 1; r < l->n; r++) l->map_reader[r] = 0;                     /* for a moment: how many read it */
    for (rk_ref r = l->n - 1; r > 0; r--) {
        const struct node *n = lowering_node(l, r);
        if (is_cast(l, r) && l->map_reader[r] == 0 && l->map_reader[l->storage[r]] == 0 && !l->is_output[r] && !l->is_value[r]) l->needed[r] = false;
        for (int i = 0; l->needed[r] && i < n->arity; i++) {
            rk_ref x = lowering_operand(l, r, i);
            if (!reads(l, r, i)) continue;
            l->map_reader[x]++;
            if (l->storage[x] != x) l->map_reader[l->storage[x]]++;
        }
    }
    for (rk_ref r = 0; r < l->n; r++) l->map_reader[r] = -1;
}

/* Gradients of one operation are one call: they look through casts together, or not at all. */
static void agree(struct lowering *l, rk_ref r)
{
    const struct node *n = lowering_node(l, r);
    for (rk_ref k = r - 1; k > (rk_ref)n->at.i[1] && k > r - 64; k--) {
        const struct node *o = lowering_node(l, k);
        if (o->op != n->op || o->at.i[1] != n->at.i[1] || o->in[o->arity - 1] != n->in[n->arity - 1]) continue;
        if (l->looks_through[k] != l->looks_through[r]) l->looks_through[k] = l->looks_through[r] = false;
    }
}

rk_status lowering_casts(struct lowering *l)
{
    rk_ctx *ctx = l->ctx;
    rk_ref *only;
    bool any = false;
    rk_status status = RK_OK;
    if (!l->backend->casts) return RK_OK;
    TRY(NEW(only, l->n));
    find_only_casts(l, only);
    for (rk_ref r = 1; r < l->n; r++) {
        if (!is_candidate(l, r)) continue;
        bool through = false, narrows = false;
        if (reads_widened(l, r)) GO(mixes(l, r, true, r, &through));
        if (only[r] > 0) GO(mixes(l, r, through, only[r], &narrows));
        l->looks_through[r] = through;
        if (lowering_node(l, r)->op == &op_adjoint) agree(l, r);
        if (narrows) l->narrowed[r] = only[r], l->narrows[only[r]] = r;
        any = any || through;
    }
    if (any) drop_unread(l);
out:
    FREE(only, l->n);
    return status;
}
