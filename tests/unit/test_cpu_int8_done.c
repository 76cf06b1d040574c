/* test_cpu_int8_done.c: a product of integers reports what it has made: every element in exactly one block, and final when it is reported, on
 * every instruction set that runs here, with rows of W and with panels, for any strides of the result, on one thread and on three. What is
 * done to a block then is there in the end. labels: threads */
#include "backend/cpu/int8.h"
#include "backend/cpu/int8_kernel.h"
#include "base/par.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>

struct trial { struct int8_plan plan; float *x, *scale, *y, *reported; int8_t *w; int *times; int64_t y_n; };

static void *room(size_t bytes)
{
    void *at = calloc(bytes + 64, 1);
    REQUIRE(at != NULL);
    return at;
}

static int64_t at(const struct trial *t, int64_t row, int64_t column) { return row * t->plan.p.c_m + column * t->plan.p.c_n; }

/* Integers of W and their scales lie in rows or in panels: what they are does not matter here, but panels are whole. */
static struct trial trial_of(const struct gemm_problem *p, enum isa isa, bool tiles, bool packed)
{
    struct trial t = { .plan = int8_plan(p, isa, tiles, packed), .y_n = p->m * p->n * (p->c_m < p->c_n ? p->c_m : p->c_n) };
    const int64_t columns = panel_count(p->n) * PANEL_COLUMNS, w_n = columns * p->k, scale_n = columns * (p->k / INT8_BLOCK);
    t.x = room((size_t)(p->m * p->k) * sizeof(float)), t.w = room((size_t)w_n), t.scale = room((size_t)scale_n * sizeof(float));
    t.y = room((size_t)t.y_n * sizeof(float)), t.reported = room((size_t)t.y_n * sizeof(float)), t.times = room((size_t)t.y_n * sizeof(int));
    for (int64_t i = 0; i < p->m * p->k; i++) t.x[i] = (float)test_normal();
    for (int64_t i = 0; i < w_n; i++) t.w[i] = (int8_t)((int64_t)test_random(256) - 128);
    for (int64_t i = 0; i < scale_n; i++) t.scale[i] = (float)(0.01 * fabs(test_normal()) + 0.001);
    for (int64_t i = 0; i < t.y_n; i++) t.y[i] = (float)test_normal();
    return t;
}

static void trial_free(struct trial *t)
{
    void *const all[] = { t->x, t->w, t->scale, t->y, t->reported, t->times };
    for (int i = 0; i < 6; i++) free(all[i]);
}

/* Halving is exact, and what is halved once too often, or too early, is not half of the result. */
static void halve(void *arg, int64_t batch, int64_t row, int64_t rows, int64_t column, int64_t columns)
{
    struct trial *t = arg;
    EXPECT(batch == 0 && rows > 0 && columns > 0 && row >= 0 && column >= 0 && row + rows <= t->plan.p.m && column + columns <= t->plan.p.n);
    for (int64_t i = row; i < row + rows; i++)
        for (int64_t j = column; j < column + columns; j++) {
            t->reported[at(t, i, j)] = t->y[at(t, i, j)];
            t->y[at(t, i, j)] /= 2;
            t->times[at(t, i, j)]++;
        }
}

static void try_one(rk_ctx *ctx, struct trial *t, bool add)
{
    const struct gemm_problem *p = &t->plan.p;
    float *expected = room((size_t)t->y_n * sizeof(float));
    void *scratch = room(int8_scratch(&t->plan, par_workers(ctx)));
    memcpy(expected, t->y, (size_t)t->y_n * sizeof(float));
    int8_run(ctx, &t->plan, &(struct int8_operands){ .x = t->x, .w = t->w, .scale = t->scale, .y = expected, .add = add }, scratch);
    int8_run(ctx, &t->plan, &(struct int8_operands){ .x = t->x, .w = t->w, .scale = t->scale, .y = t->y, .add = add, .done = halve, .arg = t }, scratch);
    int64_t wrong = 0;
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->n; j++) {
            const int64_t k = at(t, i, j);
            wrong += t->times[k] != 1 || memcmp(&t->reported[k], &expected[k], sizeof(float)) != 0 || t->y[k] != expected[k] / 2;
        }
    if (wrong != 0)
        test_fail(__FILE__, __LINE__, "%lld of %lld x %lld elements, sums of %lld (set %d, tiles %d, panels %d): not once, or not final", (long long)wrong, (long long)p->m, (long long)p->n,
                  (long long)p->k, (int)t->plan.isa, t->plan.tiles, t->plan.packed);
    free(expected);
    free(scratch);
}

static void try_on(rk_ctx *ctx[2], enum isa isa, bool tiles)
{
    static const int64_t rows[] = { 1, 2, 3, 7, 33, 49 }, columns[] = { 1, 31, 70, 250 }, blocks[] = { 1, 0, 3, 53 };
    for (int i = 0; i < 48; i++) {
        const int64_t m = rows[i % 6], n = columns[i / 6 % 4], k = blocks[(i + i / 12) % 4] * INT8_BLOCK;
        const bool across = i % 5 == 4, packed = i >= 24;
        struct trial t = trial_of(&(struct gemm_problem){ .m = m, .n = n, .k = k, .a_m = k, .a_k = 1, .b_k = 1, .b_n = k, .c_m = across ? 1 : n, .c_n = across ? m : 1, .batch = { 1, 1 }, .alpha = 1 },
                                  isa, tiles, packed);
        REQUIRE(int8_accepts(&t.plan.p));
        try_one(ctx[i % 2], &t, i % 3 == 0);
        trial_free(&t);
    }
}

TEST(every_element_is_reported_once_when_it_is_final)
{
    rk_ctx *ctx[2];
    REQUIRE(rk_ctx_open(&(rk_options){ .threads = 1 }, &ctx[0]) == RK_OK && rk_ctx_open(&(rk_options){ .threads = 3 }, &ctx[1]) == RK_OK);
    for (int isa = 0; isa < ISA_COUNT; isa++)
        if (isa_runs((enum isa)isa)) try_on(ctx, (enum isa)isa, false);
    if (isa_tiles()) try_on(ctx, isa_best(), true);
    rk_ctx_close(ctx[0]);
    rk_ctx_close(ctx[1]);
}

/* So many rows that they are multiplied in parts. */
TEST(more_rows_than_stay_in_cache_are_reported_in_parts)
{
    rk_ctx *ctx;
    REQUIRE(rk_ctx_open(&(rk_options){ .threads = 3 }, &ctx) == RK_OK);
    for (int packed = 0; packed < 2; packed++)
        for (int tiles = 0; tiles < (isa_tiles() ? 2 : 1); tiles++) {
            struct trial t = trial_of(&(struct gemm_problem){ .m = 2000, .n = 70, .k = 49 * INT8_BLOCK, .a_m = 49 * INT8_BLOCK, .a_k = 1, .b_k = 1, .b_n = 49 * INT8_BLOCK, .c_m = 70, .c_n = 1,
                                                              .batch = { 1, 1 }, .alpha = 1 }, isa_best(), tiles != 0, packed != 0);
            try_one(ctx, &t, false);
            trial_free(&t);
        }
    rk_ctx_close(ctx);
}
