/* gather.isa.c: rows added in vectors. */
#include "backend/cpu/gather.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/simd.h"

static void add(float *to, const float *x, int64_t n)
{
    int64_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES) vf_store(to + i, vf_add(vf_load(to + i), vf_load(x + i)));
    for (; i < n; i++) to[i] += x[i];
}

rk_status ISA_NAME(gather_run)(rk_ctx *ctx, const struct call *c) { return gather_run(ctx, c); }
rk_status ISA_NAME(scatter_run)(rk_ctx *ctx, const struct call *c) { return scatter_run(ctx, c, add); }
