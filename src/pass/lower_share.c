/* lower_share.c: which values lie in the same memory.
 *
 *   sums      y = a + Σ..., where nobody needs a or the sum afterwards: the sum is added into a's memory
 *   biases    y = Σ... + b, likewise: who makes the sum adds the bias (lower_bias.c)
 *   parts     a value that is only joined to others is born in its place of the whole
 *   updates   a state's new value is written where the state lies, once its old value has been read
 *   in place  an elementwise result takes the memory of an operand that dies in the same step
 *
 * `home` chains say so; whoever is at the end of a chain owns the memory. What cannot be shared is copied, in a step that
 * everybody can see. A kernel must stand a result that lies exactly on an operand of the same layout. */
#include "pass/lowering.h"

static int readers(const struct lowering *l, rk_ref s)
{
    int n = 0;
    for (int e = l->reader_head[s]; e >= 0; e = l->reader_next[e]) n++;
    return n;
}

static bool same_dims(const struct node *a, const struct node *b)
{
    bool same = a->rank == b->rank;
    for (int i = 0; i < a->rank && same; i++) same = a->dim[i] == b->dim[i];
    return same;
}

static bool same_shape(const struct node *a, const struct node *b) { return a->dtype == b->dtype && same_dims(a, b); }

/* A computed value in memory of its own, which nobody but steps of this plan looks at. */
static bool is_private(const struct lowering *l, rk_ref s)
{
    return l->stored[s] && l->group_of[s] >= 0 && l->inside[s] == NULL && !l->is_output[s];
}

/* --- sums --- */

/* a's memory may itself be that of an earlier sum, as long as it is no state's. */
static bool takes_sum(const struct lowering *l, rk_ref a, rk_ref y)
{
    int at = lowering_step(l, y);
    if (lowering_node(l, a)->op == &op_state) return l->updates[a] == y && lowering_last_reader(l, a) <= at;
    if (lowering_node(l, lowering_home(l, a))->op == &op_state) return false;
    return is_private(l, a) && !l->is_value[a] && lowering_last_reader(l, a) <= at;
}

/* b runs later, at y's place, and writes into a: it may not read that, under whatever name, nor what is written over in between. */
static bool may_wait(const struct lowering *l, rk_ref b, rk_ref a, rk_ref y)
{
    const struct node *n = lowering_node(l, b);
    int from = lowering_step(l, b), to = lowering_step(l, y);
    for (int i = 0; i < n->arity; i++) {
        rk_ref root = lowering_home(l, l->storage[lowering_operand(l, b, i)]);
        if (root == lowering_home(l, a)) return false;
        for (rk_ref r = 1; r < l->n && l->is_taken[root]; r++)
            if (lowering_step(l, r) > from && lowering_step(l, r) <= to && r != y && l->stored[r] && lowering_home(l, r) == root) return false;
    }
    return true;
}

static rk_status try_sum(struct lowering *l, rk_ref y, int which, bool *done)
{
    rk_ctx *ctx = l->ctx;
    rk_ref a = operand_of(l->g, y, 1 - which), b = operand_of(l->g, y, which);
    const struct node *ny = lowering_node(l, y), *nb = lowering_node(l, b);
    if (a == b || l->storage[a] != a || l->storage[b] != b || !same_shape(ny, lowering_node(l, a)) || !same_shape(ny, nb)) return RK_OK;
    if ((nb->op->flags & OP_REDUCES) == 0 || !is_private(l, b) || readers(l, b) != 1 || l->is_value[b] || l->home[b] != 0) return RK_OK;
    int group = l->group_of[b], old = l->group_of[y];
    if (l->groups.at[group].members != 1 || l->groups.at[group].into != 0 || !takes_sum(l, a, y) || !may_wait(l, b, a, y)) return RK_OK;
    struct problem p;
    struct stating stating;
    l->groups.at[group].into = y;
    TRY(problem_of_group(l, group, &p, &stating));
    const struct kernel *taker;
    TRY(lowering_ask(l, &p, NULL, &taker));
    if (taker == NULL) {
        l->groups.at[group].into = 0;
        return RK_OK;
    }
    l->home[y] = a;
    l->is_taken[a] = l->is_taken[lowering_home(l, a)] = true;
    l->stored[b] = false;
    l->groups.at[group].position = l->groups.at[old].position;
    l->groups.at[group].step = l->groups.at[old].step;
    l->groups.at[old].dead = true;
    l->group_of[y] = group;
    *done = true;
    return RK_OK;
}

static rk_status share_sums(struct lowering *l)
{
    rk_ctx *ctx = l->ctx;
    for (rk_ref y = 1; y < l->n; y++) {
        const struct node *n = lowering_node(l, y);
        if (!l->stored[y] || !is_map(l, y) || n->at.i[0] != MAP_add || l->group_of[y] < 0) continue;
        const struct group *own = &l->groups.at[l->group_of[y]];
        if (own->members != 1 || !own->map) continue;
        bool done = false;
        TRY(try_sum(l, y, 1, &done));
        if (!done) TRY(try_sum(l, y, 0, &done));
    }
    lowering_order(l);
    return RK_OK;
}

/* --- parts --- */

bool lowering_part(const rk_graph *g, rk_ref y, int i, const struct layout *whole, struct layout *at)
{
    rk_ref x = operand_of(g, y, i);
    struct layout part;
    node_of(g, y)->op->part(g, y, i, whole, &part);
    while ((node_of(g, x)->op->flags & OP_VIEW) != 0) {
        struct layout below;
        if (node_of(g, x)->op->unview == NULL) return false;
        node_of(g, x)->op->unview(g, x, &part, &below);
        part = below;
        x = operand_of(g, x, 0);
    }
    *at = part;
    return true;
}

static rk_status try_part(struct lowering *l, rk_ref y, int i, bool *done)
{
    rk_ctx *ctx = l->ctx;
    rk_ref s = l->storage[operand_of(l->g, y, i)];
    struct problem p;
    struct stating stating;
    struct layout at, *kept;
    const struct layout whole = lowering_layout(l, y);
    const struct plan_part trial = { s, y, i };
    const struct kernel *taker = NULL;
    *done = false;
    if (!is_private(l, s) || readers(l, s) != 1 || l->home[s] != 0 || l->is_value[s]) return RK_OK;
    if (l->groups.at[l->group_of[s]].into != 0 || !lowering_part(l->g, y, i, &whole, &at)) return RK_OK;
    if (l->is_whole[s] || l->is_taken[s]) return RK_OK;
    l->inside[s] = &at;
    rk_status status = problem_of_group(l, l->group_of[s], &p, &stating);
    if (status == RK_OK) status = lowering_ask(l, &p, &trial, &taker);
    *done = status == RK_OK && taker != NULL;
    l->inside[s] = NULL;
    if (!*done) return status;
    if (l->resizable) VEC_PUSH(&l->parts, trial);
    TRY(TAKE(&l->plan->arena, kept, 1));
    *kept = at;
    l->inside[s] = kept;
    l->home[s] = y;
    l->is_whole[y] = true;
    return RK_OK;
}

static rk_status share_parts(struct lowering *l)
{
    rk_ctx *ctx = l->ctx;
    for (rk_ref y = 1; y < l->n; y++) {
        const struct node *n = lowering_node(l, y);
        if (!l->stored[y] || n->op->part == NULL || !l->backend->strided_results || l->inside[y] != NULL) continue;
        int own = l->group_of[y];
        l->groups.at[own].dead = true;
        for (int i = 0; i < n->arity; i++) {
            bool done;
            TRY(try_part(l, y, i, &done));
            if (done) continue;
            TRY(lowering_group_new(l, y, false));
            l->groups.at[l->groups.n - 1].part = i;
        }
        l->group_of[y] = own;
    }
    lowering_order(l);
    return RK_OK;
}

/* --- updates --- */

static void find_first_steps(struct lowering *l)
{
    for (rk_ref r = 0; r < l->n; r++) l->first_step[r] = -1;
    for (rk_ref r = 1; r < l->n; r++) {
        int step = lowering_step(l, r);
        rk_ref root = lowering_home(l, r);
        if (step >= 0 && (l->first_step[root] < 0 || step < l->first_step[root])) l->first_step[root] = step;
    }
}

/* Every reader of s in this group looks at it element by element, as it lies. */
static bool reads_in_place(const struct lowering *l, rk_ref s, int group)
{
    const struct group *a = &l->groups.at[group];
    if (!a->map) return false;
    for (int r = a->first; r >= 0; r = l->next_member[r]) {
        const struct node *n = lowering_node(l, r);
        for (int i = 0; i < n->arity; i++)
            if (l->storage[n->in[i]] == s && (n->in[i] != s || !same_dims(n, lowering_node(l, s)))) return false;
    }
    return true;
}

static bool takes_update(const struct lowering *l, rk_ref s, rk_ref v)
{
    if (l->storage[v] != v || !l->stored[v] || l->group_of[v] < 0 || l->inside[v] != NULL) return false;
    rk_ref root = lowering_home(l, v);
    if (root == s) return true;
    if (lowering_node(l, root)->op == &op_state || (lowering_node(l, root)->op->flags & OP_SOURCE) != 0 || l->inside[root] != NULL) return false;
    int first = l->first_step[root], last = lowering_last_reader(l, s);
    if (last < first) return true;
    if (last > first) return false;
    for (int e = l->reader_head[s]; e >= 0; e = l->reader_next[e]) {
        int group = l->group_of[l->reader[e]];
        if (group >= 0 && l->groups.at[group].step == first && !reads_in_place(l, s, group)) return false;
    }
    return true;
}

static rk_status share_updates(struct lowering *l)
{
    rk_ctx *ctx = l->ctx;
    int copies = 0;
    find_first_steps(l);
    for (rk_ref u = 1; u < l->n; u++) {
        const struct node *n = lowering_node(l, u);
        if (!l->needed[u] || n->op != &op_update) continue;
        if (takes_update(l, n->in[0], n->in[1])) {
            rk_ref root = lowering_home(l, n->in[1]);
            if (root != n->in[0]) l->home[root] = n->in[0];
            continue;
        }
        TRY(lowering_group_new(l, u, false));
        l->groups.at[l->groups.n - 1].position = l->n + copies++;
    }
    lowering_order(l);
    return RK_OK;
}

/* --- in place --- */

static bool dies_here(const struct lowering *l, rk_ref s, rk_ref y, int step)
{
    if (!is_private(l, s) || l->home[s] != 0 || !same_shape(lowering_node(l, s), lowering_node(l, y))) return false;
    if (lowering_node(l, lowering_home(l, s))->op == &op_state || l->is_value[s]) return false;
    if (l->is_whole[s]) return false;
    return lowering_last_reader(l, s) == step && reads_in_place(l, s, l->group_of[y]);
}

static void share_in_place(struct lowering *l)
{
    for (int i = 0; i < l->groups.n; i++) {
        const struct group *a = &l->groups.at[i];
        if (a->dead || !a->map || a->into != 0) continue;
        for (int y = a->first; y >= 0; y = l->next_member[y]) {
            if (!l->stored[y] || l->home[y] != 0 || l->inside[y] != NULL) continue;
            const struct node *n = lowering_node(l, y);
            for (int k = 0; k < n->arity; k++) {
                rk_ref s = l->storage[n->in[k]];
                if (l->group_of[s] == i || !dies_here(l, s, y, a->step)) continue;
                l->home[s] = y;
                break;
            }
        }
    }
}

/* Members of a group that only the group reads need no memory. */
static void drop_inner(struct lowering *l)
{
    for (rk_ref r = 1; r < l->n; r++) {
        if (!l->stored[r] || l->group_of[r] < 0) continue;
        bool seen = l->is_output[r] || l->is_value[r];
        for (int e = l->reader_head[r]; e >= 0 && !seen; e = l->reader_next[e]) seen = l->group_of[l->reader[e]] != l->group_of[r];
        if (l->groups.at[l->group_of[r]].members > 1 && !seen) l->stored[r] = false;
    }
}

rk_status lowering_share(struct lowering *l)
{
    rk_ctx *ctx = l->ctx;
    drop_inner(l);
    lowering_order(l);
    TRY(share_sums(l));
    TRY(lowering_biases(l));
    TRY(share_parts(l));
    TRY(share_updates(l));
    share_in_place(l);
    return RK_OK;
}
