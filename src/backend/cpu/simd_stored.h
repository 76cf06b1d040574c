/* simd_stored.h: vectors of floats from memory that holds them in fewer bits: f16, bf16 and the two f8. Exact, NaN stays NaN. And into
 * 16 bits: rounded once to nearest even, the same bits as base/num gives.
 *
 *   stored_load_TYPE(p)              VF_LANES elements, any alignment
 *   stored_load_n_TYPE(p, n)         the first n, 0 <= n <= VF_LANES; the others read as 0 and are not touched
 *   stored_load_step_TYPE(p, s, n)   lane i from p[i s], the first n
 *   stored_words_f16(x)              the bits in 16 bits each, VF_LANES of them side by side; stored_words_bf16 likewise
 *   stored_store_n_TYPE(p, x, n)     the first n; the others are not touched
 *
 * f8e5m2 is the upper half of an f16. f8e4m3 has the bits of an f16 whose exponent is 8 too small, subnormals included: one
 * product with 2^8 mends that; its only NaN has all bits set. */
#ifndef CPU_SIMD_STORED_H
#define CPU_SIMD_STORED_H
#include "backend/cpu/simd.h"
#include "base/num.h"

SIMD vf stored_load_f32(const float *p) { return vf_load(p); }

#if defined(ISA_AVX512)
SIMD vf stored_load_f16(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p)); }
SIMD vf stored_load_bf16(const uint16_t *p)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p)), 16));
}
SIMD __m256i stored_words(const uint8_t *p) { return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p)); }
SIMD vf stored_load_f8e5m2(const uint8_t *p) { return _mm512_cvtph_ps(_mm256_slli_epi16(stored_words(p), 8)); }
SIMD vf stored_load_f8e4m3(const uint8_t *p)
{
    __m256i x = stored_words(p), low = _mm256_and_si256(x, _mm256_set1_epi16(0x7f)), nan = _mm256_cmpeq_epi16(low, _mm256_set1_epi16(0x7f));
    __m256i half = _mm256_or_si256(_mm256_slli_epi16(low, 7), _mm256_slli_epi16(_mm256_and_si256(x, _mm256_set1_epi16(0x80)), 8));
    half = _mm256_or_si256(half, _mm256_and_si256(nan, _mm256_set1_epi16(0x7e00)));
    return _mm512_mul_ps(_mm512_cvtph_ps(half), _mm512_set1_ps(256));
}
#elif defined(ISA_AVX2)
SIMD vf stored_load_f16(const uint16_t *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p)); }
SIMD vf stored_load_bf16(const uint16_t *p)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)), 16));
}
SIMD __m128i stored_words(const uint8_t *p) { return _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(const void *)p)); }
SIMD vf stored_load_f8e5m2(const uint8_t *p) { return _mm256_cvtph_ps(_mm_slli_epi16(stored_words(p), 8)); }
SIMD vf stored_load_f8e4m3(const uint8_t *p)
{
    __m128i x = stored_words(p), low = _mm_and_si128(x, _mm_set1_epi16(0x7f)), nan = _mm_cmpeq_epi16(low, _mm_set1_epi16(0x7f));
    __m128i half = _mm_or_si128(_mm_slli_epi16(low, 7), _mm_slli_epi16(_mm_and_si128(x, _mm_set1_epi16(0x80)), 8));
    half = _mm_or_si128(half, _mm_and_si128(nan, _mm_set1_epi16(0x7e00)));
    return _mm256_mul_ps(_mm256_cvtph_ps(half), _mm256_set1_ps(256));
}
#elif defined(ISA_NEON)
SIMD vf stored_halves(uint16x4_t x) { return vcvt_f32_f16(vreinterpret_f16_u16(x)); }
SIMD vf stored_load_f16(const uint16_t *p) { return stored_halves(vld1_u16(p)); }
SIMD vf stored_load_bf16(const uint16_t *p) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16)); }
SIMD uint16x4_t stored_words(const uint8_t *p)
{
    uint32_t four;
    memcpy(&four, p, sizeof four);
    return vget_low_u16(vmovl_u8(vcreate_u8(four)));
}
SIMD vf stored_load_f8e5m2(const uint8_t *p) { return stored_halves(vshl_n_u16(stored_words(p), 8)); }
SIMD vf stored_load_f8e4m3(const uint8_t *p)
{
    uint16x4_t x = stored_words(p), low = vand_u16(x, vdup_n_u16(0x7f)), nan = vceq_u16(low, vdup_n_u16(0x7f));
    uint16x4_t half = vorr_u16(vshl_n_u16(low, 7), vshl_n_u16(vand_u16(x, vdup_n_u16(0x80)), 8));
    return vmulq_f32(stored_halves(vorr_u16(half, vand_u16(nan, vdup_n_u16(0x7e00)))), vf_set1(256));
}
#else
#define STORED_LOAD(type, element)                                                                                    \
    SIMD vf stored_load_##type(const element *p)                                                                      \
    {                                                                                                                 \
        float lane[VF_LANES];                                                                                         \
        for (int i = 0; i < VF_LANES; i++) lane[i] = num_##type##_to_f32(p[i]);                                       \
        return vf_load(lane);                                                                                         \
    }
STORED_LOAD(f16, uint16_t)
STORED_LOAD(bf16, uint16_t)
STORED_LOAD(f8e4m3, uint8_t)
STORED_LOAD(f8e5m2, uint8_t)
#undef STORED_LOAD
#endif

SIMD vf stored_load_n_f32(const float *p, int n) { return vf_load_n(p, n); }
SIMD vf stored_load_step_f32(const float *p, ptrdiff_t step, int n) { return vf_load_step(p, step, n); }

#define STORED_FEW(type, element)                                                                                     \
    SIMD vf stored_load_step_##type(const element *p, ptrdiff_t step, int n)                                          \
    {                                                                                                                 \
        element lane[VF_LANES] = { 0 };                                                                               \
        for (int i = 0; i < n; i++) lane[i] = p[i * step];                                                            \
        return stored_load_##type(lane);                                                                              \
    }                                                                                                                 \
    SIMD vf stored_load_n_##type(const element *p, int n) { return stored_load_step_##type(p, 1, n); }
STORED_FEW(f16, uint16_t)
STORED_FEW(bf16, uint16_t)
STORED_FEW(f8e4m3, uint8_t)
STORED_FEW(f8e5m2, uint8_t)
#undef STORED_FEW

/* ---- into 16 bits ---- */

#if defined(ISA_SCALAR)
#define STORED_STORE(type)                                                                                            \
    SIMD void stored_store_n_##type(uint16_t *p, vf x, int n)                                                         \
    {                                                                                                                 \
        float lane[VF_LANES];                                                                                         \
        vf_store(lane, x);                                                                                            \
        for (int i = 0; i < n; i++) p[i] = num_f32_to_##type(lane[i]);                                                \
    }
#else
/* The upper half, after adding what carries into it from half on, and from just below half where it is odd; NaN stays one, quiet. */
SIMD vi stored_rounded(vf x)
{
    vi bits = vf_bits(x), odd = vi_and(vi_srl(bits, 16), vi_set1(1));
    vf up = vi_floats(vi_add(bits, vi_add(odd, vi_set1(0x7fff)))), quiet = vi_floats(vi_add(vi_and(bits, vi_set1(~0x400000)), vi_set1(0x400000)));
    return vi_srl(vf_bits(vf_select(vf_unordered(x, x), quiet, up)), 16);
}
#if defined(ISA_AVX512)
SIMD __m256i stored_words_f16(vf x) { return _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT); }
SIMD __m256i stored_words_bf16(vf x) { return _mm512_cvtepi32_epi16(stored_rounded(x)); }
#define STORED_STORE(type)                                                                                            \
    SIMD void stored_store_n_##type(uint16_t *p, vf x, int n) { _mm256_mask_storeu_epi16(p, vm_first(n), stored_words_##type(x)); }
#elif defined(ISA_NEON)
SIMD uint16x4_t stored_words_f16(vf x) { return vreinterpret_u16_f16(vcvt_f16_f32(x)); }
SIMD uint16x4_t stored_words_bf16(vf x) { return vmovn_u32(vreinterpretq_u32_s32(stored_rounded(x))); }
#define STORED_STORE(type)                                                                                            \
    SIMD void stored_store_n_##type(uint16_t *p, vf x, int n)                                                         \
    {                                                                                                                 \
        uint16_t some[VF_LANES];                                                                                      \
        vst1_u16(n == VF_LANES ? p : some, stored_words_##type(x));                                                    \
        if (n < VF_LANES) memcpy(p, some, (size_t)n * sizeof *p);                                                     \
    }
#else
SIMD __m128i stored_words_f16(vf x) { return _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT); }
SIMD __m128i stored_words_bf16(vf x)
{
    vi words = stored_rounded(x);
    return _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}
#define STORED_STORE(type)                                                                                            \
    SIMD void stored_store_n_##type(uint16_t *p, vf x, int n)                                                         \
    {                                                                                                                 \
        uint16_t some[VF_LANES];                                                                                      \
        _mm_storeu_si128((__m128i *)(void *)(n == VF_LANES ? p : some), stored_words_##type(x));                       \
        if (n < VF_LANES) memcpy(p, some, (size_t)n * sizeof *p);                                                     \
    }
#endif
#endif
STORED_STORE(f16)
STORED_STORE(bf16)
#undef STORED_STORE

#endif
