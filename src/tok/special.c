/* special.c: the narrowing search, and what a token asks for beside it. */
#include "tok/special.h"
#include "base/utf8.h"
#include "tok/normal.h"
#include "tok/unicode.h"
#include <string.h>

enum { STEPS_FREE = 256, STEPS_PER_BYTE = 8, STEP_BYTES = 16 };       /* before the automaton; what memcmp reads in a step */

struct range { size_t low, high; };

/* Byte d of a token that has one. */
static unsigned char byte_of(const struct specials *s, size_t i, size_t d)
{
    if (s->keys != NULL && d < 8) return (unsigned char)(s->keys[i] >> (56 - 8 * d));
    return (unsigned char)s->at[i].text.at[d];
}

/* Among the tokens of `r`, equal in their first d bytes, those whose byte d is `c`. A token of d bytes comes first, and all the others may be it. */
static struct range narrow(const struct specials *s, struct range r, size_t d, unsigned char c)
{
    if (s->at[r.low].text.n == d) r.low++;
    if (r.low == r.high || (byte_of(s, r.low, d) == c && byte_of(s, r.high - 1, d) == c)) return r;
    struct range out = r;
    for (int side = 0; side < 2; side++) {
        size_t low = side == 0 ? r.low : out.low, high = r.high;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            unsigned char byte = byte_of(s, middle, d);
            if (side == 0 ? byte < c : byte <= c) low = middle + 1;
            else high = middle;
        }
        if (side == 0) out.low = low;
        else out.high = low;
    }
    return out;
}

/* Where the search begins: those of the first two bytes, where there is a table and a second byte; *best is the token of the first alone. */
static struct range start(const struct specials *s, const unsigned char *text, size_t n, size_t *d, const rk_special **best)
{
    *d = 0;
    *best = NULL;
    if (s->pairs == NULL || n < 2) return (struct range){ 0, s->n };
    unsigned pair = (unsigned)text[0] << 8 | text[1];
    struct range r = { s->pairs[pair], s->pairs[pair + 1] };
    size_t one = s->pairs[(unsigned)text[0] << 8];                    /* if there is one, it comes first */
    if (one < s->n && s->at[one].text.n == 1 && (unsigned char)s->at[one].text.at[0] == text[0]) *best = &s->at[one];
    r.low += *best != NULL && r.low == one && r.low < r.high;         /* the second byte is 0 */
    if (r.low < r.high && s->at[r.low].text.n == 2) *best = &s->at[r.low];
    *d = 2;
    return r;
}

/* Its steps are added; where they are more than `limit`, it may have given up. */
static const rk_special *longest_at(const struct specials *s, const unsigned char *text, size_t n, size_t limit, size_t *steps)
{
    size_t d;
    const rk_special *best;
    struct range r = start(s, text, n, &d, &best);
    for (; d < n && r.low < r.high && *steps + d <= limit; d++) {
        const rk_text *only = &s->at[r.low].text;
        if (r.high - r.low == 1) {
            *steps += (only->n - d) / STEP_BYTES;
            if (only->n <= n && memcmp(only->at + d, text + d, only->n - d) == 0) best = &s->at[r.low];
            break;
        }
        r = narrow(s, r, d, text[d]);
        if (r.low < r.high && s->at[r.low].text.n == d + 1) best = &s->at[r.low];
    }
    *steps += d + 1;
    return best;
}

/* What begins at each of the next places, from right to left: a token is met at its last byte, which may lie behind them. */
static void look_ahead(const struct specials *s, const unsigned char *text, size_t n, struct special_walk *w)
{
    const struct aho *a = &s->backward;
    size_t left = n - w->search;
    uint32_t state = 0;
    w->from = w->search;
    w->n_known = left < SPECIAL_BLOCK ? left : SPECIAL_BLOCK;
    for (size_t i = left - w->n_known < s->longest ? left : w->n_known + s->longest; i-- > 0;) {
        state = aho_step(a, state, text[w->from + i]);
        if (i < w->n_known) w->known[i] = a->out[state];
    }
    w->since = w->from + w->n_known;
    w->steps = 0;
}

static const rk_special *token_at(const struct specials *s, const unsigned char *text, size_t n, struct special_walk *w)
{
    if (w->search - w->from >= w->n_known) {
        size_t limit = s->backward.n == 0 ? SIZE_MAX : STEPS_FREE + (w->search - w->since) * STEPS_PER_BYTE;
        const rk_special *token = longest_at(s, text + w->search, n - w->search, limit, &w->steps);
        if (w->steps <= limit) return token;
        look_ahead(s, text, n, w);
    }
    uint32_t found = w->known[w->search - w->from];
    return found > 0 ? &s->at[found - 1] : NULL;
}

#define X(isa) [ISA_##isa] = special_find_##isa,
special_find *const special_finds[ISA_COUNT] = { FOR_EVERY_ISA(X) };
#undef X

static size_t next_place(const struct specials *s, const unsigned char *text, size_t n, size_t i)
{
    if (s->second >= 0) return s->find(text, n, i, s->only, s->second);
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
        const rk_special *token = token_at(s, text, n, w);
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
    size_t d;
    const rk_special *ignored;
    struct range r = start(s, text, n, &d, &ignored);
    for (; d < n && r.low < r.high; d++) r = narrow(s, r, d, text[d]);
    return r.low < r.high;
}

static bool takes_what_follows(const struct specials *s, const unsigned char *text, size_t n)
{
    size_t ignored = 0;
    const rk_special *token = s->eats ? longest_at(s, text, n, SIZE_MAX, &ignored) : NULL;
    return token != NULL && token->text.n == n && token->rstrip;
}

/* The longest beginning of a token that ends with the byte behind the cut has more than that byte, or one that takes what follows ends before it. */
static bool straddles(const struct specials *s, const unsigned char *text, size_t cut, size_t back)
{
    uint32_t state = 0;
    for (size_t i = cut - back; i < cut; i++) state = aho_step(&s->forward, state, text[i]);
    return s->forward.out[state] > 0 || aho_deep(&s->forward, aho_step(&s->forward, state, text[cut]));
}

bool specials_straddle(const struct specials *s, const unsigned char *text, size_t cut)
{
    size_t back = s->longest < cut ? s->longest : cut;
    if (s->n > 0 && s->alone[text[cut]]) return true;                 /* it looks at what is before it */
    if (s->forward.n > 0) return straddles(s, text, cut, back);
    for (size_t k = 1; k <= back; k++) {                              /* a token that began k bytes before the cut */
        const unsigned char *from = text + cut - k;
        if (s->begins[*from] && (goes_beyond(s, from, k + 1) || takes_what_follows(s, from, k))) return true;
    }
    return false;
}
