/* test_cpu_int8.c: products with integers that have scales, on every instruction set that runs here, against loops in double over
 * what the integers stand for. Where the other operand is integers times powers of two, nothing is lost by rounding
 * it; elsewhere each number of it is off by half a step of its block at most. Every set that has fma gives the same bits, with tiles and
 * without; so do any number of rows, and one thread and three. A matrix that lies in panels gives, on every set, the bits of the one in
 * rows; and so do rows that are looked up in it. labels: threads */
#include "backend/cpu/cpu.h"
#include "core/opdef.h"
#include "core/panel.h"
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
        struct trial t = { .rows = rows[i % 9], .out = columns[i % 5], .blocks = i == 26 || i == 44 ? 53 : 1 + i % 3, .turned = i % 4 == 3 };
        try_one(ctx, &t, i % 2 == 0);
    }
    rk_ctx_close(ctx[0]);
    rk_ctx_close(ctx[1]);
}

/* --- panels --- */

/* What lies in rows in `from`, in panels, with the padding full of what nobody may read. */
static void pack(const struct trial *t, const struct values *from, struct values *to, rk_ref panels, rk_ref of_scale)
{
    const double *q = values_own(from, t->q), *s = values_own(from, t->scale);
    double *w = values_own(to, panels), *w_scale = values_own(to, of_scale);
    for (int64_t p = 0, at = 0, scale_at = 0; p < panel_count(t->out); p++)
        for (int64_t b = 0; b < t->blocks; b++) {
            for (int64_t c = 0; c < PANEL_COLUMNS; c++, scale_at++) w_scale[scale_at] = p * PANEL_COLUMNS + c < t->out ? s[(p * PANEL_COLUMNS + c) * t->blocks + b] : 1e30;
            for (int64_t i = 0; i < PANEL_FOURS * PANEL_COLUMNS * PANEL_EACH; i++, at++) {
                int64_t o = p * PANEL_COLUMNS + i / PANEL_EACH % PANEL_COLUMNS, k = b * BLOCK + i / (PANEL_COLUMNS * PANEL_EACH) * PANEL_EACH + i % PANEL_EACH;
                w[at] = o < t->out ? q[o * t->blocks * BLOCK + k] : 99;
            }
        }
}

struct packed { rk_graph *g; struct values v; };

/* The product of t from panels, and rows 0, the last, and one that is not there, of the table. */
static void pack_begin(rk_ctx *ctx, const struct trial *t, struct packed *p)
{
    OK(ctx, rk_graph_open(ctx, &p->g));
    (void)rk_dim_new(p->g, "r", 0, t->rows), (void)rk_dim_new(p->g, "o", 0, t->out), (void)rk_dim_new(p->g, "k", 0, t->blocks * BLOCK);
    (void)rk_dim_new(p->g, "p", 0, panel_count(t->out)), (void)rk_dim_new(p->g, "b", 0, t->blocks), (void)rk_dim_new(p->g, "f", 0, PANEL_FOURS);
    (void)rk_dim_new(p->g, "c", 0, PANEL_COLUMNS), (void)rk_dim_new(p->g, "e", 0, PANEL_EACH), (void)rk_dim_new(p->g, "i", 0, 3);
    rk_ref x = rk_input(p->g, "x", RK_f32, t->turned ? "k r" : "r k"), panels = rk_input(p->g, "q", RK_i8, "p b f c e"), scale = rk_input(p->g, "s", RK_f32, "p b c");
    rk_ref ids = rk_input(p->g, "ids", RK_i32, "i");
    rk_output(p->g, "y", rk_einsum_panels(p->g, t->turned ? "k r, o k -> o r" : "r k, o k -> r o", x, panels, scale, "o k"));
    rk_output(p->g, "rows", rk_gather_panels(p->g, panels, scale, "o k", ids));
    OK(ctx, rk_graph_seal(p->g));
    values_open(&p->v, ctx, p->g);
    memcpy(values_own(&p->v, x), values_own(&t->v, t->x), (size_t)(t->rows * t->blocks * BLOCK) * sizeof(double));
    memcpy(values_own(&p->v, ids), (double[]){ 0, (double)(t->out - 1), (double)t->out }, 3 * sizeof(double));
    pack(t, &t->v, &p->v, panels, scale);
}

static void rows_are_those(const struct trial *t, const double *rows)
{
    const double *q = values_own(&t->v, t->q), *s = values_own(&t->v, t->scale);
    const int64_t width = t->blocks * BLOCK;
    for (int i = 0; i < 3; i++)
        for (int64_t k = 0; k < width; k++) {
            const int64_t o = i == 0 ? 0 : t->out - 1;
            EXPECT(rows[i * width + k] == (i == 2 ? 0 : (double)((float)s[o * t->blocks + k / BLOCK] * (float)q[o * width + k])));
        }
}

static void same_from_panels(rk_ctx *ctx[2], const struct trial *t, const struct packed *p, const struct backend *b)
{
    static struct outcome rows, panels;
    OK(ctx[0], execute(ctx[0], t->g, &t->v, &(struct execution){ .backend = b }, &rows));
    for (int threads = 0; threads < 2; threads++) {
        OK(ctx[threads], execute(ctx[threads], p->g, &p->v, &(struct execution){ .backend = b }, &panels));
        EXPECT(strstr(panels.plan, "einsum_panels_") != NULL && strstr(panels.plan, "gather_panels_") != NULL);
        EXPECT(memcmp(rows.at[0], panels.at[0], (size_t)rows.count[0] * sizeof(double)) == 0);
        rows_are_those(t, panels.at[1]);
        outcome_free(&panels);
    }
    outcome_free(&rows);
}

TEST(panels_give_the_bits_of_rows)
{
    static const int64_t rows[] = { 1, 2, 3, 6, 7, 13, 32, 49 }, columns[] = { 32, 31, 96, 250 }, blocks[] = { 1, 3, 13, 2, 53 };
    rk_ctx *ctx[2];
    REQUIRE(rk_ctx_open(&(rk_options){ .threads = 1 }, &ctx[0]) == RK_OK && rk_ctx_open(&(rk_options){ .threads = 3 }, &ctx[1]) == RK_OK);
    for (int i = 0; i < 16; i++) {
        struct trial t = { .rows = rows[i % 8], .out = columns[(i + i / 8) % 4], .blocks = blocks[i % 5], .turned = i % 3 == 2 };
        struct packed p;
        const struct backend *tiles = backend_cpu_tiles();
        begin(ctx[0], &t, false);
        pack_begin(ctx[0], &t, &p);
        for (int isa = 0; isa < ISA_COUNT; isa++)
            if (isa_runs((enum isa)isa)) same_from_panels(ctx, &t, &p, backend_cpu_isa((enum isa)isa));
        if (tiles != NULL) same_from_panels(ctx, &t, &p, tiles);
        values_close(&p.v);
        rk_graph_close(p.g);
        values_close(&t.v);
        rk_graph_close(t.g);
    }
    rk_ctx_close(ctx[0]);
    rk_ctx_close(ctx[1]);
}
