/* softmax.isa.c: softmax of a row in three sweeps while it is in cache: the largest, the exponentials and their sum, the scaling.
 *
 * Of the logarithm of the sum one sweep is made: a stretch at a time, and what was summed is turned down when a larger number comes.
 * Sums run in lanes over stretches of a thousand elements, stretches are added in double: the error does not grow with n. */
#include "backend/cpu/softmax.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/vmath.h"

enum { STRETCH = 1024, AHEAD = 2 * STRETCH };           /* AHEAD: of a row that comes from memory, asked for while exponentials are made */

static float largest(const float *x, int64_t n)
{
    vf a = vf_set1(-INFINITY), b = a;
    int64_t i = 0;
    for (; i + 2 * VF_LANES <= n; i += 2 * VF_LANES) {
        a = vf_max(vf_load(x + i), a);
        b = vf_max(vf_load(x + i + VF_LANES), b);
    }
    float m = vf_reduce_max(vf_max(a, b));
    for (; i < n; i++) m = x[i] > m ? x[i] : m;
    return m;
}

/* y = exp(x - m); returns the sum. */
static double exponentials(float *y, const float *x, int64_t n, float m)
{
    double sum = 0;
    for (int64_t begin = 0; begin < n; begin += STRETCH) {
        int64_t end = begin + STRETCH < n ? begin + STRETCH : n, i = begin;
        vf total = vf_zero();
        for (; i + VF_LANES <= end; i += VF_LANES) {
            vf e = vmath_exp(vf_sub(vf_load(x + i), vf_set1(m)));
            vf_store(y + i, e);
            total = vf_add(total, e);
        }
        int rest = (int)(end - i);
        vf e = vmath_exp(vf_sub(vf_load_n(x + i, rest), vf_set1(m)));
        vf_store_n(y + i, e, rest);
        sum += vf_reduce_add_f64(vf_add(total, vf_select(vm_first(rest), e, vf_zero())));
    }
    return sum;
}

static void softmax_row(float *y, const float *x, int64_t n)
{
    double sum = exponentials(y, x, n, largest(x, n));
    vf scale = vf_set1((float)(1 / sum));
    int64_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES) vf_store(y + i, vf_mul(vf_load(y + i), scale));
    vf_store_n(y + i, vf_mul(vf_load_n(y + i, (int)(n - i)), scale), (int)(n - i));
}

/* Σ exp(x - m) of at most a stretch, with a line of what follows for each vector: the largest of a stretch is found faster than memory gives it. */
static double sum_of_exponentials(const float *x, int64_t n, float m)
{
    vf a = vf_zero(), b = vf_zero();
    int64_t i = 0;
    for (; i + 2 * VF_LANES <= n; i += 2 * VF_LANES) {
        __builtin_prefetch(x + i + AHEAD);
        __builtin_prefetch(x + i + AHEAD + VF_LANES);
        a = vf_add(vmath_exp(vf_sub(vf_load(x + i), vf_set1(m))), a);
        b = vf_add(vmath_exp(vf_sub(vf_load(x + i + VF_LANES), vf_set1(m))), b);
    }
    for (; i < n; i += VF_LANES) {
        int rest = n - i < VF_LANES ? (int)(n - i) : VF_LANES;
        a = vf_add(vf_select(vm_first(rest), vmath_exp(vf_sub(vf_load_n(x + i, rest), vf_set1(m))), vf_zero()), a);
    }
    return vf_reduce_add_f64(vf_add(a, b));
}

static float log_sum(const float *x, int64_t n)
{
    float most = -INFINITY;
    double sum = 0;
    for (int64_t i = 0; i < n; i += STRETCH) {
        int64_t here = n - i < STRETCH ? n - i : STRETCH;
        float m = largest(x + i, here);
        if (m > most) {
            sum *= exp((double)most - (double)m);
            most = m;
        }
        sum += sum_of_exponentials(x + i, here, most == -INFINITY ? 0 : most);          /* nothing finite yet: zeros, or none at all */
    }
    return n > 0 && most == -INFINITY ? NAN : (float)((double)most + log(sum));
}

static double dot(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t begin = 0; begin < n; begin += STRETCH) {
        int64_t end = begin + STRETCH < n ? begin + STRETCH : n, i = begin;
        vf p = vf_zero(), q = vf_zero();
        for (; i + 2 * VF_LANES <= end; i += 2 * VF_LANES) {
            p = vf_fma(vf_load(a + i), vf_load(b + i), p);
            q = vf_fma(vf_load(a + i + VF_LANES), vf_load(b + i + VF_LANES), q);
        }
        for (; i < end; i += VF_LANES) {
            int rest = end - i < VF_LANES ? (int)(end - i) : VF_LANES;
            p = vf_fma(vf_load_n(a + i, rest), vf_load_n(b + i, rest), p);
        }
        sum += vf_reduce_add_f64(vf_add(p, q));
    }
    return sum;
}

static void adjoint_row(float *dx, const float *y, const float *dy, int64_t n)
{
    vf mean = vf_set1((float)dot(y, dy, n));
    int64_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES) vf_store(dx + i, vf_mul(vf_load(y + i), vf_sub(vf_load(dy + i), mean)));
    int rest = (int)(n - i);
    vf_store_n(dx + i, vf_mul(vf_load_n(y + i, rest), vf_sub(vf_load_n(dy + i, rest), mean)), rest);
}

static const struct softmax_kernels kernels = { softmax_row, adjoint_row, log_sum };

rk_status ISA_NAME(softmax_run)(rk_ctx *ctx, const struct call *c) { return softmax_run(ctx, c, &kernels); }
rk_status ISA_NAME(softmax_adjoint_run)(rk_ctx *ctx, const struct call *c) { return softmax_adjoint_run(ctx, c, &kernels); }
rk_status ISA_NAME(log_sum_exp_run)(rk_ctx *ctx, const struct call *c) { return log_sum_exp_run(ctx, c, &kernels); }
