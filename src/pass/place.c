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

/* What is placed already, sorted by address; apart from the values, since each later one walks all of it. */
struct taken { int64_t at, end; int first, last; };

/* Which of a few lie there while v does: found without a branch, since nobody can foretell it. */
enum { FEW = 64 };
static int meets(const struct taken *taken, int n, const struct plan_value *v, int *met)
{
    int found = 0;
    for (int i = 0; i < n; i++) {
        met[found] = i;
        found += (taken[i].last >= v->first) & (taken[i].first <= v->last);
    }
    return found;
}

/* The first gap between those that v meets. */
static int64_t find_gap(const struct taken *taken, int n, const struct plan_value *v)
{
    int64_t at = 0;
    int met[FEW];
    for (int i = 0; i < n; i += FEW) {
        int found = meets(taken + i, n - i < FEW ? n - i : FEW, v, met);
        for (int k = 0; k < found; k++) {
            const struct taken *t = &taken[i + met[k]];
            if (t->at - at >= v->bytes) return at;
            if (t->end > at) at = t->end;
        }
    }
    return at;
}

/* Behind whoever lies at the same address or lower. */
static void insert(struct taken *taken, int n, const struct plan_value *v)
{
    int low = 0, high = n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (taken[middle].at > v->at) high = middle;
        else low = middle + 1;
    }
    memmove(&taken[low + 1], &taken[low], sizeof *taken * (size_t)(n - low));
    taken[low] = (struct taken){ v->at, v->at + aligned(v->bytes), v->first, v->last };
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

rk_status pass_place(rk_ctx *ctx, struct plan *plan, const struct plan_options *options)
{
    struct plan_value **order;
    struct taken *taken;
    int n = plan->n_values;
    TRY(NEW(order, n));
    rk_status status = NEW(taken, n);
    for (int i = 0; i < n && status == RK_OK; i++) order[i] = &plan->values[i];
    if (status == RK_OK && n > 0) qsort(order, (size_t)n, sizeof *order, by_size);
    for (int i = 0; i < n && status == RK_OK; i++) {
        order[i]->at = options->reuse ? find_gap(taken, i, order[i]) : plan->bytes;
        insert(taken, i, order[i]);
        int64_t end = order[i]->at + aligned(order[i]->bytes);
        if (end > plan->bytes) plan->bytes = end;
    }
    if (status == RK_OK) {
        give_addresses(plan);
        status = find_peak(ctx, plan);
    }
    FREE(order, n);
    FREE(taken, n);
    return status;
}
