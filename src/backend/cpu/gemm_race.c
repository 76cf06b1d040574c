/* gemm_race.c: the candidates take turns. */
#include "backend/cpu/gemm_race.h"
#include "backend/cpu/burst.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include <string.h>

enum { ROUNDS = 15, FEWEST = 3, COLD_FLOATS = 1 << 25 };
static const double TIE = 0.97;

/* cold: every run meets a B that no cache holds any more: they take turns over COLD_FLOATS, more than caches have. A weight is
 * read once for every token that is made, and by then all the others have passed; with many tokens it is packed once for all. */
static const struct class_row { const char *name; int64_t m, n, k; bool a_turned, b_turned, cold; } classes[GEMM_CLASSES] = {
    [GEMM_WIDE_NT] = { "wide_nt", 384, 512, 256, false, true, false },      /* Y = X W^T */
    [GEMM_WIDE_NN] = { "wide_nn", 384, 512, 256, false, false, false },     /* dX = dY W */
    [GEMM_WIDE_TN] = { "wide_tn", 256, 384, 512, true, false, false },      /* dW = dY^T X */
    [GEMM_TOKENS]  = { "tokens",  64, 768, 512, false, true, false },
    [GEMM_ONE]     = { "one",     1, 1536, 768, false, true, true },
};
const char *gemm_class_name(enum gemm_class c) { return classes[c].name; }

struct gemm_problem gemm_class_problem(enum gemm_class c)
{
    const struct class_row *r = &classes[c];
    return (struct gemm_problem){
        .m = r->m, .n = r->n, .k = r->k, .c_m = r->n, .c_n = 1, .batch = { 1, 1 }, .alpha = 1,
        .a_m = r->a_turned ? 1 : r->k, .a_k = r->a_turned ? r->m : 1, .b_k = r->b_turned ? 1 : r->n, .b_n = r->b_turned ? r->k : 1 };
}

enum gemm_class gemm_class_of(const struct gemm_problem *p)
{
    int64_t few = p->m < p->n ? p->m : p->n;
    if (few <= 4) return GEMM_ONE;
    if (few <= 128) return GEMM_TOKENS;
    if (p->a_k != 1 && p->a_m == 1) return GEMM_WIDE_TN;
    return p->b_n == 1 ? GEMM_WIDE_NN : GEMM_WIDE_NT;
}

static double median(double *x, int n)
{
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && x[j] < x[j - 1]; j--) {
            double swap = x[j];
            x[j] = x[j - 1];
            x[j - 1] = swap;
        }
    return x[n / 2];
}

/* Operands of the runs: copies of B, one after the other. */
struct field { const struct gemm_problem *p; struct gemm_operands o; const float *b; int64_t copies, next; };

static const struct gemm_operands *advance(struct field *f)
{
    f->o.b = f->b + f->next * f->p->n * f->p->k;
    f->next = (f->next + 1) % f->copies;
    return &f->o;
}

static void turn(rk_ctx *ctx, const struct gemm_candidate *c, struct field *f, double *share, double *best, double *burst)
{
    const struct gemm_operands *o = advance(f);
    double peak = burst_flops(ctx, isa_best(), rk_ctx_threads(ctx), 1e-4), start = clock_seconds();
    c->run(ctx, c->arg, f->p, o);
    double took = clock_seconds() - start, rate = gemm_flops(f->p) / (took > 1e-9 ? took : 1e-9);
    *share = peak > 0 ? rate / peak : 0;
    if (rate > *best) *best = rate;
    if (peak > *burst) *burst = peak;
}

static void race(rk_ctx *ctx, struct field *f, const struct gemm_candidate *c, int n, double seconds, struct gemm_score *scores, double *shares)
{
    double start = clock_seconds(), burst = 0;
    int rounds = 0;
    for (int i = 0; i < n; i++) {
        scores[i].flops = 0;
        c[i].run(ctx, c[i].arg, f->p, advance(f));      /* the first run wakes pages, threads and libraries */
    }
    while (rounds < ROUNDS && (rounds < FEWEST || clock_seconds() - start < seconds * n)) {
        for (int i = 0; i < n; i++) turn(ctx, &c[i], f, &shares[i * ROUNDS + rounds], &scores[i].flops, &burst);
        rounds++;
    }
    for (int i = 0; i < n; i++) scores[i].fair = burst * (scores[i].share = median(shares + i * ROUNDS, rounds));
}

rk_status gemm_race(rk_ctx *ctx, enum gemm_class c, const struct gemm_candidate *candidates, int n, double seconds_each,
                    struct gemm_score *scores, int *winner)
{
    struct gemm_problem p = gemm_class_problem(c);
    struct field f = { .p = &p, .copies = classes[c].cold ? COLD_FLOATS / (p.n * p.k) : 1 };
    size_t a_n = (size_t)(p.m * p.k), one_n = (size_t)(p.n * p.k), b_n = one_n * (size_t)f.copies, c_n = (size_t)(p.m * p.n);
    float *a = NULL, *b = NULL, *out = NULL;
    double *shares = NULL;
    rk_status status = RK_OK;
    if (n < 1) return FAIL(RK_E_ARG, "racing matrix products: no candidates");
    GO(NEW(a, a_n));
    GO(NEW(b, b_n));
    GO(NEW(out, c_n));
    GO(NEW(shares, n * ROUNDS));
    for (size_t i = 0; i < a_n; i++) a[i] = (float)rng_uniform(1, 0, i) - 0.5f;
    for (size_t i = 0; i < one_n; i++) b[i] = (float)rng_uniform(1, 1, i) - 0.5f;
    for (int64_t i = 1; i < f.copies; i++) memcpy(b + (size_t)i * one_n, b, one_n * sizeof *b);
    f.b = b;
    f.o = (struct gemm_operands){ .a = a, .c = out };
    race(ctx, &f, candidates, n, seconds_each, scores, shares);
    double best = 0;
    for (int i = 0; i < n; i++) best = scores[i].share > best ? scores[i].share : best;
    for (*winner = 0; *winner < n - 1 && scores[*winner].share < TIE * best;) (*winner)++;
out:
    FREE(a, a_n);
    FREE(b, b_n);
    FREE(out, c_n);
    FREE(shares, n * ROUNDS);
    return status;
}
