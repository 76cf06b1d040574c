/* test_tok_reference.h: the known patterns applied slowly, alternative by alternative with backtracking, over classes of whole characters;
 * written apart from the scanners that it checks, from the definition of UTF-8 on. */
#ifndef TEST_TOK_REFERENCE_H
#define TEST_TOK_REFERENCE_H
#include "tok/unicode.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REFERENCE_MOST = 4096 };

/* What a character is, as bits. */
enum { IS_CASELESS = 1, IS_UPPER = 2, IS_LOWER = 4, IS_MARK = 8, IS_NUMBER = 16, IS_SPACE = 32, IS_OTHER = 64, IS_BLANK = 128, IS_LINE = 256, IS_SLASH = 512 };

struct reference { uint32_t code[REFERENCE_MOST]; unsigned is[REFERENCE_MOST]; size_t at[REFERENCE_MOST + 1], n; };

/* Valid UTF-8 by its definition: the shortest form, no surrogates, at most U+10FFFF. */
static inline size_t reference_character(const unsigned char *p, size_t n, uint32_t *code)
{
    size_t length = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (length == 0 || length > n) return 0;
    *code = length == 1 ? p[0] : p[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (p[i] >> 6 != 2) return 0;
        *code = *code << 6 | (p[i] & 0x3f);
    }
    return *code < least[length] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000) ? 0 : length;
}

/* The longest beginning of p that begins some valid character too, for a p that is none: 1 byte at least. */
static inline size_t reference_subpart(const unsigned char *p, size_t n)
{
    for (size_t k = n < 3 ? n : 3; k > 1; k--)
        for (int fill = 0x80; fill <= 0xbf; fill += 0x3f) {
            unsigned char whole[4] = { (unsigned char)fill, (unsigned char)fill, (unsigned char)fill, (unsigned char)fill };
            uint32_t code;
            for (size_t i = 0; i < k; i++) whole[i] = p[i];
            if (reference_character(whole, 4, &code) > k) return k;
        }
    return 1;
}

static inline unsigned reference_is(uint32_t code)
{
    static const unsigned classes[] = { IS_OTHER, IS_CASELESS, IS_NUMBER, IS_SPACE }, cases[] = { 0, IS_UPPER, IS_LOWER, IS_MARK };
    unsigned is = unicode_case(code) != CASE_NONE ? cases[unicode_case(code)] : classes[unicode_class(code)];
    return is | (code == ' ' ? IS_BLANK : 0u) | (code == '\n' || code == '\r' ? IS_LINE : 0u) | (code == '/' ? IS_SLASH : 0u);
}

static inline void reference_read(const char *bytes, size_t n, struct reference *t)
{
    t->n = 0;
    for (size_t i = 0; i < n;) {
        uint32_t code = 0;
        size_t step = reference_character((const unsigned char *)bytes + i, n - i, &code);
        t->code[t->n] = step == 0 ? 0xfffd : code;
        t->is[t->n] = step == 0 ? IS_OTHER : reference_is(code);
        t->at[t->n++] = i;
        i += step == 0 ? reference_subpart((const unsigned char *)bytes + i, n - i) : step;
    }
    t->at[t->n] = n;
}

/* An element of a pattern: least to most characters of some kinds, the most first; or one of the marks below. */
struct element { unsigned any_of, none_of; int least, most; bool possessive; };
#define CONTRACTION      { .least = -1 }
#define CONTRACTION_CASE { .least = -2 }
#define OPTIONAL_CASE    { .least = -3 }
#define NO_MORE          { .least = -4 }
#define NOT_BEFORE_TEXT  { .least = -5 }
#define MATCHED          { .least = -6 }
#define MANY             REFERENCE_MOST
#define LETTERS          (IS_CASELESS | IS_UPPER | IS_LOWER)
#define ANY              0x3ffu
#define U                (IS_UPPER | IS_CASELESS | IS_MARK)
#define W                (IS_LOWER | IS_CASELESS | IS_MARK)
#define REST             ANY, LETTERS | IS_NUMBER | IS_SPACE
#define BEFORE           ANY, LETTERS | IS_NUMBER | IS_LINE

struct pattern { const char *name; struct element alternatives[9][6]; };
static const struct pattern reference_patterns[] = {
    { "gpt2", { { CONTRACTION, MATCHED },
                { { IS_BLANK, 0, 0, 1, 0 }, { LETTERS, 0, 1, MANY, 0 }, MATCHED },
                { { IS_BLANK, 0, 0, 1, 0 }, { IS_NUMBER, 0, 1, MANY, 0 }, MATCHED },
                { { IS_BLANK, 0, 0, 1, 0 }, { REST, 1, MANY, 0 }, MATCHED },
                { { IS_SPACE, 0, 1, MANY, 0 }, NOT_BEFORE_TEXT, MATCHED },
                { { IS_SPACE, 0, 1, MANY, 0 }, MATCHED } } },
    { "cl100k", { { CONTRACTION_CASE, MATCHED },
                  { { BEFORE, 0, 1, 1 }, { LETTERS, 0, 1, MANY, 1 }, MATCHED },
                  { { IS_NUMBER, 0, 1, 3, 1 }, MATCHED },
                  { { IS_BLANK, 0, 0, 1, 0 }, { REST, 1, MANY, 1 }, { IS_LINE, 0, 0, MANY, 1 }, MATCHED },
                  { { IS_SPACE, 0, 1, MANY, 1 }, NO_MORE, MATCHED },
                  { { IS_SPACE, 0, 0, MANY, 0 }, { IS_LINE, 0, 1, 1, 0 }, MATCHED },
                  { { IS_SPACE, 0, 1, MANY, 0 }, NOT_BEFORE_TEXT, MATCHED },
                  { { IS_SPACE, 0, 1, 1, 0 }, MATCHED } } },
    { "o200k", { { { BEFORE, 0, 1, 0 }, { U, 0, 0, MANY, 0 }, { W, 0, 1, MANY, 0 }, OPTIONAL_CASE, MATCHED },
                 { { BEFORE, 0, 1, 0 }, { U, 0, 1, MANY, 0 }, { W, 0, 0, MANY, 0 }, OPTIONAL_CASE, MATCHED },
                 { { IS_NUMBER, 0, 1, 3, 0 }, MATCHED },
                 { { IS_BLANK, 0, 0, 1, 0 }, { REST, 1, MANY, 0 }, { IS_LINE | IS_SLASH, 0, 0, MANY, 0 }, MATCHED },
                 { { IS_SPACE, 0, 0, MANY, 0 }, { IS_LINE, 0, 1, MANY, 0 }, MATCHED },
                 { { IS_SPACE, 0, 1, MANY, 0 }, NOT_BEFORE_TEXT, MATCHED },
                 { { IS_SPACE, 0, 1, MANY, 0 }, MATCHED } } },
};
enum { N_REFERENCES = sizeof reference_patterns / sizeof *reference_patterns };
#undef U
#undef W
#undef REST
#undef BEFORE

static inline uint32_t reference_code(const struct reference *t, size_t i, bool any_case)
{
    uint32_t c = i < t->n ? t->code[i] : 0;
    if (any_case && c >= 'A' && c <= 'Z') c += 32;
    return any_case && c == 0x17f ? 's' : c;                          /* folds to s */
}

/* Characters of the contraction at i; 0: none. */
static inline size_t reference_contraction(const struct reference *t, size_t i, bool any_case)
{
    uint32_t a = reference_code(t, i + 1, any_case), b = reference_code(t, i + 2, any_case);
    if (i >= t->n || t->code[i] != '\'') return 0;
    if (a == 's' || a == 'd' || a == 'm' || a == 't') return 2;
    return (a == 'l' && b == 'l') || ((a == 'v' || a == 'r') && b == 'e') ? 3 : 0;
}

/* Where the elements from e on, matched from i on, end; SIZE_MAX: they don't. */
static inline size_t reference_elements(const struct reference *t, const struct element *e, size_t i)
{
    if (e->least == -6) return i;
    if (e->least == -4) return i == t->n ? reference_elements(t, e + 1, i) : SIZE_MAX;
    if (e->least == -5) return i == t->n || t->is[i] & IS_SPACE ? reference_elements(t, e + 1, i) : SIZE_MAX;
    if (e->least < 0) {
        size_t k = reference_contraction(t, i, e->least != -1);
        return k > 0 || e->least == -3 ? reference_elements(t, e + 1, i + k) : SIZE_MAX;
    }
    int most = 0;
    while (most < e->most && i + (size_t)most < t->n && t->is[i + (size_t)most] & e->any_of && !(t->is[i + (size_t)most] & e->none_of)) most++;
    for (int k = most; k >= e->least; k--) {
        size_t end = reference_elements(t, e + 1, i + (size_t)k);
        if (end != SIZE_MAX || e->possessive) return end;
    }
    return SIZE_MAX;
}

/* The end of the word that begins at character i; every one of these patterns matches everywhere. */
static inline size_t reference_match(const struct reference *t, const struct pattern *p, size_t i)
{
    for (int k = 0; k < 9; k++) {
        if (p->alternatives[k][0].least == 0 && p->alternatives[k][0].most == 0) break;
        size_t end = reference_elements(t, p->alternatives[k], i);
        if (end != SIZE_MAX && end > i) return end;
    }
    return SIZE_MAX;
}

#endif
