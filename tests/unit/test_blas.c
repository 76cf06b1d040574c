/* test_blas.c: a BLAS found at run time gives what the loops give, in every form that cblas can express; names that are not
 * libraries, and libraries that are no BLAS, are declined by message; the race and the bursts say something sane. labels: threads */
#include "backend/blas/blas_inner.h"
#include "backend/cpu/burst.h"
#include "backend/cpu/gemm_race.h"
#include "base/mem.h"
#include "test.h"
#include <stdlib.h>

/* Runs a test on every library that is installed; skips where there is none. */
static void on_each(void (*test)(struct blas *blas))
{
    rk_ctx *ctx = test_ctx();
    struct blas_known known;
    int opened = 0;
    for (int i = 0; blas_at(i, &known); i++) {
        struct blas *b = NULL;
        rk_status status = blas_open(ctx, known.name, &b);
        if (status == RK_OK) {
            opened++;
            test(b);
        } else EXPECT((status == RK_E_MISSING && strstr(rk_error_hint(ctx), "comes with") != NULL) || status == RK_E_DECLINED);
        rk_error_clear(ctx);
        blas_close(ctx, b);
    }
    if (opened == 0) SKIP("no BLAS library is installed here");
}

static void randomise(float *x, size_t n) { for (size_t i = 0; i < n; i++) x[i] = (float)test_normal(); }

static struct gemm_problem random_problem(void)
{
    int64_t m = 1 + (int64_t)test_random(60), n = 1 + (int64_t)test_random(60), k = 1 + (int64_t)test_random(60), gap = (int64_t)test_random(3);
    struct gemm_problem p = { .m = m, .n = n, .k = k, .batch = { 1, 1 + (int64_t)test_random(2) }, .alpha = 0.5f, .accumulate = test_random(2) == 0 };
    bool a = test_random(2) == 0, b = test_random(2) == 0, c = test_random(2) == 0;
    p.a_m = a ? k + gap : 1, p.a_k = a ? 1 : m + gap;
    p.b_k = b ? n + gap : 1, p.b_n = b ? 1 : k + gap;
    p.c_m = c ? n + gap : 1, p.c_n = c ? 1 : m + gap;
    p.a_batch[1] = p.b_batch[1] = p.c_batch[1] = 64 * 64;
    return p;
}

static void try_forms(struct blas *blas)
{
    enum { N = 2 * 64 * 64 };
    static float a[N], b[N], c[N], mine[N];
    rk_ctx *ctx = test_ctx();
    EXPECT(blas_core(blas)[0] != '\0' && blas_name(blas)[0] != '\0' && blas_title(blas)[0] != '\0');
    for (int i = 0; i < 300; i++) {
        struct gemm_problem p = random_problem();
        struct gemm_plan plan = gemm_plan(&p, isa_best());
        void *scratch = malloc(gemm_scratch(&plan, 1) + 64);
        REQUIRE(scratch != NULL && blas_takes(&p));
        randomise(a, N), randomise(b, N), randomise(c, N);
        memcpy(mine, c, sizeof c);
        gemm_alone(&plan, &(struct gemm_operands){ .a = a, .b = b, .c = mine }, scratch);
        blas_gemm_run(ctx, blas, &p, &(struct gemm_operands){ .a = a, .b = b, .c = c });
        double worst = 0;
        for (int j = 0; j < N; j++) worst = fmax(worst, fabs((double)c[j] - (double)mine[j]));
        if (!(worst < 2e-4)) test_fail(__FILE__, __LINE__, "%s is off by %g", blas_title(blas), worst);
        free(scratch);
    }
}

TEST(every_form_equals_our_own_product) { on_each(try_forms); }

/* Not MKL's, oneDNN's or anybody's threads: ours, and blocks that depend on the shape alone. */
static void try_threads(struct blas *blas)
{
    enum { M = 900, N = 700, K = 80 };
    rk_ctx *one, *two;
    REQUIRE(rk_ctx_open(&(rk_options){ .threads = 1 }, &one) == RK_OK && rk_ctx_open(&(rk_options){ .threads = 2 }, &two) == RK_OK);
    struct gemm_problem p = { .m = M, .n = N, .k = K, .a_m = K, .a_k = 1, .b_k = N, .b_n = 1, .c_m = N, .c_n = 1, .batch = { 1, 1 }, .alpha = 1 };
    float *x = malloc(sizeof(float) * (M * K + K * N + 2 * M * N));
    REQUIRE(x != NULL);
    float *b = x + M * K, *c = b + K * N, *d = c + M * N;
    randomise(x, M * K + K * N);
    blas_gemm_run(one, blas, &p, &(struct gemm_operands){ .a = x, .b = b, .c = c });
    blas_gemm_run(two, blas, &p, &(struct gemm_operands){ .a = x, .b = b, .c = d });
    if (memcmp(c, d, sizeof(float) * M * N) != 0) test_fail(__FILE__, __LINE__, "%s: other bits on two threads", blas_title(blas));
    free(x);
    rk_ctx_close(one);
    rk_ctx_close(two);
}

TEST(blocks_are_a_function_of_the_shape) { on_each(try_threads); }

TEST(what_cblas_cannot_express_is_not_taken)
{
    struct gemm_problem good = { .m = 4, .n = 5, .k = 6, .a_m = 6, .a_k = 1, .b_k = 5, .b_n = 1, .c_m = 5, .c_n = 1, .batch = { 1, 1 }, .alpha = 1 }, p = good;
    EXPECT(blas_takes(&p));
    p.a_m = 12, p.a_k = 2;
    EXPECT(!blas_takes(&p));
    p = good, p.a_m = 5;                         /* rows overlap */
    EXPECT(!blas_takes(&p));
    p = good, p.b_k = (int64_t)1 << 40;          /* beyond an int */
    EXPECT(!blas_takes(&p));
    p = good, p.k = 0;
    EXPECT(!blas_takes(&p));
    p = good, p.c_m = -5;
    EXPECT(!blas_takes(&p));
}

TEST(what_is_no_blas_is_declined_by_message)
{
    rk_ctx *ctx = test_ctx();
    struct blas *b = NULL;
    FAILS(ctx, blas_open(ctx, "libno-such-thing.so", &b), RK_E_MISSING, "libno-such-thing.so");
    EXPECT(b == NULL);
    FAILS(ctx, blas_open(ctx, "libm.so.6", &b), RK_E_DECLINED, "cblas_sgemm");
    FAILS(ctx, blas_open(ctx, "/nowhere/libdnnl.so.2", &b), RK_E_MISSING, "libdnnl");
    for (const struct blas_row *r = blas_rows; r->name != NULL; r++) {      /* all names that were tried are told, of what is not here */
        rk_status status = blas_open(ctx, r->name, &b);
        for (size_t i = 0; status == RK_E_MISSING && i < sizeof r->files / sizeof *r->files && r->files[i] != NULL; i++)
            EXPECT(strstr(rk_error_message(ctx), r->files[i]) != NULL);
        rk_error_clear(ctx);
        blas_close(ctx, b);
        b = NULL;
    }
    FAILS(ctx, blas_open(ctx, "eigen", &b), RK_E_UNKNOWN, "eigen");
    EXPECT(strstr(rk_error_hint(ctx), "openblas, blis, mkl, onednn") != NULL);
    EXPECT(b == NULL);
    blas_close(ctx, NULL);
}

static rk_status open_and_close(rk_ctx *ctx)
{
    struct blas *b = NULL;
    rk_status status = blas_open(ctx, "libm.so.6", &b);
    blas_close(ctx, b);
    return status == RK_E_DECLINED ? RK_OK : status;
}

TEST(no_memory_is_an_answer) { FOR_EVERY_FAILED_ALLOCATION(open_and_close); }

TEST(a_wish_follows_the_features)
{
    struct blas_wish w[4];
    struct isa_features none = { 0 }, narrow = { .avx2 = true, .fma = true };
    struct isa_features wide = { .avx2 = true, .fma = true, .avx512f = true, .avx512bw = true, .avx512dq = true, .avx512vl = true };
    EXPECT_INT(blas_core_wish(&none, w, 4), 0);
    REQUIRE(blas_core_wish(&narrow, w, 4) == 2);
    EXPECT_TEXT(w[0].variable, "OPENBLAS_CORETYPE");
    EXPECT_TEXT(w[0].value, "Haswell");
    REQUIRE(blas_core_wish(&wide, w, 4) == 2);
    EXPECT_TEXT(w[0].value, "SkylakeX");
    EXPECT_INT(blas_core_wish(&wide, w, 1), 1);
}

struct ours { enum isa isa; float *scratch; };

static void run_ours(rk_ctx *ctx, const void *arg, const struct gemm_problem *p, const struct gemm_operands *o)
{
    const struct ours *ours = arg;
    struct gemm_plan plan = gemm_plan(p, ours->isa);
    gemm_run(ctx, &plan, o, ours->scratch);
}

TEST(the_race_is_won_by_the_faster_and_bursts_are_positive)
{
    rk_ctx *ctx = test_ctx();
    int winner = -1;
    struct gemm_score scores[2];
    for (int c = 0; c < GEMM_CLASSES; c++) {
        struct gemm_problem p = gemm_class_problem((enum gemm_class)c);
        EXPECT_INT(gemm_class_of(&p), c);
        EXPECT(gemm_class_name((enum gemm_class)c)[0] != '\0');
    }
    float *scratch = malloc((size_t)32 << 20);
    REQUIRE(scratch != NULL);
    const struct ours slow = { ISA_scalar, scratch }, fast = { isa_best(), scratch };
    const struct gemm_candidate candidates[] = { { run_ours, &slow }, { run_ours, &fast } };
    OK(ctx, gemm_race(ctx, GEMM_WIDE_NT, candidates, 2, 0.005, scores, &winner));
    EXPECT(scores[0].share > 0 && scores[1].share > 0 && scores[1].flops > 0);
    EXPECT((scores[0].fair < scores[1].fair) == (scores[0].share < scores[1].share));        /* what is shown is what decided */
    EXPECT_INT(winner, isa_best() == ISA_scalar ? 0 : 1);
    FAILS(ctx, gemm_race(ctx, GEMM_ONE, candidates, 0, 0.005, scores, &winner), RK_E_ARG, "no candidates");
    struct burst_bandwidth w;
    OK(ctx, burst_bandwidth(ctx, isa_best(), 2, (size_t)8 << 20, &w));
    EXPECT(w.read > 1e8 && w.copy > 1e8);
    EXPECT(burst_flops(ctx, isa_best(), 2, 1e-3) > 1e8 && burst_flops_alone(ISA_scalar) > 1e8);
    free(scratch);
}

struct seen { const float *first, *last; int runs; };

static void note_operands(rk_ctx *ctx, const void *arg, const struct gemm_problem *p, const struct gemm_operands *o)
{
    struct seen *seen = (struct seen *)(uintptr_t)arg;
    (void)ctx;
    (void)p;
    if (seen->runs++ == 0) seen->first = o->b;
    seen->last = o->b;
}

/* One token meets another matrix every time, far more of them than a cache holds; many tokens meet the same one. */
TEST(a_matrix_for_one_token_comes_from_memory)
{
    rk_ctx *ctx = test_ctx();
    struct gemm_score scores[1];
    int winner;
    for (int c = 0; c < GEMM_CLASSES; c++) {
        struct seen seen = { .runs = 0 };
        const struct gemm_candidate candidate = { note_operands, &seen };
        struct gemm_problem p = gemm_class_problem((enum gemm_class)c);
        OK(ctx, gemm_race(ctx, (enum gemm_class)c, &candidate, 1, 0.005, scores, &winner));
        EXPECT(seen.runs > 3);
        EXPECT(c == GEMM_ONE ? seen.last == seen.first + (seen.runs - 1) * p.n * p.k : seen.last == seen.first);
    }
}

static rk_status race_once(rk_ctx *ctx)
{
    static float scratch[8 << 20];
    const struct ours ours = { isa_best(), scratch };
    const struct gemm_candidate candidate = { run_ours, &ours };
    struct gemm_score score;
    int winner;
    return gemm_race(ctx, GEMM_ONE, &candidate, 1, 1e-4, &score, &winner);
}

static rk_status sweep_once(rk_ctx *ctx)
{
    struct burst_bandwidth w;
    return burst_bandwidth(ctx, ISA_scalar, 1, 1 << 16, &w);
}

TEST(measuring_without_memory_is_an_answer)
{
    FOR_EVERY_FAILED_ALLOCATION(race_once);
    FOR_EVERY_FAILED_ALLOCATION(sweep_once);
}
