/* rope.isa.c: pairs (a, b) become (a cos - b sin, a sin + b cos). */
#include "backend/cpu/rope.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/simd.h"

static void pass(float *y, const float *x, int64_t n)
{
    if (y != x && n > 0) memcpy(y, x, (size_t)n * sizeof *y);
}

/* Pairs half a rotation apart: cos and sin hold one number per pair. */
static void halves(float *y, const float *x, const float *cos, const float *sin, int64_t rotary, int64_t n)
{
    int64_t half = rotary / 2;
    for (int64_t i = 0; i < half; i += VF_LANES) {
        int lanes = half - i < VF_LANES ? (int)(half - i) : VF_LANES;
        vf a = vf_load_n(x + i, lanes), b = vf_load_n(x + half + i, lanes), c = vf_load_n(cos + i, lanes), s = vf_load_n(sin + i, lanes);
        vf_store_n(y + i, vf_fnma(b, s, vf_mul(a, c)), lanes);
        vf_store_n(y + half + i, vf_fma(a, s, vf_mul(b, c)), lanes);
    }
    pass(y + rotary, x + rotary, n - rotary);
}

/* Neighbours are pairs: cos holds each number twice, sin each twice with -sin first, so that y = x cos + (x, neighbours
 * exchanged) sin. */
#if VF_LANES == 16
#define EXCHANGED 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14
#elif VF_LANES == 8
#define EXCHANGED 1, 0, 3, 2, 5, 4, 7, 6
#else
#define EXCHANGED 1, 0, 3, 2
#endif
#if defined(__clang__)
SIMD vf exchanged(vf x) { return __builtin_shufflevector(x, x, EXCHANGED); }
#else
typedef int32_t order __attribute__((vector_size(4 * VF_LANES)));
SIMD vf exchanged(vf x) { return __builtin_shuffle(x, (order){ EXCHANGED }); }
#endif

static void interleaved(float *y, const float *x, const float *cos, const float *sin, int64_t rotary, int64_t n)
{
    int64_t i = 0;
    for (; i + VF_LANES <= rotary; i += VF_LANES) {
        vf a = vf_load(x + i);
        vf_store(y + i, vf_fma(a, vf_load(cos + i), vf_mul(exchanged(a), vf_load(sin + i))));
    }
    int lanes = (int)(rotary - i);
    vf a = vf_load_n(x + i, lanes);
    vf_store_n(y + i, vf_fma(a, vf_load_n(cos + i, lanes), vf_mul(exchanged(a), vf_load_n(sin + i, lanes))), lanes);
    pass(y + rotary, x + rotary, n - rotary);
}

static const struct rope_kernels kernels = { halves, interleaved };

rk_status ISA_NAME(rope_run)(rk_ctx *ctx, const struct call *c) { return rope_run(ctx, c, &kernels); }
rk_status ISA_NAME(rope_adjoint_run)(rk_ctx *ctx, const struct call *c) { return rope_run(ctx, c, &kernels); }
