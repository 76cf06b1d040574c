/* burst.isa.c: as many independent accumulators as hide the latency and fit the registers; nothing else in the loop. */
#include "backend/cpu/burst_kernel.h"
#include "backend/cpu/simd.h"

enum { CHAINS = VF_REGISTERS == 32 ? 24 : 12 };

static double flops(int64_t rounds)
{
    vf sum[CHAINS], x = vf_set1(0.5f), y = vf_set1(0x1p-20f);
    UNROLL for (int i = 0; i < CHAINS; i++) sum[i] = vf_set1((float)i);
    for (int64_t r = 0; r < rounds; r++) {
        UNROLL for (int i = 0; i < CHAINS; i++) sum[i] = vf_fma(x, sum[i], y);
    }
    vf all = vf_zero();
    UNROLL for (int i = 0; i < CHAINS; i++) all = vf_add(all, sum[i]);
    volatile float used = vf_reduce_add(all);
    (void)used;
    return 2.0 * CHAINS * VF_LANES * (double)rounds;
}

static float read(const float *from, size_t n)
{
    vf sum[4] = { vf_zero(), vf_zero(), vf_zero(), vf_zero() };
    for (size_t i = 0; i + 4 * VF_LANES <= n; i += 4 * VF_LANES)
        UNROLL for (int j = 0; j < 4; j++) sum[j] = vf_add(sum[j], vf_load(from + i + (size_t)j * VF_LANES));
    return vf_reduce_add(vf_add(vf_add(sum[0], sum[1]), vf_add(sum[2], sum[3])));
}

static void copy(float *to, const float *from, size_t n)
{
    for (size_t i = 0; i + VF_LANES <= n; i += VF_LANES) vf_store(to + i, vf_load(from + i));
}

const struct burst_kernels ISA_NAME(burst_kernels) = { flops, read, copy };
