/* device_race.c: who makes the matrix products of this machine, and what its ceilings are: measured. */
#include "backend/cpu/bf16.h"
#include "backend/cpu/burst.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "device_inner.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SWEEP_BYTES = 128 << 20, BURSTS = 20, NARROW_SIDE = 1024, NARROW_RUNS = 12 };
static const double LONG_RACE_SECONDS = 0.1, LONGEST_RACE_SECONDS = 0.2, BURST_SECONDS = 0.01;
static const double TIE = 0.97;         /* a library that is not clearly faster is not worth opening */

struct own { enum isa isa; void *scratch; };

static void run_own(rk_ctx *ctx, const void *candidate, const struct gemm_problem *p, const struct gemm_operands *o)
{
    const struct own *own = candidate;
    struct gemm_plan plan = gemm_plan(p, own->isa);
    gemm_run(ctx, &plan, o, own->scratch);
}

static void run_library(rk_ctx *ctx, const void *candidate, const struct gemm_problem *p, const struct gemm_operands *o)
{
    blas_gemm_run(ctx, candidate, p, o);
}

/* Those that take part: our own products first, then libraries. */
struct field { int n; struct blas *blas[RK_RACERS]; struct gemm_score score[GEMM_CLASSES][RK_RACERS]; };

static rk_status race_class(rk_ctx *ctx, const rk_device *d, enum gemm_class c, double seconds, struct field *f)
{
    struct gemm_problem p = gemm_class_problem(c);
    struct gemm_plan plan = gemm_plan(&p, d->machine.isa);
    struct own own = { .isa = d->machine.isa };
    struct gemm_candidate all[RK_RACERS] = { { run_own, &own } };
    unsigned char *scratch;
    size_t bytes = gemm_scratch(&plan, par_workers(ctx));
    int winner;
    for (int i = 1; i < f->n; i++) all[i] = (struct gemm_candidate){ run_library, f->blas[i] };
    TRY(NEW(scratch, bytes));
    own.scratch = scratch;
    rk_status status = gemm_race(ctx, c, all, f->n, seconds, f->score[c], &winner);
    FREE(scratch, bytes);
    return status;
}

/* How much faster, in sum over the classes, products are where this library makes those at which it is faster. */
static double gain(const struct field *f, int i)
{
    double sum = 0;
    for (int c = 0; c < GEMM_CLASSES; c++) {
        double own = f->score[c][0].share, library = f->score[c][i].share;
        if (own > 0 && own < TIE * library) sum += log(library / own);
    }
    return sum;
}

static int best(const struct field *f)
{
    int chosen = 0;
    for (int i = 1; i < f->n; i++)
        if (gain(f, i) > (chosen == 0 ? 0 : gain(f, chosen) - log(TIE))) chosen = i;
    return chosen;
}

/* A library makes what it is clearly faster at; one that was asked for, everything. */
static bool wins(const struct field *f, int c, int chosen, bool asked)
{
    return chosen > 0 && (asked || f->score[c][0].share < TIE * f->score[c][chosen].share);
}

/* With the name that opens each again. */
static void tell(const struct field *f, int chosen, bool asked, rk_race *races)
{
    for (int c = 0; races != NULL && c < GEMM_CLASSES; c++) {
        struct gemm_problem p = gemm_class_problem((enum gemm_class)c);
        races[c] = (rk_race){ .name = gemm_class_name((enum gemm_class)c), .rows = p.m, .columns = p.n, .depth = p.k, .n = f->n };
        for (int i = 0; i < f->n; i++) {
            races[c].flops[i] = f->score[c][i].fair;
            (void)snprintf(races[c].racer[i], sizeof races[c].racer[i], "%s", i == 0 ? "own" : blas_key(f->blas[i]));
            (void)snprintf(races[c].core[i], sizeof races[c].core[i], "%s", i == 0 ? "" : blas_core(f->blas[i]));
        }
        races[c].winner = wins(f, c, chosen, asked) ? chosen : 0;
    }
}

/* Every known library that opens here; one that does not is no news. */
static rk_status open_all(rk_ctx *ctx, struct field *f)
{
    struct blas_known known;
    for (int i = 0; f->n < RK_RACERS && blas_at(i, &known); i++) {
        rk_status status = blas_open(ctx, known.name, &f->blas[f->n]);
        if (status == RK_E_NOMEM) return status;
        if (status == RK_OK) f->n++;
        else ctx_log(ctx, RK_DEBUG, "%s", rk_error_message(ctx));
        rk_error_clear(ctx);
    }
    return RK_OK;
}

rk_status device_race(rk_ctx *ctx, rk_device *d, double seconds, rk_race *races)
{
    struct field f = { .n = 1 };
    rk_status status = RK_OK;
    int chosen;
    if (!d->asked) GO(open_all(ctx, &f));
    else if (d->blas != NULL) f.blas[f.n++] = d->blas;
    for (int c = 0; c < GEMM_CLASSES; c++) GO(race_class(ctx, d, (enum gemm_class)c, seconds, &f));
    chosen = d->asked ? f.n - 1 : best(&f);
    tell(&f, chosen, d->asked, races);
    if (d->asked) return RK_OK;
    for (int c = 0; c < GEMM_CLASSES; c++) d->machine.blas_wins[c] = wins(&f, c, chosen, false);
    struct blas *winner = f.blas[chosen];
    f.blas[chosen] = NULL;
    GO(device_take(ctx, d, winner));
out:
    for (int i = 1; !d->asked && i < f.n; i++) blas_close(ctx, f.blas[i]);
    return status;
}

/* A ceiling is the best of many moments: on a machine that others use too, the mean says what they do. */
static double best_burst(rk_ctx *ctx, const rk_device *d)
{
    double best = 0;
    for (int i = 0; i < BURSTS; i++) {
        double rate = burst_flops(ctx, d->machine.isa, rk_ctx_threads(ctx), BURST_SECONDS);
        if (rate > best) best = rate;
    }
    return best;
}

/* The faster of our own and of the library that is open. */
static rk_status best_product(rk_ctx *ctx, const rk_device *d, double *flops)
{
    struct field f = { .n = 1 };
    if (d->blas != NULL) f.blas[f.n++] = d->blas;
    TRY(race_class(ctx, d, GEMM_WIDE_NT, LONGEST_RACE_SECONDS, &f));
    *flops = fmax(f.score[GEMM_WIDE_NT][0].flops, f.score[GEMM_WIDE_NT][1].flops);
    return RK_OK;
}

/* Of bf16 by tiles. The numbers are random, since tiles of zeros are multiplied twice as fast as others. 0: this processor has no tiles. */
static rk_status best_narrow_product(rk_ctx *ctx, const rk_device *d, double *flops)
{
    enum { N = NARROW_SIDE };
    const struct gemm_problem p = { .m = N, .n = N, .k = N, .a_m = N, .a_k = 1, .b_k = 1, .b_n = N, .c_m = N, .c_n = 1, .batch = { 1, 1 }, .alpha = 1,
                                    .a_type = GEMM_bf16, .b_type = GEMM_bf16 };
    uint16_t *factors = NULL;
    float *sums = NULL;
    unsigned char *scratch = NULL;
    rk_status status = RK_OK;
    *flops = 0;
    if (!d->machine.tiles) return RK_OK;
    struct bf16_plan plan = bf16_plan(&p, false);
    size_t bytes = bf16_scratch(&plan, par_workers(ctx));
    GO(NEW(factors, N * N));
    GO(NEW(sums, N * N));
    GO(NEW(scratch, bytes));
    for (size_t i = 0; i < N * N; i++) sums[i] = (float)rng_uniform(1, 0, i) - 0.5f;
    bf16_narrow(factors, 1, sums, N * N);
    for (int i = 0; i < NARROW_RUNS; i++) {
        double start = clock_seconds();
        bf16_run(ctx, &plan, &(struct bf16_operands){ .a = factors, .b = factors, .c = sums }, scratch);
        *flops = fmax(*flops, gemm_flops(&p) / fmax(clock_seconds() - start, 1e-9));
    }
out:
    FREE(factors, N * N);
    FREE(sums, N * N);
    FREE(scratch, bytes);
    return status;
}

static rk_status measure_all(rk_ctx *ctx, rk_device *d)
{
    struct burst_bandwidth bytes;
    double product = 0, narrow = 0;
    int threads = rk_ctx_threads(ctx);
    TRY(best_product(ctx, d, &product));
    TRY(best_narrow_product(ctx, d, &narrow));
    TRY(burst_bandwidth(ctx, d->machine.isa, threads, SWEEP_BYTES, &bytes));
    d->ceilings = (rk_ceilings){ .fma_flops = best_burst(ctx, d), .gemm_flops = product, .read_bytes = bytes.read, .copy_bytes = bytes.copy, .bf16_flops = narrow,
                                 .threads = threads };
    d->known = true;
    return device_cache_write(ctx, d);
}

rk_status rk_device_ceilings(rk_device *d, bool measure, rk_ceilings *ceilings)
{
    rk_ctx *ctx = d->ctx;
    if (!d->known || measure) TRY(d->cuda != NULL ? device_measure_cuda(ctx, d) : measure_all(ctx, d));
    *ceilings = d->ceilings;
    return RK_OK;
}

bool rk_device_measured(const rk_device *d, rk_ceilings *ceilings)
{
    if (d->known) *ceilings = d->ceilings;
    return d->known;
}

rk_status rk_device_races(rk_device *d, int most, rk_race *races, int *n)
{
    rk_race all[GEMM_CLASSES];
    rk_ctx *ctx = d->ctx;
    *n = 0;
    if (d->cuda != NULL) return RK_OK;                      /* its products are cuBLASLt's, by the algorithm that wins for each shape */
    TRY(device_race(ctx, d, LONG_RACE_SECONDS, all));
    TRY(device_describe(ctx, d));
    *n = most < GEMM_CLASSES ? most : GEMM_CLASSES;
    if (*n > 0) memcpy(races, all, sizeof *races * (size_t)*n);
    return RK_OK;
}
