/* reduce.isa.c: sums in lanes over stretches of a thousand elements, stretches added in double; maxima, which have no order.
 *
 * A NaN is never the largest: x > y is false for it, as in the reference. */
#include "backend/cpu/reduce.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/simd.h"

enum { STRETCH = 1024 };

static double sum_stretch(const float *x, int64_t n)
{
    double sum = 0;
    for (int64_t begin = 0; begin < n; begin += STRETCH) {
        int64_t end = begin + STRETCH < n ? begin + STRETCH : n, i = begin;
        vf a = vf_zero(), b = a, c = a, d = a;
        for (; i + 4 * VF_LANES <= end; i += 4 * VF_LANES) {
            a = vf_add(a, vf_load(x + i));
            b = vf_add(b, vf_load(x + i + VF_LANES));
            c = vf_add(c, vf_load(x + i + 2 * VF_LANES));
            d = vf_add(d, vf_load(x + i + 3 * VF_LANES));
        }
        for (; i < end; i += VF_LANES) a = vf_add(a, vf_load_n(x + i, end - i < VF_LANES ? (int)(end - i) : VF_LANES));
        sum += vf_reduce_add_f64(vf_add(vf_add(a, b), vf_add(c, d)));
    }
    return sum;
}

static double max_stretch(const float *x, int64_t n)
{
    vf a = vf_set1(-INFINITY), b = a;
    int64_t i = 0;
    for (; i + 2 * VF_LANES <= n; i += 2 * VF_LANES) {
        a = vf_max(vf_load(x + i), a);
        b = vf_max(vf_load(x + i + VF_LANES), b);
    }
    float m = vf_reduce_max(vf_max(a, b));
    for (; i < n; i++) m = x[i] > m ? x[i] : m;
    return (double)m;
}

static void sum_rows(float *to, const float *const *row, int64_t n)
{
    const float *a = row[0], *b = row[1], *c = row[2], *d = row[3];
    int64_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES)
        vf_store(to + i, vf_add(vf_load(to + i), vf_add(vf_add(vf_load(a + i), vf_load(b + i)), vf_add(vf_load(c + i), vf_load(d + i)))));
    for (; i < n; i++) to[i] += (a[i] + b[i]) + (c[i] + d[i]);
}

static void max_rows(float *to, const float *const *row, int64_t n)
{
    for (int r = 0; r < REDUCE_ROWS; r++) {
        int64_t i = 0;
        for (; i + VF_LANES <= n; i += VF_LANES) vf_store(to + i, vf_max(vf_load(row[r] + i), vf_load(to + i)));
        for (; i < n; i++) to[i] = row[r][i] > to[i] ? row[r][i] : to[i];
    }
}

static const struct reduce_kernels kernels = { { sum_stretch, max_stretch }, { sum_rows, max_rows } };

rk_status ISA_NAME(reduce_run)(rk_ctx *ctx, const struct call *c) { return reduce_run(ctx, c, &kernels); }
