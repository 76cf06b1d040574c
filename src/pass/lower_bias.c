/* lower_bias.c: y = Σ... + b, where b is a parameter over some of y's dimensions and nobody else reads the sum: whoever makes the sum adds
 * the bias where it writes, and y is gone over once less. Where more than this addition follows element by element, that is a program of its own, which
 * adds the bias with the rest.
 *
 * Sum and addition round one after the other, as two steps do. Who does this is the kernel's to say (core/problem.h: adds_bias), and it has to be
 * the one that would have made the sum alone: a library that won its race stays where it is. */
#include "pass/lowering.h"

/* There before anything runs: y comes where the sum stands. */
static bool is_given(const struct lowering *l, rk_ref b)
{
    const unsigned flags = lowering_node(l, l->storage[b])->op->flags;
    return (flags & OP_SOURCE) != 0 && (flags & OP_VIRTUAL) == 0 && lowering_node(l, b)->dtype == lowering_node(l, l->storage[b])->dtype;
}

/* One addition, by itself, of what one other step makes for it alone. */
static bool is_candidate(const struct lowering *l, rk_ref y, rk_ref sum, rk_ref b)
{
    const struct node *ny = lowering_node(l, y), *ns = lowering_node(l, sum);
    const int edge = l->reader_head[sum];
    if (l->storage[sum] != sum || (ns->op->flags & OP_REDUCES) == 0 || !l->stored[sum] || l->is_output[sum] || l->is_value[sum] || l->inside[sum] != NULL || l->home[sum] != 0) return false;
    if (ns->dtype != ny->dtype || ns->rank != ny->rank || lowering_node(l, b)->rank >= ny->rank || !is_given(l, b) || l->narrowed[sum] != 0) return false;
    for (int i = 0; i < ny->rank; i++)
        if (ns->dim[i] != ny->dim[i]) return false;
    const struct group *own = &l->groups.at[l->group_of[y]], *maker = &l->groups.at[l->group_of[sum]];
    return edge >= 0 && l->reader_next[edge] < 0 && own->map && own->members == 1 && maker->members == 1 && maker->into == 0 && maker->biased == 0;
}

static rk_status try_bias(struct lowering *l, rk_ref y, int which)
{
    rk_ctx *ctx = l->ctx;
    rk_ref sum = lowering_node(l, y)->in[which], b = lowering_node(l, y)->in[1 - which];
    struct problem p;
    struct stating stating;
    const struct kernel *alone, *both;
    if (l->group_of[y] < 0 || l->group_of[sum] < 0 || !is_candidate(l, y, sum, b)) return RK_OK;
    const int group = l->group_of[sum], old = l->group_of[y];
    TRY(problem_of_group(l, group, &p, &stating));
    TRY(lowering_ask(l, &p, NULL, &alone));
    l->groups.at[group].biased = y;
    TRY(problem_of_group(l, group, &p, &stating));
    TRY(lowering_ask(l, &p, NULL, &both));
    if (both == NULL || both != alone) {
        l->groups.at[group].biased = 0;
        return RK_OK;
    }
    l->stored[sum] = false;
    l->groups.at[old].dead = true;
    l->group_of[y] = group;
    return RK_OK;
}

rk_status lowering_biases(struct lowering *l)
{
    rk_ctx *ctx = l->ctx;
    for (rk_ref y = 1; y < l->n; y++) {
        const struct node *n = lowering_node(l, y);
        if (!l->stored[y] || !is_map(l, y) || n->at.i[0] != MAP_add || n->in[0] == n->in[1]) continue;
        TRY(try_bias(l, y, 0));
        if (l->stored[y] && l->groups.at[l->group_of[y]].biased != y) TRY(try_bias(l, y, 1));
    }
    lowering_order(l);
    return RK_OK;
}
