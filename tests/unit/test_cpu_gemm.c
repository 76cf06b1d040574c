/* test_cpu_gemm.c: the matrix product of every instruction set of this machine against loops in double: random shapes,
 * strides and orientations; the same bits on any number of threads; nothing written beside the result; blocks done once. */
#include "backend/cpu/gemm.h"
#include "backend/cpu/gemm_kernel.h"
#include "base/mem.h"
#include "base/num.h"
#include "reckon/dim.h"
#include "test.h"
#include <stdlib.h>

/* A matrix inside a larger buffer whose other elements are marked: strides are odd, either axis may be the contiguous one,
 * and the last element used is the last of the buffer, so that a sanitizer sees one step too far. */
struct place { int64_t row, column, batch[2], length, offset; };

static int64_t gap(void) { return test_random(3) == 0 ? (int64_t)test_random(7) : 0; }

static struct place place_of(int64_t rows, int64_t columns, int64_t outer, int64_t inner)
{
    struct place p = { 0 };
    int64_t r = rows > 0 ? rows : 1, c = columns > 0 ? columns : 1;
    uint64_t kind = test_random(8);
    bool heads = kind == 2 || kind == 3;
    switch (kind) {
    case 0: p.row = 1, p.column = r + gap(); break;                              /* transposed */
    case 1: p.column = 2 + gap(), p.row = c * p.column + gap(); break;            /* no unit stride at all */
    case 2: p.column = 1, p.row = c * inner + gap(); break;                       /* heads side by side */
    case 3: p.row = 1, p.column = r * inner + gap(); break;
    default: p.column = 1, p.row = c + gap(); break;
    }
    p.batch[1] = heads ? (kind == 2 ? c : r) : r * p.row + c * p.column;
    p.batch[0] = heads ? (kind == 2 ? r * p.row : c * p.column) : p.batch[1] * inner;
    p.length = 1 + (r - 1) * p.row + (c - 1) * p.column + (outer > 0 ? outer - 1 : 0) * p.batch[0] + (inner > 0 ? inner - 1 : 0) * p.batch[1];
    return p;
}

struct trial { struct gemm_problem p; float *a, *b, *c, *before; size_t a_n, b_n, c_n; };

static float *filled(size_t n)
{
    float *x = malloc(n * sizeof *x);
    REQUIRE(x != NULL);
    for (size_t i = 0; i < n; i++) x[i] = (float)test_normal();
    return x;
}

static void trial_free(struct trial *t)
{
    free(t->a);
    free(t->b);
    free(t->c);
    free(t->before);
}

static struct trial trial_of(int64_t m, int64_t n, int64_t k, int64_t outer, int64_t inner)
{
    struct place a = place_of(m, k, outer, inner), b = place_of(k, n, outer, inner), c = place_of(m, n, outer, inner);
    struct trial t = { .p = { .m = m, .n = n, .k = k, .a_m = a.row, .a_k = a.column, .b_k = b.row, .b_n = b.column, .c_m = c.row, .c_n = c.column,
                              .batch = { outer, inner }, .a_batch = { a.batch[0], a.batch[1] }, .b_batch = { b.batch[0], b.batch[1] },
                              .c_batch = { c.batch[0], c.batch[1] }, .alpha = test_random(3) == 0 ? -1.5f : 1, .accumulate = test_random(3) == 0 } };
    t.a_n = (size_t)a.length, t.b_n = (size_t)b.length, t.c_n = (size_t)c.length;
    t.a = filled(t.a_n), t.b = filled(t.b_n), t.c = filled(t.c_n);
    t.before = malloc(t.c_n * sizeof *t.before);
    REQUIRE(t.before != NULL);
    memcpy(t.before, t.c, t.c_n * sizeof *t.c);
    return t;
}

static void describe(const struct gemm_problem *p, enum isa isa, const char *words)
{
    test_fail(__FILE__, __LINE__, "%s: %s: m %lld n %lld k %lld, a %lld,%lld b %lld,%lld c %lld,%lld, batch %lld,%lld, alpha %g, add %d",
              isa_rows[isa].name, words, (long long)p->m, (long long)p->n, (long long)p->k, (long long)p->a_m, (long long)p->a_k,
              (long long)p->b_k, (long long)p->b_n, (long long)p->c_m, (long long)p->c_n, (long long)p->batch[0], (long long)p->batch[1],
              (double)p->alpha, p->accumulate);
}

static void run(rk_ctx *ctx, const struct gemm_problem *p, enum isa isa, const struct gemm_operands *o)
{
    struct gemm_plan plan = gemm_plan(p, isa);
    size_t bytes = gemm_scratch(&plan, rk_ctx_threads(ctx));
    void *scratch = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
    REQUIRE(scratch != NULL);
    memset(scratch, 0xff, bytes);                /* NaN, so that reading what was not packed shows */
    gemm_run(ctx, &plan, o, scratch);
    free(scratch);
}

/* Every element within its bound, and everything between the elements untouched. */
static bool right(const struct trial *t)
{
    const struct gemm_problem *p = &t->p;
    bool *mine = calloc(t->c_n, sizeof *mine), ok = mine != NULL;
    for (int64_t q = 0; ok && q < p->batch[0] * p->batch[1]; q++) {
        int64_t o = q / p->batch[1], i = q % p->batch[1];
        const float *a = t->a + o * p->a_batch[0] + i * p->a_batch[1], *b = t->b + o * p->b_batch[0] + i * p->b_batch[1];
        int64_t base = o * p->c_batch[0] + i * p->c_batch[1];
        for (int64_t r = 0; r < p->m; r++)
            for (int64_t s = 0; s < p->n; s++) {
                double sum = 0, size = 0;
                for (int64_t k = 0; k < p->k; k++) {
                    double x = (double)a[r * p->a_m + k * p->a_k] * (double)b[k * p->b_k + s * p->b_n];
                    sum += x;
                    size += fabs(x);
                }
                int64_t at = base + r * p->c_m + s * p->c_n;
                double old = p->accumulate ? (double)t->before[at] : 0, truth = (double)p->alpha * sum + old;
                double bound = (double)(p->k + 3) * 0x1p-24 * (size * fabs((double)p->alpha) + fabs(old)) + 1e-30;
                mine[at] = true;
                if (!(fabs((double)t->c[at] - truth) <= bound)) ok = false;
            }
    }
    for (size_t i = 0; ok && i < t->c_n; i++)
        if (!mine[i] && memcmp(&t->c[i], &t->before[i], sizeof(float)) != 0) ok = false;
    free(mine);
    return ok;
}

static int64_t extent(int64_t most)          /* small ones and ones just beside the sizes of tiles more often */
{
    static const int64_t likely[] = { 0, 1, 1, 2, 6, 7, 8, 9, 10, 13, 14, 15, 16, 17, 18, 28, 31, 32, 33, 47, 48, 49, 64, 65 };
    if (test_random(2) == 0) return likely[test_random(sizeof likely / sizeof *likely)];
    return (int64_t)test_random((uint64_t)most + 1);
}

static int64_t few(void) { return test_random(4) == 0 ? (int64_t)test_random(4) : 1; }

TEST(every_orientation_equals_loops_in_double)
{
    rk_ctx *ctx = test_ctx();
    for (int isa = TEST_RACES ? (int)isa_best() : 0; isa < ISA_COUNT; isa++)
        for (int i = 0; i < 700 / TEST_FEWER && isa_runs((enum isa)isa); i++) {
            struct trial t = trial_of(extent(100), extent(100), extent(100), few(), few());
            if (gemm_refuse(&t.p) != NULL) describe(&t.p, (enum isa)isa, gemm_refuse(&t.p));
            run(ctx, &t.p, (enum isa)isa, &(struct gemm_operands){ .a = t.a, .b = t.b, .c = t.c });
            if (!right(&t)) describe(&t.p, (enum isa)isa, "wrong");
            trial_free(&t);
        }
}

/* An operand as this type stores it; `x` becomes what that says. */
static void *stored(enum gemm_type type, float *x, size_t n)
{
    static const rk_dtype dtypes[GEMM_TYPES] = { RK_f32, RK_f16, RK_bf16, RK_f8e4m3, RK_f8e5m2 };
    void *y = malloc(n * gemm_bytes(type));
    REQUIRE(y != NULL);
    num_store_f32(y, (int)dtypes[type], x, n);
    num_load_f32(x, y, (int)dtypes[type], n);
    return y;
}

TEST(operands_stored_in_fewer_bits_are_widened_exactly)
{
    rk_ctx *ctx = test_ctx();
    for (int isa = TEST_RACES ? (int)isa_best() : 0; isa < ISA_COUNT; isa++)
        for (int i = 0; i < 150 / TEST_FEWER && isa_runs((enum isa)isa); i++) {
            struct trial t = trial_of(i % 2 == 0 ? 1 + (int64_t)test_random(5) : extent(60), extent(100), extent(200), few(), 1);
            t.p.a_type = (enum gemm_type)(i % 3 == 0 ? test_random(GEMM_TYPES) : 0);
            t.p.b_type = (enum gemm_type)test_random(GEMM_TYPES);
            void *a = stored(t.p.a_type, t.a, t.a_n), *b = stored(t.p.b_type, t.b, t.b_n);
            run(ctx, &t.p, (enum isa)isa, &(struct gemm_operands){ .a = a, .b = b, .c = t.c });
            if (!right(&t)) describe(&t.p, (enum isa)isa, "wrong of stored operands");
            free(a);
            free(b);
            trial_free(&t);
        }
}

TEST(every_bit_pattern_is_the_number_that_it_stands_for)
{
    static const rk_dtype dtypes[GEMM_TYPES] = { RK_f32, RK_f16, RK_bf16, RK_f8e4m3, RK_f8e5m2 };
    static uint16_t b[1 << 16];
    static float c[1 << 16], truth[1 << 16];
    rk_ctx *ctx = test_ctx();
    const float one = 1;
    for (int isa = TEST_RACES ? (int)isa_best() : 0; isa < ISA_COUNT; isa++)
        for (int type = GEMM_f16; type < GEMM_TYPES && isa_runs((enum isa)isa); type++) {
            int64_t n = gemm_bytes((enum gemm_type)type) == 1 ? 256 : 1 << 16;
            for (int64_t i = 0; i < n; i++) b[i] = (uint16_t)i;
            for (int64_t i = 0; i < n && n == 256; i++) ((uint8_t *)b)[i] = (uint8_t)i;
            struct gemm_problem p = { .m = 1, .n = n, .k = 1, .a_m = 1, .a_k = 1, .b_k = n, .b_n = 1, .c_m = n, .c_n = 1, .batch = { 1, 1 }, .alpha = 1, .b_type = (enum gemm_type)type };
            run(ctx, &p, (enum isa)isa, &(struct gemm_operands){ .a = &one, .b = b, .c = c });
            num_load_f32(truth, b, (int)dtypes[type], (size_t)n);
            for (int64_t i = 0; i < n; i++)
                if (!(c[i] == truth[i] || (c[i] != c[i] && truth[i] != truth[i])))
                    test_fail(__FILE__, __LINE__, "%s: pattern %lld of type %d gives %g, not %g", isa_rows[isa].name, (long long)i, type, (double)c[i], (double)truth[i]);
        }
}

TEST(blocks_of_k_and_super_blocks_join_without_a_seam)
{
    static const int64_t shapes[][3] = { { 30, 40, 3000 }, { 3, 500, 900 }, { 700, 33, 700 }, { 40, 2100, 40 }, { 2200, 35, 50 },
                                         { 17, 30, 70000 }, { 5, 3, 9000 }, { 3, 9000, 90 } };
    rk_ctx *ctx = test_ctx();
    for (int isa = TEST_RACES ? (int)isa_best() : 0; isa < ISA_COUNT; isa++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes && isa_runs((enum isa)isa); i++) {
            struct trial t = trial_of(shapes[i][0], shapes[i][1], shapes[i][2], 1, 1);
            run(ctx, &t.p, (enum isa)isa, &(struct gemm_operands){ .a = t.a, .b = t.b, .c = t.c });
            if (!right(&t)) describe(&t.p, (enum isa)isa, "wrong");
            trial_free(&t);
        }
}

/* Shapes of every path, on one thread and on three: the bits of a product and of an addition after it, whatever lies between elements. */
static void try_bias(rk_ctx *ctx[2], struct trial *t, enum isa isa)
{
    const struct gemm_problem *p = &t->p;
    float *bias = filled((size_t)(p->n > 0 ? p->n : 1)), *with = filled(t->c_n);
    memcpy(with, t->before, t->c_n * sizeof *with);
    run(ctx[0], p, isa, &(struct gemm_operands){ .a = t->a, .b = t->b, .c = t->c });
    if (!right(t)) describe(p, isa, "wrong without a bias");
    for (int64_t q = 0; q < p->batch[0] * p->batch[1]; q++)
        for (int64_t i = 0; i < p->m; i++)
            for (int64_t j = 0; j < p->n; j++) t->c[q / p->batch[1] * p->c_batch[0] + q % p->batch[1] * p->c_batch[1] + i * p->c_m + j * p->c_n] += bias[j];
    run(ctx[1], p, isa, &(struct gemm_operands){ .a = t->a, .b = t->b, .c = with, .bias = bias });
    if (memcmp(with, t->c, t->c_n * sizeof *with) != 0) describe(p, isa, "a bias is not the addition of one");
    free(with);
    free(bias);
}

TEST(a_bias_is_added_once_to_what_is_summed)
{
    rk_ctx *ctx[2];
    REQUIRE(rk_ctx_open(&(rk_options){ .threads = 1 }, &ctx[0]) == RK_OK && rk_ctx_open(&(rk_options){ .threads = 3 }, &ctx[1]) == RK_OK);
    for (int isa = TEST_RACES ? (int)isa_best() : 0; isa < ISA_COUNT; isa++) {
        int paths[GEMM_PANELS + 1][2] = { 0 };
        for (int i = 0; i < 400 / TEST_FEWER && isa_runs((enum isa)isa); i++) {
            struct trial t = i % 8 == 0 ? trial_of(100 + extent(100), 1 + extent(200), 300 + extent(600), 1, 1) : trial_of(extent(100), extent(300), extent(100), few(), few());
            const struct gemm_plan plan = gemm_plan(&t.p, (enum isa)isa);
            try_bias(ctx, &t, (enum isa)isa);
            paths[plan.path][plan.swapped]++;
            trial_free(&t);
        }
        for (int path = 0; path < GEMM_PANELS && isa_runs((enum isa)isa) && TEST_FEWER == 1; path++)
            EXPECT(paths[path][0] + paths[path][1] > 0 || (path == GEMM_ROWS_ACROSS && isa_rows[isa].lanes <= 4));
        if (isa_runs((enum isa)isa) && !TEST_RACES) EXPECT(paths[GEMM_PACKED][1] > 0 && paths[GEMM_PACKED][0] > 0);
    }
    rk_ctx_close(ctx[0]);
    rk_ctx_close(ctx[1]);
}

/* Of each row, blocks of columns begin in panels of their own. */
enum { GRID_ROWS = 200, GRID_PANELS = 64 };
struct grid { int64_t panel; bool off, begun[GRID_ROWS][GRID_PANELS]; };
static void on_grid(void *arg, int64_t batch, int64_t row, int64_t rows, int64_t column, int64_t columns)
{
    struct grid *g = arg;
    (void)batch, (void)columns;
    for (int64_t i = row; i < row + rows; i++) {
        bool *place = &g->begun[i][column / g->panel];
        if (*place) g->off = true;
        *place = true;
    }
}

static struct grid *grid_of(enum isa isa)
{
    struct grid *g = calloc(1, sizeof *g);
    REQUIRE(g != NULL);
    g->panel = isa_rows[isa].lanes * GEMM_VECTORS;
    return g;
}

/* Rows of a matrix that lies along k, met by some tens of others: all their numbers, several blocks of k, a last group of columns that is small. */
TEST(some_tens_of_rows_meet_a_matrix_as_it_lies)
{
    rk_ctx *ctx = test_ctx();
    for (int isa = TEST_RACES ? (int)isa_best() : 0, across = 0; isa < ISA_COUNT; isa++, across = 0) {
        for (int64_t m = 5; m <= 100 && isa_runs((enum isa)isa); m += TEST_FEWER) {
            int64_t n = m + extent(30), k = m % 8 == 0 ? 500 + extent(300) : 32 + extent(40);
            struct trial t = trial_of(m, n, k, 1, 1);
            struct place b = { .row = 1, .column = k + gap() }, c = { .row = n + gap(), .column = 1 };
            t.p.b_k = b.row, t.p.b_n = b.column, t.p.c_m = c.row, t.p.c_n = c.column;
            free(t.b);
            free(t.c);
            free(t.before);
            t.b_n = (size_t)((n - 1) * b.column + k), t.c_n = (size_t)((m - 1) * c.row + n);
            t.b = filled(t.b_n), t.c = filled(t.c_n), t.before = malloc(t.c_n * sizeof *t.before);
            REQUIRE(t.before != NULL);
            memcpy(t.before, t.c, t.c_n * sizeof *t.c);
            across += gemm_plan(&t.p, (enum isa)isa).path == GEMM_ROWS_ACROSS;
            struct grid *grid = grid_of((enum isa)isa);
            run(ctx, &t.p, (enum isa)isa, &(struct gemm_operands){ .a = t.a, .b = t.b, .c = t.c, .done = on_grid, .arg = grid });
            if (!right(&t)) describe(&t.p, (enum isa)isa, "wrong of some tens of rows");
            if (grid->off) describe(&t.p, (enum isa)isa, "two blocks that are done begin in one panel");
            free(grid);
            trial_free(&t);
        }
        if (isa_runs((enum isa)isa) && isa_rows[isa].lanes > 4) EXPECT(across >= 40 / TEST_FEWER);
    }
}

/* B of a trial, whose columns lie along k, in panels as files have them; what fills up the last is no number. */
static float *in_panels(const struct trial *t)
{
    const int64_t count = (t->p.n + GEMM_PANEL_COLUMNS - 1) / GEMM_PANEL_COLUMNS;
    float *panels = malloc((size_t)(count * GEMM_PANEL_COLUMNS * t->p.k + 1) * sizeof *panels);
    REQUIRE(panels != NULL);
    for (int64_t q = 0, at = 0; q < count; q++)
        for (int64_t k = 0; k < t->p.k; k++)
            for (int64_t c = 0; c < GEMM_PANEL_COLUMNS; c++, at++) {
                int64_t j = q * GEMM_PANEL_COLUMNS + c;
                panels[at] = j < t->p.n ? t->b[k * t->p.b_k + j * t->p.b_n] : NAN;
            }
    return panels;
}

/* Of one thread and of three, on a grid where C is contiguous; where rows and panels are summed in the same order, the bits of rows. Which path was taken. */
static enum gemm_path try_panels(rk_ctx *ctx[2], struct trial *t, enum isa isa)
{
    struct grid *grid = grid_of(isa);
    struct gemm_problem p = t->p;
    float *panels = in_panels(t), *first = filled(t->c_n);
    p.b_panels = true;
    p.b_k = p.b_n = INT64_MAX;
    const bool on = p.c_n == 1 && p.m <= GRID_ROWS && p.n <= GRID_PANELS * grid->panel;
    if (gemm_refuse(&p) != NULL) describe(&p, isa, gemm_refuse(&p));
    memcpy(first, t->c, t->c_n * sizeof *first);
    run(ctx[1], &p, isa, &(struct gemm_operands){ .a = t->a, .b = panels, .c = first });
    run(ctx[0], &p, isa, &(struct gemm_operands){ .a = t->a, .b = panels, .c = t->c, .done = on ? on_grid : NULL, .arg = grid });
    if (!right(t)) describe(&t->p, isa, "wrong of panels");
    if (memcmp(first, t->c, t->c_n * sizeof *first) != 0) describe(&t->p, isa, "panels: 3 threads differ from 1");
    if (grid->off) describe(&t->p, isa, "panels: two blocks that are done begin in one panel");
    float *bias = filled((size_t)p.n);
    memcpy(first, t->before, t->c_n * sizeof *first);
    run(ctx[1], &p, isa, &(struct gemm_operands){ .a = t->a, .b = panels, .c = first, .bias = bias });
    for (int64_t i = 0; i < p.m * p.n; i++) t->c[i / p.n * p.c_m + i % p.n * p.c_n] += bias[i % p.n];
    if (memcmp(first, t->c, t->c_n * sizeof *first) != 0) describe(&t->p, isa, "panels: a bias is not the addition of one");
    for (int64_t i = 0; i < p.m * p.n; i++) t->c[i / p.n * p.c_m + i % p.n * p.c_n] = t->before[i / p.n * p.c_m + i % p.n * p.c_n];
    run(ctx[0], &p, isa, &(struct gemm_operands){ .a = t->a, .b = panels, .c = t->c });
    free(bias);
    const struct gemm_plan plan = gemm_plan(&p, isa), rows = gemm_plan(&t->p, isa);
    if (rows.path == plan.path && !rows.swapped && (plan.path == GEMM_PACKED || plan.path == GEMM_ROWS_ACROSS)) {
        memcpy(first, t->before, t->c_n * sizeof *first);
        run(ctx[0], &t->p, isa, &(struct gemm_operands){ .a = t->a, .b = t->b, .c = first });
        if (memcmp(first, t->c, t->c_n * sizeof *first) != 0) describe(&t->p, isa, "panels differ from rows");
    }
    free(grid);
    free(panels);
    free(first);
    return plan.path;
}

TEST(panels_of_a_file_are_multiplied_as_they_lie)
{
    rk_ctx *ctx[2];
    REQUIRE(rk_ctx_open(&(rk_options){ .threads = 1 }, &ctx[0]) == RK_OK && rk_ctx_open(&(rk_options){ .threads = 3 }, &ctx[1]) == RK_OK);
    for (int isa = TEST_RACES ? (int)isa_best() : 0; isa < ISA_COUNT; isa++) {
        int paths[GEMM_PANELS + 1] = { 0 };
        for (int i = 0; i < 240 / TEST_FEWER && isa_runs((enum isa)isa); i++) {
            /* Rows for every path, but a twentieth of the rounds may miss one: more than a panel of a file is read once for, some tens, and any. */
            const int64_t m = i % 4 == 0 ? 97 + (int64_t)test_random(54) : i % 4 == 1 ? 48 : 1 + extent(60), n = i % 4 == 1 ? 48 + extent(300) : i % 5 == 0 ? 400 + extent(300) : 1 + extent(200);
            struct trial t = trial_of(m, n, i % 4 == 1 ? 32 + extent(200) : i % 4 == 2 ? 64 * extent(12) : 1 + extent(300), 1, 1);
            if (i % 2 == 0) {
                free(t.b);
                t.p.b_k = 1, t.p.b_n = t.p.k, t.b_n = (size_t)(t.p.n * t.p.k);
                t.b = filled(t.b_n);
            }
            paths[try_panels(ctx, &t, (enum isa)isa)]++;
            trial_free(&t);
        }
        if (isa_runs((enum isa)isa) && !TEST_RACES) EXPECT(paths[GEMM_PANELS] > 10 / TEST_FEWER && paths[GEMM_PACKED] > 0 && (paths[GEMM_ROWS_ACROSS] > 0) == (isa_rows[isa].lanes == 16));
    }
    rk_ctx_close(ctx[0]);
    rk_ctx_close(ctx[1]);
}

/* The same of products that pack, and of few rows, with several groups of panels and blocks of rows. */
TEST(blocks_begin_in_panels_of_their_own)
{
    rk_ctx *ctx = test_ctx();
    for (int isa = TEST_RACES ? (int)isa_best() : 0; isa < ISA_COUNT; isa++)
        for (int i = 0; i < 60 / TEST_FEWER && isa_runs((enum isa)isa); i++) {
            int64_t n = 1 + extent(GRID_PANELS * isa_rows[isa].lanes * GEMM_VECTORS - 1), m = 1 + extent(GRID_ROWS - 1), k = 1 + extent(60);
            struct trial t = trial_of(m, n, k, 1, 1);
            struct place c = { .row = n + gap(), .column = 1 };
            t.p.c_m = c.row, t.p.c_n = c.column;
            free(t.c);
            t.c_n = (size_t)((m - 1) * c.row + n);
            t.c = filled(t.c_n);
            struct grid *grid = grid_of((enum isa)isa);
            run(ctx, &t.p, (enum isa)isa, &(struct gemm_operands){ .a = t.a, .b = t.b, .c = t.c, .done = on_grid, .arg = grid });
            if (grid->off) describe(&t.p, (enum isa)isa, "two blocks that are done begin in one panel");
            free(grid);
            trial_free(&t);
        }
}

static void count_blocks(void *arg, int64_t batch, int64_t row, int64_t rows, int64_t column, int64_t columns)
{
    struct trial *t = arg;
    for (int64_t i = row; i < row + rows; i++)
        for (int64_t j = column; j < column + columns; j++)
            t->c[batch / t->p.batch[1] * t->p.c_batch[0] + batch % t->p.batch[1] * t->p.c_batch[1] + i * t->p.c_m + j * t->p.c_n] *= 2;
}

TEST(every_element_is_in_exactly_one_finished_block)
{
    rk_ctx *ctx = test_ctx();
    for (int isa = TEST_RACES ? (int)isa_best() : 0; isa < ISA_COUNT; isa++)
        for (int i = 0; i < 120 / TEST_FEWER && isa_runs((enum isa)isa); i++) {
            struct trial t = trial_of(1 + extent(100), 1 + extent(300), extent(900), 1 + (int64_t)test_random(2), 1 + (int64_t)test_random(2));
            t.p.accumulate = false;
            run(ctx, &t.p, (enum isa)isa, &(struct gemm_operands){ .a = t.a, .b = t.b, .c = t.c, .done = count_blocks, .arg = &t });
            t.p.alpha *= 2;                      /* doubling is exact */
            if (!right(&t)) describe(&t.p, (enum isa)isa, "blocks overlap or leave gaps");
            trial_free(&t);
        }
}

TEST(any_number_of_threads_gives_the_same_bits)
{
    rk_ctx *one, *many;
    REQUIRE(rk_ctx_open(&(rk_options){ .threads = 1 }, &one) == RK_OK);
    REQUIRE(rk_ctx_open(&(rk_options){ .threads = 3 }, &many) == RK_OK);
    for (int i = 0; i < 60 / TEST_FEWER; i++) {
        struct trial t = trial_of(1 + extent(300), 1 + extent(300), 1 + extent(800), 1 + (int64_t)test_random(2), 1 + (int64_t)test_random(2));
        float *first = filled(t.c_n);
        memcpy(first, t.c, t.c_n * sizeof *first);
        run(one, &t.p, isa_best(), &(struct gemm_operands){ .a = t.a, .b = t.b, .c = first });
        run(many, &t.p, isa_best(), &(struct gemm_operands){ .a = t.a, .b = t.b, .c = t.c });
        if (memcmp(first, t.c, t.c_n * sizeof *first) != 0) describe(&t.p, isa_best(), "3 threads differ from 1");
        struct gemm_plan plan = gemm_plan(&t.p, isa_best());
        void *scratch = malloc(gemm_scratch(&plan, 1) + 64);
        REQUIRE(scratch != NULL);
        memcpy(t.c, t.before, t.c_n * sizeof *t.c);
        gemm_alone(&plan, &(struct gemm_operands){ .a = t.a, .b = t.b, .c = t.c }, scratch);
        if (memcmp(first, t.c, t.c_n * sizeof *first) != 0) describe(&t.p, isa_best(), "alone differs from 1 thread");
        free(scratch);
        free(first);
        trial_free(&t);
    }
    rk_ctx_close(one);
    rk_ctx_close(many);
}

TEST(impossible_problems_are_refused)
{
    struct gemm_problem good = { 2, 3, 4, 4, 1, 3, 1, 3, 1, { 1, 1 }, { 0, 0 }, { 0, 0 }, { 0, 0 }, 1, false, 0, 0, false }, p = good;
    EXPECT(gemm_refuse(&p) == NULL);
    p.n = -1;
    EXPECT(gemm_refuse(&p) != NULL);
    p = good, p.c_m = 0;
    EXPECT(gemm_refuse(&p) != NULL);
    p = good, p.batch[0] = 2;
    EXPECT(gemm_refuse(&p) != NULL);
    p = good, p.a_m = INT64_MAX / 2;
    EXPECT(gemm_refuse(&p) != NULL);
    p = good, p.a_m = INT64_MIN;
    EXPECT(gemm_refuse(&p) != NULL);
    p = good, p.m = p.n = p.k = INT64_MAX / 2;
    EXPECT(gemm_refuse(&p) != NULL);
    p = good, p.m = 0, p.c_n = 0;
    EXPECT(gemm_refuse(&p) == NULL);
}

TEST(a_broadcast_operand_may_have_stride_zero)
{
    rk_ctx *ctx = test_ctx();
    float row[40], b[40 * 50], c[30 * 50];
    for (int i = 0; i < 40; i++) row[i] = (float)test_normal();
    for (int i = 0; i < 40 * 50; i++) b[i] = (float)test_normal();
    struct gemm_problem p = { 30, 50, 40, 0, 1, 50, 1, 50, 1, { 1, 1 }, { 0, 0 }, { 0, 0 }, { 0, 0 }, 1, false, 0, 0, false };
    run(ctx, &p, isa_best(), &(struct gemm_operands){ .a = row, .b = b, .c = c });
    for (int i = 1; i < 30; i++) EXPECT(memcmp(c, c + (size_t)i * 50, 50 * sizeof *c) == 0);
    double sum = 0;
    for (int k = 0; k < 40; k++) sum += (double)row[k] * (double)b[k * 50];
    EXPECT_NEAR((double)c[0], sum, 1e-4);
}
