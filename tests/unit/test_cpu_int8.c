/* test_cpu_int8.c: products with integers that have scales, on every instruction set that runs here, against loops in double over
 * what the integers stand for. Where the other operand is integers times powers of two, nothing is lost by rounding
 * it; elsewhere each number of it is off by half a step of its block at most. Every set that has fma gives the same bits, with tiles and
 * without; so do any number of rows, and one thread and three. labels: threads */
#include "backend/cpu/cpu.h"
#include "core/opdef.h"
#include "law/execute.h"
#include "test.h"
#include <stdlib.h>

enum { BLOCK = 64 };

struct trial { rk_graph *g; struct values v; rk_ref x, q, scale; int64_t rows, out, blocks, turned; };

static void begin(rk_ctx *ctx, struct trial *t, bool exact)
{
    OK(ctx, rk_graph_open(ctx, &t->g));
    (void)rk_dim_new(t->g, "r", 0, t->rows), (void)rk_dim_new(t->g, "o", 0, t->out);
    (void)rk_dim_new(t->g, "k", 0, t->blocks * BLOCK), (void)rk_dim_new(t->g, "kb", 0, t->blocks);
    t->x = rk_input(t->g, "x", RK_f32, t->turned ? "k r" : "r k");
    t->q = rk_input(t->g, "q", RK_i8, "o k");
    t->scale = rk_input(t->g, "s", RK_f32, "o kb");
    rk_ref y = rk_einsum_stored(t->g, t->turned ? "k r, o k -> o r" : "r k, o k -> r o", t->x, t->q, t->scale);
    rk_output(t->g, "y", y);
    OK(ctx, rk_graph_seal(t->g));
    values_open(&t->v, ctx, t->g);
    double *x = values_own(&t->v, t->x), *q = values_own(&t->v, t->q), *s = values_own(&t->v, t->scale);
    for (int64_t i = 0; i < t->rows * t->blocks * BLOCK; i++) x[i] = exact ? (double)((int64_t)test_random(255) - 127) * 0.0625 : (double)(float)test_normal();
    for (int64_t r = 0; r < t->rows && exact; r++)              /* the largest of every block makes the step */
        for (int64_t b = 0; b < t->blocks; b++) x[t->turned ? b * BLOCK * t->rows + r : r * t->blocks * BLOCK + b * BLOCK] = 127 * 0.0625;
    for (int64_t i = 0; i < t->out * t->blocks * BLOCK; i++) q[i] = (double)((int64_t)test_random(256) - 128);
    for (int64_t i = 0; i < t->out * t->blocks; i++) s[i] = (double)(float)(0.01 * fabs(test_normal()) + 0.001);
}

/* The sum, how large its parts are, and how far rounding x may move it. */
struct truth { double sum, size, moved; };

static struct truth truth_of(const struct trial *t, int64_t r, int64_t o)
{
    const double *x = values_own(&t->v, t->x), *q = values_own(&t->v, t->q), *s = values_own(&t->v, t->scale);
    int64_t depth = t->blocks * BLOCK;
    struct truth y = { 0 };
    for (int64_t b = 0; b < t->blocks; b++) {
        double most = 0, weights = 0;
        for (int64_t k = b * BLOCK; k < (b + 1) * BLOCK; k++) {
            double a = t->turned ? x[k * t->rows + r] : x[r * depth + k], w = q[o * depth + k] * s[o * t->blocks + b];
            y.sum += a * w;
            y.size += fabs(a * w);
            most = fmax(most, fabs(a));
            weights += fabs(w);
        }
        y.moved += weights * most / 127 * 0.5;
    }
    return y;
}

static void check(const struct trial *t, const char *level, const struct outcome *out, bool exact)
{
    for (int64_t r = 0; r < t->rows; r++)
        for (int64_t o = 0; o < t->out; o++) {
            struct truth y = truth_of(t, r, o);
            double got = out->at[0][t->turned ? o * t->rows + r : r * t->out + o], bound = (double)(t->blocks + 8) * 0x1p-22 * y.size + (exact ? 0 : y.moved * 1.0001);
            if (!(fabs(got - y.sum) <= bound))
                test_fail(__FILE__, __LINE__, "%s: row %lld of %lld, column %lld of %lld, %lld blocks: %g, expected %g within %g", level, (long long)r,
                          (long long)t->rows, (long long)o, (long long)t->out, (long long)t->blocks, got, y.sum, bound);
        }
}

/* On one thread and on three; the outcome of one is left in `out`. */
static void try_on(rk_ctx *ctx[2], const struct trial *t, const struct backend *b, const char *level, bool exact, struct outcome *out)
{
    static struct outcome many;
    OK(ctx[0], execute(ctx[0], t->g, &t->v, &(struct execution){ .backend = b }, out));
    OK(ctx[1], execute(ctx[1], t->g, &t->v, &(struct execution){ .backend = b }, &many));
    if (strstr(out->plan, "einsum_int8") == NULL) test_fail(__FILE__, __LINE__, "%s: another kernel ran: %s", level, out->plan);
    check(t, level, out, exact);
    EXPECT(memcmp(out->at[0], many.at[0], (size_t)out->count[0] * sizeof(double)) == 0);
    outcome_free(&many);
}

/* The first rows of X alone, which another way of computing takes: the bits that they had among the others. */
static void fewer_rows(rk_ctx *ctx, const struct trial *t, const struct backend *b, const struct outcome *all)
{
    static struct outcome few;
    static const int64_t rows[] = { 1, 2, 3, 16 };
    for (int i = 0; i < 4; i++) {
        struct trial less = *t;
        if (rows[i] >= t->rows) break;
        less.rows = rows[i];
        begin(ctx, &less, false);
        for (int k = 0; k < 3; k++) {
            const rk_ref from[] = { t->x, t->q, t->scale }, to[] = { less.x, less.q, less.scale };
            const int64_t n[] = { less.rows * t->blocks * BLOCK, t->out * t->blocks * BLOCK, t->out * t->blocks };
            memcpy(values_own(&less.v, to[k]), values_own(&t->v, from[k]), (size_t)n[k] * sizeof(double));
        }
        OK(ctx, execute(ctx, less.g, &less.v, &(struct execution){ .backend = b }, &few));
        EXPECT(memcmp(few.at[0], all->at[0], (size_t)few.count[0] * sizeof(double)) == 0);
        outcome_free(&few);
        values_close(&less.v);
        rk_graph_close(less.g);
    }
}

static void try_one(rk_ctx *ctx[2], struct trial *t, bool exact)
{
    static struct outcome out[ISA_COUNT + 1];
    const struct outcome *fused = NULL;
    const struct backend *with_tiles = backend_cpu_tiles();
    begin(ctx[0], t, exact);
    for (int isa = 0; isa <= ISA_COUNT; isa++) {                    /* the last is AMX */
        const bool tiles = isa == ISA_COUNT;
        if (tiles ? with_tiles == NULL : !isa_runs((enum isa)isa)) continue;
        const struct backend *b = tiles ? with_tiles : backend_cpu_isa((enum isa)isa);
        try_on(ctx, t, b, tiles ? "amx" : isa_rows[isa].name, exact, &out[isa]);
        if (!t->turned) fewer_rows(ctx[0], t, b, &out[isa]);
        if (isa == ISA_scalar) continue;                              /* it rounds products and sums apart */
        if (fused != NULL) EXPECT(memcmp(fused->at[0], out[isa].at[0], (size_t)fused->count[0] * sizeof(double)) == 0);
        fused = &out[isa];
    }
    for (int isa = 0; isa <= ISA_COUNT; isa++) outcome_free(&out[isa]);
    values_close(&t->v);
    rk_graph_close(t->g);
}

TEST(integers_times_scales_equal_what_they_stand_for)
{
    static const int64_t rows[] = { 1, 2, 5, 16, 17, 33, 23, 37, 49 }, columns[] = { 1, 31, 32, 33, 70 };
    rk_ctx *ctx[2];
    REQUIRE(rk_ctx_open(&(rk_options){ .threads = 1 }, &ctx[0]) == RK_OK && rk_ctx_open(&(rk_options){ .threads = 3 }, &ctx[1]) == RK_OK);
    for (int i = 0; i < 45; i++) {
        struct trial t = { .rows = rows[i % 9], .out = columns[i % 5], .blocks = i == 26 ? 27 : 1 + i % 3, .turned = i % 4 == 3 };
        try_one(ctx, &t, i % 2 == 0);
    }
    rk_ctx_close(ctx[0]);
    rk_ctx_close(ctx[1]);
}
