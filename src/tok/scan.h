/* scan.h: what the scanners share: the class of a character, and runs of one class. A run of ASCII letters is measured eight bytes
 * at a time. Not here: masks of 64 bytes, which need a vector unit. */
#ifndef TOK_SCAN_H
#define TOK_SCAN_H
#include "base/utf8.h"
#include "tok/split.h"
#include "tok/unicode.h"
#include <string.h>

enum { BEYOND = 4 };                                                  /* not ASCII: look further */
#define L CLASS_LETTER
#define N CLASS_NUMBER
#define S CLASS_SPACE
#define B BEYOND
static const uint8_t class_of_byte[256] = {
    0,0,0,0,0,0,0,0,0,S,S,S,S,S,0,0, 0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0, S,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0, N,N,N,N,N,N,N,N,N,N,0,0,0,0,0,0,
    0,L,L,L,L,L,L,L,L,L,L,L,L,L,L,L, L,L,L,L,L,L,L,L,L,L,L,0,0,0,0,0, 0,L,L,L,L,L,L,L,L,L,L,L,L,L,L,L, L,L,L,L,L,L,L,L,L,L,L,0,0,0,0,0,
    B,B,B,B,B,B,B,B,B,B,B,B,B,B,B,B, B,B,B,B,B,B,B,B,B,B,B,B,B,B,B,B, B,B,B,B,B,B,B,B,B,B,B,B,B,B,B,B, B,B,B,B,B,B,B,B,B,B,B,B,B,B,B,B,
    B,B,B,B,B,B,B,B,B,B,B,B,B,B,B,B, B,B,B,B,B,B,B,B,B,B,B,B,B,B,B,B, B,B,B,B,B,B,B,B,B,B,B,B,B,B,B,B, B,B,B,B,B,B,B,B,B,B,B,B,B,B,B,B,
};
#undef L
#undef N
#undef S
#undef B

/* A character of three bytes whose first says all that is to be known of the second: U+1000 to U+FFFF without U+D000 to U+DFFF. */
static inline bool is_plain_three(const unsigned char *p, size_t left)
{
    return left >= 3 && (*p & 0xf0) == 0xe0 && *p != 0xe0 && *p != 0xed && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80;
}

static inline uint32_t plain_three(const unsigned char *p) { return (uint32_t)(*p & 15) << 12 | (uint32_t)(p[1] & 63) << 6 | (p[2] & 63); }

/* The class of the character at p (at least one byte is left) and its length. */
static inline unsigned look(const unsigned char *p, size_t left, size_t *length)
{
    unsigned c = class_of_byte[*p];
    *length = 1;
    if (c != BEYOND) return c;
    if (is_plain_three(p, left)) {
        *length = 3;
        return unicode_class(plain_three(p));
    }
    uint32_t code;
    *length = utf8_next((const char *)p, left, &code);
    return code == UTF8_INVALID ? CLASS_OTHER : unicode_class(code);
}

/* Classes with the case of letters, and marks, beside those of unicode.h; CLASS_LETTER: a caseless one. */
enum { CASED_UPPER = 4, CASED_LOWER, CASED_MARK };

static inline unsigned class_cased(uint32_t code)
{
    unsigned letter_case = unicode_case(code);                        /* CASE_UPPER and so on, in the same order */
    return letter_case == CASE_NONE ? unicode_class(code) : CASED_UPPER - CASE_UPPER + letter_case;
}

#define EACH(byte) ((uint64_t)(byte) * 0x0101010101010101u)

/* How many of the eight bytes at p, from the first on, are ASCII letters. */
static inline unsigned letters(const unsigned char *p)
{
    uint64_t x;
    memcpy(&x, p, 8);
    uint64_t low = (x | EACH(0x20)) & EACH(0x7f);
    uint64_t from_a = low + EACH(0x80 - 'a'), past_z = low + EACH(0x80 - 'z' - 1);
    uint64_t none = ~(from_a & ~past_z & ~x) & EACH(0x80);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    none = __builtin_bswap64(none);
#endif
    return none == 0 ? 8 : (unsigned)__builtin_ctzll(none) >> 3;
}

/* The end of the run of class `class` that goes on at i. */
static inline size_t run_end(const unsigned char *text, size_t n, size_t i, unsigned class)
{
    for (;;) {
        if (class == CLASS_LETTER)
            while (n - i >= 8) {
                unsigned k = letters(text + i);
                i += k;
                if (k < 8) break;
            }
        size_t step;
        while (i < n && class_of_byte[text[i]] == class) i++;
        if (i < n && is_plain_three(text + i, n - i)) {
            if (unicode_class(plain_three(text + i)) != class) return i;
            do i += 3;
            while (is_plain_three(text + i, n - i) && unicode_class(plain_three(text + i)) == class);
            continue;
        }
        if (i == n || class_of_byte[text[i]] != BEYOND || look(text + i, n - i, &step) != class) return i;
        i += step;
    }
}

/* White space begins at i: the end of its run, where its last character begins, and the end of its last line feed or carriage return (0: none). */
struct space { size_t end, last, after_line; };

static inline struct space space_run(const unsigned char *text, size_t n, size_t i)
{
    struct space s = { i, i, 0 };
    size_t step;
    while (s.end < n && look(text + s.end, n - s.end, &step) == CLASS_SPACE) {
        s.last = s.end;
        if (text[s.end] == '\n' || text[s.end] == '\r') s.after_line = s.end + 1;
        s.end += step;
    }
    return s;
}

/* The common word, with few branches to mispredict: perhaps a space, 1 to 7 ASCII letters, then other ASCII. 0: not this. */
static inline size_t plain_word_end(const unsigned char *text, size_t n, size_t i)
{
    if (n - i < 10) return 0;
    size_t at = i + (text[i] == ' ');
    unsigned k = letters(text + at);
    return k - 1 < 7 && text[at + k] < 0x80 ? at + k : 0;
}

/* Length of 's 't 're 've 'm 'll 'd in any case at p, which is an apostrophe; 0 when there is none. U+017F folds to s. */
static inline size_t contraction_any_case(const unsigned char *p, size_t left)
{
    if (left < 2) return 0;
    unsigned char a = p[1] | 0x20;
    if (a == 's' || a == 'd' || a == 'm' || a == 't') return 2;
    if (left < 3) return 0;
    if (p[1] == 0xc5 && p[2] == 0xbf) return 3;
    unsigned char b = p[2] | 0x20;
    return (a == 'l' && b == 'l') || ((a == 'v' || a == 'r') && b == 'e') ? 3 : 0;
}

/* The end of one to three numbers at i. */
static inline size_t numbers_end(const unsigned char *text, size_t n, size_t i)
{
    size_t step;
    for (int k = 0; k < 3 && i < n && look(text + i, n - i, &step) == CLASS_NUMBER; k++) i += step;
    return i;
}

#endif
