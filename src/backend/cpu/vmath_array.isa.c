/* vmath_array.isa.c: each function of vmath.h as a loop, the tail as one shorter vector. */
#include "backend/cpu/vmath_array.h"
#include "backend/cpu/vmath.h"

#define LOOP(name)                                                                                                    \
    static void name##_array(float *y, const float *x, int64_t n)                                                     \
    {                                                                                                                 \
        int64_t i = 0;                                                                                                \
        for (; i + VF_LANES <= n; i += VF_LANES) vf_store(y + i, vmath_##name(vf_load(x + i)));                        \
        if (i < n) vf_store_n(y + i, vmath_##name(vf_load_n(x + i, (int)(n - i))), (int)(n - i));                      \
    }
LOOP(exp)
LOOP(log)
LOOP(tanh)
LOOP(erf)
LOOP(sigmoid)

const struct vmath_array ISA_NAME(vmath_array) = { exp_array, log_array, tanh_array, erf_array, sigmoid_array };
