/* crc32c.c: the Castagnoli checksum, eight bytes at a step, without special instructions.
 *
 * A table entry is linear in the bits of its index, so that the eight entries of the powers of two make all 256: the
 * compiler writes the tables, and there is nothing to set up at run time. Not here: the instruction that some processors have (crc32c.isa.c).
 * Sources: Castagnoli et al. 1993 for the polynomial; Kounavis and Berry 2005 for the slicing. */
#include "base/file.h"
#include "base/isa.h"

#define BIT(i, b, x) ((((i) >> (b)) & 1) != 0 ? (x) : 0u)
#define ENTRY(i, a, b, c, d, e, f, g, h) \
    (BIT(i, 0, a) ^ BIT(i, 1, b) ^ BIT(i, 2, c) ^ BIT(i, 3, d) ^ BIT(i, 4, e) ^ BIT(i, 5, f) ^ BIT(i, 6, g) ^ BIT(i, 7, h))
#define BY4(i, ...)  ENTRY(i, __VA_ARGS__), ENTRY((i) + 1, __VA_ARGS__), ENTRY((i) + 2, __VA_ARGS__), ENTRY((i) + 3, __VA_ARGS__)
#define BY16(i, ...) BY4(i, __VA_ARGS__), BY4((i) + 4, __VA_ARGS__), BY4((i) + 8, __VA_ARGS__), BY4((i) + 12, __VA_ARGS__)
#define BY64(i, ...) BY16(i, __VA_ARGS__), BY16((i) + 16, __VA_ARGS__), BY16((i) + 32, __VA_ARGS__), BY16((i) + 48, __VA_ARGS__)
#define ROW(...)     { BY64(0, __VA_ARGS__), BY64(64, __VA_ARGS__), BY64(128, __VA_ARGS__), BY64(192, __VA_ARGS__) }

/* Row k: the remainder of one set bit followed by k zero bytes, for bits 0..7. */
static const uint32_t table[8][256] = {
    ROW(0xf26b8303u, 0xe13b70f7u, 0xc79a971fu, 0x8ad958cfu, 0x105ec76fu, 0x20bd8edeu, 0x417b1dbcu, 0x82f63b78u),
    ROW(0x13a29877u, 0x274530eeu, 0x4e8a61dcu, 0x9d14c3b8u, 0x3fc5f181u, 0x7f8be302u, 0xff17c604u, 0xfbc3faf9u),
    ROW(0xa541927eu, 0x4f6f520du, 0x9edea41au, 0x38513ec5u, 0x70a27d8au, 0xe144fb14u, 0xc76580d9u, 0x8b277743u),
    ROW(0xdd45aab8u, 0xbf672381u, 0x7b2231f3u, 0xf64463e6u, 0xe964b13du, 0xd725148bu, 0xaba65fe7u, 0x52a0c93fu),
    ROW(0x38116facu, 0x7022df58u, 0xe045beb0u, 0xc5670b91u, 0x8f2261d3u, 0x1ba8b557u, 0x37516aaeu, 0x6ea2d55cu),
    ROW(0xef306b19u, 0xdb8ca0c3u, 0xb2f53777u, 0x6006181fu, 0xc00c303eu, 0x85f4168du, 0x0e045bebu, 0x1c08b7d6u),
    ROW(0x68032cc8u, 0xd0065990u, 0xa5e0c5d1u, 0x4e2dfd53u, 0x9c5bfaa6u, 0x3d5b83bdu, 0x7ab7077au, 0xf56e0ef4u),
    ROW(0x493c7d27u, 0x9278fa4eu, 0x211d826du, 0x423b04dau, 0x847609b4u, 0x0d006599u, 0x1a00cb32u, 0x34019664u)
};

uint32_t crc32c(uint32_t crc, const void *bytes, size_t n)
{
    const unsigned char *b = bytes;
    crc = ~crc;
    for (; n >= 8; b += 8, n -= 8) {
        uint32_t low = crc ^ ((uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24);
        crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^ table[4][low >> 24]
            ^ table[3][b[4]] ^ table[2][b[5]] ^ table[1][b[6]] ^ table[0][b[7]];
    }
    for (; n > 0; b++, n--) crc = crc >> 8 ^ table[0][(crc ^ *b) & 0xff];
    return ~crc;
}

#define X(isa) crc32c_body crc32c_##isa;
FOR_EVERY_ISA(X)
#undef X

crc32c_body *crc32c_best(void)
{
#define X(isa) [ISA_##isa] = crc32c_##isa,
    static crc32c_body *const bodies[ISA_COUNT] = { FOR_EVERY_ISA(X) };
#undef X
    return bodies[isa_best()];
}
