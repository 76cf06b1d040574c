/* test_cpu_bf16.c: products of operands in 16 and 8 bits. By tiles: random shapes, orientations and strides against loops in double, the
 * same bits on one thread and on three, nothing written beside the result. On every instruction set and by tiles: what a graph of such
 * products gives, against the evaluator. labels: threads */
#include "backend/cpu/bf16.h"
#include "backend/cpu/cpu.h"
#include "base/num.h"
#include "law/execute.h"
#include "test.h"
#include <stdlib.h>

enum { LARGEST = 1 << 19 };

static uint16_t a[LARGEST], b[LARGEST];
static float c[LARGEST], before[LARGEST], other[LARGEST];
static uint16_t half_c[LARGEST], half_other[LARGEST];
static bool mine[LARGEST];

static int64_t extent(int64_t most)          /* those beside the sizes of tiles more often */
{
    static const int64_t likely[] = { 1, 1, 2, 15, 16, 17, 31, 32, 33, 64, 65 };
    if (test_random(2) == 0) return likely[test_random(sizeof likely / sizeof *likely)];
    return (int64_t)test_random((uint64_t)most + 1);
}

/* A matrix of rows and columns, either of which may be contiguous, or none; how many numbers it spans. */
static int64_t place(int64_t rows, int64_t columns, int64_t *row, int64_t *column)
{
    int64_t gap = test_random(3) == 0 ? (int64_t)test_random(5) : 0, r = rows > 0 ? rows : 1, k = columns > 0 ? columns : 1;
    switch (test_random(5)) {
    case 0: case 1: *row = 1, *column = r + gap; break;
    case 2: *column = 2, *row = 2 * k + gap; break;
    default: *column = 1, *row = k + gap; break;
    }
    return (r - 1) * *row + (k - 1) * *column + 1;
}

static struct gemm_problem problem_of(int64_t m, int64_t n, int64_t k)
{
    struct gemm_problem p = { .m = m, .n = n, .k = k, .batch = { 1, 1 + (int64_t)test_random(3) }, .alpha = 1, .a_type = GEMM_bf16, .b_type = GEMM_bf16 };
    p.a_batch[1] = place(m, k, &p.a_m, &p.a_k);
    p.b_batch[1] = place(k, n, &p.b_k, &p.b_n);
    p.c_batch[1] = place(m, n, &p.c_m, &p.c_n);
    return p;
}

static void run(rk_ctx *ctx, const struct gemm_problem *p, bool narrow, void *result)
{
    struct bf16_plan plan = bf16_plan(p, narrow);
    size_t bytes = bf16_scratch(&plan, rk_ctx_threads(ctx)), room = (bytes + 63) / 64 * 64 + 64;
    char *scratch = aligned_alloc(64, room);
    REQUIRE(scratch != NULL);
    memset(scratch, 0xff, room);                 /* NaN, so that reading what was not packed shows */
    bf16_run(ctx, &plan, &(struct bf16_operands){ .a = a, .b = b, .c = result }, scratch);
    for (size_t i = bytes; i < room; i++) EXPECT((unsigned char)scratch[i] == 0xff);
    free(scratch);
}

static void describe(const struct gemm_problem *p, const char *words)
{
    test_fail(__FILE__, __LINE__, "%s: m %lld n %lld k %lld, a %lld,%lld b %lld,%lld c %lld,%lld, batch %lld, add %d", words, (long long)p->m, (long long)p->n, (long long)p->k,
              (long long)p->a_m, (long long)p->a_k, (long long)p->b_k, (long long)p->b_n, (long long)p->c_m, (long long)p->c_n, (long long)p->batch[1], p->accumulate);
}

/* Every element within its bound, and everything between the elements untouched. */
static bool right(const struct gemm_problem *p, bool narrow, int64_t length)
{
    memset(mine, 0, (size_t)length * sizeof *mine);
    for (int64_t q = 0; q < p->batch[1]; q++)
        for (int64_t r = 0; r < p->m; r++)
            for (int64_t s = 0; s < p->n; s++) {
                int64_t at = q * p->c_batch[1] + r * p->c_m + s * p->c_n;
                double old = p->accumulate ? (double)before[at] : 0, sum = old, size = fabs(old);
                for (int64_t k = 0; k < p->k; k++) {
                    double x = (double)num_bf16_to_f32(a[q * p->a_batch[1] + r * p->a_m + k * p->a_k]) * (double)num_bf16_to_f32(b[q * p->b_batch[1] + k * p->b_k + s * p->b_n]);
                    sum += x;
                    size += fabs(x);
                }
                double got = narrow ? (double)num_bf16_to_f32(half_c[at]) : (double)c[at], bound = (double)(p->k + 3) * 0x1p-24 * size + (narrow ? 0x1p-8 * fabs(sum) : 0) + 1e-30;
                mine[at] = true;
                if (!(fabs(got - sum) <= bound)) return false;
            }
    for (int64_t i = 0; i < length; i++)
        if (!mine[i] && (narrow ? half_c[i] != 0x4242 : memcmp(&c[i], &before[i], sizeof c[i]) != 0)) return false;
    return true;
}

static void try_one(rk_ctx *one, rk_ctx *three, struct gemm_problem p, bool narrow)
{
    int64_t length = p.batch[1] * p.c_batch[1];
    REQUIRE(length <= LARGEST && p.batch[1] * p.a_batch[1] <= LARGEST && p.batch[1] * p.b_batch[1] <= LARGEST);
    p.accumulate = !narrow && test_random(3) == 0;
    memcpy(c, before, (size_t)length * sizeof *c);
    memcpy(other, before, (size_t)length * sizeof *c);
    memset(half_c, 0x42, (size_t)length * sizeof *half_c);
    memset(half_other, 0x42, (size_t)length * sizeof *half_other);
    run(one, &p, narrow, narrow ? (void *)half_c : c);
    run(three, &p, narrow, narrow ? (void *)half_other : other);
    if (!right(&p, narrow, length)) describe(&p, narrow ? "bf16" : "f32");
    if (memcmp(c, other, (size_t)length * sizeof *c) != 0 || memcmp(half_c, half_other, (size_t)length * sizeof *half_c) != 0) describe(&p, "three threads differ from one");
}

TEST(tiles_of_bf16_equal_loops_in_double)
{
    static const int64_t deep[][3] = { { 40, 70, 1100 }, { 300, 33, 64 }, { 33, 300, 600 }, { 2, 3, 5000 } };
    rk_ctx *one, *three;
    if (!isa_tiles()) SKIP("this machine has no AMX, or its system does not give it");
    REQUIRE(rk_ctx_open(&(rk_options){ .threads = 1 }, &one) == RK_OK && rk_ctx_open(&(rk_options){ .threads = 3 }, &three) == RK_OK);
    for (int i = 0; i < LARGEST; i++) a[i] = num_f32_to_bf16((float)test_normal()), b[i] = num_f32_to_bf16((float)test_normal()), before[i] = (float)test_normal();
    for (int i = 0; i < 200 / TEST_FEWER; i++) try_one(one, three, problem_of(extent(100), extent(100), extent(100)), i % 2 == 1);
    for (int i = 0; i < 8; i++) {
        struct gemm_problem p = problem_of(deep[i / 2][0], deep[i / 2][1], deep[i / 2][2]);
        p.batch[1] = 1;
        try_one(one, three, p, i % 2 == 1);
    }
    rk_ctx_close(one);
    rk_ctx_close(three);
}

/* ---- in graphs ---- */

struct contracted { const char *a, *b, *words; };

static void on_level(rk_ctx *ctx, const rk_graph *g, const struct values *v, const struct backend *backend, const char *level, const struct outcome *truth, double eps)
{
    static struct outcome out;
    OK(ctx, execute(ctx, g, v, &(struct execution){ .backend = backend }, &out));
    if (strstr(out.plan, "einsum_narrow") == NULL) test_fail(__FILE__, __LINE__, "%s: another kernel ran: %s", level, out.plan);
    double most = 0;
    for (int64_t i = 0; i < truth->count[0]; i++) most = fmax(most, fabs(truth->at[0][i]));
    for (int64_t i = 0; i < truth->count[0]; i++)
        if (!(fabs(out.at[0][i] - truth->at[0][i]) <= eps * most)) {
            test_fail(__FILE__, __LINE__, "%s: element %lld is %g, expected %g (of %g)", level, (long long)i, out.at[0][i], truth->at[0][i], most);
            break;
        }
    outcome_free(&out);
}

static void try_graph(rk_ctx *ctx, const struct contracted *e, rk_dtype dtype)
{
    static struct outcome truth;
    struct values v;
    rk_graph *g;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "h", 0, 3), (void)rk_dim_new(g, "m", 0, 37), (void)rk_dim_new(g, "n", 0, 45), (void)rk_dim_new(g, "k", 0, 70);
    rk_ref x = rk_input(g, "x", dtype, e->a), w = rk_input(g, "w", dtype, e->b);
    rk_output(g, "y", rk_einsum(g, e->words, x, w));
    OK(ctx, rk_graph_seal(g));
    values_open(&v, ctx, g);
    for (rk_ref r = x; r <= w; r += w - x)
        for (int64_t i = 0; i < values_count(&v, r); i++) values_own(&v, r)[i] = (double)((int64_t)test_random(31) - 15) * 0.0625;          /* exact in all of them */
    outcome_of(&v, &truth);
    double eps = dtype == RK_bf16 ? 0x1p-8 : 0x1p-11;
    for (int isa = 0; isa < ISA_COUNT; isa++)
        if (isa_runs((enum isa)isa)) on_level(ctx, g, &v, backend_cpu_isa((enum isa)isa), isa_rows[isa].name, &truth, eps);
    if (backend_cpu_tiles() != NULL) on_level(ctx, g, &v, backend_cpu_tiles(), "amx", &truth, eps);
    outcome_free(&truth);
    values_close(&v);
    rk_graph_close(g);
}

TEST(narrow_operands_on_every_level)
{
    static const struct contracted all[] = {
        { "m k", "n k", "m k, n k -> m n" }, { "m k", "k n", "m k, k n -> n m" }, { "k m", "k n", "k m, k n -> m n" }, { "m h k", "n h k", "m h k, n h k -> h m n" },
        { "h m k", "n h k", "h m k, n h k -> m h n" },
    };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof all / sizeof *all ; i++) {
        try_graph(ctx, &all[i], RK_bf16);
        try_graph(ctx, &all[i], RK_f16);
    }
}
