/* test_tok_packed.h: gzip and Zstandard as their formats (RFC 1952 with 1951, RFC 8878) spell text that is not compressed at all, so that
 * reading is held to the formats and not to some tool. Two members, or frames, where there is enough text. */
#ifndef TEST_TOK_PACKED_H
#define TEST_TOK_PACKED_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef size_t packer(const char *text, size_t n, unsigned char *out);        /* out: room for 2 n + 4096 bytes */

static inline size_t pack_not(const char *text, size_t n, unsigned char *out)
{
    memcpy(out, text, n);
    return n;
}

static inline uint32_t packed_crc(const char *text, size_t n)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < n; i++) {
        crc ^= (unsigned char)text[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static inline size_t packed_number(unsigned char *out, uint32_t x, int bytes)
{
    for (int k = 0; k < bytes; k++) out[k] = (unsigned char)(x >> 8 * k);
    return (size_t)bytes;
}

static inline size_t gzip_member(const char *text, size_t n, unsigned char *out)
{
    static const unsigned char head[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };
    size_t at = sizeof head;
    memcpy(out, head, sizeof head);
    for (size_t i = 0, part; i == 0 || i < n; i += part) {
        part = n - i < 1000 ? n - i : 1000;
        out[at++] = i + part == n;                                    /* the last block; type 0: stored */
        at += packed_number(out + at, (uint32_t)part, 2);
        at += packed_number(out + at, ~(uint32_t)part, 2);
        memcpy(out + at, text + i, part);
        at += part;
        if (part == 0) break;
    }
    at += packed_number(out + at, packed_crc(text, n), 4);
    return at + packed_number(out + at, (uint32_t)n, 4);
}

static inline size_t zstd_head(unsigned char *out)                    /* no size, a window of 128 KiB */
{
    static const unsigned char head[6] = { 0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3 };
    memcpy(out, head, sizeof head);
    return sizeof head;
}

static inline size_t zstd_frame(const char *text, size_t n, unsigned char *out)
{
    size_t at = zstd_head(out);
    for (size_t i = 0, part; i == 0 || i < n; i += part) {
        part = n - i < 1000 ? n - i : 1000;
        at += packed_number(out + at, (uint32_t)part << 3 | (i + part == n), 3);       /* type 0: raw */
        memcpy(out + at, text + i, part);
        at += part;
        if (part == 0) break;
    }
    return at;
}

static inline size_t pack_gzip(const char *text, size_t n, unsigned char *out)
{
    size_t first = gzip_member(text, n / 3, out);
    return first + gzip_member(text + n / 3, n - n / 3, out + first);
}

static inline size_t pack_zstd(const char *text, size_t n, unsigned char *out)
{
    size_t first = zstd_frame(text, n / 3, out);
    return first + zstd_frame(text + n / 3, n - n / 3, out + first);
}

/* `blocks` times 128 KiB of one byte, four bytes each. */
static inline size_t pack_zstd_run(char byte, uint32_t blocks, unsigned char *out)
{
    size_t at = zstd_head(out);
    for (uint32_t i = 0; i < blocks; i++) {
        at += packed_number(out + at, (1u << 17) << 3 | 1u << 1 | (i + 1 == blocks), 3);
        out[at++] = (unsigned char)byte;
    }
    return at;
}

#endif
