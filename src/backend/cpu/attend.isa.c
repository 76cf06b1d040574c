/* attend.isa.c: attention weights and their gradients, in rows and in lanes: see attend.h. */
#include "backend/cpu/attend.h"
#include "backend/cpu/gemm_kernel.h"
#include "backend/cpu/simd.h"
#include "backend/cpu/vmath.h"
#include <float.h>

enum { WIDE = GEMM_VECTORS * VF_LANES };                        /* of a panel */

SIMD int lanes_left(int64_t n, int64_t i) { return n - i < VF_LANES ? (int)(n - i) : VF_LANES; }
SIMD vf load(const float *p, int n) { return n == VF_LANES ? vf_load(p) : vf_load_n(p, n); }

/* --- few queries --- */

/* VF_LANES keys, or what there is of them: their sums are added side by side. */
SIMD vf dots(const float *q, const float *k, int64_t row, int n, int64_t width)
{
    vf sum[VF_LANES];
    UNROLL for (int i = 0; i < VF_LANES; i++) sum[i] = vf_zero();
    for (int64_t j = 0; j < width; j += VF_LANES) {
        int left = lanes_left(width, j);
        vf x = load(q + j, left);
        UNROLL for (int i = 0; i < VF_LANES; i++)
            if (i < n) sum[i] = vf_fma(x, load(k + i * row + j, left), sum[i]);
    }
    return vf_sums(sum);
}

static void dot_rows(const float *q, const float *k, int64_t row, int64_t n, float *scores, int64_t width)
{
    int64_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES) vf_store(scores + i, dots(q, k + i * row, row, VF_LANES, width));
    if (i < n) vf_store_n(scores + i, dots(q, k + i * row, row, (int)(n - i), width), (int)(n - i));
}

static void add_rows(const float *weights, const float *v, int64_t row, int64_t n, float *y, int64_t width)
{
    enum { ABREAST = 4 };
    int64_t j = 0;
    for (; j + ABREAST * VF_LANES <= width; j += ABREAST * VF_LANES) {
        vf sum[ABREAST];
        UNROLL for (int i = 0; i < ABREAST; i++) sum[i] = vf_load(y + j + i * VF_LANES);
        for (int64_t s = 0; s < n; s++) {
            vf p = vf_set1(weights[s]);
            UNROLL for (int i = 0; i < ABREAST; i++) sum[i] = vf_fma(p, vf_load(v + s * row + j + i * VF_LANES), sum[i]);
        }
        UNROLL for (int i = 0; i < ABREAST; i++) vf_store(y + j + i * VF_LANES, sum[i]);
    }
    for (; j < width; j += VF_LANES) {
        int left = lanes_left(width, j);
        vf sum = load(y + j, left);
        for (int64_t s = 0; s < n; s++) sum = vf_fma(vf_set1(weights[s]), load(v + s * row + j, left), sum);
        vf_store_n(y + j, sum, left);
    }
}

/* --- rows --- */

static void row(float *scores, int64_t n, int64_t seen, float scale)
{
    vf most = vf_set1(-INFINITY), sum = vf_zero(), factor = vf_set1(scale);
    for (int64_t i = 0; i < seen; i += VF_LANES) {
        int left = lanes_left(seen, i);
        vf v = vf_mul(factor, load(scores + i, left));
        if (left < VF_LANES) v = vf_select(vm_first(left), v, most);
        most = vf_max(v, most);
    }
    vf off = vf_set1(vf_reduce_max(most));
    for (int64_t i = 0; i < seen; i += VF_LANES) {
        int left = lanes_left(seen, i);
        vf e = vmath_exp(vf_sub(vf_mul(factor, load(scores + i, left)), off));
        if (left < VF_LANES) e = vf_select(vm_first(left), e, vf_zero());
        vf_store_n(scores + i, e, left);
        sum = vf_add(sum, e);
    }
    vf over = vf_set1((float)(1 / vf_reduce_add_f64(sum)));
    for (int64_t i = 0; i < seen; i += VF_LANES) {
        int left = lanes_left(seen, i);
        vf_store_n(scores + i, vf_mul(over, load(scores + i, left)), left);
    }
    for (int64_t i = seen; i < n; i++) scores[i] = 0;
}

/* --- lanes --- */

/* Lanes of vector v that see key s: all but the first `s - seen + 1` of the panel. */
SIMD vm sees(int64_t s, int64_t seen, int v)
{
    int64_t blind = s - seen + 1 - v * VF_LANES;
    return vm_not(vm_first(blind < 0 ? 0 : blind > VF_LANES ? VF_LANES : (int)blind));
}

static void lanes(float *p, int64_t n, int64_t seen, bool all, bool divide, float *over)
{
    vf most[GEMM_VECTORS], sum[GEMM_VECTORS];
    int64_t free_until = all || seen > n ? n : seen;            /* keys that every lane sees */
    UNROLL for (int v = 0; v < GEMM_VECTORS; v++) most[v] = vf_set1(-FLT_MAX), sum[v] = vf_zero();
    for (int64_t s = 0; s < free_until; s++)
        UNROLL for (int v = 0; v < GEMM_VECTORS; v++) most[v] = vf_max(vf_load(p + s * WIDE + v * VF_LANES), most[v]);
    for (int64_t s = free_until; s < n; s++)
        UNROLL for (int v = 0; v < GEMM_VECTORS; v++)
            most[v] = vf_select(sees(s, seen, v), vf_max(vf_load(p + s * WIDE + v * VF_LANES), most[v]), most[v]);
    for (int64_t s = 0; s < free_until; s++)
        UNROLL for (int v = 0; v < GEMM_VECTORS; v++) {
            vf e = vmath_exp(vf_sub(vf_load(p + s * WIDE + v * VF_LANES), most[v]));
            vf_store(p + s * WIDE + v * VF_LANES, e);
            sum[v] = vf_add(sum[v], e);
        }
    for (int64_t s = free_until; s < n; s++)
        UNROLL for (int v = 0; v < GEMM_VECTORS; v++) {
            vf e = vmath_exp(vf_sub(vf_load(p + s * WIDE + v * VF_LANES), most[v]));
            e = vf_select(sees(s, seen, v), e, vf_zero());
            vf_store(p + s * WIDE + v * VF_LANES, e);
            sum[v] = vf_add(sum[v], e);
        }
    UNROLL for (int v = 0; v < GEMM_VECTORS; v++) vf_store(over + v * VF_LANES, sum[v] = vf_div(vf_set1(1), sum[v]));
    for (int64_t s = 0; s < n && divide; s++)
        UNROLL for (int v = 0; v < GEMM_VECTORS; v++) vf_store(p + s * WIDE + v * VF_LANES, vf_mul(sum[v], vf_load(p + s * WIDE + v * VF_LANES)));
}

static void slope(const float *p, float *dp, int64_t n, float scale)
{
    vf mean[GEMM_VECTORS], factor = vf_set1(scale);
    UNROLL for (int v = 0; v < GEMM_VECTORS; v++) mean[v] = vf_zero();
    for (int64_t at = 0; at < n * WIDE; at += WIDE)
        UNROLL for (int v = 0; v < GEMM_VECTORS; v++) mean[v] = vf_fma(vf_load(p + at + v * VF_LANES), vf_load(dp + at + v * VF_LANES), mean[v]);
    for (int64_t at = 0; at < n * WIDE; at += WIDE)
        UNROLL for (int v = 0; v < GEMM_VECTORS; v++) {
            vf a = vf_load(p + at + v * VF_LANES), b = vf_load(dp + at + v * VF_LANES);
            vf_store(dp + at + v * VF_LANES, vf_mul(factor, vf_mul(a, vf_sub(b, mean[v]))));
        }
}

/* VF_LANES numbers of VF_LANES queries, or what there is of them. */
SIMD void put_square(const float *from, vf factor, float *y, const struct attend_target *to, int numbers, int queries)
{
    vf square[VF_LANES];
    UNROLL for (int i = 0; i < VF_LANES; i++) square[i] = i < numbers ? vf_mul(factor, vf_load(from + i * WIDE)) : vf_zero();
    vf_transpose(square);
    if (to->number == 1) {
        for (int i = 0; i < queries; i++) vf_store_n(y + i * to->row, square[i], numbers);
        return;
    }
    for (int i = 0; i < queries; i++) {
        float number[VF_LANES];
        vf_store(number, square[i]);
        for (int j = 0; j < numbers; j++) y[i * to->row + j * to->number] = number[j];
    }
}

static void put(const float *from, const float *factor, const struct attend_target *to)
{
    for (int64_t i = 0; i < to->queries; i += VF_LANES)
        for (int64_t j = 0; j < to->width; j += VF_LANES)
            put_square(from + j * WIDE + i, factor == NULL ? vf_set1(1) : vf_load(factor + i), to->y + i * to->row + j * to->number, to, lanes_left(to->width, j),
                       lanes_left(to->queries, i));
}

const struct attend_kernels ISA_NAME(attend_kernels) = { dot_rows, add_rows, row, lanes, slope, put };
