/* int8_panel.isa.c: rows of W become a panel (core/panel.h), for the set of AVX-512.
 *
 * Sixteen rows of a block are a square of dwords that is turned. Its quarters, four dwords of a row each, are put into their places as they are loaded, which
 * either of two units does; shuffles, for which there is one, are left for what is within quarters: 32 instead of 64. */
#include "backend/cpu/int8_kernel.h"
#if defined(ISA_AVX512)
#include "backend/cpu/simd.h"

enum { SQUARE = 16, QUARTER = 16 };

/* The same quarter of rows i, i + 4, i + 8 and i + 12. */
SIMD __m512i quarters(const int8_t *w, int64_t row)
{
    __m512i x = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(const void *)w));
    x = _mm512_mask_broadcast_i32x4(x, 0x00f0, _mm_loadu_si128((const __m128i *)(const void *)(w + 4 * row)));
    x = _mm512_mask_broadcast_i32x4(x, 0x0f00, _mm_loadu_si128((const __m128i *)(const void *)(w + 8 * row)));
    return _mm512_mask_broadcast_i32x4(x, 0xf000, _mm_loadu_si128((const __m128i *)(const void *)(w + 12 * row)));
}

/* Four times four dwords in each quarter, turned; what were neighbours in a row lies a vector of the panel apart. */
SIMD void turn_four(const __m512i *x, int8_t *to)
{
    const __m512i a = _mm512_unpacklo_epi32(x[0], x[1]), b = _mm512_unpackhi_epi32(x[0], x[1]), c = _mm512_unpacklo_epi32(x[2], x[3]), d = _mm512_unpackhi_epi32(x[2], x[3]);
    _mm512_storeu_si512(to, _mm512_unpacklo_epi64(a, c));
    _mm512_storeu_si512(to + 4 * INT8_COLUMNS, _mm512_unpackhi_epi64(a, c));
    _mm512_storeu_si512(to + 8 * INT8_COLUMNS, _mm512_unpacklo_epi64(b, d));
    _mm512_storeu_si512(to + 12 * INT8_COLUMNS, _mm512_unpackhi_epi64(b, d));
}

/* A block of sixteen rows. */
static void turn_block(const int8_t *w, int64_t row, int8_t *to)
{
    UNROLL for (int q = 0; q < 4; q++) {
        __m512i x[4];
        UNROLL for (int i = 0; i < 4; i++) x[i] = quarters(w + i * row + q * QUARTER, row);
        turn_four(x, to + q * 4 * 4 * INT8_COLUMNS);
    }
}

/* The same of fewer rows, as if others of zeros lay behind them. */
static void turn_part(const int8_t *w, int64_t row, int rows, int8_t *to)
{
    int8_t some[SQUARE * INT8_BLOCK] = { 0 };
    for (int i = 0; i < rows; i++) memcpy(some + i * INT8_BLOCK, w + i * row, INT8_BLOCK);
    turn_block(some, INT8_BLOCK, to);
}

/* Scales of sixteen rows, sixteen blocks at a time. */
static void turn_scales(const float *scale, int64_t row, int rows, int64_t blocks, float *to)
{
    for (int64_t from = 0; from < blocks; from += SQUARE) {
        const int n = blocks - from < SQUARE ? (int)(blocks - from) : SQUARE;
        vf square[SQUARE];
        for (int i = 0; i < SQUARE; i++) square[i] = i < rows ? vf_load_n(scale + i * row + from, n) : vf_zero();
        vf_transpose(square);
        for (int b = 0; b < n; b++) vf_store(to + (from + b) * INT8_COLUMNS, square[b]);
    }
}

void int8_panel_avx512(const struct int8_rows *from, int8_t *to, float *scale)
{
    for (int first = 0; first < INT8_COLUMNS; first += SQUARE) {
        const int rows = from->columns - first < 0 ? 0 : from->columns - first < SQUARE ? from->columns - first : SQUARE;
        const int8_t *w = from->w + first * from->w_row;
        for (int64_t b = 0; b < from->blocks; b++) {
            int8_t *at = to + (b * INT8_FOURS * INT8_COLUMNS + first) * 4;
            for (int i = 0; i < SQUARE; i++) __builtin_prefetch(w + (i + INT8_COLUMNS) * from->w_row + b * INT8_BLOCK, 0, 2);      /* of the next panel */
            if (rows == SQUARE) turn_block(w + b * INT8_BLOCK, from->w_row, at);
            else turn_part(w + b * INT8_BLOCK, from->w_row, rows, at);
        }
        turn_scales(from->scale + first * from->scale_row, from->scale_row, rows, from->blocks, scale + first);
    }
}
#endif
