/* burst.c: the clock around the loops of burst.isa.c. */
#include "backend/cpu/burst.h"
#include "backend/cpu/burst_kernel.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/par.h"

enum { ALONE_ROUNDS = 16000, SWEEPS = 4 };

static const struct burst_kernels *kernels_of(enum isa isa)
{
#define X(isa) &burst_kernels_##isa,
    static const struct burst_kernels *const table[ISA_COUNT] = { FOR_EVERY_ISA(X) };
#undef X
    return table[isa];
}

double burst_flops_alone(enum isa isa)
{
    const struct burst_kernels *k = kernels_of(isa);
    (void)k->flops(ALONE_ROUNDS / 4);                    /* the first round only wakes the wide units */
    double start = clock_seconds(), done = k->flops(ALONE_ROUNDS);
    return done / (clock_seconds() - start);
}

struct flops_run { const struct burst_kernels *k; double seconds, rate[PAR_MOST]; };

static void flops_task(void *arg, int64_t task, int worker)
{
    struct flops_run *r = arg;
    (void)worker;
    (void)r->k->flops(ALONE_ROUNDS / 4);
    double start = clock_seconds(), done = 0, now;
    do {
        done += r->k->flops(ALONE_ROUNDS);
        now = clock_seconds();
    } while (now - start < r->seconds);
    r->rate[task] = done / (now - start);
}

double burst_flops(rk_ctx *ctx, enum isa isa, int threads, double seconds)
{
    struct flops_run r = { .k = kernels_of(isa), .seconds = seconds };
    int n = threads < 1 ? 1 : threads < PAR_MOST ? threads : PAR_MOST;
    double sum = 0;
    par_for(ctx, n, flops_task, &r);
    for (int i = 0; i < n; i++) sum += r.rate[i];
    return sum;
}

struct sweep { const struct burst_kernels *k; float *a, *b, seen[PAR_MOST]; size_t n; int parts; bool copying; };

static void sweep_task(void *arg, int64_t task, int worker)
{
    struct sweep *s = arg;
    (void)worker;
    size_t per = s->n / (size_t)s->parts / 64 * 64, from = per * (size_t)task;
    if (s->copying) s->k->copy(s->b + from, s->a + from, per);
    else s->seen[task] = s->k->read(s->a + from, per);
}

static double best_rate(rk_ctx *ctx, struct sweep *s, double bytes)
{
    double best = 0;
    for (int i = 0; i < SWEEPS; i++) {
        double start = clock_seconds();
        par_for(ctx, s->parts, sweep_task, s);
        double took = clock_seconds() - start;
        if (took > 0 && bytes / took > best) best = bytes / took;
    }
    return best;
}

rk_status burst_bandwidth(rk_ctx *ctx, enum isa isa, int threads, size_t bytes, struct burst_bandwidth *out)
{
    struct sweep s = { .k = kernels_of(isa), .n = bytes / sizeof(float), .parts = threads < 1 ? 1 : threads < PAR_MOST ? threads : PAR_MOST };
    rk_status status = RK_OK;
    GO(NEW(s.a, s.n));
    GO(NEW(s.b, s.n));
    s.copying = true;
    (void)best_rate(ctx, &s, 0);                         /* touches every page, on the thread that will use it */
    double named = (double)(s.n / (size_t)s.parts / 64 * 64 * (size_t)s.parts * sizeof(float));
    out->copy = best_rate(ctx, &s, 2 * named);
    s.copying = false;
    out->read = best_rate(ctx, &s, named);
out:
    FREE(s.a, s.n);
    FREE(s.b, s.n);
    return status;
}
