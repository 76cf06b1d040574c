/* attend.isa.c: rows of attention weights and of their gradients, in vectors. */
#include "backend/cpu/attend.h"
#include "backend/cpu/simd.h"
#include "backend/cpu/vmath.h"

static int lanes_left(int64_t n, int64_t i) { return n - i < VF_LANES ? (int)(n - i) : VF_LANES; }

void ISA_NAME(attend_softmax)(float *scores, int64_t n, int64_t seen, float scale)
{
    vf most = vf_set1(-INFINITY), sum = vf_zero(), factor = vf_set1(scale);
    for (int64_t i = 0; i < seen; i += VF_LANES) {
        int left = lanes_left(seen, i);
        vf v = vf_mul(factor, left == VF_LANES ? vf_load(scores + i) : vf_load_n(scores + i, left));
        if (left < VF_LANES) v = vf_select(vm_first(left), v, most);
        most = vf_max(v, most);
    }
    float lane[VF_LANES], m = -INFINITY;
    vf_store(lane, most);
    for (int k = 0; k < VF_LANES; k++) m = lane[k] > m ? lane[k] : m;
    vf off = vf_set1(m);
    for (int64_t i = 0; i < seen; i += VF_LANES) {
        int left = lanes_left(seen, i);
        vf v = left == VF_LANES ? vf_load(scores + i) : vf_load_n(scores + i, left);
        vf e = vmath_exp(vf_sub(vf_mul(factor, v), off));
        if (left < VF_LANES) e = vf_select(vm_first(left), e, vf_zero());
        vf_store_n(scores + i, e, left);
        sum = vf_add(sum, e);
    }
    vf over = vf_set1((float)(1 / vf_reduce_add_f64(sum)));
    for (int64_t i = 0; i < seen; i += VF_LANES) {
        int left = lanes_left(seen, i);
        vf_store_n(scores + i, vf_mul(over, left == VF_LANES ? vf_load(scores + i) : vf_load_n(scores + i, left)), left);
    }
    for (int64_t i = seen; i < n; i++) scores[i] = 0;
}

void ISA_NAME(attend_slope)(const float *p, float *dp, int64_t n, float scale)
{
    vf sum = vf_zero();
    for (int64_t i = 0; i < n; i += VF_LANES) {
        int left = lanes_left(n, i);
        vf a = left == VF_LANES ? vf_load(p + i) : vf_load_n(p + i, left), b = left == VF_LANES ? vf_load(dp + i) : vf_load_n(dp + i, left);
        sum = vf_fma(a, b, sum);
    }
    vf mean = vf_set1((float)vf_reduce_add_f64(sum)), factor = vf_set1(scale);
    for (int64_t i = 0; i < n; i += VF_LANES) {
        int left = lanes_left(n, i);
        vf a = left == VF_LANES ? vf_load(p + i) : vf_load_n(p + i, left), b = left == VF_LANES ? vf_load(dp + i) : vf_load_n(dp + i, left);
        vf_store_n(dp + i, vf_mul(factor, vf_mul(a, vf_sub(b, mean))), left);
    }
}
