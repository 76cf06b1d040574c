/* place.c: addresses: every value of a plan gets a stretch of one arena for as long as it lives.
 *
 * Largest first, each at the lowest offset where it meets nobody alive at the same time: within a few percent of the best
 * (Pisarchyk & Lee 2020, arXiv 2001.03288: "greedy by size"). Offsets are multiples of PLAN_ALIGNMENT. */
#include "pass/pass.h"
#include "pass/taken.h"
#include <stdlib.h>

static int64_t aligned(int64_t bytes) { return (bytes + PLAN_ALIGNMENT - 1) & ~(int64_t)(PLAN_ALIGNMENT - 1); }

static int by_size(const void *a, const void *b)
{
    const struct plan_value *x = *(struct plan_value *const *)a, *y = *(struct plan_value *const *)b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return x < y ? -1 : x > y;
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

/* *bytes: what all take together. A value that nobody writes or reads meets nobody. */
static rk_status place_all(rk_ctx *ctx, struct plan_value *const *order, int n, bool reuse, struct taken *taken, int64_t *bytes)
{
    for (int i = 0; i < n; i++) {
        struct plan_value *v = order[i];
        const int64_t room = aligned(v->bytes);
        const bool lives = v->last >= v->first;
        v->at = !reuse ? *bytes : lives ? taken_find(taken, v->first, v->last, room) : 0;
        if (reuse && lives && room > 0) TRY(taken_add(ctx, taken, v->first, v->last, (struct stretch){ v->at, v->at + room }));
        if (v->at + room > *bytes) *bytes = v->at + room;
    }
    return RK_OK;
}

rk_status place_values(rk_ctx *ctx, struct plan_value *values, int n, bool reuse, int64_t *bytes)
{
    struct plan_value **order;
    struct taken taken;
    int steps = 0;
    *bytes = 0;
    TRY(NEW(order, n));
    for (int i = 0; i < n; i++) {
        order[i] = &values[i];
        if (values[i].last >= steps) steps = values[i].last + 1;
    }
    if (n > 0) qsort(order, (size_t)n, sizeof *order, by_size);
    rk_status status = taken_open(ctx, steps, &taken);
    if (status == RK_OK) status = place_all(ctx, order, n, reuse, &taken, bytes);
    FREE(order, n);
    taken_close(ctx, &taken);
    return status;
}

rk_status pass_place(rk_ctx *ctx, struct plan *plan, const struct plan_options *options)
{
    TRY(place_values(ctx, plan->values, plan->n_values, options->reuse, &plan->bytes));
    give_addresses(plan);
    return find_peak(ctx, plan);
}
