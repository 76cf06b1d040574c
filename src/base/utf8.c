/* utf8.c: Unicode standard 15.0, table 3-7. */
#include "base/utf8.h"
#include <stdbool.h>
#include <string.h>

/* What a lead byte promises: how many follow, and which range the second byte must lie in. */
static bool lead(unsigned char c, size_t *follow, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (c >= 0xc2 && c <= 0xdf) { *follow = 1; return true; }
    if (c >= 0xe0 && c <= 0xef) {
        *follow = 2;
        if (c == 0xe0) *low = 0xa0;
        if (c == 0xed) *high = 0x9f;
        return true;
    }
    if (c >= 0xf0 && c <= 0xf4) {
        *follow = 3;
        if (c == 0xf0) *low = 0x90;
        if (c == 0xf4) *high = 0x8f;
        return true;
    }
    return false;
}

/* Bytes that fit the promise of the lead byte, itself included; *whole says whether it was kept. */
static size_t fitting(const unsigned char *b, size_t n, bool *whole)
{
    size_t follow, i = 1;
    unsigned char low, high;
    *whole = false;
    if (!lead(b[0], &follow, &low, &high)) return 1;
    for (; i <= follow && i < n; i++) {
        if (b[i] < (i == 1 ? low : 0x80) || b[i] > (i == 1 ? high : 0xbf)) return i;
    }
    *whole = i == follow + 1;
    return i;
}

size_t utf8_next(const char *bytes, size_t n, uint32_t *code)
{
    const unsigned char *b = (const unsigned char *)bytes;
    *code = UTF8_INVALID;
    if (n == 0) return 0;
    if (b[0] < 0x80) { *code = b[0]; return 1; }
    bool whole;
    size_t k = fitting(b, n, &whole);
    if (!whole) return k;
    uint32_t c = b[0] & (0xffu >> (k + 1));
    for (size_t i = 1; i < k; i++) c = c << 6 | (b[i] & 0x3fu);
    *code = c;
    return k;
}

size_t utf8_put(char out[4], uint32_t code)
{
    if (code < 0x80) { out[0] = (char)code; return 1; }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code >= 0xd800 && code <= 0xdfff) return 0;
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    if (code > 0x10ffff) return 0;
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

size_t utf8_incomplete(const char *bytes, size_t n)
{
    const unsigned char *b = (const unsigned char *)bytes;
    for (size_t k = 1; k <= 3 && k <= n; k++) {
        size_t follow;
        unsigned char low, high;
        if (!lead(b[n - k], &follow, &low, &high)) continue;
        bool whole;
        return fitting(b + n - k, k, &whole) == k && !whole ? k : 0;
    }
    return 0;
}

/* 64 bytes at a time: most text has nothing else. */
size_t utf8_ascii(const char *bytes, size_t n)
{
    size_t i = 0;
    for (; n - i >= 64; i += 64) {
        uint64_t words[8], all = 0;
        memcpy(words, bytes + i, sizeof words);
        for (int k = 0; k < 8; k++) all |= words[k];
        if (all & UINT64_C(0x8080808080808080)) break;
    }
    while (i < n && (unsigned char)bytes[i] < 0x80) i++;
    return i;
}

bool utf8_valid(const char *bytes, size_t n)
{
    uint32_t code = 0;
    for (size_t i = 0; i < n && code != UTF8_INVALID; i += utf8_next(bytes + i, n - i, &code)) {}
    return code != UTF8_INVALID;
}
