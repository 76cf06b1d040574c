/* run.c: a plan carried out over a store: opened, sized, gone through. See run.h; inputs and outputs are in run_values.c. */
#include "run/run.h"
#include "base/clock.h"
#include "core/opdef.h"
#include "run/profile.h"
#include <string.h>

/* --- opening --- */

static rk_status bind_states(rk_ctx *ctx, struct run *r)
{
    for (int i = 0; i < r->plan->n_states; i++) {
        const struct plan_slot *s = &r->plan->states[i];
        const struct store_entry *e = store_entry(r->store, s->kind, s->name);
        if (e == NULL || e->elements != s->elements || e->dtype != s->dtype)
            return FAIL(RK_E_BUG, "the store has no %s %s as the plan wants it", rk_kind_words(s->kind), s->name);
        r->state_at[i] = e->address;
    }
    return RK_OK;
}

static rk_status make_memory(rk_ctx *ctx, struct run *r)
{
    const struct plan *plan = r->plan;
    for (int i = 0; i < plan->n_inputs; i++) {
        r->input_at[i] = r->input_bytes;
        int64_t bytes = plan->inputs[i].elements * (int64_t)r->backend->bytes_of(plan->inputs[i].dtype);
        r->input_bytes += (bytes + PLAN_ALIGNMENT - 1) & ~(int64_t)(PLAN_ALIGNMENT - 1);
    }
    if (r->host != NULL) r->arena = r->host->arena;
    else if (plan->bytes > 0) TRY(r->backend->alloc(ctx, (size_t)plan->bytes, (void **)&r->arena));
    if (r->input_bytes > 0) TRY(r->backend->alloc(ctx, (size_t)r->input_bytes, (void **)&r->input_arena));
    return RK_OK;
}

/* Steps are the plan's own, but for the operands of those whose sizes change. */
static rk_status copy_steps(rk_ctx *ctx, struct run *r)
{
    struct operand *next;
    TRY(NEW(r->steps, r->plan->n_steps));
    for (int i = 0; i < r->plan->n_steps; i++) {
        r->steps[i] = r->plan->steps[i];
        if (r->steps[i].problem.live) r->n_sized += r->steps[i].problem.n_in + r->steps[i].problem.n_out;
    }
    TRY(NEW(r->sized, r->n_sized));
    next = r->sized;
    for (int i = 0; i < r->plan->n_steps; i++) {
        struct problem *p = &r->steps[i].problem;
        if (!p->live) continue;
        memcpy(next, p->in, (size_t)p->n_in * sizeof *next);
        p->in = next;
        memcpy(next + p->n_in, p->out, (size_t)p->n_out * sizeof *next);
        p->out = next + p->n_in;
        next += p->n_in + p->n_out;
    }
    return RK_OK;
}

rk_status run_open(rk_ctx *ctx, const struct plan *plan, struct store *store, struct run **out) { return run_open_in(ctx, plan, store, NULL, out); }

rk_status run_open_in(rk_ctx *ctx, const struct plan *plan, struct store *store, const struct run *host, struct run **out)
{
    struct run *r;
    rk_status status;
    *out = NULL;
    PROMISE(host == NULL || (host->host == NULL && host->plan->bytes >= plan->bytes && host->plan->backend == plan->backend));
    TRY(NEW(r, 1));
    r->host = host;
    r->ctx = ctx;
    r->plan = plan;
    r->store = store;
    r->backend = plan->backend;
    GO(NEW(r->input_at, plan->n_inputs));
    GO(NEW(r->state_at, plan->n_states));
    GO(NEW(r->extent, plan->g->dims.n));
    GO(copy_steps(ctx, r));
    GO(NEW(r->issued, plan->n_steps));
    for (int d = 1; d < plan->g->dims.n; d++) r->extent[d] = dim_size(plan->g, d);
    GO(bind_states(ctx, r));
    GO(make_memory(ctx, r));
    if (ctx->profile != NULL) GO(profile_watch(ctx, ctx->profile, r));
    *out = r;
    return RK_OK;
out:
    run_close(r);
    return status;
}

void run_close(struct run *r)
{
    if (r == NULL) return;
    rk_ctx *ctx = r->ctx;
    if (r->backend->forget != NULL) r->backend->forget(ctx, r->recorded);
    if (r->arena != NULL && r->host == NULL) r->backend->free(ctx, r->arena, (size_t)r->plan->bytes);
    if (r->spare != NULL) r->backend->free(ctx, r->spare, r->spare_bytes);
    if (r->input_arena != NULL) r->backend->free(ctx, r->input_arena, (size_t)r->input_bytes);
    FREE(r->input_at, r->plan->n_inputs);
    FREE(r->state_at, r->plan->n_states);
    FREE(r->extent, r->plan->g->dims.n);
    FREE(r->steps, r->plan->n_steps);
    FREE(r->sized, r->n_sized);
    FREE(r->issued, r->plan->n_steps);
    FREE(r, 1);
}

/* --- sizes --- */

rk_status run_extent(rk_ctx *ctx, struct run *r, const char *dim, int64_t extent)
{
    rk_dim d = graph_dim(r->plan->g, dim, strlen(dim));
    if (d == 0 || !r->plan->g->dims.at[d].live) return FAIL(RK_E_UNKNOWN, "no live dimension is named %s", dim);
    if (extent < 0 || extent > dim_size(r->plan->g, d))
        return FAIL(RK_E_LIMIT, "%s is to be %lld, its bound is %lld", dim, (long long)extent, (long long)dim_size(r->plan->g, d));
    r->stale = r->stale || r->extent[d] != extent;
    r->extent[d] = extent;
    return RK_OK;
}

/* Whether it changed. */
static bool size_operand(const struct run *r, struct operand *o)
{
    bool changed = false;
    for (int i = 0; i < o->at.rank; i++) {
        int64_t now = r->extent[o->at.dim[i]];
        if (!r->plan->g->dims.at[o->at.dim[i]].live || o->at.size[i] == now) continue;
        o->at.size[i] = now;
        changed = true;
    }
    return changed;
}

/* A small product may be done another way than a large one, which wants other workspace: the plan knows only the bounds. */
static bool outgrown(const struct run *r, int i) { return r->steps[i].prepared.scratch > r->plan->steps[i].prepared.scratch; }

static rk_status grow_spare(rk_ctx *ctx, struct run *r, size_t bytes)
{
    void *fresh;
    TRY(r->backend->alloc(ctx, bytes, &fresh));
    if (r->spare != NULL) r->backend->free(ctx, r->spare, r->spare_bytes);
    r->spare = fresh;
    r->spare_bytes = bytes;
    return RK_OK;
}

static rk_status size_steps(rk_ctx *ctx, struct run *r)
{
    size_t spare = 0;
    bool torn = r->torn;
    r->torn = true;
    for (int i = 0; i < r->plan->n_steps; i++) {
        struct step *s = &r->steps[i];
        if (!s->problem.live) continue;
        bool changed = torn;
        for (int k = 0; k < s->problem.n_in; k++) changed |= size_operand(r, &s->problem.in[k]);
        for (int k = 0; k < s->problem.n_out; k++) changed |= size_operand(r, &s->problem.out[k]);
        if (changed) TRY(s->kernel->prepare(ctx, &s->problem, &s->prepared));
        if (outgrown(r, i) && s->prepared.scratch > spare) spare = s->prepared.scratch;
    }
    if (spare > r->spare_bytes) TRY(grow_spare(ctx, r, spare));
    r->stale = r->torn = false;
    return RK_OK;
}

/* --- going --- */

static struct rk_profile *watcher(const rk_ctx *ctx, const struct run *r) { return ctx->profile != NULL && ctx->profile->id == r->watched ? ctx->profile : NULL; }

static rk_status go(rk_ctx *ctx, struct run *r, int i)
{
    struct step *s = &r->steps[i];
    void *in[MOST_PROBLEM_OPERANDS], *out[MOST_PROBLEM_RESULTS];
    for (int k = 0; k < s->problem.n_in; k++) in[k] = run_address(r, &s->in[k]);
    for (int k = 0; k < s->problem.n_out; k++) out[k] = run_address(r, &s->out[k]);
    void *scratch = outgrown(r, i) ? r->spare : r->arena == NULL ? NULL : r->arena + s->scratch;
    const struct call call = { &s->problem, &s->prepared, in, out, scratch, &r->live, &r->issued[i] };
    struct rk_profile *profile = watcher(ctx, r);
    double begin = profile != NULL ? clock_seconds() : 0;
    if (r->backend->before != NULL) TRY(r->backend->before(ctx, r->watch, &call));
    TRY(s->kernel->run(ctx, &call));
    if (r->backend->after != NULL) TRY(r->backend->after(ctx, r->watch, &call));
    if (profile != NULL && r->backend->sync != NULL) TRY(r->backend->sync(ctx, r->backend));
    return profile == NULL ? RK_OK : profile_step(ctx, profile, r, i, begin);
}

/* One after the other, or all at once where the back end has recorded them: what changes between two runs is then in memory alone. */
static rk_status go_all(rk_ctx *ctx, struct run *r, bool unwatched)
{
    const struct backend *b = r->backend;
    bool done = false, same = r->n_sized == 0 && unwatched;
    rk_status status = RK_OK;
    if (b->begin != NULL) TRY(b->begin(ctx, b, &r->recorded, &r->live, same, &done));
    for (int i = 0; i < r->plan->n_steps && status == RK_OK; i++) {
        if (done) r->issued[i] += r->steps[i].prepared.product_flops;
        else status = go(ctx, r, i);
    }
    if (b->end != NULL && !done) {
        rk_status ended = b->end(ctx, b, &r->recorded, status != RK_OK);
        if (status == RK_OK) status = ended;
    }
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}

rk_status run_go(rk_ctx *ctx, struct run *r, uint64_t seed, uint64_t step)
{
    struct rk_profile *profile = watcher(ctx, r);
    double begin = profile != NULL ? clock_seconds() : 0;
    if (r->stale) TRY(size_steps(ctx, r));
    r->live = (struct live){ r->extent, seed, step };
    TRY(go_all(ctx, r, profile == NULL));
    r->runs++;
    return profile == NULL ? RK_OK : profile_run(ctx, profile, begin);
}
