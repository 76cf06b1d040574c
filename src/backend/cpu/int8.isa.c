/* int8.isa.c: rounding a row to integers, and products of integers, for one instruction set. Not here: vpdpbusd, a feature of its own
 * (int8_vnni.isa.c), and AMX (int8_tile.isa.c). */
#include "backend/cpu/int8_kernel.h"
#include "backend/cpu/int8_round.h"

static void quantise(const float *x, int64_t blocks, const struct int8_row *to)
{
    for (int64_t b = 0; b < blocks; b++) to->scale[b * to->apart] = round_block(x + b * INT8_BLOCK, to->q + b * to->apart * INT8_BLOCK, 0);
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

#elif defined(ISA_NEON)

/* Two products of a lane fit its 16 bits: the integers of X are at most 127. */
SIMD int32x4_t sixteen(int32x4_t sum, const int8_t *w, const int8_t *x)
{
    const int8x16_t a = vld1q_s8(w), b = vld1q_s8(x);
    return vpadalq_s16(sum, vmlal_high_s8(vmull_s8(vget_low_s8(a), vget_low_s8(b)), a, b));
}

static void dots(const struct int8_dots *d)
{
    for (int64_t j = 0; j < d->columns; j++) {
        const int8_t *w = d->w + j * d->w_row, *x = d->x.q;
        float *y = d->y + j * d->y_step, sum = d->add ? *y : 0;
        for (int64_t b = 0; b < d->blocks; b++, w += INT8_BLOCK, x += INT8_BLOCK) {
            const int32x4_t low = sixteen(sixteen(vdupq_n_s32(0), w, x), w + 16, x + 16), high = sixteen(sixteen(vdupq_n_s32(0), w + 32, x + 32), w + 48, x + 48);
            sum = fmaf((float)vaddvq_s32(vaddq_s32(low, high)), d->x.scale[b] * d->scale[j * d->scale_row + b], sum);
        }
        *y = sum;
    }
}

/* One row of X against the blocks of a panel: two sums for each column, two columns to a register. */
static void row_of_panel(const struct int8_panel *p, const int8_t *x, const float *x_scale, float sum[INT8_COLUMNS])
{
    enum { PARTS = INT8_COLUMNS / 4 };
    const int8_t *w = p->w;
    for (int64_t b = 0; b < p->blocks; b++, x += INT8_BLOCK) {
        int32x4_t low[PARTS], high[PARTS];
        UNROLL for (int i = 0; i < PARTS; i++) low[i] = high[i] = vdupq_n_s32(0);
        for (int q = 0; q < INT8_FOURS; q++, w += 4 * INT8_COLUMNS) {
            int32_t four;
            memcpy(&four, x + 4 * q, sizeof four);
            const int8x16_t same = vreinterpretq_s8_s32(vdupq_n_s32(four));
            UNROLL for (int i = 0; i < PARTS; i++) {
                const int8x16_t those = vld1q_s8(w + 16 * i);
                low[i] = vpadalq_s16(low[i], vmull_s8(vget_low_s8(those), vget_low_s8(same)));
                high[i] = vpadalq_s16(high[i], vmull_high_s8(those, same));
            }
        }
        UNROLL for (int i = 0; i < PARTS; i++) {
            const vf scale = vf_mul(vf_set1(x_scale[b]), vf_load(p->w_scale + b * INT8_COLUMNS + 4 * i));
            vf_store(sum + 4 * i, vf_fma(vi_to_float(vpaddq_s32(low[i], high[i])), scale, vf_load(sum + 4 * i)));
        }
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

const struct int8_kernels ISA_NAME(int8_kernels) = { .quantise = quantise, .sliver = quantise, .dots = dots, .height = 1, .columns = INT8_COLUMNS, .at_once = 12, .multiply = multiply };
