/* test_tok_reference.h: GPT-2's pattern applied slowly, alternative by alternative, over classes of whole characters; written apart
 * from the scanner that it checks, from the definition of UTF-8 on. */
#ifndef TEST_TOK_REFERENCE_H
#define TEST_TOK_REFERENCE_H
#include "tok/unicode.h"
#include <stdbool.h>
#include <stddef.h>

enum { REFERENCE_MOST = 4096 };

struct reference { unsigned char class[REFERENCE_MOST], byte[REFERENCE_MOST]; size_t at[REFERENCE_MOST + 1], n; };

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

static inline void reference_read(const char *bytes, size_t n, struct reference *t)
{
    t->n = 0;
    for (size_t i = 0; i < n;) {
        uint32_t code = 0;
        size_t step = reference_character((const unsigned char *)bytes + i, n - i, &code);
        t->class[t->n] = step == 0 ? CLASS_OTHER : (unsigned char)unicode_class(code);
        t->byte[t->n] = (unsigned char)bytes[i];
        t->at[t->n++] = i;
        i += step == 0 ? 1 : step;
    }
    t->at[t->n] = n;
}

static inline size_t reference_run(const struct reference *t, size_t i, unsigned class)
{
    while (i < t->n && t->class[i] == class) i++;
    return i;
}

static inline bool reference_is(const struct reference *t, size_t i, char c) { return i < t->n && t->byte[i] == (unsigned char)c && t->at[i + 1] - t->at[i] == 1; }

static inline size_t reference_match(const struct reference *t, size_t i)
{
    if (reference_is(t, i, '\'')) {                                             /* '(?:[sdmt]|ll|ve|re) */
        if (reference_is(t, i + 1, 's') || reference_is(t, i + 1, 'd') || reference_is(t, i + 1, 'm') || reference_is(t, i + 1, 't')) return i + 2;
        if (reference_is(t, i + 1, 'l') && reference_is(t, i + 2, 'l')) return i + 3;
        if ((reference_is(t, i + 1, 'v') || reference_is(t, i + 1, 'r')) && reference_is(t, i + 2, 'e')) return i + 3;
    }
    static const unsigned classes[] = { CLASS_LETTER, CLASS_NUMBER, CLASS_OTHER };
    for (int k = 0; k < 3; k++) {                                     /* ?\p{L}+ and so on: with the space, else without */
        size_t begin = i + reference_is(t, i, ' ');
        if (reference_run(t, begin, classes[k]) > begin) return reference_run(t, begin, classes[k]);
        if (reference_run(t, i, classes[k]) > i) return reference_run(t, i, classes[k]);
    }
    size_t end = reference_run(t, i, CLASS_SPACE);
    for (size_t k = end; k > i; k--)                                  /* \s+(?!\S), giving back one by one */
        if (k == t->n || t->class[k] == CLASS_SPACE) return k;
    return end;                                                       /* \s+ */
}

#endif
