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
#else
#define BITS64 0
#endif

#endif
