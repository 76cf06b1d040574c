/* xent_head.isa.c: see xent_head.h. */
#include "backend/cpu/xent_head.h"
#include "backend/cpu/simd.h"
#include "backend/cpu/vmath.h"
#include <float.h>

SIMD vf load(const float *p, int n) { return n == VF_LANES ? vf_load(p) : vf_load_n(p, n); }
SIMD int lanes_left(int64_t n, int64_t i) { return n - i < VF_LANES ? (int)(n - i) : VF_LANES; }

/* Starts at the least float, not at -infinity: a piece of nothing but -infinity has a sum of 0. */
SIMD float largest(float *x, const float *bias, int64_t n)
{
    vf most = vf_set1(-FLT_MAX);
    for (int64_t i = 0; i < n; i += VF_LANES) {
        int left = lanes_left(n, i);
        vf v = load(x + i, left);
        if (bias != NULL) {
            v = vf_add(v, load(bias + i, left));
            vf_store_n(x + i, v, left);
        }
        if (left < VF_LANES) v = vf_select(vm_first(left), v, most);
        most = vf_max(v, most);
    }
    return vf_reduce_max(most);
}

static void piece(float *x, const float *bias, int64_t n, bool keep, float *most, float *sum)
{
    vf part = vf_zero(), off = vf_set1(*most = largest(x, bias, n));
    int64_t i = 0;
    for (; i + VF_LANES <= n && keep; i += VF_LANES) {
        vf e = vmath_exp(vf_sub(vf_load(x + i), off));
        vf_store(x + i, e);
        part = vf_add(part, e);
    }
    for (; i < n; i += VF_LANES) {
        int left = lanes_left(n, i);
        vf e = vf_select(vm_first(left), vmath_exp(vf_sub(load(x + i, left), off)), vf_zero());
        if (keep) vf_store_n(x + i, e, left);
        part = vf_add(part, e);
    }
    *sum = vf_reduce_add(part);
}

static double join(float *most, float *sum, int64_t n, float slope)
{
    float off = largest(most, NULL, n);
    double total = 0;
    for (int64_t i = 0; i < n; i += VF_LANES) vf_store(most + i, vmath_exp(vf_sub(vf_load(most + i), vf_set1(off))));
    for (int64_t i = 0; i < n; i++) total += (double)most[i] * (double)sum[i];
    vf factor = vf_set1((float)((double)slope / total));
    for (int64_t i = 0; i < n; i += VF_LANES) vf_store(sum + i, vf_mul(factor, vf_load(most + i)));
    return log(total) + (double)off;
}

static void scale(float *x, int64_t n, float factor)
{
    vf f = vf_set1(factor);
    int64_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES) vf_store(x + i, vf_mul(f, vf_load(x + i)));
    if (i < n) vf_store_n(x + i, vf_mul(f, vf_load_n(x + i, (int)(n - i))), (int)(n - i));
}

const struct xent_kernels ISA_NAME(xent_kernels) = { piece, join, scale };
