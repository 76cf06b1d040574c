/* int8.isa.c: rounding a row to integers, and products of integers, for one instruction set. The set of AVX-512 brings two tables:
 * vpdpbusd is a feature of its own. */
#include "backend/cpu/int8.h"
#include "backend/cpu/simd.h"

/* ---- rounding ---- */

#if defined(ISA_AVX512)
SIMD void store_bytes(int8_t *to, vi x) { _mm_storeu_si128((__m128i *)(void *)to, _mm512_cvtsepi32_epi8(x)); }
#else
SIMD void store_bytes(int8_t *to, vi x)
{
    int32_t whole[VF_LANES];
    memcpy(whole, &x, sizeof whole);
    for (int k = 0; k < VF_LANES; k++) to[k] = (int8_t)whole[k];         /* within ±127, as the scale is made */
}
#endif

static void quantise(const float *x, int64_t blocks, const struct int8_row *to)
{
    for (int64_t b = 0; b < blocks; b++, x += INT8_BLOCK) {
        int8_t *q = to->q + b * INT8_BLOCK;
        vf most = vf_zero();
        for (int i = 0; i < INT8_BLOCK; i += VF_LANES) most = vf_max(most, vf_abs(vf_load(x + i)));
        const float largest = vf_reduce_max(most), scale = largest / 127, inverse = scale > 0 && 1 / scale <= 3e38f ? 1 / scale : 0;
        to->scale[b] = scale;
        for (int i = 0; i < INT8_BLOCK; i += VF_LANES)
            store_bytes(q + i, vf_to_int(vf_min(vf_max(vf_mul(vf_load(x + i), vf_set1(inverse)), vf_set1(-127)), vf_set1(127))));
    }
}

/* ---- dots ---- */

#if defined(ISA_SCALAR)

static void dots(const struct int8_dots *d)
{
    for (int64_t j = 0; j < d->columns; j++) {
        float *y = d->y + j * d->y_step, sum = d->add ? *y : 0;
        for (int64_t b = 0; b < d->blocks; b++) {
            int32_t whole = 0;
            for (int k = 0; k < INT8_BLOCK; k++) whole += d->w[j * d->w_row + b * INT8_BLOCK + k] * d->x.q[b * INT8_BLOCK + k];
            sum += (float)whole * (d->x.scale[b] * d->scale[j * d->scale_row + b]);
        }
        *y = sum;
    }
}

/* One row of X, one block, all columns: their sums. */
static void block_of_panel(const int8_t *w, const int8_t *x, int32_t whole[INT8_COLUMNS])
{
    memset(whole, 0, INT8_COLUMNS * sizeof *whole);
    for (int k = 0; k < INT8_BLOCK; k += 4, w += 4 * INT8_COLUMNS)
        for (int j = 0; j < INT8_COLUMNS; j++)
            for (int i = 0; i < 4; i++) whole[j] += w[4 * j + i] * x[k + i];
}

static void row_of_panel(const struct int8_panel *p, const int8_t *x, const float *x_scale, float sum[INT8_COLUMNS])
{
    int32_t whole[INT8_COLUMNS];
    for (int64_t b = 0; b < p->blocks; b++) {
        block_of_panel(p->w + b * INT8_BLOCK * INT8_COLUMNS, x + b * INT8_BLOCK, whole);
        for (int j = 0; j < INT8_COLUMNS; j++) sum[j] += (float)whole[j] * (x_scale[b] * p->w_scale[b * INT8_COLUMNS + j]);
    }
}

#else

SIMD __m256i wide16(const int8_t *x) { return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)x)); }
/* Sixteen products of 16 bits at a time: exact. */
SIMD __m256i sixteen(const int8_t *w, const int8_t *x) { return _mm256_madd_epi16(wide16(w), wide16(x)); }

static void dots(const struct int8_dots *d)
{
    for (int64_t j = 0; j < d->columns; j++) {
        const int8_t *w = d->w + j * d->w_row, *x = d->x.q;
        float *y = d->y + j * d->y_step;
        __m128 sum = _mm_set_ss(d->add ? *y : 0);
        for (int64_t b = 0; b < d->blocks; b++, w += INT8_BLOCK, x += INT8_BLOCK) {
            __m256i all = _mm256_add_epi32(_mm256_add_epi32(sixteen(w, x), sixteen(w + 16, x + 16)), _mm256_add_epi32(sixteen(w + 32, x + 32), sixteen(w + 48, x + 48)));
            __m128i half = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
            half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
            half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1));
            sum = _mm_fmadd_ss(_mm_cvtepi32_ps(half), _mm_set_ss(d->x.scale[b] * d->scale[j * d->scale_row + b]), sum);
        }
        *y = _mm_cvtss_f32(sum);
    }
}

/* Two sums side by side for each of eight columns: added, in the order of the columns. */
SIMD __m256 whole_columns(__m256i low, __m256i high)
{
    return _mm256_cvtepi32_ps(_mm256_permute4x64_epi64(_mm256_hadd_epi32(low, high), 0xd8));
}

/* One row of X against the blocks of a panel: four columns to a register. */
static void row_of_panel(const struct int8_panel *p, const int8_t *x, const float *x_scale, float sum[INT8_COLUMNS])
{
    enum { PARTS = INT8_COLUMNS / 4 };
    const int8_t *w = p->w;
    __m256 all[PARTS / 2];
    UNROLL for (int i = 0; i < PARTS / 2; i++) all[i] = _mm256_loadu_ps(sum + 8 * i);
    for (int64_t b = 0; b < p->blocks; b++, x += INT8_BLOCK) {
        int64_t fours[INT8_FOURS];                                    /* of X, in 16 bits */
        __m256i part[PARTS];
        for (int i = 0; i < INT8_BLOCK; i += 16) _mm256_storeu_si256((__m256i *)(void *)(fours + i / 4), wide16(x + i));
        UNROLL for (int i = 0; i < PARTS; i++) part[i] = _mm256_setzero_si256();
        for (int q = 0; q < INT8_FOURS; q++, w += 4 * INT8_COLUMNS) {
            const __m256i same = _mm256_set1_epi64x(fours[q]);
            UNROLL for (int i = 0; i < PARTS; i++) part[i] = _mm256_add_epi32(part[i], _mm256_madd_epi16(wide16(w + 16 * i), same));
        }
        UNROLL for (int i = 0; i < PARTS / 2; i++) {
            const __m256 scale = _mm256_mul_ps(_mm256_set1_ps(x_scale[b]), _mm256_loadu_ps(p->w_scale + b * INT8_COLUMNS + 8 * i));
            all[i] = _mm256_fmadd_ps(whole_columns(part[2 * i], part[2 * i + 1]), scale, all[i]);
        }
    }
    UNROLL for (int i = 0; i < PARTS / 2; i++) _mm256_storeu_ps(sum + 8 * i, all[i]);
}

#endif

/* Panels that lie in memory: row after row of X. */
static void multiply(const struct int8_panel *p)
{
    for (int64_t i = 0; i < p->rows; i++) {
        float sum[INT8_COLUMNS] = { 0 }, *y = p->y + i * p->y_row;
        int64_t at = i * p->depth + p->from;
        for (int j = 0; j < p->columns && p->add; j++) sum[j] = y[j * p->y_step];
        row_of_panel(p, p->x + at * INT8_BLOCK, p->x_scale + at, sum);
        for (int j = 0; j < p->columns; j++) y[j * p->y_step] = sum[j];
    }
}

const struct int8_kernels ISA_NAME(int8_kernels) = { .quantise = quantise, .dots = dots, .height = 1, .multiply = multiply };

/* ---- VNNI ---- */

#if defined(ISA_AVX512)
#define VNNI __attribute__((target("avx512vnni")))
enum { DOTS_AHEAD = 2048, PANEL_AHEAD = 4096, HEIGHT = 6, SQUARE = 16 };

/* And what adding 128 to every weight will have added. */
VNNI void int8_quantise_vnni(const float *x, int64_t blocks, const struct int8_row *to)
{
    quantise(x, blocks, to);
    for (int64_t b = 0; b < blocks; b++) {
        __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), _mm512_loadu_si512(to->q + b * INT8_BLOCK));
        to->less[b] = -128 * _mm512_reduce_add_epi32(sum);
    }
}

/* Lanes of four registers, added four times less: vf_sums, of integers, in two parts. */
SIMD __m512i sums_of_four(const __m512i *p)
{
    __m512i t[2];
    UNROLL for (int i = 0; i < 2; i++) t[i] = _mm512_add_epi32(_mm512_unpacklo_epi32(p[2 * i], p[2 * i + 1]), _mm512_unpackhi_epi32(p[2 * i], p[2 * i + 1]));
    return _mm512_add_epi32(_mm512_unpacklo_epi64(t[0], t[1]), _mm512_unpackhi_epi64(t[0], t[1]));
}
SIMD __m512i sums_of_sums(const __m512i *u)
{
    __m512i t[2];
    UNROLL for (int i = 0; i < 2; i++) t[i] = _mm512_add_epi32(_mm512_shuffle_i32x4(u[2 * i], u[2 * i + 1], 0x88), _mm512_shuffle_i32x4(u[2 * i], u[2 * i + 1], 0xdd));
    return _mm512_add_epi32(_mm512_shuffle_i32x4(t[0], t[1], 0x88), _mm512_shuffle_i32x4(t[0], t[1], 0xdd));
}

/* Sums of up to 16 blocks of one row of W, a lane for each. */
static inline VNNI __attribute__((always_inline)) __m512i block_sums(const int8_t *w, const int8_t *x, int blocks)
{
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    __m512i four[4];
    UNROLL for (int q = 0; q < 4; q++) {
        __m512i part[4];
        UNROLL for (int i = 0; i < 4; i++) {
            int b = 4 * q + i;
            part[i] = _mm512_setzero_si512();
            if (b >= blocks) continue;
            __builtin_prefetch(w + b * INT8_BLOCK + DOTS_AHEAD);
            part[i] = _mm512_dpbusd_epi32(part[i], _mm512_xor_si512(_mm512_loadu_si512(w + b * INT8_BLOCK), flip), _mm512_loadu_si512(x + b * INT8_BLOCK));
        }
        four[q] = sums_of_four(part);
    }
    return sums_of_sums(four);
}

/* Sixteen rows of W, one after the other, and then their blocks: so memory is read in its order, and sums are added in theirs. */
static VNNI vf dots_square(const struct int8_dots *d, int64_t column, int columns, vf sum)
{
    for (int64_t from = 0; from < d->blocks; from += SQUARE) {
        const int blocks = d->blocks - from < SQUARE ? (int)(d->blocks - from) : SQUARE;
        const __mmask16 some = (__mmask16)((1u << blocks) - 1);
        const __m512i less = _mm512_maskz_loadu_epi32(some, d->x.less + from);
        const vf x_scale = _mm512_maskz_loadu_ps(some, d->x.scale + from);
        vf whole[SQUARE], scale[SQUARE];
        for (int j = 0; j < SQUARE; j++) {
            whole[j] = scale[j] = vf_zero();
            if (j >= columns) continue;
            whole[j] = _mm512_cvtepi32_ps(_mm512_add_epi32(less, block_sums(d->w + (column + j) * d->w_row + from * INT8_BLOCK, d->x.q + from * INT8_BLOCK, blocks)));
            scale[j] = vf_mul(x_scale, _mm512_maskz_loadu_ps(some, d->scale + (column + j) * d->scale_row + from));
        }
        vf_transpose(whole);
        vf_transpose(scale);
        for (int b = 0; b < blocks; b++) sum = vf_fma(whole[b], scale[b], sum);
    }
    return sum;
}

VNNI void int8_dots_vnni(const struct int8_dots *d)
{
    for (int64_t j = 0; j < d->columns; j += SQUARE) {
        const int columns = d->columns - j < SQUARE ? (int)(d->columns - j) : SQUARE;
        float some[SQUARE] = { 0 }, *y = d->y + j * d->y_step;
        for (int i = 0; i < columns && d->add; i++) some[i] = y[i * d->y_step];
        vf_store(some, dots_square(d, j, columns, vf_load(some)));
        for (int i = 0; i < columns; i++) y[i * d->y_step] = some[i];
    }
}

/* In slivers: integers, then sums and scales, of `rows` side by side. */
static void sliver(const struct int8_row *row, int64_t blocks, int at, int rows, const struct int8_row *to)
{
    for (int64_t k = 0; k < blocks * INT8_FOURS; k++) memcpy(to->q + (k * rows + at) * 4, row->q + 4 * k, 4);
    for (int64_t b = 0; b < blocks; b++) {
        to->less[b * rows + at] = row->less[b];
        to->scale[b * rows + at] = row->scale[b];
    }
}

/* Sixteen rows of a block, a dword of each after the other: a square of dwords, turned. The rows of the next panel are asked for. */
void int8_panel_vnni(const int8_t *w, int64_t w_row, int columns, int64_t blocks, int8_t *to)
{
    for (int64_t b = 0; b < blocks; b++)
        for (int half = 0; half < 2; half++) {
            vf square[SQUARE];
            UNROLL for (int i = 0; i < SQUARE; i++) {
                int j = half * SQUARE + i;
                __builtin_prefetch(w + (j + INT8_COLUMNS) * w_row + b * INT8_BLOCK, 0, 2);
                square[i] = _mm512_castsi512_ps(j < columns ? _mm512_loadu_si512(w + j * w_row + b * INT8_BLOCK) : _mm512_setzero_si512());
            }
            vf_transpose(square);
            UNROLL for (int q = 0; q < INT8_FOURS; q++) _mm512_storeu_ps(to + ((b * INT8_FOURS + q) * INT8_COLUMNS + half * SQUARE) * 4, square[q]);
        }
}

/* A tile of C: rows of a sliver by the columns of a panel. */
struct tile {
    const int8_t *x;                             /* [blocks][16][rows][4] */
    const float *x_scale;                        /* [blocks][rows] */
    const int32_t *less;                         /* [blocks][rows]: -128 times the sum of the block */
    const int8_t *w;                             /* [blocks][16][32][4] */
    const float *w_scale;                        /* [blocks][32] */
    int64_t blocks;
    float *y;
    int64_t y_row, y_step;
    int columns;
    bool add, first;                             /* first: the others find the panel in the cache */
};

/* As an instruction of its own: compilers copy every sum at every step when they see the intrinsic in a loop. */
SIMD void add_products(__m512i *sum, __m512i w, __m512i x) { __asm__("vpdpbusd %2, %1, %0" : "+v"(*sum) : "v"(w), "v"(x)); }

/* Rows of Y into squares of 32 columns, and back. */
static void tile_fetch(const struct tile *t, int rows, float *all)
{
    memset(all, 0, (size_t)rows * INT8_COLUMNS * sizeof *all);
    for (int i = 0; i < rows && t->add; i++)
        for (int j = 0; j < t->columns; j++) all[i * INT8_COLUMNS + j] = t->y[i * t->y_row + j * t->y_step];
}
static void tile_put(const struct tile *t, int rows, const float *all)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < t->columns; j++) t->y[i * t->y_row + j * t->y_step] = all[i * INT8_COLUMNS + j];
}

static inline VNNI __attribute__((always_inline)) void tile(const struct tile *t, const int rows)
{
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    const bool whole_rows = t->columns == INT8_COLUMNS && t->y_step == 1;
    __m512 sum[HEIGHT][2];
    float all[HEIGHT * INT8_COLUMNS];
    const int8_t *x = t->x, *w = t->w;
    if (!whole_rows) tile_fetch(t, rows, all);
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < 2; j++) sum[i][j] = !whole_rows ? vf_load(all + i * INT8_COLUMNS + 16 * j) : t->add ? vf_load(t->y + i * t->y_row + 16 * j) : vf_zero();
    for (int64_t b = 0; b < t->blocks; b++) {
        __m512i whole[HEIGHT][2];
        UNROLL for (int i = 0; i < rows; i++) whole[i][0] = whole[i][1] = _mm512_set1_epi32(t->less[b * rows + i]);
        for (int q = 0; q < INT8_FOURS; q++, x += 4 * rows, w += 4 * INT8_COLUMNS) {
            __m512i left = _mm512_xor_si512(_mm512_loadu_si512(w), flip), right = _mm512_xor_si512(_mm512_loadu_si512(w + 64), flip);
            if (t->first) {
                __builtin_prefetch(w + PANEL_AHEAD);
                __builtin_prefetch(w + PANEL_AHEAD + 64);
            }
            UNROLL for (int i = 0; i < rows; i++) {
                int32_t four;
                memcpy(&four, x + 4 * i, sizeof four);
                __m512i same = _mm512_set1_epi32(four);
                add_products(&whole[i][0], left, same);
                add_products(&whole[i][1], right, same);
            }
        }
        __m512 left = _mm512_loadu_ps(t->w_scale + b * INT8_COLUMNS), right = _mm512_loadu_ps(t->w_scale + b * INT8_COLUMNS + 16);
        UNROLL for (int i = 0; i < rows; i++) {
            __m512 scale = _mm512_set1_ps(t->x_scale[b * rows + i]);
            sum[i][0] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole[i][0]), _mm512_mul_ps(scale, left), sum[i][0]);
            sum[i][1] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole[i][1]), _mm512_mul_ps(scale, right), sum[i][1]);
        }
    }
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < 2; j++) vf_store(whole_rows ? t->y + i * t->y_row + 16 * j : all + i * INT8_COLUMNS + 16 * j, sum[i][j]);
    if (!whole_rows) tile_put(t, rows, all);
}

static VNNI void tile_1(const struct tile *t) { tile(t, 1); }
static VNNI void tile_2(const struct tile *t) { tile(t, 2); }
static VNNI void tile_3(const struct tile *t) { tile(t, 3); }
static VNNI void tile_4(const struct tile *t) { tile(t, 4); }
static VNNI void tile_5(const struct tile *t) { tile(t, 5); }
static VNNI void tile_6(const struct tile *t) { tile(t, 6); }

static void multiply_vnni(const struct int8_panel *p)
{
    static void (*const tiles[HEIGHT])(const struct tile *t) = { tile_1, tile_2, tile_3, tile_4, tile_5, tile_6 };
    for (int64_t i = 0; i < p->rows; i += HEIGHT) {
        int rows = p->rows - i < HEIGHT ? (int)(p->rows - i) : HEIGHT;
        int64_t at = i * p->depth + p->from * rows;
        tiles[rows - 1](&(struct tile){ .x = p->x + at * INT8_BLOCK, .x_scale = p->x_scale + at, .less = p->less + at, .w = p->w, .w_scale = p->w_scale, .blocks = p->blocks,
                                        .y = p->y + i * p->y_row, .y_row = p->y_row, .y_step = p->y_step, .columns = p->columns, .add = p->add, .first = i == 0 });
    }
}

const struct int8_kernels int8_kernels_vnni = { int8_quantise_vnni, int8_dots_vnni, HEIGHT, false, sliver, int8_panel_vnni, multiply_vnni };
#endif
