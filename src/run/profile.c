/* profile.c: steps timed beside their bills, while they are carried out.
 *
 * A row per step of every program that was opened meanwhile; they outlive the programs, so texts are copied, each once. Not here:
 * rows put together (profile_rows.c), the trace file (profile_trace.c). */
#include "run/profile.h"
#include "base/clock.h"
#include "core/opdef.h"
#include <string.h>

enum { EVENTS = 1 << 20 };

rk_status rk_profile_open(rk_ctx *ctx, const rk_profile_options *options, rk_profile **out)
{
    static const rk_profile_options standard = { 0 };
    const rk_profile_options *o = options != NULL ? options : &standard;
    rk_profile *p;
    *out = NULL;
    if (ctx->profile != NULL) return FAIL(RK_E_ARG, "this context has a profile already");
    if (o->most_events < 0 || o->most_events > INT32_MAX) return FAIL(RK_E_ARG, "a trace of %lld events", (long long)o->most_events);
    TRY(NEW(p, 1));
    *p = (rk_profile){ .ctx = ctx, .id = ++ctx->profiles, .trace = o->trace, .most_events = o->most_events == 0 ? EVENTS : (int)o->most_events };
    ctx->profile = *out = p;
    return RK_OK;
}

void rk_profile_close(rk_profile *p)
{
    if (p == NULL) return;
    rk_ctx *ctx = p->ctx;
    ctx->profile = NULL;
    VEC_FREE(&p->steps);
    VEC_FREE(&p->events);
    VEC_FREE(&p->text);
    map_free(ctx, &p->texts);
    arena_clear(ctx, &p->arena);
    FREE(p, 1);
}

/* --- who a step is --- */

static rk_status keep_text(rk_ctx *ctx, struct rk_profile *p, const char *text, const char **out)
{
    size_t n = strlen(text);
    int at;
    if (map_get(&p->texts, text, n, &at)) {
        *out = p->text.at[at];
        return RK_OK;
    }
    TRY(arena_text(ctx, &p->arena, text, n, out));
    VEC_PUSH(&p->text, *out);
    return map_put(ctx, &p->texts, *out, n, p->text.n - 1);
}

rk_status profile_watch(rk_ctx *ctx, struct rk_profile *p, struct run *r)
{
    r->first_watched = p->steps.n;
    TRY(VEC_ROOM(&p->steps, r->plan->n_steps));
    for (int i = 0; i < r->plan->n_steps; i++) {
        const struct step *s = &r->plan->steps[i];
        struct profile_step fresh = { .program = p->programs };
        TRY(keep_text(ctx, p, s->kernel->op, &fresh.row.op));
        TRY(keep_text(ctx, p, s->kernel->name, &fresh.row.kernel));
        TRY(keep_text(ctx, p, r->plan->g->paths.at[s->problem.node->path], &fresh.row.module));
        TRY(keep_text(ctx, p, s->problem.node->text, &fresh.row.text));
        p->steps.at[p->steps.n++] = fresh;
    }
    p->programs++;
    r->watched = p->id;
    return RK_OK;
}

/* --- what it did --- */

/* Distinct elements: a dimension that is walked without moving counts once. */
static uint64_t operand_bytes(const struct run *r, const struct operand *o)
{
    uint64_t n = 1;
    for (int i = 0; i < o->at.rank; i++)
        if (o->at.stride[i] != 0 || o->at.size[i] == 0) n *= (uint64_t)o->at.size[i];
    return n * r->backend->bytes_of(o->dtype);
}

/* Of a table that is picked from as much is read as the result has; a sink writes into its state as much as its value has. */
static uint64_t step_bytes(const struct run *r, const struct step *s)
{
    const struct problem *p = &s->problem;
    bool picks = (p->op->flags & OP_PICKS) != 0, sinks = (p->op->flags & OP_SINK) != 0;
    uint64_t bytes = sinks ? operand_bytes(r, &p->in[1]) : 0;
    for (int k = picks || sinks; k < p->n_in; k++)
        if (s->in[k].kind != IN_NOTHING) bytes += operand_bytes(r, &p->in[k]);
    for (int k = 0; k < p->n_out && !sinks; k++) bytes += operand_bytes(r, &p->out[k]) * (picks || p->accumulate ? 2u : 1u);
    return bytes;
}

static rk_status keep_event(rk_ctx *ctx, struct rk_profile *p, int step, double begin, double seconds, uint64_t flops, uint64_t bytes)
{
    struct profile_event e = { step, begin, seconds, flops, bytes };
    if (!p->trace) return RK_OK;
    if (p->events.n < p->most_events) VEC_PUSH(&p->events, e);
    else p->lost++;
    return RK_OK;
}

rk_status profile_step(rk_ctx *ctx, struct rk_profile *p, const struct run *r, int i, double begin)
{
    const struct step *s = &r->steps[i];
    rk_profile_row *row = &p->steps.at[r->first_watched + i].row;
    double seconds = clock_seconds() - begin;
    uint64_t bytes = step_bytes(r, s), flops = s->prepared.product_flops + s->prepared.elementwise_flops;
    row->calls++;
    row->seconds += seconds;
    row->product_flops += s->prepared.product_flops;
    row->elementwise_flops += s->prepared.elementwise_flops;
    row->bytes += bytes;
    if (s->problem.in[0].dtype == RK_bf16) row->bf16_flops += s->prepared.product_flops;
    if (s->problem.in[0].dtype == RK_f16) row->f16_flops += s->prepared.product_flops;
    return keep_event(ctx, p, r->first_watched + i, begin, seconds, flops, bytes);
}

rk_status profile_run(rk_ctx *ctx, struct rk_profile *p, double begin)
{
    p->ended = clock_seconds();
    if (p->runs++ == 0) p->began = begin;
    return keep_event(ctx, p, -1, begin, p->ended - begin, 0, 0);
}

void rk_profile_total(const rk_profile *p, rk_profiled *t)
{
    *t = (rk_profiled){ .programs = (uint64_t)p->programs, .runs = p->runs, .span = p->ended - p->began, .events = (uint64_t)p->events.n, .lost = p->lost };
    for (int i = 0; i < p->steps.n; i++) {
        const rk_profile_row *row = &p->steps.at[i].row;
        t->calls += row->calls;
        t->seconds += row->seconds;
        t->product_flops += row->product_flops;
        t->elementwise_flops += row->elementwise_flops;
        t->bytes += row->bytes;
    }
}
