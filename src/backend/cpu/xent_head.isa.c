/* xent_head.isa.c: see xent_head.h. Three sweeps: the largest, the sum of exponentials, the gradient. */
#include "backend/cpu/xent_head.h"
#include "backend/cpu/simd.h"
#include "backend/cpu/vmath.h"

static float largest(float *x, const float *bias, int64_t n)
{
    vf most = vf_set1(-INFINITY);
    for (int64_t i = 0; i < n; i += VF_LANES) {
        int left = n - i < VF_LANES ? (int)(n - i) : VF_LANES;
        vf v = left == VF_LANES ? vf_load(x + i) : vf_load_n(x + i, left);
        if (bias != NULL) {
            v = vf_add(v, left == VF_LANES ? vf_load(bias + i) : vf_load_n(bias + i, left));
            vf_store_n(x + i, v, left);
        }
        if (left < VF_LANES) v = vf_select(vm_first(left), v, most);
        most = vf_max(v, most);
    }
    float lane[VF_LANES], m = -INFINITY;
    vf_store(lane, most);
    for (int k = 0; k < VF_LANES; k++) m = lane[k] > m ? lane[k] : m;
    return m;
}

static double exponentials(float *x, int64_t n, float most, bool keep)
{
    double sum = 0;
    for (int64_t from = 0; from < n; from += 4096) {                   /* blocks, so that f32 sums stay short */
        int64_t to = from + 4096 < n ? from + 4096 : n;
        vf part = vf_zero();
        for (int64_t i = from; i < to; i += VF_LANES) {
            int left = to - i < VF_LANES ? (int)(to - i) : VF_LANES;
            vf e = vmath_exp(vf_sub(left == VF_LANES ? vf_load(x + i) : vf_load_n(x + i, left), vf_set1(most)));
            if (left < VF_LANES) e = vf_select(vm_first(left), e, vf_zero());
            if (keep) vf_store_n(x + i, e, left);
            part = vf_add(part, e);
        }
        sum += vf_reduce_add_f64(part);
    }
    return sum;
}

double ISA_NAME(xent_row)(float *logits, const float *bias, int64_t n, int64_t label, float slope)
{
    if (label < 0 || label >= n) {
        if (slope != 0) memset(logits, 0, (size_t)n * sizeof *logits);
        return 0;
    }
    float most = largest(logits, bias, n);
    double chosen = (double)logits[label], sum = exponentials(logits, n, most, slope != 0);
    if (slope != 0) {
        vf factor = vf_set1((float)((double)slope / sum));
        for (int64_t i = 0; i < n; i += VF_LANES) {
            int left = n - i < VF_LANES ? (int)(n - i) : VF_LANES;
            vf_store_n(logits + i, vf_mul(factor, left == VF_LANES ? vf_load(logits + i) : vf_load_n(logits + i, left)), left);
        }
        logits[label] -= slope;
    }
    return log(sum) + (double)most - chosen;
}
