/* unicode.h: which of four classes a code point is in, and its case. The tables are made by tools/unicode; their heads state the version. */
#ifndef TOK_UNICODE_H
#define TOK_UNICODE_H
#include <stdint.h>

enum { CLASS_OTHER, CLASS_LETTER, CLASS_NUMBER, CLASS_SPACE };        /* everything else, \p{L}, \p{N}, \s */
enum { CASE_NONE, CASE_UPPER, CASE_LOWER, CASE_MARK };                /* neither; \p{Lu} or \p{Lt}; \p{Ll}; \p{M} */

extern const uint8_t unicode_page[4352];                             /* code point / 256 -> page */
extern const uint8_t unicode_bits[][64];                             /* 4 code points a byte, the lowest bits first */
extern const uint8_t unicode_case_page[4352];
extern const uint8_t unicode_case_bits[][64];

static inline unsigned unicode_class(uint32_t code)                  /* code <= 0x10ffff */
{
    return unicode_bits[unicode_page[code >> 8]][code >> 2 & 63] >> 2 * (code & 3) & 3;
}

static inline unsigned unicode_case(uint32_t code)
{
    return unicode_case_bits[unicode_case_page[code >> 8]][code >> 2 & 63] >> 2 * (code & 3) & 3;
}

#endif
