/* bench_gemm.c: matrix products of the shapes that training and decoding meet: ours and a BLAS, each against the burst of
 * fused multiply-adds taken beside it, interleaved, medians. Each shape is first checked at sampled elements.
 *
 *   bench_gemm [THREADS [SECONDS [NAME]]]    1 thread (0: all), 0.5 seconds per shape, part of a name
 *   environment: BENCH_ISA (scalar, avx2, avx512; neon), BENCH_BLAS (a library; "none"), and what that library reads itself;
 *   BENCH_CLOCK=cpu for a busy machine: processor time instead of the wall, and the best burst so far instead of the nearest */
#include "backend/blas/blas.h"
#include "backend/cpu/burst.h"
#include "backend/cpu/gemm.h"
#include "base/clock.h"
#include "base/mem.h"
#include "usage.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const char usage[] = "bench_gemm [THREADS [SECONDS [NAME]]]    NAME: part of a shape's; environment: BENCH_ISA, BENCH_BLAS, BENCH_CLOCK";
enum layout { NT, NN, TN };              /* which operand lies transposed, as in X W^T, dY W, dY^T X */
static const struct shape { const char *name; enum layout layout; int64_t m, n, k, batch; } shapes[] = {
    { "17m qkv",        NT, 8192, 512, 512, 1 },     { "17m up",         NT, 8192, 1344, 512, 1 },
    { "17m down",       NT, 8192, 512, 1344, 1 },    { "17m head",       NT, 8192, 10000, 512, 1 },
    { "17m up dx",      NN, 8192, 512, 1344, 1 },    { "17m head dx",    NN, 8192, 512, 10000, 1 },
    { "17m up dw",      TN, 1344, 512, 8192, 1 },    { "17m head dw",    TN, 10000, 512, 8192, 1 },
    { "gpt2 qkv",       NN, 256, 2304, 768, 1 },     { "gpt2 proj",      NN, 256, 768, 768, 1 },
    { "gpt2 fc",        NN, 256, 3072, 768, 1 },     { "gpt2 fc nt",     NT, 256, 3072, 768, 1 },
    { "gpt2 fcproj",    NN, 256, 768, 3072, 1 },     { "gpt2 fc dw",     TN, 768, 3072, 256, 1 },
    { "gpt2 head",      NT, 256, 50257, 768, 1 },    { "gpt2 head dx",   NN, 256, 768, 50257, 1 },
    { "gpt2 head dw",   TN, 50257, 768, 256, 1 },    { "scores",         NT, 256, 256, 32, 16 },
    { "values",         NN, 256, 32, 256, 16 },     { "scores 64",      NT, 64, 64, 64, 48 },
    { "decode nt 1",    NT, 1, 3072, 768, 1 },       { "decode nn 1",    NN, 1, 3072, 768, 1 },
    { "decode nt 4",    NT, 4, 3072, 768, 1 },       { "decode nn 4",    NN, 4, 3072, 768, 1 },
    { "decode nt 16",   NT, 16, 3072, 768, 1 },      { "decode nn 16",   NN, 16, 3072, 768, 1 },
    { "rows 32 nt",     NT, 32, 3072, 768, 1 },      { "rows 32 nn",     NN, 32, 3072, 768, 1 },
    { "rows 64 nt",     NT, 64, 3072, 768, 1 },      { "rows 64 nn",     NN, 64, 3072, 768, 1 },
    { "rows 16 deep",   NT, 16, 512, 2048, 1 },      { "rows 64 deep",   NT, 64, 512, 2048, 1 },
    { "rows 16 head",   NT, 16, 58101, 512, 1 },     { "rows 64 head",   NT, 64, 58101, 512, 1 },
    { "rows 32 head",   NT, 32, 58101, 512, 1 },     { "rows 48 head",   NT, 48, 58101, 512, 1 },
    { "rows 64 square", NT, 64, 512, 512, 1 },       { "rows 96 square", NT, 96, 512, 512, 1 },
    { "prompt fc",      NN, 512, 3072, 768, 1 },     { "prompt fcproj",  NN, 512, 768, 3072, 1 },
    { "prompt head",    NT, 512, 50257, 768, 1 },    { "bert square",    NT, 1024, 768, 768, 1 },
    { "bert up",        NT, 1024, 3072, 768, 1 },    { "bert down",      NT, 1024, 768, 3072, 1 },
    { "bert head",      NT, 1024, 30522, 768, 1 },
    { "decode head 1",  NT, 1, 50257, 768, 1 },      { "cube",           NN, 2048, 2048, 2048, 1 },
};
enum { SHAPES = sizeof shapes / sizeof *shapes, MOST = 999 };

static void die(const char *what)
{
    fprintf(stderr, "bench_gemm: %s\n", what);
    exit(1);
}

static void *pages(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) die("no memory");
    (void)madvise(p, bytes, MADV_HUGEPAGE);
    memset(p, 0, bytes);
    return p;
}

static struct gemm_problem problem_of(const struct shape *s)
{
    struct gemm_problem p = { .m = s->m, .n = s->n, .k = s->k, .c_m = s->n, .c_n = 1, .batch = { 1, s->batch }, .alpha = 1 };
    p.a_m = s->layout == TN ? 1 : s->k;
    p.a_k = s->layout == TN ? s->m : 1;
    p.b_k = s->layout == NT ? 1 : s->n;
    p.b_n = s->layout == NT ? s->k : 1;
    p.a_batch[1] = s->m * s->k;
    p.b_batch[1] = s->n * s->k;
    p.c_batch[1] = s->m * s->n;
    return p;
}

static double worst_error(const struct gemm_problem *p, const struct gemm_operands *o)
{
    double worst = 0;
    for (int z = 0; z < 50; z++) {
        int64_t i = z * 7919 % p->m, j = z < 10 ? p->n - 1 - z % p->n : z * 104729 % p->n, q = z % p->batch[1];
        const float *a = (const float *)o->a + q * p->a_batch[1] + i * p->a_m, *b = (const float *)o->b + q * p->b_batch[1] + j * p->b_n;
        double sum = 0, size = 0;
        for (int64_t k = 0; k < p->k; k++) {
            sum += (double)a[k * p->a_k] * (double)b[k * p->b_k];
            size += fabs((double)a[k * p->a_k] * (double)b[k * p->b_k]);
        }
        double error = fabs((double)o->c[q * p->c_batch[1] + i * p->c_m + j * p->c_n] - sum) / (size * 0x1p-24);
        if (error > worst) worst = error;
    }
    return worst;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, ascending);
    return x[n / 2];
}

struct bench {
    bool busy;
    rk_ctx *ctx;
    enum isa isa;
    const struct blas *blas;
    double seconds;
    float *a, *b, *c;
    void  *scratch;
    size_t scratch_bytes;
};

static double run_once(const struct bench *b, const struct gemm_problem *p, bool with_blas)
{
    struct gemm_operands o = { .a = b->a, .b = b->b, .c = b->c };
    double start = b->busy ? clock_process_seconds() : clock_seconds();
    if (with_blas) blas_gemm_run(b->ctx, b->blas, p, &o);
    else {
        struct gemm_plan plan = gemm_plan(p, b->isa);
        if (gemm_scratch(&plan, rk_ctx_threads(b->ctx)) > b->scratch_bytes) die("scratch too small");
        gemm_run(b->ctx, &plan, &o, b->scratch);
    }
    return b->busy ? (clock_process_seconds() - start) / rk_ctx_threads(b->ctx) : clock_seconds() - start;
}

static double best_burst;

static void bench(const struct bench *b, const struct shape *s)
{
    static double rate[2][MOST], share[2][MOST];
    struct gemm_problem p = problem_of(s);
    int n = 0, candidates = b->blas != NULL && blas_takes(&p) ? 2 : 1, threads = rk_ctx_threads(b->ctx);
    double flops = gemm_flops(&p), error[2] = { 0, 0 };
    for (int f = 0; f < candidates; f++) {
        memset(b->c, 0xff, (size_t)(s->m * s->n * s->batch) * sizeof(float));
        (void)run_once(b, &p, f == 1);
        error[f] = worst_error(&p, &(struct gemm_operands){ .a = b->a, .b = b->b, .c = b->c });
        if (!(error[f] <= (double)s->k + 3)) die("a wrong result");
    }
    int inner = (int)(2e7 * threads / flops) + 1;
    for (double start = clock_seconds(); (clock_seconds() - start < b->seconds || n < 5) && n < MOST; n++)
        for (int f = 0; f < candidates; f++) {
            double peak = burst_flops(b->ctx, b->isa, threads, 2e-4), took = 0;
            if (best_burst < peak) best_burst = peak;
            if (b->busy) peak = best_burst;
            for (int i = 0; i < inner; i++) took += run_once(b, &p, f == 1);
            rate[f][n] = flops * inner / took * 1e-9;
            share[f][n] = rate[f][n] * 1e9 / peak;
        }
    printf("%-14s %s %6lld %6lld %6lld x%-4lld ours %7.1f GF/s %4.0f %%", s->name, s->layout == NT ? "NT" : s->layout == NN ? "NN" : "TN",
           (long long)s->m, (long long)s->n, (long long)s->k, (long long)s->batch, median(rate[0], n), 100 * median(share[0], n));
    if (candidates == 2) printf("   blas %7.1f GF/s %4.0f %%", median(rate[1], n), 100 * median(share[1], n));
    printf("   error %.1f ulp of |A||B|", error[0]);
    printf("   best %.1f", rate[0][n - 1]);                 /* they were sorted for the median */
    if (s->m <= 16) printf("   %.1f GB/s of B", median(rate[0], n) / 2 / (double)s->m * 4);
    printf("   n %d\n", n);
    fflush(stdout);
}

static size_t most(size_t a, size_t b) { return a > b ? a : b; }

int main(int argc, char **argv)
{
    if (usage_help(argc, argv, usage)) return 0;
    struct bench b = { .isa = isa_best(), .seconds = usage_real(usage, "SECONDS", argc > 2 ? argv[2] : NULL, 0.5, 0, 3600) };
    int asked = (int)usage_count(usage, "THREADS", argc > 1 ? argv[1] : NULL, 1, 0, USAGE_THREADS);
    struct blas *blas = NULL;
    const char *isa = getenv("BENCH_ISA"), *library = getenv("BENCH_BLAS");
    b.busy = getenv("BENCH_CLOCK") != NULL && strcmp(getenv("BENCH_CLOCK"), "cpu") == 0;
    if (rk_ctx_open(&(rk_options){ .threads = asked }, &b.ctx) != RK_OK) die("no context");
    if (isa != NULL && (!isa_find(isa, &b.isa) || !isa_runs(b.isa))) die("no such instruction set here");
    if (library == NULL || strcmp(library, "none") != 0) {
        if (blas_open(b.ctx, library, &blas) != RK_OK) printf("no BLAS: %s\n", rk_error_message(b.ctx));
        else printf("BLAS: %s, core %s\n", blas_name(blas), blas_core(blas));
        b.blas = blas;
    }
    size_t a_n = 0, b_n = 0, c_n = 0;
    for (int i = 0; i < SHAPES; i++) {
        a_n = most(a_n, (size_t)(shapes[i].m * shapes[i].k * shapes[i].batch));
        b_n = most(b_n, (size_t)(shapes[i].n * shapes[i].k * shapes[i].batch));
        c_n = most(c_n, (size_t)(shapes[i].m * shapes[i].n * shapes[i].batch));
    }
    b.a = pages(a_n * 4), b.b = pages(b_n * 4), b.c = pages(c_n * 4);
    b.scratch_bytes = (size_t)64 << 20;
    b.scratch = pages(b.scratch_bytes);
    for (size_t i = 0; i < a_n; i++) b.a[i] = (float)((i * 2654435761u) % 2001) * 1e-3f - 1;
    for (size_t i = 0; i < b_n; i++) b.b[i] = (float)((i * 40503u + 7) % 1999) * 1e-3f - 1;
    int threads = rk_ctx_threads(b.ctx);
    printf("%s, %d thread(s), burst %.1f GFLOP/s\n", isa_rows[b.isa].name, threads, burst_flops(b.ctx, b.isa, threads, 0.05) * 1e-9);
    for (int i = 0; i < SHAPES; i++)
        if (argc < 4 || strstr(shapes[i].name, argv[3]) != NULL) bench(&b, &shapes[i]);
    if (blas != NULL) blas_close(b.ctx, blas);
    rk_ctx_close(b.ctx);
    return 0;
}
