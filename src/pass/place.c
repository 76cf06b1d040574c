/* place.c: addresses: every value of a plan gets a stretch of one arena for as long as it lives.
 *
 * Largest first, each at the lowest offset where it meets nobody alive at the same time: within a few percent of the best
 * (Pisarchyk & Lee 2020, arXiv 2001.03288: "greedy by size"). Offsets are multiples of PLAN_ALIGNMENT. */
#include "base/map.h"
#include "base/vec.h"
#include "pass/pass.h"
#include "pass/taken.h"
#include <stdlib.h>

static int64_t aligned(int64_t bytes) { return (bytes + PLAN_ALIGNMENT - 1) & ~(int64_t)(PLAN_ALIGNMENT - 1); }

/* --- in which order: largest first, of equals what lives first, then as they are listed --- */

struct size { int64_t bytes; int id; };
static int larger_first(const void *a, const void *b)
{
    const int64_t x = ((const struct size *)a)->bytes, y = ((const struct size *)b)->bytes;
    return (x < y) - (x > y);
}

/* rank: of each value's size, 0: the largest. Blocks repeat, and so do sizes: there are few. */
static rk_status rank_sizes(rk_ctx *ctx, const struct plan_value *values, int n, int *rank, int *n_ranks)
{
    VEC(struct size) sizes = { 0 };
    struct map ids = { 0 };
    int *rank_of = NULL;
    rk_status status = RK_OK;
    *n_ranks = 0;
    for (int i = 0; i < n; i++) {
        const char *key = (const char *)&values[i].bytes;
        if (map_get(&ids, key, sizeof values[i].bytes, &rank[i])) continue;
        rank[i] = sizes.n;
        GO(VEC_ROOM(&sizes, 1));
        sizes.at[sizes.n++] = (struct size){ values[i].bytes, rank[i] };
        GO(map_put(ctx, &ids, key, sizeof values[i].bytes, rank[i]));
    }
    GO(NEW(rank_of, sizes.n));
    if (sizes.n > 0) qsort(sizes.at, (size_t)sizes.n, sizeof *sizes.at, larger_first);
    for (int i = 0; i < sizes.n; i++) rank_of[sizes.at[i].id] = i;
    for (int i = 0; i < n; i++) rank[i] = rank_of[rank[i]];
    *n_ranks = sizes.n;
out:
    FREE(rank_of, sizes.n);
    VEC_FREE(&sizes);
    map_free(ctx, &ids);
    return status;
}

/* By key, what has the same in the order of before. */
static rk_status sort_by(rk_ctx *ctx, const int *key, int keys, const int *before, int n, int *after)
{
    int *at;
    TRY(NEW(at, keys + 1));
    for (int i = 0; i < n; i++) at[key[i] + 1]++;
    for (int k = 0; k < keys; k++) at[k + 1] += at[k];
    for (int i = 0; i < n; i++) after[at[key[before[i]]]++] = before[i];
    FREE(at, keys + 1);
    return RK_OK;
}

static rk_status find_order(rk_ctx *ctx, const struct plan_value *values, int n, int *order)
{
    int *work = NULL, steps = 0, ranks;
    rk_status status;
    GO(NEW(work, 3 * n));
    int *key = work, *listed = work + n, *by_first = work + 2 * n;
    for (int i = 0; i < n; i++) {
        listed[i] = i;
        key[i] = values[i].first < 0 ? 0 : values[i].first + 1;
        if (key[i] >= steps) steps = key[i] + 1;
    }
    GO(sort_by(ctx, key, steps, listed, n, by_first));
    GO(rank_sizes(ctx, values, n, key, &ranks));
    GO(sort_by(ctx, key, ranks, by_first, n, order));
out:
    FREE(work, 3 * n);
    return status;
}

/* --- addresses --- */

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
            if (step->in[i].kind == IN_ARENA) step->in[i].at = plan->values[step->in[i].index].at;
        for (int i = 0; i < step->problem.n_out; i++)
            if (step->out[i].kind == IN_ARENA) step->out[i].at = plan->values[step->out[i].index].at;
    }
    for (int i = 0; i < plan->n_outputs; i++)
        if (plan->output_places[i].kind == IN_ARENA) plan->output_places[i].at = plan->values[plan->output_places[i].index].at;
    for (int i = 0; i < plan->n_values; i++) {
        const struct plan_value *v = &plan->values[i];
        if (v->tag == RK_WORKSPACE) plan->steps[v->first].scratch = v->at;
        if (v->tag == RK_WORKSPACE && v->bytes > plan->workspace) plan->workspace = v->bytes;
    }
}

/* *bytes: what all take together. A value that nobody writes or reads meets nobody. */
static rk_status place_all(rk_ctx *ctx, struct plan_value *values, const int *order, int n, bool reuse, struct taken *taken, int64_t *bytes)
{
    for (int i = 0; i < n; i++) {
        struct plan_value *v = &values[order[i]];
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
    struct taken taken = { 0 };
    int steps = 0, *order = NULL;
    rk_status status;
    *bytes = 0;
    for (int i = 0; i < n; i++)
        if (values[i].last >= steps) steps = values[i].last + 1;
    GO(NEW(order, n));
    GO(find_order(ctx, values, n, order));
    GO(taken_open(ctx, steps, &taken));
    GO(place_all(ctx, values, order, n, reuse, &taken, bytes));
out:
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
