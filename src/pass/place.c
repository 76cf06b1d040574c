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

/* What is placed already, by address; in arrays of their own, since each later value walks through all of them. */
struct taken { int n; int *first, *last; int64_t *at, *end; };

/* Which of eight lie there while v does: a byte each, found without a branch, since nobody can foretell it. */
enum { EIGHT = 8 };
static uint64_t meets(const struct taken *t, int from, int first, int last)
{
    unsigned char met[EIGHT];
    uint64_t any;
    for (int i = 0; i < EIGHT; i++) met[i] = (t->last[from + i] >= first) & (t->first[from + i] <= last);
    memcpy(&any, met, sizeof any);
    return any;
}

/* The first gap between those that v meets. Behind the last taken there are seven that meet nobody. */
static int64_t find_gap(const struct taken *t, const struct plan_value *v)
{
    int64_t at = 0;
    for (int i = 0; i < t->n; i += EIGHT) {
        if (meets(t, i, v->first, v->last) == 0) continue;
        for (int k = i; k < i + EIGHT && k < t->n; k++) {
            if (t->last[k] < v->first || t->first[k] > v->last) continue;
            if (t->at[k] - at >= v->bytes) return at;
            if (t->end[k] > at) at = t->end[k];
        }
    }
    return at;
}

static void make_room(void *array, size_t size, int at, int n)
{
    char *item = (char *)array + size * (size_t)at;
    memmove(item + size, item, size * (size_t)(n - at));
}

/* Behind whoever lies at the same address or lower. */
static void insert(struct taken *t, const struct plan_value *v)
{
    int low = 0, high = t->n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (t->at[middle] > v->at) high = middle;
        else low = middle + 1;
    }
    make_room(t->first, sizeof *t->first, low, t->n);
    make_room(t->last, sizeof *t->last, low, t->n);
    make_room(t->at, sizeof *t->at, low, t->n);
    make_room(t->end, sizeof *t->end, low, t->n);
    t->first[low] = v->first;
    t->last[low] = v->last;
    t->at[low] = v->at;
    t->end[low] = v->at + aligned(v->bytes);
    t->n++;
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

static void place_all(struct plan *plan, struct plan_value *const *order, bool reuse, struct taken *taken)
{
    for (int i = 0; i < plan->n_values; i++) {
        order[i]->at = reuse ? find_gap(taken, order[i]) : plan->bytes;
        insert(taken, order[i]);
        int64_t end = order[i]->at + aligned(order[i]->bytes);
        if (end > plan->bytes) plan->bytes = end;
    }
}

rk_status pass_place(rk_ctx *ctx, struct plan *plan, const struct plan_options *options)
{
    struct plan_value **order = NULL;
    struct taken taken = { 0 };
    const int n = plan->n_values, room = n + EIGHT;
    rk_status status;
    GO(NEW(order, n));
    GO(NEW(taken.first, room));
    GO(NEW(taken.last, room));
    GO(NEW(taken.at, n));
    GO(NEW(taken.end, n));
    for (int i = 0; i < room; i++) taken.last[i] = -2;                      /* before any step, also of values that nobody knows of */
    for (int i = 0; i < n; i++) order[i] = &plan->values[i];
    if (n > 0) qsort(order, (size_t)n, sizeof *order, by_size);
    place_all(plan, order, options->reuse, &taken);
    give_addresses(plan);
    GO(find_peak(ctx, plan));
out:
    FREE(order, n);
    FREE(taken.first, room);
    FREE(taken.last, room);
    FREE(taken.at, n);
    FREE(taken.end, n);
    return status;
}
