/* unicode.h: which of four classes a code point is in. The table is made by tools/unicode; its head states the version. */
#ifndef TOK_UNICODE_H
#define TOK_UNICODE_H
#include <stdint.h>

enum { CLASS_OTHER, CLASS_LETTER, CLASS_NUMBER, CLASS_SPACE };        /* everything else, \p{L}, \p{N}, \s */

extern const uint8_t unicode_page[4352];                             /* code point / 256 -> page */
extern const uint8_t unicode_bits[][64];                             /* 4 code points a byte, the lowest bits first */

static inline unsigned unicode_class(uint32_t code)                  /* code <= 0x10ffff */
{
    return unicode_bits[unicode_page[code >> 8]][code >> 2 & 63] >> 2 * (code & 3) & 3;
}

#endif
