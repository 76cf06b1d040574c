/* run.c: see run.h. */
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

/* --- inputs and outputs --- */

/* Calls move for every stretch that is dense on both sides: `at` in elements on the device, `host` on the host. */
static rk_status for_rows(rk_ctx *ctx, const struct run *r, const struct layout *l, char *base, rk_dtype device_dtype, char *host, rk_dtype host_dtype, bool in)
{
    int64_t index[RK_MAX_RANK] = { 0 }, row = 1, host_at = 0;
    size_t bytes = r->backend->bytes_of(device_dtype), host_bytes = rk_dtype_bytes(host_dtype);
    int outer = l->rank;
    while (outer > 0 && l->stride[outer - 1] == row) row *= l->size[--outer];
    for (int i = 0; i < l->rank; i++)
        if (l->size[i] == 0) return RK_OK;
    for (;;) {
        int64_t at = l->offset;
        for (int i = 0; i < outer; i++) at += index[i] * l->stride[i];
        char *d = base + (size_t)at * bytes, *h = host + (size_t)host_at * host_bytes;
        TRY(in ? r->backend->write(ctx, d, device_dtype, h, host_dtype, (size_t)row) : r->backend->read(ctx, h, host_dtype, d, device_dtype, (size_t)row));
        host_at += row;
        int i = outer - 1;
        for (; i >= 0 && ++index[i] == l->size[i]; i--) index[i] = 0;
        if (i < 0) return RK_OK;
    }
}

static struct layout current_layout(const struct run *r, rk_ref x, rk_ref *base)
{
    struct layout l = layout_of(r->plan->g, x, base);
    for (int i = 0; i < l.rank; i++)
        if (r->plan->g->dims.at[l.dim[i]].live) l.size[i] = r->extent[l.dim[i]];
    return l;
}

rk_status run_input(rk_ctx *ctx, struct run *r, const char *name, const void *from, rk_dtype dtype)
{
    for (int i = 0; i < r->plan->n_inputs; i++) {
        const struct plan_slot *s = &r->plan->inputs[i];
        if (strcmp(s->name, name) != 0) continue;
        struct layout l = current_layout(r, s->ref, NULL);
        if (layout_elements(&l) == 0) return RK_OK;
        return for_rows(ctx, r, &l, r->input_arena + r->input_at[i], s->dtype, (char *)(uintptr_t)from, dtype, true);
    }
    return RK_OK;
}

/* Where there are no elements there may be no memory: any address will do that an offset may be added to. */
static char *address(const struct run *r, const struct place *p)
{
    char *base = NULL;
    int64_t at = 0;
    switch (p->kind) {
    case IN_ARENA: base = r->arena, at = p->at; break;
    case IN_STORE: base = r->state_at[p->at]; break;
    case IN_INPUT: base = r->input_arena, at = r->input_at[p->at]; break;
    case IN_NOTHING: break;
    }
    return base != NULL ? base + at : (char *)r->extent;
}

bool run_has_output(const struct run *r, const char *name)
{
    return graph_find_output(r->plan->g, name) != 0;
}

void *run_output_at(const struct run *r, const char *name, rk_dtype dtype)
{
    for (int i = 0; i < r->plan->n_outputs && r->backend->maps; i++) {
        const struct plan_slot *s = &r->plan->outputs[i];
        if (strcmp(s->name, name) != 0 || s->dtype != dtype) continue;
        struct layout l = current_layout(r, s->ref, NULL);
        int64_t step = 1;
        for (int k = l.rank - 1; k >= 0; step *= l.size[k--])
            if (l.size[k] > 1 && l.stride[k] != step) return NULL;
        return address(r, &r->plan->output_places[i]) + (size_t)l.offset * r->backend->bytes_of(dtype);
    }
    return NULL;
}

/* The layout without its first axes, each of which stays at one index. */
static struct layout layout_row(const struct layout *whole, int n, const int64_t *index)
{
    struct layout l = { .rank = whole->rank - n, .offset = whole->offset };
    for (int i = 0; i < n; i++) l.offset += index[i] * whole->stride[i];
    for (int i = 0; i < l.rank; i++) {
        l.dim[i] = whole->dim[n + i];
        l.size[i] = whole->size[n + i];
        l.stride[i] = whole->stride[n + i];
    }
    return l;
}

rk_status run_output_row(rk_ctx *ctx, const struct run *r, const char *name, int n, const int64_t *index, void *to, rk_dtype dtype)
{
    for (int i = 0; i < r->plan->n_outputs; i++) {
        const struct plan_slot *s = &r->plan->outputs[i];
        if (strcmp(s->name, name) != 0) continue;
        struct layout l = current_layout(r, s->ref, NULL);
        PROMISE(n <= l.rank);
        for (int k = 0; k < n; k++) PROMISE(index[k] >= 0 && index[k] < l.size[k]);
        l = layout_row(&l, n, index);
        return for_rows(ctx, r, &l, address(r, &r->plan->output_places[i]), s->dtype, to, dtype, false);
    }
    return FAIL(RK_E_UNKNOWN, "the graph has no output named %s", name);
}

rk_status run_output(rk_ctx *ctx, const struct run *r, const char *name, void *to, rk_dtype dtype) { return run_output_row(ctx, r, name, 0, NULL, to, dtype); }

/* --- going --- */

static struct rk_profile *watcher(const rk_ctx *ctx, const struct run *r) { return ctx->profile != NULL && ctx->profile->id == r->watched ? ctx->profile : NULL; }

static rk_status go(rk_ctx *ctx, struct run *r, int i)
{
    struct step *s = &r->steps[i];
    void *in[MOST_PROBLEM_OPERANDS], *out[MOST_PROBLEM_RESULTS];
    for (int k = 0; k < s->problem.n_in; k++) in[k] = address(r, &s->in[k]);
    for (int k = 0; k < s->problem.n_out; k++) out[k] = address(r, &s->out[k]);
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
