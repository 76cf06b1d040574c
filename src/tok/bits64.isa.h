/* bits64.isa.h: questions to 64 bytes at once, answered with one bit per byte, the first byte lowest. Only for *.isa.c files; where there are
 * no vectors (scalar) there is no such thing, and BITS64 is 0. Source of the idea: Langdale and Lemire 2019, "Parsing gigabytes of JSON per second". */
#ifndef TOK_BITS64_H
#define TOK_BITS64_H
#include "base/isa.h"
#include <stdint.h>

#define BITS static inline __attribute__((always_inline))

#if defined(ISA_AVX512)
#include <immintrin.h>
#define BITS64 1
typedef __m512i bytes64;
BITS bytes64 bytes64_read(const unsigned char *p) { return _mm512_loadu_si512(p); }
BITS bytes64 bytes64_lower(bytes64 v) { return _mm512_or_si512(v, _mm512_set1_epi8(0x20)); }
BITS uint64_t bits_high(bytes64 v) { return _mm512_movepi8_mask(v); }                     /* byte >= 0x80 */
BITS uint64_t bits_equal(bytes64 v, char c) { return _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(c)); }
BITS uint64_t bits_from(bytes64 v, char first, int many)                                  /* first <= byte < first + many */
{
    return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8(first)), _mm512_set1_epi8((char)many));
}
#elif defined(ISA_AVX2)
#include <immintrin.h>
#define BITS64 1
BITS unsigned bits_first(uint64_t bits) { return (unsigned)_tzcnt_u64(bits); }          /* the lowest; of none anything */
typedef struct { __m256i low, high; } bytes64;
BITS uint64_t bits_of(__m256i low, __m256i high) { return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32; }
BITS bytes64 bytes64_read(const unsigned char *p) { return (bytes64){ _mm256_loadu_si256((const void *)p), _mm256_loadu_si256((const void *)(p + 32)) }; }
BITS bytes64 bytes64_lower(bytes64 v)
{
    __m256i bit = _mm256_set1_epi8(0x20);
    return (bytes64){ _mm256_or_si256(v.low, bit), _mm256_or_si256(v.high, bit) };
}
BITS uint64_t bits_high(bytes64 v) { return bits_of(v.low, v.high); }
BITS uint64_t bits_equal(bytes64 v, char c)
{
    __m256i x = _mm256_set1_epi8(c);
    return bits_of(_mm256_cmpeq_epi8(v.low, x), _mm256_cmpeq_epi8(v.high, x));
}
BITS __m256i is_from(__m256i v, char first, int many)
{
    __m256i x = _mm256_sub_epi8(v, _mm256_set1_epi8(first));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8((char)(many - 1))), x);
}
BITS uint64_t bits_from(bytes64 v, char first, int many) { return bits_of(is_from(v.low, first, many), is_from(v.high, first, many)); }
#elif defined(ISA_NEON)
#include <arm_neon.h>
#define BITS64 1
typedef uint8x16x4_t bytes64;
BITS unsigned bits_first(uint64_t bits) { return (unsigned)__builtin_ctzll(bits | UINT64_C(1) << 63); }
/* A byte of all ones or none becomes a bit: each keeps the one of its place, and neighbours are added until eight are a byte. */
BITS uint64_t bits_of(bytes64 v)
{
    const uint8x16_t place = { 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128 };
    uint8x16_t low = vpaddq_u8(vandq_u8(v.val[0], place), vandq_u8(v.val[1], place)), high = vpaddq_u8(vandq_u8(v.val[2], place), vandq_u8(v.val[3], place));
    uint8x16_t all = vpaddq_u8(low, high);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(all, all)), 0);
}
BITS bytes64 bytes64_read(const unsigned char *p) { return (bytes64){ { vld1q_u8(p), vld1q_u8(p + 16), vld1q_u8(p + 32), vld1q_u8(p + 48) } }; }
#define EACH(f) { { f(v.val[0]), f(v.val[1]), f(v.val[2]), f(v.val[3]) } }
#define LOWER(x) vorrq_u8(x, vdupq_n_u8(0x20))
#define HIGH(x) vcltzq_s8(vreinterpretq_s8_u8(x))
#define EQUAL(x) vceqq_u8(x, vdupq_n_u8((uint8_t)c))
#define FROM(x) vcltq_u8(vsubq_u8(x, vdupq_n_u8((uint8_t)first)), vdupq_n_u8((uint8_t)many))
BITS bytes64 bytes64_lower(bytes64 v) { return (bytes64)EACH(LOWER); }
BITS uint64_t bits_high(bytes64 v) { return bits_of((bytes64)EACH(HIGH)); }
BITS uint64_t bits_equal(bytes64 v, char c) { return bits_of((bytes64)EACH(EQUAL)); }
BITS uint64_t bits_from(bytes64 v, char first, int many) { return bits_of((bytes64)EACH(FROM)); }
#undef EACH
#undef LOWER
#undef HIGH
#undef EQUAL
#undef FROM
#else
#define BITS64 0
#endif

#endif
