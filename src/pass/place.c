/* place.c: addresses: every value of a plan gets a stretch of one arena for as long as it lives.
 *
 * Largest first, each at the lowest offset where it meets nobody alive at the same time: within a few percent of the best
 * (Pisarchyk & Lee 2020, arXiv 2001.03288: "greedy by size"). Offsets are multiples of PLAN_ALIGNMENT. */
#include "pass/pass.h"
#include <stdlib.h>

static int64_t aligned(int64_t bytes) { return (bytes + PLAN_ALIGNMENT - 1) & ~(int64_t)(PLAN_ALIGNMENT - 1); }

static int by_size(const void *a, const void *b)
{
    const struct plan_value *x = *(struct plan_value *const *)a, *y = *(struct plan_value *const *)b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* `placed` is sorted by address; the first gap between those that v meets. */
static int64_t find_gap(struct plan_value *const *placed, int n, const struct plan_value *v)
{
    int64_t at = 0;
    for (int i = 0; i < n; i++) {
        const struct plan_value *p = placed[i];
        if (p->last < v->first || p->first > v->last) continue;
        if (p->at - at >= v->bytes) break;
        if (p->at + aligned(p->bytes) > at) at = p->at + aligned(p->bytes);
    }
    return at;
}

static void insert(struct plan_value **placed, int n, struct plan_value *v)
{
    int i = n;
    for (; i > 0 && placed[i - 1]->at > v->at; i--) placed[i] = placed[i - 1];
    placed[i] = v;
}

static void find_peak(struct plan *plan)
{
    for (int step = 0; step < plan->n_steps; step++) {
        int64_t alive = 0;
        for (int i = 0; i < plan->n_values; i++)
            if (plan->values[i].first <= step && step <= plan->values[i].last) alive += aligned(plan->values[i].bytes);
        if (alive <= plan->peak_bytes) continue;
        plan->peak_bytes = alive;
        plan->peak_step = step;
    }
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

rk_status pass_place(rk_ctx *ctx, struct plan *plan, const struct plan_options *options)
{
    struct plan_value **order, **placed;
    int n = plan->n_values;
    TRY(NEW(order, n));
    rk_status status = NEW(placed, n);
    for (int i = 0; i < n && status == RK_OK; i++) order[i] = &plan->values[i];
    if (status == RK_OK && n > 0) qsort(order, (size_t)n, sizeof *order, by_size);
    for (int i = 0; i < n && status == RK_OK; i++) {
        order[i]->at = options->reuse ? find_gap(placed, i, order[i]) : plan->bytes;
        insert(placed, i, order[i]);
        int64_t end = order[i]->at + aligned(order[i]->bytes);
        if (end > plan->bytes) plan->bytes = end;
    }
    if (status == RK_OK) {
        give_addresses(plan);
        find_peak(plan);
    }
    FREE(order, n);
    FREE(placed, n);
    return status;
}
