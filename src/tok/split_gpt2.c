/* split_gpt2.c: GPT-2's pattern by hand.
 *
 *   '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *
 * In words: a contraction, if its apostrophe begins a word; else a run of one class, with the one U+0020 before it; else white
 * space, of which the last character is left to what follows (a run of one stays whole, since \s+ then takes it).
 * A run of ASCII letters is measured eight bytes at a time. Not here: masks of 64 bytes, which need a vector unit. */
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

/* The class of the character at p (at least one byte is left) and its length. */
static inline unsigned look(const unsigned char *p, size_t left, size_t *length)
{
    unsigned c = class_of_byte[*p];
    *length = 1;
    if (c != BEYOND) return c;
    uint32_t code;
    *length = utf8_next((const char *)p, left, &code);
    return code == UTF8_INVALID ? CLASS_OTHER : unicode_class(code);
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
        if (i == n || class_of_byte[text[i]] != BEYOND || look(text + i, n - i, &step) != class) return i;
        i += step;
    }
}

/* Length of the contraction at p, which is an apostrophe; 0 when there is none. */
static inline size_t contraction(const unsigned char *p, size_t left)
{
    if (left < 2) return 0;
    if (p[1] == 's' || p[1] == 'd' || p[1] == 'm' || p[1] == 't') return 2;
    if (left < 3) return 0;
    return (p[1] == 'l' && p[2] == 'l') || ((p[1] == 'v' || p[1] == 'r') && p[2] == 'e') ? 3 : 0;
}

/* White space begins at i and what follows is no run that would take its U+0020. */
static size_t space_end(const unsigned char *text, size_t n, size_t i)
{
    size_t begin = i, last = i, step;
    while (i < n && look(text + i, n - i, &step) == CLASS_SPACE) {
        last = i;
        i += step;
    }
    return i == n || last == begin ? i : last;
}

/* The common word, with few branches to mispredict: perhaps a space, 1 to 7 ASCII letters, then other ASCII. 0: not this. */
static inline size_t plain_word_end(const unsigned char *text, size_t n, size_t i)
{
    if (n - i < 10) return 0;
    size_t at = i + (text[i] == ' ');
    unsigned k = letters(text + at);
    return k - 1 < 7 && text[at + k] < 0x80 ? at + k : 0;
}

static size_t any_word_end(const unsigned char *text, size_t n, size_t i)
{
    size_t step, next_step;
    unsigned class = look(text + i, n - i, &step);
    if (text[i] == '\'') {
        size_t taken = contraction(text + i, n - i);
        if (taken > 0) return i + taken;
    }
    if (text[i] == ' ' && i + 1 < n) {
        unsigned next = look(text + i + 1, n - i - 1, &next_step);
        if (next != CLASS_SPACE) return run_end(text, n, i + 1 + next_step, next);
    }
    return class == CLASS_SPACE ? space_end(text, n, i) : run_end(text, n, i + step, class);
}

size_t split_gpt2(const unsigned char *text, size_t n, size_t at, size_t *ends, size_t most)
{
    size_t made = 0;
    while (made < most && at < n) {
        size_t end = plain_word_end(text, n, at);
        ends[made++] = at = end != 0 ? end : any_word_end(text, n, at);
    }
    return made;
}
