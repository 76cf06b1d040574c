/* special.isa.c: where two bytes stand, one behind the other; 64 places at once where there are vectors, else eight. */
#include "tok/bits64.isa.h"
#include "tok/special.h"
#include <string.h>

#define EACH(byte) ((uint64_t)(byte) * 0x0101010101010101u)

size_t ISA_NAME(special_find)(const unsigned char *text, size_t n, size_t i, int first, int second)
{
#if BITS64
    for (; i < n && n - i > 64; i += 64) {
        uint64_t both = bits_equal(bytes64_read(text + i), (char)first) & bits_equal(bytes64_read(text + i + 1), (char)second);
        if (both != 0) return i + (size_t)__builtin_ctzll(both);
    }
#endif
    for (; i < n && n - i > 8; i += 8) {
        uint64_t a, b;
        memcpy(&a, text + i, 8);
        memcpy(&b, text + i + 1, 8);
        uint64_t other = (a ^ EACH(first)) | (b ^ EACH(second));
        if ((other - EACH(1)) & ~other & EACH(0x80)) break;           /* some byte of it is zero */
    }
    while (i + 1 < n && (text[i] != first || text[i + 1] != second)) i++;
    return i + 1 < n ? i : n;
}
