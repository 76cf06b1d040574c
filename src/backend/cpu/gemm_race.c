/* gemm_race.c: the candidates take turns. */
#include "backend/cpu/gemm_race.h"
#include "backend/cpu/burst.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"

enum { ROUNDS = 15, FEWEST = 3 };
static const double TIE = 0.97;

static const struct class_row { const char *name; int64_t m, n, k; bool a_turned, b_turned; } classes[GEMM_CLASSES] = {
    [GEMM_WIDE_NT] = { "wide_nt", 384, 512, 256, false, true },      /* Y = X W^T */
    [GEMM_WIDE_NN] = { "wide_nn", 384, 512, 256, false, false },     /* dX = dY W */
    [GEMM_WIDE_TN] = { "wide_tn", 256, 384, 512, true, false },      /* dW = dY^T X */
    [GEMM_TOKENS]  = { "tokens",  64, 768, 512, false, true },
    [GEMM_ONE]     = { "one",     1, 1536, 768, false, true },
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

static void turn(rk_ctx *ctx, const struct gemm_candidate *c, const struct gemm_problem *p, const struct gemm_operands *o, double *share,
                 double *best)
{
    double peak = burst_flops(ctx, isa_best(), rk_ctx_threads(ctx), 1e-4), start = clock_seconds();
    c->run(ctx, c->arg, p, o);
    double took = clock_seconds() - start, rate = gemm_flops(p) / (took > 1e-9 ? took : 1e-9);
    *share = peak > 0 ? rate / peak : 0;
    if (rate > *best) *best = rate;
}

static void race(rk_ctx *ctx, const struct gemm_problem *p, const struct gemm_operands *o, const struct gemm_candidate *c, int n, double seconds,
                 struct gemm_score *scores, double *shares)
{
    double start = clock_seconds();
    int rounds = 0;
    for (int i = 0; i < n; i++) {
        scores[i].flops = 0;
        c[i].run(ctx, c[i].arg, p, o);           /* the first run wakes pages, threads and libraries */
    }
    while (rounds < ROUNDS && (rounds < FEWEST || clock_seconds() - start < seconds * n)) {
        for (int i = 0; i < n; i++) turn(ctx, &c[i], p, o, &shares[i * ROUNDS + rounds], &scores[i].flops);
        rounds++;
    }
    for (int i = 0; i < n; i++) scores[i].share = median(shares + i * ROUNDS, rounds);
}

rk_status gemm_race(rk_ctx *ctx, enum gemm_class c, const struct gemm_candidate *candidates, int n, double seconds_each,
                    struct gemm_score *scores, int *winner)
{
    struct gemm_problem p = gemm_class_problem(c);
    size_t a_n = (size_t)(p.m * p.k), b_n = (size_t)(p.n * p.k), c_n = (size_t)(p.m * p.n);
    float *a = NULL, *b = NULL, *out = NULL;
    double *shares = NULL;
    rk_status status = RK_OK;
    if (n < 1) return FAIL(RK_E_ARG, "racing matrix products: no candidates");
    GO(NEW(a, a_n));
    GO(NEW(b, b_n));
    GO(NEW(out, c_n));
    GO(NEW(shares, n * ROUNDS));
    for (size_t i = 0; i < a_n; i++) a[i] = (float)rng_uniform(1, 0, i) - 0.5f;
    for (size_t i = 0; i < b_n; i++) b[i] = (float)rng_uniform(1, 1, i) - 0.5f;
    race(ctx, &p, &(struct gemm_operands){ a, b, out, NULL, NULL }, candidates, n, seconds_each, scores, shares);
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
