/* place.c: addresses: every value of a plan gets a stretch of one arena for as long as it lives.
 *
 * Largest first, each at the lowest offset where it meets nobody alive at the same time: within a few percent of the best
 * (Pisarchyk & Lee 2020, arXiv 2001.03288: "greedy by size"). Offsets are multiples of PLAN_ALIGNMENT. */
#include "pass/pass.h"
#include <stdlib.h>
#include <string.h>

static int64_t aligned(int64_t bytes) { return (bytes + PLAN_ALIGNMENT - 1) & ~(int64_t)(PLAN_ALIGNMENT - 1); }

static int by_size(const void *a, const void *b)
{
    const struct plan_value *x = *(struct plan_value *const *)a, *y = *(struct plan_value *const *)b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* What is placed already, by address: in shelves of a few, each of which knows enough to be passed by as a whole. Deep models
 * have thousands of values, and of those that lie in a row most live together or none does. */
enum { SHELF = 32 };
struct lying { int first, last; int64_t at, end; };
struct shelf {
    int n, first_low, first_high, last_low, last_high;      /* of whom it holds: when the earliest and the latest begin and end */
    int64_t gap, end;                                       /* the widest gap between them; the highest address */
    struct lying at[SHELF];
};
struct taken { VEC(struct shelf *) shelves; struct arena arena; };

static void sum_up(struct shelf *s)
{
    const struct lying *l = s->at;
    s->first_low = s->first_high = l->first;
    s->last_low = s->last_high = l->last;
    s->gap = 0;
    s->end = l->end;
    for (int i = 1; i < s->n; i++) {
        l = &s->at[i];
        if (l->first < s->first_low) s->first_low = l->first;
        if (l->first > s->first_high) s->first_high = l->first;
        if (l->last < s->last_low) s->last_low = l->last;
        if (l->last > s->last_high) s->last_high = l->last;
        if (l->at - s->end > s->gap) s->gap = l->at - s->end;
        if (l->end > s->end) s->end = l->end;
    }
}

/* From *at on, between those of a shelf whom v meets; false: there is none, and *at is behind them. */
static bool gap_within(const struct shelf *s, const struct plan_value *v, int64_t *at)
{
    for (int i = 0; i < s->n; i++) {
        const struct lying *l = &s->at[i];
        if (l->last < v->first || l->first > v->last) continue;
        if (l->at - *at >= v->bytes) return true;
        if (l->end > *at) *at = l->end;
    }
    return false;
}

/* The first gap between those that v meets. */
static int64_t find_gap(const struct taken *t, const struct plan_value *v)
{
    int64_t at = 0;
    for (int i = 0; i < t->shelves.n; i++) {
        const struct shelf *s = t->shelves.at[i];
        bool none = s->last_high < v->first || s->first_low > v->last, all = s->last_low >= v->first && s->first_high <= v->last;
        if (none) continue;
        if (all && s->gap < v->bytes && s->at[0].at - at < v->bytes) at = s->end > at ? s->end : at;
        else if (gap_within(s, v, &at)) return at;
    }
    return at;
}

/* The upper half of a full shelf goes onto one of its own. */
static rk_status split(rk_ctx *ctx, struct taken *t, int i)
{
    struct shelf *full = t->shelves.at[i], *fresh;
    TRY(TAKE(&t->arena, fresh, 1));
    TRY(VEC_ROOM(&t->shelves, 1));
    memmove(&t->shelves.at[i + 2], &t->shelves.at[i + 1], sizeof *t->shelves.at * (size_t)(t->shelves.n++ - i - 1));
    t->shelves.at[i + 1] = fresh;
    full->n = fresh->n = SHELF / 2;
    memcpy(fresh->at, &full->at[SHELF / 2], sizeof *fresh->at * (SHELF / 2));
    sum_up(full);
    sum_up(fresh);
    return RK_OK;
}

/* Behind whoever lies at the same address or lower. */
static rk_status insert(rk_ctx *ctx, struct taken *t, const struct plan_value *v)
{
    const struct lying fresh = { v->first, v->last, v->at, v->at + aligned(v->bytes) };
    int low = 0, high = t->shelves.n, at;
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (t->shelves.at[middle]->at[0].at > v->at) high = middle;
        else low = middle;
    }
    if (t->shelves.at[low]->n == SHELF) {
        TRY(split(ctx, t, low));
        low += t->shelves.at[low + 1]->at[0].at <= v->at;
    }
    struct shelf *s = t->shelves.at[low];
    for (at = s->n; at > 0 && s->at[at - 1].at > v->at; at--) s->at[at] = s->at[at - 1];
    s->at[at] = fresh;
    s->n++;
    sum_up(s);
    return RK_OK;
}

/* What begins to live at each step, less what died in the step before. */
static rk_status find_peak(rk_ctx *ctx, struct plan *plan)
{
    int64_t alive = 0, *change;
    TRY(NEW(change, plan->n_steps + 2));
    for (int i = 0; i < plan->n_values; i++) {
        const struct plan_value *v = &plan->values[i];
        if (v->last < 0) continue;                          /* nobody writes or reads it */
        change[v->first] += aligned(v->bytes);
        change[v->last + 1] -= aligned(v->bytes);
    }
    for (int step = 0; step < plan->n_steps; step++) {
        alive += change[step];
        if (alive <= plan->peak_bytes) continue;
        plan->peak_bytes = alive;
        plan->peak_step = step;
    }
    FREE(change, plan->n_steps + 2);
    return RK_OK;
}

static void give_addresses(struct plan *plan)
{
    for (int s = 0; s < plan->n_steps; s++) {
        struct step *step = &plan->steps[s];
        for (int i = 0; i < step->problem.n_in; i++)
            if (step->in[i].kind == IN_ARENA) step->in[i].at = plan->values[step->in[i].at].at;
        for (int i = 0; i < step->problem.n_out; i++)
            if (step->out[i].kind == IN_ARENA) step->out[i].at = plan->values[step->out[i].at].at;
    }
    for (int i = 0; i < plan->n_outputs; i++)
        if (plan->output_places[i].kind == IN_ARENA) plan->output_places[i].at = plan->values[plan->output_places[i].at].at;
    for (int i = 0; i < plan->n_values; i++) {
        const struct plan_value *v = &plan->values[i];
        if (v->tag == RK_WORKSPACE) plan->steps[v->first].scratch = v->at;
        if (v->tag == RK_WORKSPACE && v->bytes > plan->workspace) plan->workspace = v->bytes;
    }
}

/* Lowest address first; *bytes: what all take together. */
static rk_status place_all(rk_ctx *ctx, struct plan_value *const *order, int n, bool reuse, struct taken *taken, int64_t *bytes)
{
    struct shelf *first;
    *bytes = 0;
    TRY(TAKE(&taken->arena, first, 1));
    VEC_PUSH(&taken->shelves, first);
    for (int i = 0; i < n; i++) {
        order[i]->at = reuse ? find_gap(taken, order[i]) : *bytes;
        TRY(insert(ctx, taken, order[i]));
        int64_t end = order[i]->at + aligned(order[i]->bytes);
        if (end > *bytes) *bytes = end;
    }
    return RK_OK;
}

rk_status place_values(rk_ctx *ctx, struct plan_value *values, int n, bool reuse, int64_t *bytes)
{
    struct plan_value **order;
    struct taken taken = { .arena = { 0 } };
    TRY(NEW(order, n));
    for (int i = 0; i < n; i++) order[i] = &values[i];
    if (n > 0) qsort(order, (size_t)n, sizeof *order, by_size);
    rk_status status = place_all(ctx, order, n, reuse, &taken, bytes);
    FREE(order, n);
    VEC_FREE(&taken.shelves);
    arena_clear(ctx, &taken.arena);
    return status;
}

rk_status pass_place(rk_ctx *ctx, struct plan *plan, const struct plan_options *options)
{
    TRY(place_values(ctx, plan->values, plan->n_values, options->reuse, &plan->bytes));
    give_addresses(plan);
    return find_peak(ctx, plan);
}
