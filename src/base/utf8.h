/* utf8.h: code points in and out. An invalid sequence is one step per maximal invalid subpart (Unicode 15, table 3-7). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_INVALID 0xffffffffu

size_t utf8_next(const char *bytes, size_t n, uint32_t *code);      /* bytes taken: 1..4 for n > 0, 0 for n = 0 */
size_t utf8_put(char out[4], uint32_t code);                        /* bytes written; 0 for a surrogate or beyond U+10FFFF */
size_t utf8_ascii(const char *bytes, size_t n);                     /* bytes from the first on that are below 0x80 */
bool   utf8_valid(const char *bytes, size_t n);
size_t utf8_incomplete(const char *bytes, size_t n);                /* length of a valid but unfinished sequence at the end: 0..3 */

#endif
