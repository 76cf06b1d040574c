/* bf16.isa.c: bf16 in AMX tiles, for the set of AVX-512: packing, products, rounding.
 *
 * A tile of A holds 16 rows of 32 k; one of B 16 pairs of k, each of 16 columns. Rows of k as they lie are the one, two rows across k
 * interleaved are the other, and each is the other's square of dwords turned. */
#include "backend/cpu/bf16.h"
#if defined(ISA_AVX512)
#include "backend/cpu/simd_stored.h"
#include "backend/cpu/tiles.h"

enum { SQUARE = TILE_ROWS * 16 };
_Static_assert((int)BF16_UNIT == 2 * (int)TILE_ROWS && (int)BF16_SLAB_BYTES == 2 * (int)TILE, "a slab is two tiles");

/* ---- packing ---- */

SIMD void put_tile(char *to, vf *square, bool turn)
{
    if (turn) vf_transpose(square);
    UNROLL for (int i = 0; i < TILE_ROWS; i++) vf_store((float *)(void *)(to + i * TILE_BYTES), square[i]);
}

SIMD __m512i load_some(const uint16_t *from, int n) { return _mm512_maskz_loadu_epi16(n >= 32 ? 0xffffffffu : (1u << n) - 1, from); }

/* k is contiguous: rows of k. */
SIMD void slab_along(char *to, const uint16_t *from, int64_t step_w, int w, int k, bool as_b)
{
    for (int half = 0; half < 2; half++) {
        vf square[TILE_ROWS];
        UNROLL for (int i = 0; i < TILE_ROWS; i++) {
            int row = half * TILE_ROWS + i;
            square[i] = row < w ? _mm512_castsi512_ps(load_some(from + row * step_w, k)) : vf_zero();
        }
        put_tile(to + half * TILE, square, as_b);
    }
}

/* w is contiguous: two rows across k, interleaved. */
SIMD void slab_across(char *to, const uint16_t *from, int64_t step_k, int w, int k, bool as_b)
{
    static const uint16_t order[2][32] = {
        { 0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39, 8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47 },
        { 16, 48, 17, 49, 18, 50, 19, 51, 20, 52, 21, 53, 22, 54, 23, 55, 24, 56, 25, 57, 26, 58, 27, 59, 28, 60, 29, 61, 30, 62, 31, 63 },
    };
    const __m512i low = _mm512_loadu_si512(order[0]), high = _mm512_loadu_si512(order[1]);
    vf square[2][TILE_ROWS];
    UNROLL for (int i = 0; i < TILE_ROWS; i++) {
        __m512i even = 2 * i < k ? load_some(from + 2 * i * step_k, w) : _mm512_setzero_si512();
        __m512i odd = 2 * i + 1 < k ? load_some(from + (2 * i + 1) * step_k, w) : _mm512_setzero_si512();
        square[0][i] = _mm512_castsi512_ps(_mm512_permutex2var_epi16(even, low, odd));
        square[1][i] = _mm512_castsi512_ps(_mm512_permutex2var_epi16(even, high, odd));
    }
    put_tile(to, square[0], !as_b);
    put_tile(to + TILE, square[1], !as_b);
}

static void slab_any(char *to, const uint16_t *from, int64_t step_w, int64_t step_k, int w, int k, bool as_b)
{
    uint16_t rows[BF16_UNIT * BF16_SLAB] = { 0 };
    for (int i = 0; i < w; i++)
        for (int j = 0; j < k; j++) rows[i * BF16_SLAB + j] = from[i * step_w + j * step_k];
    slab_along(to, rows, BF16_SLAB, BF16_UNIT, BF16_SLAB, as_b);
}

static void pack(char *to, const uint16_t *from, int64_t step_w, int64_t step_k, int w, int64_t depth, bool as_b)
{
    for (int64_t k = 0; k < depth; k += BF16_SLAB, to += BF16_SLAB_BYTES) {
        int deep = depth - k < BF16_SLAB ? (int)(depth - k) : BF16_SLAB;
        const uint16_t *at = from + k * step_k;
        if (step_k == 1) slab_along(to, at, step_w, w, deep, as_b);
        else if (step_w == 1) slab_across(to, at, step_k, w, deep, as_b);
        else slab_any(to, at, step_w, step_k, w, deep, as_b);
    }
}

/* ---- products ---- */

/* 32 x 32 of C, rows `step` floats apart: four tiles, which stay for all of k. */
static TILES void square(const char *a, const char *b, int64_t slabs, float *c, int64_t step, bool add)
{
    float *low = c + TILE_ROWS * step;
    size_t bytes = (size_t)step * sizeof(float);
    if (add) {
        _tile_loadd(0, c, bytes);
        _tile_loadd(1, c + 16, bytes);
        _tile_loadd(2, low, bytes);
        _tile_loadd(3, low + 16, bytes);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (; slabs > 0; slabs--, a += BF16_SLAB_BYTES, b += BF16_SLAB_BYTES) {
        _tile_loadd(4, b, TILE_BYTES);
        _tile_loadd(6, a, TILE_BYTES);
        _tile_loadd(5, b + TILE, TILE_BYTES);
        _tile_loadd(7, a + TILE, TILE_BYTES);
        _tile_dpbf16ps(0, 6, 4);
        _tile_dpbf16ps(1, 6, 5);
        _tile_dpbf16ps(2, 7, 4);
        _tile_dpbf16ps(3, 7, 5);
    }
    _tile_stored(0, c, bytes);
    _tile_stored(1, c + 16, bytes);
    _tile_stored(2, low, bytes);
    _tile_stored(3, low + 16, bytes);
}

/* What is not a whole square, or whose columns do not touch, comes and goes by way of one. */
static TILES void part_of_square(const char *a, const char *b, const struct bf16_block *k, float *c, int64_t rows, int64_t columns)
{
    _Alignas(64) float whole[BF16_UNIT * BF16_UNIT];
    for (int64_t i = 0; i < rows && k->add; i++)
        for (int64_t j = 0; j < columns; j++) whole[i * BF16_UNIT + j] = c[i * k->c_m + j * k->c_n];
    square(a, b, k->slabs, whole, BF16_UNIT, k->add);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) c[i * k->c_m + j * k->c_n] = whole[i * BF16_UNIT + j];
}

static TILES void multiply(const struct bf16_block *k)
{
    tiles_open();
    for (int64_t i = 0; i < k->rows; i += BF16_UNIT)
        for (int64_t j = 0; j < k->columns; j += BF16_UNIT) {
            int64_t rows = k->rows - i < BF16_UNIT ? k->rows - i : BF16_UNIT, columns = k->columns - j < BF16_UNIT ? k->columns - j : BF16_UNIT;
            const char *a = k->a + i / BF16_UNIT * k->a_unit, *b = k->b + j / BF16_UNIT * k->b_unit;
            float *c = k->c + i * k->c_m + j * k->c_n;
            if (rows == BF16_UNIT && columns == BF16_UNIT && k->c_n == 1) square(a, b, k->slabs, c, k->c_m, k->add);
            else part_of_square(a, b, k, c, rows, columns);
        }
    tiles_close();
}

/* ---- rounding ---- */

static void narrow(uint16_t *to, int64_t step, const float *from, int64_t n)
{
    for (int64_t i = 0; i < n; i += VF_LANES) {
        int left = n - i < VF_LANES ? (int)(n - i) : VF_LANES;
        vf x = vf_load_n(from + i, left);
        uint16_t some[VF_LANES];
        if (step == 1) {
            stored_store_n_bf16(to + i, x, left);
            continue;
        }
        stored_store_n_bf16(some, x, VF_LANES);
        for (int j = 0; j < left; j++) to[(i + j) * step] = some[j];
    }
}

const struct bf16_kernels bf16_kernels_tiles = { pack, multiply, narrow };
#endif
