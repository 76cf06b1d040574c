/* crc32c.isa.c: the same checksum by the processor's instruction for it (x86-64: part of SSE4.2, and so of every set from AVX2 on). */
#include "base/file.h"
#include "base/isa.h"
#include <string.h>
#if defined(ISA_AVX2) || defined(ISA_AVX512)
#include <immintrin.h>
#define SUM_8 _mm_crc32_u64
#define SUM_1 _mm_crc32_u8
#elif defined(ISA_NEON)
#include <arm_acle.h>
#define SUM_8(sum, x) __crc32cd((uint32_t)(sum), x)
#define SUM_1 __crc32cb
#endif

crc32c_body ISA_NAME(crc32c);

uint32_t ISA_NAME(crc32c)(uint32_t crc, const void *bytes, size_t n)
{
#if defined(SUM_8)
    const unsigned char *b = bytes;
    uint64_t sum = ~crc;
    for (; n >= 8; b += 8, n -= 8) {
        uint64_t x;
        memcpy(&x, b, 8);
        sum = SUM_8(sum, x);
    }
    for (; n > 0; b++, n--) sum = SUM_1((uint32_t)sum, *b);
    return ~(uint32_t)sum;
#else
    return crc32c(crc, bytes, n);
#endif
}
