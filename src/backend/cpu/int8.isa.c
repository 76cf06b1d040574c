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
        float lane[VF_LANES], largest = 0;
        vf_store(lane, most);
        for (int i = 0; i < VF_LANES; i++) largest = lane[i] > largest ? lane[i] : largest;
        const float scale = largest / 127, inverse = scale > 0 && 1 / scale <= 3e38f ? 1 / scale : 0;
        to->scale[b] = scale;
        for (int i = 0; i < INT8_BLOCK; i += VF_LANES)
            store_bytes(q + i, vf_to_int(vf_min(vf_max(vf_mul(vf_load(x + i), vf_set1(inverse)), vf_set1(-127)), vf_set1(127))));
    }
}

static inline void put(const struct int8_dots *d, int64_t j, float sum)
{
    float *y = d->y + j * d->y_step;
    *y = d->add ? *y + sum : sum;
}

/* ---- dots ---- */

#if defined(ISA_SCALAR)

static void dots(const struct int8_dots *d)
{
    for (int64_t j = 0; j < d->columns; j++) {
        const int8_t *w = d->w + j * d->w_row;
        float sum = 0;
        for (int64_t b = 0; b < d->blocks; b++) {
            int32_t whole = 0;
            for (int k = 0; k < INT8_BLOCK; k++) whole += w[b * INT8_BLOCK + k] * d->x.q[b * INT8_BLOCK + k];
            sum += (float)whole * (d->x.scale[b] * d->scale[j * d->scale_row + b]);
        }
        put(d, j, sum);
    }
}

#else

/* Sixteen products of 16 bits at a time: exact. */
SIMD __m256i sixteen(const int8_t *w, const int8_t *x)
{
    return _mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)w)),
                             _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)x)));
}

static void dots(const struct int8_dots *d)
{
    for (int64_t j = 0; j < d->columns; j++) {
        const int8_t *w = d->w + j * d->w_row, *x = d->x.q;
        __m256 sum = _mm256_setzero_ps();
        for (int64_t b = 0; b < d->blocks; b++, w += INT8_BLOCK, x += INT8_BLOCK) {
            __m256i whole = _mm256_add_epi32(_mm256_add_epi32(sixteen(w, x), sixteen(w + 16, x + 16)), _mm256_add_epi32(sixteen(w + 32, x + 32), sixteen(w + 48, x + 48)));
            sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole), _mm256_set1_ps(d->x.scale[b] * d->scale[j * d->scale_row + b]), sum);
        }
        __m128 half = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
        half = _mm_add_ps(half, _mm_movehl_ps(half, half));
        put(d, j, _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half))));
    }
}

#endif

const struct int8_kernels ISA_NAME(int8_kernels) = { .quantise = quantise, .dots = dots };

/* ---- VNNI ---- */

#if defined(ISA_AVX512)
#define VNNI __attribute__((target("avx512vnni")))
enum { DOTS_AHEAD = 2048, HEIGHT = 6 };

/* A tile of C: rows of a sliver by the columns of a panel. */
struct tile {
    const int8_t *x;                             /* [blocks][16][rows][4] */
    const float *x_scale;                        /* [blocks][rows] */
    const int32_t *less;                         /* [blocks][rows]: -128 times the sum of the block */
    const uint8_t *w;                            /* [blocks][16][32][4], plus 128 */
    const float *w_scale;                        /* [blocks][32] */
    int64_t blocks;
    float *y;
    int64_t y_row, y_step;
    int columns;
    bool add;
};

/* And what adding 128 to every weight will have added. */
VNNI void int8_quantise_vnni(const float *x, int64_t blocks, const struct int8_row *to)
{
    quantise(x, blocks, to);
    for (int64_t b = 0; b < blocks; b++) {
        __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), _mm512_loadu_si512(to->q + b * INT8_BLOCK));
        _mm512_storeu_si512(to->less + b * (INT8_BLOCK / 4), _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32(sum, 7)));
    }
}

VNNI void int8_dots_vnni(const struct int8_dots *d)
{
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    for (int64_t j = 0; j < d->columns; j++) {
        const int8_t *w = d->w + j * d->w_row, *x = d->x.q;
        const int32_t *less = d->x.less;
        const float *scale = d->scale + j * d->scale_row;
        __m512 sum[2] = { _mm512_setzero_ps(), _mm512_setzero_ps() };
        int64_t b = 0;
        for (; b + 2 <= d->blocks; b += 2)
            UNROLL for (int u = 0; u < 2; u++, w += INT8_BLOCK, x += INT8_BLOCK, less += INT8_BLOCK / 4) {
                __builtin_prefetch(w + DOTS_AHEAD);
                __m512i whole = _mm512_dpbusd_epi32(_mm512_loadu_si512(less), _mm512_xor_si512(_mm512_loadu_si512(w), flip), _mm512_loadu_si512(x));
                sum[u] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole), _mm512_set1_ps(d->x.scale[b + u] * scale[b + u]), sum[u]);
            }
        for (; b < d->blocks; b++, w += INT8_BLOCK, x += INT8_BLOCK, less += INT8_BLOCK / 4) {
            __m512i whole = _mm512_dpbusd_epi32(_mm512_loadu_si512(less), _mm512_xor_si512(_mm512_loadu_si512(w), flip), _mm512_loadu_si512(x));
            sum[0] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole), _mm512_set1_ps(d->x.scale[b] * scale[b]), sum[0]);
        }
        put(d, j, vf_reduce_add(_mm512_add_ps(sum[0], sum[1])));
    }
}

/* In slivers: integers, then sums and scales, of `rows` side by side. */
static void sliver(const struct int8_row *row, int64_t blocks, int at, int rows, const struct int8_row *to)
{
    for (int64_t k = 0; k < blocks * INT8_BLOCK / 4; k++) memcpy(to->q + (k * rows + at) * 4, row->q + 4 * k, 4);
    for (int64_t b = 0; b < blocks; b++) {
        int32_t sum = 0;
        for (int k = 0; k < INT8_BLOCK / 4; k++) sum += row->less[b * (INT8_BLOCK / 4) + k];
        to->less[b * rows + at] = sum;
        to->scale[b * rows + at] = row->scale[b];
    }
}

/* Sixteen rows of a block, a dword of each after the other: a square of dwords, turned. */
static void panel(const int8_t *w, int64_t w_row, int columns, int64_t blocks, uint8_t *to)
{
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    for (int64_t b = 0; b < blocks; b++)
        for (int half = 0; half < 2; half++) {
            vf square[16];
            UNROLL for (int i = 0; i < 16; i++) {
                int j = half * 16 + i;
                __m512i row = j < columns ? _mm512_loadu_si512(w + j * w_row + b * INT8_BLOCK) : _mm512_setzero_si512();
                square[i] = _mm512_castsi512_ps(_mm512_xor_si512(row, flip));
            }
            vf_transpose(square);
            UNROLL for (int q = 0; q < 16; q++) _mm512_storeu_ps(to + ((b * 16 + q) * INT8_COLUMNS + half * 16) * 4, square[q]);
        }
}

/* As an instruction of its own: compilers copy every sum at every step when they see the intrinsic in a loop. */
SIMD void add_products(__m512i *sum, __m512i w, __m512i x) { __asm__("vpdpbusd %2, %1, %0" : "+v"(*sum) : "v"(w), "v"(x)); }

static inline VNNI __attribute__((always_inline)) void tile(const struct tile *t, const int rows)
{
    __m512 sum[HEIGHT][2];
    const int8_t *x = t->x;
    const uint8_t *w = t->w;
    UNROLL for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = _mm512_setzero_ps();
    for (int64_t b = 0; b < t->blocks; b++) {
        __m512i whole[HEIGHT][2];
        UNROLL for (int i = 0; i < rows; i++) whole[i][0] = whole[i][1] = _mm512_set1_epi32(t->less[b * rows + i]);
        for (int q = 0; q < INT8_BLOCK / 4; q++, x += 4 * rows, w += 4 * INT8_COLUMNS) {
            __m512i left = _mm512_loadu_si512(w), right = _mm512_loadu_si512(w + 64);
            UNROLL for (int i = 0; i < rows; i++) {
                int32_t four;
                memcpy(&four, x + 4 * i, sizeof four);
                __m512i all = _mm512_set1_epi32(four);
                add_products(&whole[i][0], left, all);
                add_products(&whole[i][1], right, all);
            }
        }
        __m512 left = _mm512_loadu_ps(t->w_scale + b * INT8_COLUMNS), right = _mm512_loadu_ps(t->w_scale + b * INT8_COLUMNS + 16);
        UNROLL for (int i = 0; i < rows; i++) {
            __m512 scale = _mm512_set1_ps(t->x_scale[b * rows + i]);
            sum[i][0] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole[i][0]), _mm512_mul_ps(scale, left), sum[i][0]);
            sum[i][1] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole[i][1]), _mm512_mul_ps(scale, right), sum[i][1]);
        }
    }
    if (t->columns == INT8_COLUMNS && t->y_step == 1) {
        UNROLL for (int i = 0; i < rows; i++)
            UNROLL for (int j = 0; j < 2; j++) {
                float *y = t->y + i * t->y_row + 16 * j;
                vf_store(y, t->add ? vf_add(vf_load(y), sum[i][j]) : sum[i][j]);
            }
        return;
    }
    float all[HEIGHT][INT8_COLUMNS];
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < 2; j++) vf_store(all[i] + 16 * j, sum[i][j]);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < t->columns; j++) {
            float *y = t->y + i * t->y_row + j * t->y_step;
            *y = t->add ? *y + all[i][j] : all[i][j];
        }
}

static VNNI void tile_1(const struct tile *t) { tile(t, 1); }
static VNNI void tile_2(const struct tile *t) { tile(t, 2); }
static VNNI void tile_3(const struct tile *t) { tile(t, 3); }
static VNNI void tile_4(const struct tile *t) { tile(t, 4); }
static VNNI void tile_5(const struct tile *t) { tile(t, 5); }
static VNNI void tile_6(const struct tile *t) { tile(t, 6); }

static void multiply(const struct int8_panel *p)
{
    static void (*const tiles[HEIGHT])(const struct tile *t) = { tile_1, tile_2, tile_3, tile_4, tile_5, tile_6 };
    for (int64_t i = 0; i < p->rows; i += HEIGHT) {
        int rows = p->rows - i < HEIGHT ? (int)(p->rows - i) : HEIGHT;
        int64_t at = i * p->depth + p->from * rows;
        tiles[rows - 1](&(struct tile){ .x = p->x + at * INT8_BLOCK, .x_scale = p->x_scale + at, .less = p->less + at, .w = p->w, .w_scale = p->w_scale, .blocks = p->blocks,
                                        .y = p->y + i * p->y_row, .y_row = p->y_row, .y_step = p->y_step, .columns = p->columns, .add = p->add });
    }
}

const struct int8_kernels int8_kernels_vnni = { int8_quantise_vnni, int8_dots_vnni, HEIGHT, false, sliver, panel, multiply };
#endif
