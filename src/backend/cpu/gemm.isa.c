/* gemm.isa.c: the register tile, the packer and the dot products, for one instruction set.
 *
 * The tile holds rows x vectors accumulators in registers: 14 x 2 of 32 zmm, 6 x 2 of 16 ymm, 4 x 2 of 16 xmm. For each k it
 * loads the vectors of one row of the panel and broadcasts one float per row of the sliver. Each height and width is a
 * function of its own, because a tile stays in registers only if its loops are unrolled to constants. */
#include "backend/cpu/gemm_kernel.h"
#include "backend/cpu/simd.h"

#if VF_REGISTERS == 32
enum { ROWS = 14, VECTORS = 2, WIDE_1 = 8, WIDE_2 = 8, WIDE_3 = 8, WIDE_4 = 6 };
#define FOR_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#elif VF_FUSED
enum { ROWS = 6, VECTORS = 2, WIDE_1 = 8, WIDE_2 = 6, WIDE_3 = 4, WIDE_4 = 3 };
#define FOR_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#else
enum { ROWS = 4, VECTORS = 2, WIDE_1 = 8, WIDE_2 = 4, WIDE_3 = 3, WIDE_4 = 2 };          /* a product and a sum need a register between them */
#define FOR_ROWS(X) X(1) X(2) X(3) X(4)
#endif
enum { AHEAD = 8, WIDE = 8 };                    /* rows of a panel fetched ahead; the widest tile */

/* What the fast store cannot do: narrow panels, and columns of C that do not touch. */
static __attribute__((noinline)) void store_rest(const struct gemm_tile *t, const float *from, int rows, int width)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < t->columns; j++) {
            float *c = t->c + i * t->c_m + j * t->c_n, x = from[i * width + j];
            *c = t->add ? *c + x : x;
        }
}

SIMD void tile(const struct gemm_tile *t, const int rows, const int vectors)
{
    vf c[ROWS][WIDE];
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < vectors; j++) c[i][j] = vf_zero();
    const float *a = t->a, *b = t->b;
    const int64_t step = t->b_step;
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < vectors; j++) __builtin_prefetch(t->c + i * t->c_m + j * VF_LANES, 1);
    for (int64_t k = t->k; k > 0; k--) {
        vf row[WIDE];
        UNROLL for (int j = 0; j < vectors; j++) {
            row[j] = vf_load(b + j * VF_LANES);
            __builtin_prefetch(b + step * AHEAD + j * VF_LANES);
        }
        b += step;
        UNROLL for (int i = 0; i < rows; i++) {
            vf x = vf_set1(a[i]);
            UNROLL for (int j = 0; j < vectors; j++) c[i][j] = vf_fma(x, row[j], c[i][j]);
        }
        a += rows;
    }
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
}

#define TILE(r)                                                                                                       \
    static void tile_##r##x1(const struct gemm_tile *t) { tile(t, r, 1); }                                            \
    static void tile_##r##x2(const struct gemm_tile *t) { tile(t, r, 2); }
FOR_ROWS(TILE)
#undef TILE
static void wide_1(const struct gemm_tile *t) { tile(t, 1, WIDE_1); }
static void wide_2(const struct gemm_tile *t) { tile(t, 2, WIDE_2); }
static void wide_3(const struct gemm_tile *t) { tile(t, 3, WIDE_3); }
static void wide_4(const struct gemm_tile *t) { tile(t, 4, WIDE_4); }

/* ---- packing: strips of at most VF_LANES wide; a full store may spill into the next k's row, which is written after it ---- */

static void strip_across(float *to, int pad, const float *from, int64_t step_k, int w, int64_t k)       /* w is contiguous */
{
    if (w == VF_LANES)
        for (int64_t j = 0; j < k; j++) vf_store(to + j * pad, vf_load(from + j * step_k));
    else
        for (int64_t j = 0; j < k; j++) vf_store(to + j * pad, vf_load_n(from + j * step_k, w));
}

static void strip_along(float *to, int pad, const float *from, int64_t step_w, int w, int64_t k)        /* k is contiguous */
{
    int64_t j = 0;
    vf square[VF_LANES];
    for (; j + VF_LANES <= k; j += VF_LANES) {
        UNROLL for (int i = 0; i < VF_LANES; i++) square[i] = i < w ? vf_load(from + i * step_w + j) : vf_zero();
        vf_transpose(square);
        UNROLL for (int i = 0; i < VF_LANES; i++) vf_store(to + (j + i) * pad, square[i]);
    }
    for (; j < k; j++) vf_store(to + j * pad, vf_load_step(from + j, step_w, w));
}

static void strip_any(float *to, int pad, const float *from, int64_t step_w, int64_t step_k, int w, int64_t k)
{
    for (int64_t j = 0; j < k; j++) vf_store(to + j * pad, vf_load_step(from + j * step_k, step_w, w));
}

static void pack(float *to, int pad, const float *from, int64_t step_w, int64_t step_k, int w, int64_t k)
{
    for (int i = 0; i < pad; i += VF_LANES) {
        int here = w - i < VF_LANES ? w - i : VF_LANES;
        if (here < 0) here = 0;
        const float *at = here > 0 ? from + i * step_w : from;
        if (step_w == 1 || here == 1) strip_across(to + i, pad, at, step_k, here, k);
        else if (step_k == 1) strip_along(to + i, pad, at, step_w, here, k);
        else strip_any(to + i, pad, at, step_w, step_k, here, k);
    }
}

/* ---- few rows: both operands as they lie, vectors along k, sums of lanes at the end ---- */

enum { DOT_ROWS = 4, DOT_COLUMNS = VF_REGISTERS == 32 ? 4 : 2 };

SIMD void finish_dot(const struct gemm_dots *d, int i, int64_t j, vf sum)
{
    float *c = d->c + i * d->c_m + j * d->c_n;
    float x = d->alpha * vf_reduce_add(sum);
    *c = d->add ? *c + x : x;
}

SIMD void dots_block(const struct gemm_dots *d, int64_t j0, const int rows, const int columns)
{
    vf sum[DOT_ROWS][DOT_COLUMNS];
    const float *a = d->a, *b = d->b + j0 * d->b_row;
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < columns; j++) sum[i][j] = vf_zero();
    for (int64_t k = d->k; k > 0; k -= VF_LANES) {
        int n = k < VF_LANES ? (int)k : VF_LANES;
        vf x[DOT_ROWS];
        UNROLL for (int i = 0; i < rows; i++) x[i] = n == VF_LANES ? vf_load(a + i * d->a_row) : vf_load_n(a + i * d->a_row, n);
        UNROLL for (int j = 0; j < columns; j++) {
            vf w = n == VF_LANES ? vf_load(b + j * d->b_row) : vf_load_n(b + j * d->b_row, n);
            UNROLL for (int i = 0; i < rows; i++) sum[i][j] = vf_fma(x[i], w, sum[i][j]);
        }
        a += VF_LANES;
        b += VF_LANES;
    }
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < columns; j++) finish_dot(d, i, j0 + j, sum[i][j]);
}

SIMD void dots_rows(const struct gemm_dots *d, const int rows)
{
    int64_t j = 0;
    for (; j + DOT_COLUMNS <= d->columns; j += DOT_COLUMNS) dots_block(d, j, rows, DOT_COLUMNS);
    for (; j < d->columns; j++) dots_block(d, j, rows, 1);
}

static void dots(const struct gemm_dots *d)
{
    if (d->rows == 1) dots_rows(d, 1);
    else if (d->rows == 2) dots_rows(d, 2);
    else if (d->rows == 3) dots_rows(d, 3);
    else dots_rows(d, 4);
}

#define TILE(r) { tile_##r##x1, tile_##r##x2 },
const struct gemm_kernels ISA_NAME(gemm_kernels) = {
    VF_LANES, ROWS, VECTORS, DOT_ROWS, { FOR_ROWS(TILE) },
    { WIDE_1, WIDE_2, WIDE_3, WIDE_4 }, { wide_1, wide_2, wide_3, wide_4 }, pack, dots,
};
#undef TILE
