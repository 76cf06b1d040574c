/* webtext.c: see webtext.h. */
#include "webtext.h"
#include <math.h>
#include <string.h>

enum { HEAD = 16, FORMS = 10, ONSETS = 20, NUCLEI = 9, LONGEST = 64 };       /* HEAD: octaves of words that are drawn by Zipf's law */

static const char *const onsets[ONSETS] = { "th", "w", "t", "h", "s", "b", "f", "m", "r", "l", "d", "n", "p", "c", "g", "st", "ch", "v", "pr", "k" };
static const char *const nuclei[NUCLEI] = { "e", "o", "a", "i", "u", "en", "ar", "on", "ea" };
static const char *const forms[FORMS] = { "", "", "s", "ed", "ing", "er", "ly", "ion", "al", "ness" };       /* the second: a capital */

static uint64_t draw(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* How many different words the first `page` pages have. */
static uint64_t words_before(uint64_t page)
{
    double n = (double)page * WEBTEXT_PAGE, root = sqrt(n);
    return 64 + (uint64_t)(3.12 * (root * sqrt(sqrt(sqrt(n)))));
}

/* A known word, by the order of their births. */
static uint64_t old_word(uint64_t *state, uint64_t known)
{
    for (;;) {
        uint64_t x = draw(state), octave = x % HEAD;
        if ((x >> 32 & 1023) < 40) {
            octave = HEAD;
            while ((draw(state) >> 40 & 1023) < 671) octave++;                /* each octave has 0.655 of the one before */
        }
        if (octave > 40) continue;
        uint64_t word = ((uint64_t)1 << octave) + (draw(state) & (((uint64_t)1 << octave) - 1)) - 1;
        if (word < known) return word;
    }
}

static size_t put(unsigned char *to, const char *text)
{
    size_t n = strlen(text);
    memcpy(to, text, n);
    return n;
}

static size_t spell(uint64_t word, unsigned char *to)
{
    size_t n = 0;
    uint64_t form = word % FORMS, stem = word / FORMS, before = 0;
    for (to[n++] = ' ';; stem = stem / (ONSETS * NUCLEI) - 1) {
        uint64_t digit = stem % (ONSETS * NUCLEI);
        n += put(to + n, onsets[(digit + before * 7) % ONSETS]);
        n += put(to + n, nuclei[(digit / ONSETS + before) % NUCLEI]);
        before = digit;
        if (stem < ONSETS * NUCLEI) break;
    }
    if (form == 1) to[1] = (unsigned char)(to[1] - 'a' + 'A');
    return n + put(to + n, forms[form]);
}

static size_t between(uint64_t x, unsigned char *to)
{
    static const char *const marks[16] = { ",", ".", ",", ".", ",", ".", ".\n\n", "?", " -", ":", " \xe2\x80\x9c", "\xe2\x80\x9d", "\xe2\x80\x99s", " (", ")", ";" };
    if (x % 5 != 0) return 0;
    if (x / 5 % 9 != 0) return put(to, marks[x >> 20 & 15]);
    uint64_t number = x >> 24 & 0x7ff;
    to[0] = ' ';
    for (int i = 4; i > 0; i--, number /= 10) to[i] = (unsigned char)('0' + number % 10);
    return 5;
}

void webtext_page(uint64_t seed, uint64_t page, unsigned char to[WEBTEXT_PAGE])
{
    uint64_t state = seed * 0xd6e8feb86659fd93u + page * 0xa0761d6478bd642fu + 1;
    uint64_t known = words_before(page), births = words_before(page + 1) - known, born = 0;
    size_t n = 0;
    while (n < WEBTEXT_PAGE) {
        unsigned char piece[2 * LONGEST];
        size_t due = (size_t)((double)births * ((double)n / WEBTEXT_PAGE));
        size_t k = spell(born < due ? known + born++ : old_word(&state, known + born), piece);
        k += between(draw(&state), piece + k);
        if (k > WEBTEXT_PAGE - n) k = WEBTEXT_PAGE - n;
        memcpy(to + n, piece, k);
        n += k;
    }
}
