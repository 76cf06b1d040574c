/* crc32c.isa.c: the same checksum by the processor's instruction for it (part of SSE4.2, and so of every set from AVX2 on). */
#include "base/file.h"
#include "base/isa.h"
#include <string.h>
#if defined(ISA_AVX2) || defined(ISA_AVX512)
#include <immintrin.h>
#endif

crc32c_body ISA_NAME(crc32c);

uint32_t ISA_NAME(crc32c)(uint32_t crc, const void *bytes, size_t n)
{
#if defined(ISA_AVX2) || defined(ISA_AVX512)
    const unsigned char *b = bytes;
    uint64_t sum = ~crc;
    for (; n >= 8; b += 8, n -= 8) {
        uint64_t x;
        memcpy(&x, b, 8);
        sum = _mm_crc32_u64(sum, x);
    }
    for (; n > 0; b++, n--) sum = _mm_crc32_u8((uint32_t)sum, *b);
    return ~(uint32_t)sum;
#else
    return crc32c(crc, bytes, n);
#endif
}
