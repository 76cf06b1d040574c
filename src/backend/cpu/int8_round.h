/* int8_round.h: a block of 64 numbers rounded to integers that have one scale, for one instruction set: in *.isa.c alone. */
#ifndef CPU_INT8_ROUND_H
#define CPU_INT8_ROUND_H
#include "backend/cpu/int8_kernel.h"
#include "backend/cpu/simd.h"

#if defined(ISA_AVX512)
/* Four registers are packed by their quarters: `order` is where those belong. */
SIMD void store_rounded(int8_t *to, const vi *x, int8_t flip)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i packed = _mm512_packs_epi16(_mm512_packs_epi32(x[0], x[1]), _mm512_packs_epi32(x[2], x[3]));
    _mm512_storeu_si512(to, _mm512_xor_si512(_mm512_permutexvar_epi32(order, packed), _mm512_set1_epi8(flip)));
}
#elif defined(ISA_NEON)
SIMD int16x8_t halves(vi a, vi b) { return vcombine_s16(vmovn_s32(a), vmovn_s32(b)); }
SIMD void store_rounded(int8_t *to, const vi *x, int8_t flip)
{
    UNROLL for (int i = 0; i < INT8_BLOCK / 16; i++)
        vst1q_s8(to + 16 * i, veorq_s8(vcombine_s8(vmovn_s16(halves(x[4 * i], x[4 * i + 1])), vmovn_s16(halves(x[4 * i + 2], x[4 * i + 3]))), vdupq_n_s8(flip)));
}
#else
SIMD void store_rounded(int8_t *to, const vi *x, int8_t flip)
{
    int32_t whole[INT8_BLOCK];
    memcpy(whole, x, sizeof whole);
    for (int k = 0; k < INT8_BLOCK; k++) to[k] = (int8_t)(whole[k] ^ flip);         /* within ±127, as the scale is made */
}
#endif

/* What x was divided by. Of the integers, the bits of `flip` are turned: those of -128 add 128, modulo 256. */
SIMD float round_block(const float *x, int8_t *to, int8_t flip)
{
    vi whole[INT8_BLOCK / VF_LANES];
    vf most = vf_zero();
    for (int i = 0; i < INT8_BLOCK; i += VF_LANES) most = vf_max(most, vf_abs(vf_load(x + i)));
    const float largest = vf_reduce_max(most), scale = largest / 127, inverse = scale > 0 && 1 / scale <= 3e38f ? 1 / scale : 0;
    UNROLL for (int i = 0; i < INT8_BLOCK / VF_LANES; i++) whole[i] = vf_to_int(vf_min(vf_max(vf_mul(vf_load(x + i * VF_LANES), vf_set1(inverse)), vf_set1(-127)), vf_set1(127)));
    store_rounded(to, whole, flip);
    return scale;
}

#endif
