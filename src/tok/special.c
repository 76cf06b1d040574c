/* special.c: the narrowing search. */
#include "tok/special.h"
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

rk_status specials_init(rk_ctx *ctx, struct specials *s, const rk_special *all, size_t n, bool normalized)
{
    *s = (struct specials){ .only = -1 };
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
        s->only = firsts == 1 ? first : -1;
    }
    if (s->n > 1) qsort(s->at, s->n, sizeof *s->at, order_any);
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

/* Among the tokens of `r`, equal in their first d bytes, those whose byte d is `c`. A token of d bytes comes first. */
static struct range narrow(const struct specials *s, struct range r, size_t d, unsigned char c)
{
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
        r = narrow(s, r, d, text[d]);
        if (r.low == r.high) break;
        if (s->at[r.low].text.n == d + 1) best = &s->at[r.low];
    }
    return best;
}

static size_t next_place(const struct specials *s, const unsigned char *text, size_t n, size_t i)
{
    if (s->only >= 0) {
        const unsigned char *p = i < n ? memchr(text + i, s->only, n - i) : NULL;
        return p == NULL ? n : (size_t)(p - text);
    }
    while (i < n && !s->begins[text[i]]) i++;
    return i;
}

bool specials_next(const struct specials *s, const unsigned char *text, size_t n, size_t from, size_t *begin, const rk_special **found)
{
    if (s->n == 0) return false;
    for (size_t i = from; (i = next_place(s, text, n, i)) < n; i++) {
        *found = longest_at(s, text + i, n - i);
        if (*found == NULL) continue;
        *begin = i;
        return true;
    }
    return false;
}

static bool goes_beyond(const struct specials *s, const unsigned char *text, size_t n)
{
    struct range r = { 0, s->n };
    for (size_t d = 0; d < n && r.low < r.high; d++) r = narrow(s, r, d, text[d]);
    return r.low < r.high;
}

bool specials_straddle(const struct specials *s, const unsigned char *text, size_t cut)
{
    size_t back = s->longest < cut + 1 ? s->longest : cut + 1;
    for (size_t k = 1; k < back; k++)                                 /* a token that began k bytes before the cut */
        if (s->begins[text[cut - k]] && goes_beyond(s, text + cut - k, k + 1)) return true;
    return false;
}
