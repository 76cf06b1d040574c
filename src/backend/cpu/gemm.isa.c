/* gemm.isa.c: the register tile, the packers and the kernels of few rows, for one instruction set.
 *
 * The tile holds rows x vectors accumulators in registers: 9 x 3 of 32 zmm, 6 x 2 of 16 ymm, 12 x 2 of NEON's 32, 4 x 2 of 16 xmm. For each k it
 * loads the vectors of one row of the panel and broadcasts one float per row of the sliver: 12 loads for 27 products, where 14 x 2, as
 * attention and few rows have it, takes 16 for 28, more than some processors load meanwhile. Each height and width is a
 * function of its own, because a tile stays in registers only if its loops are unrolled to constants. */
#include "backend/cpu/gemm_kernel.h"
#include "backend/cpu/simd.h"
#include "backend/cpu/simd_stored.h"

#if VF_LANES == 16
enum { ROWS = 14, VECTORS = 2, PACKED_ROWS = 9, PACKED_VECTORS = 3, WIDE_1 = 8, WIDE_2 = 8, WIDE_3 = 8, WIDE_4 = 6 };
#define FOR_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#define FOR_BROAD(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9)
#define FOR_PANELS(X) FOR_BROAD(X)
#elif VF_REGISTERS == 32
enum { ROWS = 12, VECTORS = 2, PACKED_ROWS = ROWS, PACKED_VECTORS = VECTORS, WIDE_1 = 8, WIDE_2 = 8, WIDE_3 = 6, WIDE_4 = 5 };
#define FOR_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
#define FOR_PANELS(X) FOR_ROWS(X)
#elif VF_FUSED
enum { ROWS = 6, VECTORS = 2, PACKED_ROWS = ROWS, PACKED_VECTORS = VECTORS, WIDE_1 = 8, WIDE_2 = 6, WIDE_3 = 4, WIDE_4 = 3 };
#define FOR_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define FOR_PANELS(X) FOR_ROWS(X)
#else
enum { ROWS = 4, VECTORS = 2, PACKED_ROWS = ROWS, PACKED_VECTORS = VECTORS, WIDE_1 = 8, WIDE_2 = 4, WIDE_3 = 3, WIDE_4 = 2 };          /* a product and a sum need a register between them */
#define FOR_ROWS(X) X(1) X(2) X(3) X(4)
#define FOR_PANELS(X) FOR_ROWS(X)
#endif
enum {
    AHEAD = 8,                                   /* rows of a panel asked for in advance */
    WIDE = 8,                                    /* the widest tile */
    SPREAD = VF_REGISTERS == 32,                 /* lines are asked for along the way; a small tile has no slots to spare, and asks first */
    FETCH_EVERY = SPREAD ? 4 : 32,               /* k between two lines */
    LINE = 64,                                   /* bytes */
};

/* What the fast store cannot do: narrow panels, and columns of C that do not touch. */
static __attribute__((noinline)) void store_rest(const struct gemm_tile *t, const float *from, int rows, int width)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < t->columns; j++) {
            float *c = t->c + i * t->c_m + j * t->c_n, x = from[i * width + j];
            *c = t->add ? *c + x : x;
        }
}

/* Of a tile that is summed up: its lines are where they have just been stored. */
static __attribute__((noinline)) void add_bias(const struct gemm_tile *t, int rows)
{
    for (int i = 0; i < rows; i++) {
        float *c = t->c + i * t->c_m;
        int j = 0;
        for (; t->c_n == 1 && j + VF_LANES <= t->columns; j += VF_LANES) vf_store(c + j, vf_add(vf_load(c + j), vf_load(t->bias + j)));
        for (; j < t->columns; j++) c[j * t->c_n] += t->bias[j];
    }
}

#if defined(ISA_NEON)
/* A product takes any lane of a register: one load brings four numbers. */
SIMD vf broadcast(const float *a, int i, int n) { return vf_set1((i | 3) < n ? vf_load(a + (i & ~3))[i & 3] : a[i]); }
#else
SIMD vf broadcast(const float *a, int i, int n) { return (void)n, vf_set1(a[i]); }
#endif

/* One k: a row of the panel times a column of the sliver. */
SIMD void outer(const struct gemm_tile *t, vf c[ROWS][WIDE], const float *a, const float *b, int64_t ahead, const int rows, const int vectors, const bool panels)
{
    vf row[WIDE];
    UNROLL for (int j = 0; j < vectors; j++) {
        row[j] = vf_load(b + (panels ? j * t->b_vector : j * VF_LANES));
        __builtin_prefetch(b + (panels ? t->ask[j] : ahead + j * VF_LANES));
    }
    UNROLL for (int i = 0; i < rows; i++) {
        vf x = broadcast(a, i, rows);
        UNROLL for (int j = 0; j < vectors; j++) c[i][j] = vf_fma(x, row[j], c[i][j]);
    }
}

/* Into the second-level cache. Prefetches never fault: a tile may go past the end of what was to come. */
SIMD void fetch_line(struct gemm_fetch *f)
{
    __builtin_prefetch(f->at, 0, 2);
    f->in_run--;
    f->at += f->in_run > 0 ? LINE : f->step;
    f->in_run = f->in_run > 0 ? f->in_run : f->run;
}

SIMD struct gemm_fetch fetch_begin(const struct gemm_tile *t, int i)
{
    if (t->fetch[i] != NULL && t->fetch[i]->left > 0) return *t->fetch[i];
    return (struct gemm_fetch){ .at = (const char *)t->a, .run = 1, .step = 0, .in_run = 1 };
}

SIMD void fetch_end(const struct gemm_tile *t, int i, struct gemm_fetch f)
{
    if (t->fetch[i] == NULL || t->fetch[i]->left <= 0) return;
    f.left -= SPREAD ? (t->k + FETCH_EVERY - 1) / FETCH_EVERY : t->k / FETCH_EVERY;
    *t->fetch[i] = f;
}

SIMD void tile(const struct gemm_tile *t, const int rows, const int vectors, const bool panels)
{
    vf c[ROWS][WIDE];
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < vectors; j++) c[i][j] = vf_zero();
    const float *a = t->a, *b = t->b;
    const int64_t step = t->b_step, ahead = step * (t->ahead == 0 ? AHEAD : t->ahead);
    struct gemm_fetch first = fetch_begin(t, 0), second = fetch_begin(t, 1);
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < vectors; j++) __builtin_prefetch(t->c + i * t->c_m + j * VF_LANES, 1);
    for (int64_t n = SPREAD ? 0 : t->k / FETCH_EVERY; n > 0; n--) fetch_line(&first);
    for (int64_t k = t->k, some; k > 0; k -= some) {
        some = SPREAD && k > FETCH_EVERY ? FETCH_EVERY : k;       /* no constant: copies of a constant loop let accumulators wander between registers */
        if (SPREAD) fetch_line(&first);
        if (SPREAD) fetch_line(&second);
        for (int64_t u = some; u > 0; u--) {
            outer(t, c, a, b, ahead, rows, vectors, panels);
            a += rows, b += step;
        }
    }
    fetch_end(t, 0, first);
    if (SPREAD) fetch_end(t, 1, second);
    const vf alpha = vf_set1(t->alpha);
    if (t->c_n == 1 && t->columns == vectors * VF_LANES) {
        UNROLL for (int i = 0; i < rows; i++)
            UNROLL for (int j = 0; j < vectors; j++) {
                float *to = t->c + i * t->c_m + j * VF_LANES;
                vf x = vf_mul(alpha, c[i][j]);
                vf_store(to, t->add ? vf_add(x, vf_load(to)) : x);
            }
    } else {
        float all[28 * VF_LANES];
        UNROLL for (int i = 0; i < rows; i++)
            UNROLL for (int j = 0; j < vectors; j++) vf_store(all + (i * vectors + j) * VF_LANES, vf_mul(alpha, c[i][j]));
        store_rest(t, all, rows, vectors * VF_LANES);
    }
    if (t->bias != NULL) add_bias(t, rows);
}

#define TILE(r)                                                                                                       \
    static void tile_##r##x1(const struct gemm_tile *t) { tile(t, r, 1, false); }                                     \
    static void tile_##r##x2(const struct gemm_tile *t) { tile(t, r, 2, false); }
FOR_ROWS(TILE)
#undef TILE
#if VF_LANES == 16
#define TILE(r) static void tile_##r##x3(const struct gemm_tile *t) { tile(t, r, 3, false); }
FOR_BROAD(TILE)
#undef TILE
#define PANEL(r) static void panel_##r##x3(const struct gemm_tile *t) { tile(t, r, 3, true); }
FOR_PANELS(PANEL)
#undef PANEL
#endif
#define PANEL(r)                                                                                                      \
    static void panel_##r##x1(const struct gemm_tile *t) { tile(t, r, 1, true); }                                     \
    static void panel_##r##x2(const struct gemm_tile *t) { tile(t, r, 2, true); }
FOR_PANELS(PANEL)
#undef PANEL
static void wide_1(const struct gemm_tile *t) { tile(t, 1, WIDE_1, false); }
static void wide_2(const struct gemm_tile *t) { tile(t, 2, WIDE_2, false); }
static void wide_3(const struct gemm_tile *t) { tile(t, 3, WIDE_3, false); }
static void wide_4(const struct gemm_tile *t) { tile(t, 4, WIDE_4, false); }

/* ---- some tens of rows: a number of B at a time against vectors of A. Where lanes are four, dot products have little to add up: not there ---- */

#if VF_LANES > 4
enum { ACROSS = VF_REGISTERS == 32 ? 4 : 2, ACROSS_MOST = 24 };

/* panel: columns of one panel of a file are the rows of B, side by side for each k. */
SIMD void across(const struct gemm_across *r, const int rows, const int vectors, const bool panel)
{
    vf sum[ACROSS_MOST];
    const float *a = r->a, *b = r->b;
    const char *own = r->own;
    int64_t owned = r->owned;
    UNROLL for (int i = 0; i < rows * vectors; i++) sum[i] = vf_zero();
    for (int64_t k = r->k, some; k > 0; k -= some) {
        some = k > LINE / 4 ? LINE / 4 : k;
        UNROLL for (int i = 0; i < rows && !panel; i++) __builtin_prefetch(b + i * r->b_row + r->ahead, 0, 2);
        UNROLL for (int i = 0; i < rows && !panel; i++) __builtin_prefetch(b + i * r->b_row + LINE / 4);
        __builtin_prefetch(own, 1);
        own += --owned > 0 ? r->own_step : 0;
        for (int64_t u = some; u > 0; u--) {
            vf x[ACROSS];
            if (panel) __builtin_prefetch(b + r->ahead, 0, 2);
            UNROLL for (int j = 0; j < vectors; j++) x[j] = vf_load(a + j * VF_LANES);
            UNROLL for (int i = 0; i < rows; i++) {
                vf w = vf_set1(b[panel ? i : i * r->b_row]);
                UNROLL for (int j = 0; j < vectors; j++) sum[i * vectors + j] = vf_fma(w, x[j], sum[i * vectors + j]);
            }
            a += r->a_step, b += panel ? GEMM_PANEL_COLUMNS : 1;
        }
    }
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < vectors; j++) {
            float *to = r->y + i * r->y_row + j * VF_LANES;
            vf_store(to, r->add ? vf_add(sum[i * vectors + j], vf_load(to)) : sum[i * vectors + j]);
        }
}

#if VF_REGISTERS == 32
#define FOR_ACROSS(X) X(12, 1) X(12, 2) X(8, 3) X(6, 4)
#else
#define FOR_ACROSS(X) X(6, 1) X(6, 2)
#endif
#define X(rows, vectors)                                                                                              \
    static void across_##rows##x##vectors(const struct gemm_across *r) { across(r, rows, vectors, false); }           \
    static void across_2x##vectors(const struct gemm_across *r) { across(r, 2, vectors, false); }                     \
    static void across_1x##vectors(const struct gemm_across *r) { across(r, 1, vectors, false); }
FOR_ACROSS(X)
#undef X

#if VF_REGISTERS == 32
/* Some columns of a panel, and the rest after them, for which nothing is asked once more. */
SIMD struct gemm_across across_columns(struct gemm_across r, const int columns, const int vectors)
{
    across(&r, columns, vectors, true);
    r.b += columns, r.y += columns * r.y_row, r.ahead = 0, r.owned = 0;
    return r;
}
static void across_panel_2(const struct gemm_across *r) { (void)across_columns(across_columns(*r, 8, 2), 8, 2); }
static void across_panel_3(const struct gemm_across *r) { (void)across_columns(across_columns(*r, 8, 3), 8, 3); }
static void across_panel_4(const struct gemm_across *r) { (void)across_columns(across_columns(across_columns(*r, 6, 4), 5, 4), 5, 4); }
#endif

/* A square of sums. */
SIMD void upright_square(const struct gemm_upright *u, int64_t row, int64_t column, int rows, int columns)
{
    vf square[VF_LANES];
    const vf alpha = vf_set1(u->alpha);
    UNROLL for (int j = 0; j < VF_LANES; j++) square[j] = j < columns ? vf_load(u->y + (column + j) * u->y_row + row) : vf_zero();
    vf_transpose(square);
    UNROLL for (int i = 0; i < VF_LANES; i++) {
        if (i >= rows) break;
        float *to = u->c + (row + i) * u->c_m + column;
        vf x = vf_mul(alpha, square[i]);
        if (u->add) x = vf_add(x, vf_load_n(to, columns));
        if (u->bias != NULL) x = vf_add(x, vf_load_n(u->bias + column, columns));
        vf_store_n(to, x, columns);
    }
}

static void upright(const struct gemm_upright *u)
{
    for (int64_t i = 0; i < u->rows; i += VF_LANES) {
        int rows = u->rows - i < VF_LANES ? (int)(u->rows - i) : VF_LANES;
        int64_t j = 0;
        for (; j + VF_LANES <= u->columns && rows == VF_LANES; j += VF_LANES) upright_square(u, i, j, VF_LANES, VF_LANES);
        for (; j < u->columns; j += VF_LANES) upright_square(u, i, j, rows, u->columns - j < VF_LANES ? (int)(u->columns - j) : VF_LANES);
    }
}

#endif

/* ---- operands as they are stored: gemm_typed.h, once per type ---- */

enum { DOT_ROWS = 4, DOT_COLUMNS = VF_REGISTERS == 32 ? 4 : 2, DOT_SUMS = DOT_ROWS * DOT_COLUMNS, DOT_TALL_COLUMNS = 2, DOT_TALL = DOT_SUMS / DOT_TALL_COLUMNS, LINE_ROWS = 4 };
_Static_assert(DOT_SUMS % VF_LANES == 0, "sums are added a vector of them at a time");
#if VF_REGISTERS == 32
#define FOR_TALL(X) X(3) X(4) X(5) X(6) X(7) X(8)
#else
#define FOR_TALL(X) X(3) X(4)
#endif

#define GEMM_TYPE f32
#define GEMM_ELEMENT float
#include "backend/cpu/gemm_typed.h"
#define GEMM_TYPE f16
#define GEMM_ELEMENT uint16_t
#include "backend/cpu/gemm_typed.h"
#define GEMM_TYPE bf16
#define GEMM_ELEMENT uint16_t
#include "backend/cpu/gemm_typed.h"
#define GEMM_TYPE f8e4m3
#define GEMM_ELEMENT uint8_t
#include "backend/cpu/gemm_typed.h"
#define GEMM_TYPE f8e5m2
#define GEMM_ELEMENT uint8_t
#include "backend/cpu/gemm_typed.h"

#define TILE(r) [r - 1][0] = tile_##r##x1, [r - 1][1] = tile_##r##x2,
#define BROAD(r) [r - 1][2] = tile_##r##x3,
#define PANEL(r) [r - 1][0] = panel_##r##x1, [r - 1][1] = panel_##r##x2,
#define BROAD_PANEL(r) [r - 1][2] = panel_##r##x3,
#define ROWS_OF(rows, vectors) rows,
#define ACROSS_OF(rows, vectors) { across_##rows##x##vectors, across_2x##vectors, across_1x##vectors },
#define PACK(type, element) [GEMM_##type] = pack_##type,
#define DOTS(type, element) [GEMM_##type] = dots_##type,
#define LINES(type, element) [GEMM_##type] = lines_##type,
const struct gemm_kernels ISA_NAME(gemm_kernels) = {
    .lanes = VF_LANES, .rows = ROWS, .vectors = VECTORS, .dot_rows = DOT_ROWS, .dot_tall = DOT_TALL, .line_rows = LINE_ROWS,
    .packed_rows = PACKED_ROWS, .packed_vectors = PACKED_VECTORS,
    .tile = { FOR_ROWS(TILE)
#if VF_LANES == 16
        FOR_BROAD(BROAD)
#endif
    },
    .panel = { FOR_PANELS(PANEL)
#if VF_LANES == 16
        FOR_PANELS(BROAD_PANEL)
#endif
    },
    .wide_vectors = { WIDE_1, WIDE_2, WIDE_3, WIDE_4 }, .wide = { wide_1, wide_2, wide_3, wide_4 },
    .pack = { FOR_EVERY_GEMM_TYPE(PACK) }, .dots = { FOR_EVERY_GEMM_TYPE(DOTS) }, .lines = { FOR_EVERY_GEMM_TYPE(LINES) },
#if VF_LANES > 4
    .across_vectors = ACROSS, .across_rows = { FOR_ACROSS(ROWS_OF) }, .across = { FOR_ACROSS(ACROSS_OF) }, .upright = upright,
#if VF_REGISTERS == 32
    .across_panel = { [1] = across_panel_2, [2] = across_panel_3, [3] = across_panel_4 },
#endif
#endif
};
#undef TILE
