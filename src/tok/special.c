/* special.c: the narrowing search, and what a token asks for beside it. */
#include "tok/special.h"
#include "base/utf8.h"
#include "tok/normal.h"
#include "tok/unicode.h"
#include <stdlib.h>
#include <string.h>

struct range { size_t low, high; };

static int order(const rk_special *a, const rk_special *b)
{
    size_t n = a->text.n < b->text.n ? a->text.n : b->text.n;
    int r = memcmp(a->text.at, b->text.at, n);
    return r != 0 ? r : (a->text.n > b->text.n) - (a->text.n < b->text.n);
}

static int order_any(const void *a, const void *b) { return order(a, b); }

/* Sorted, with one first byte: the second of all of them, or -1. */
static int common_second(const struct specials *s)
{
    const rk_text *first = &s->at[0].text, *last = &s->at[s->n - 1].text;
    bool same = first->n > 1 && last->n > 1 && first->at[1] == last->at[1];
    return same ? (unsigned char)first->at[1] : -1;
}

rk_status specials_init(rk_ctx *ctx, struct specials *s, const rk_special *all, size_t n, bool normalized)
{
    *s = (struct specials){ .only = -1, .second = -1 };
    size_t wanted = 0;
    for (size_t i = 0; i < n; i++) wanted += all[i].normalized == normalized;
    TRY(NEW(s->at, wanted));
    int firsts = 0;
    for (size_t i = 0; i < n; i++) {
        if (all[i].normalized != normalized) continue;
        unsigned char first = (unsigned char)all[i].text.at[0];
        s->at[s->n++] = all[i];
        if (all[i].text.n > s->longest) s->longest = all[i].text.n;
        if (!s->begins[first]) firsts++;
        s->begins[first] = true;
        s->alone[first] |= all[i].single_word;
        s->eats |= all[i].rstrip;
        s->only = firsts == 1 ? first : -1;
    }
    if (s->n > 1) qsort(s->at, s->n, sizeof *s->at, order_any);
    if (s->only >= 0) s->second = common_second(s);
    return RK_OK;
}

bool specials_twins(const struct specials *s, const rk_special **a, const rk_special **b)
{
    for (size_t i = 1; i < s->n; i++) {
        *a = &s->at[i - 1];
        *b = &s->at[i];
        if (order(*a, *b) == 0) return true;
    }
    return false;
}

void specials_clear(rk_ctx *ctx, struct specials *s) { FREE(s->at, s->n); }

static bool goes_on(const struct specials *s, size_t i, size_t d, unsigned char c) { return s->at[i].text.n > d && (unsigned char)s->at[i].text.at[d] == c; }

/* Among the tokens of `r`, equal in their first d bytes, those whose byte d is `c`. A token of d bytes comes first, and all the others may be it. */
static struct range narrow(const struct specials *s, struct range r, size_t d, unsigned char c)
{
    if (s->at[r.low].text.n == d) r.low++;
    if (r.low == r.high || (goes_on(s, r.low, d, c) && goes_on(s, r.high - 1, d, c))) return r;
    struct range out = r;
    for (int side = 0; side < 2; side++) {
        size_t low = side == 0 ? r.low : out.low, high = r.high;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            const rk_text *t = &s->at[middle].text;
            bool below = t->n <= d || (side == 0 ? (unsigned char)t->at[d] < c : (unsigned char)t->at[d] <= c);
            if (below) low = middle + 1;
            else high = middle;
        }
        if (side == 0) out.low = low;
        else out.high = low;
    }
    return out;
}

static const rk_special *longest_at(const struct specials *s, const unsigned char *text, size_t n)
{
    struct range r = { 0, s->n };
    const rk_special *best = NULL;
    for (size_t d = 0; d < n; d++) {
        const rk_text *only = &s->at[r.low].text;
        if (r.high - r.low == 1) return only->n <= n && memcmp(only->at + d, text + d, only->n - d) == 0 ? &s->at[r.low] : best;
        r = narrow(s, r, d, text[d]);
        if (r.low == r.high) break;
        if (s->at[r.low].text.n == d + 1) best = &s->at[r.low];
    }
    return best;
}

#define EACH(byte) ((uint64_t)(byte) * 0x0101010101010101u)

/* The first place where both bytes stand, or n; eight places at a time. */
static size_t find_two(const unsigned char *text, size_t n, size_t i, int first, int second)
{
    for (; i < n && n - i > 8; i += 8) {
        uint64_t a, b;
        memcpy(&a, text + i, 8);
        memcpy(&b, text + i + 1, 8);
        uint64_t other = (a ^ EACH(first)) | (b ^ EACH(second));
        if ((other - EACH(1)) & ~other & EACH(0x80)) break;           /* some byte of it is zero */
    }
    while (i + 1 < n && (text[i] != first || text[i + 1] != second)) i++;
    return i + 1 < n ? i : n;
}

static size_t next_place(const struct specials *s, const unsigned char *text, size_t n, size_t i)
{
    if (s->second >= 0) return find_two(text, n, i, s->only, s->second);
    if (s->only >= 0) {
        const unsigned char *p = i < n ? memchr(text + i, s->only, n - i) : NULL;
        return p == NULL ? n : (size_t)(p - text);
    }
    while (i < n && !s->begins[text[i]]) i++;
    return i;
}

/* ---- what stands beside ---- */

/* The character before i > 0, and where it begins; a stray byte is a character too. */
static uint32_t before(const unsigned char *text, size_t i, size_t *begin)
{
    uint32_t code;
    for (size_t k = 1; k <= 4 && k <= i; k++)
        if (utf8_next((const char *)text + i - k, k, &code) == k && code != UTF8_INVALID) {
            *begin = i - k;
            return code;
        }
    *begin = i - 1;
    return UTF8_INVALID;
}

static bool is_space(uint32_t code) { return code != UTF8_INVALID && unicode_class(code) == CLASS_SPACE; }
static bool is_word(uint32_t code) { return code != UTF8_INVALID && normal_kind(code).flags & NORMAL_WORD; }

static bool stands_alone(const unsigned char *text, size_t n, size_t begin, size_t end)
{
    uint32_t code;
    size_t ignored;
    if (begin > 0 && is_word(before(text, begin, &ignored))) return false;
    if (end == n) return true;
    (void)utf8_next((const char *)text + end, n - end, &code);
    return !is_word(code);
}

static size_t spaces_before(const unsigned char *text, size_t i, size_t least)
{
    size_t begin;
    while (i > least && is_space(before(text, i, &begin)) && begin >= least) i = begin;
    return i;
}

static size_t spaces_behind(const unsigned char *text, size_t n, size_t i)
{
    uint32_t code;
    for (size_t step; i < n; i += step) {
        step = utf8_next((const char *)text + i, n - i, &code);
        if (!is_space(code)) break;
    }
    return i;
}

bool specials_next(const struct specials *s, const unsigned char *text, size_t n, struct special_walk *w, struct special_match *m)
{
    if (s->n == 0) return false;
    while ((w->search = next_place(s, text, n, w->search)) < n) {
        size_t begin = w->search;
        const rk_special *token = longest_at(s, text + begin, n - begin);
        w->search += token == NULL ? 1 : token->text.n;
        if (token == NULL || (w->plain && token->special) || (token->single_word && !stands_alone(text, n, begin, w->search))) continue;
        *m = (struct special_match){ token, !token->lstrip ? begin : begin < w->taken ? w->taken : spaces_before(text, begin, w->taken),
                                     token->rstrip ? spaces_behind(text, n, w->search) : w->search };
        if (m->begin >= m->end) continue;                             /* the token before took all of it */
        return true;
    }
    return false;
}

void special_trim(const unsigned char *text, struct special_match *m, bool keep_one)
{
    uint32_t code;
    size_t begin = spaces_behind(text, m->end, m->begin), one = utf8_next((const char *)text + m->begin, m->end - m->begin, &code);
    if (!keep_one || begin != m->begin + one) m->begin = begin;
    m->end = spaces_before(text, m->end, m->begin);
}

/* ---- cuts ---- */

static bool goes_beyond(const struct specials *s, const unsigned char *text, size_t n)
{
    struct range r = { 0, s->n };
    for (size_t d = 0; d < n && r.low < r.high; d++) r = narrow(s, r, d, text[d]);
    return r.low < r.high;
}

static bool takes_what_follows(const struct specials *s, const unsigned char *text, size_t n)
{
    const rk_special *token = s->eats ? longest_at(s, text, n) : NULL;
    return token != NULL && token->text.n == n && token->rstrip;
}

bool specials_straddle(const struct specials *s, const unsigned char *text, size_t cut)
{
    size_t back = s->longest < cut ? s->longest : cut;
    if (s->n > 0 && s->alone[text[cut]]) return true;                 /* it looks at what is before it */
    for (size_t k = 1; k <= back; k++) {                              /* a token that began k bytes before the cut */
        const unsigned char *from = text + cut - k;
        if (s->begins[*from] && (goes_beyond(s, from, k + 1) || takes_what_follows(s, from, k))) return true;
    }
    return false;
}
