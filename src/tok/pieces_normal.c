/* pieces_normal.c: text as SentencePiece looks at it: what the model's trie knows is replaced, the longest first; runs of blanks are
 * one, a blank stands in front, and blanks are U+2581. Bytes that are no UTF-8 become U+FFFD. */
#include "base/utf8.h"
#include "tok/pieces.h"
#include <string.h>

/* A unit of Darts: its label, whether a value hangs below, and how far its children are away. */
static uint32_t label_of(uint32_t unit)  { return unit & (1u << 31 | 0xff); }
static bool     has_leaf(uint32_t unit)  { return (unit >> 8 & 1) != 0; }
static uint32_t value_of(uint32_t unit)  { return unit & ((1u << 31) - 1); }
static size_t   offset_of(uint32_t unit) { return (size_t)(unit >> 10) << ((unit & 1u << 9) >> 6); }

/* Bytes of the longest beginning that has a replacement, and where that lies; 0: none. */
static size_t longest(const struct pieces *p, const char *text, size_t n, size_t *at)
{
    size_t node = 0, found = 0;
    if (p->n_trie == 0) return 0;
    node ^= offset_of(p->trie[0]);
    for (size_t i = 0; i < n; i++) {
        node ^= (unsigned char)text[i];
        if (node >= p->n_trie || label_of(p->trie[node]) != (unsigned char)text[i]) break;
        uint32_t unit = p->trie[node];
        node ^= offset_of(unit);
        if (!has_leaf(unit)) continue;
        if (node >= p->n_trie) break;
        *at = value_of(p->trie[node]);
        found = i + 1;
    }
    return *at < p->n_replaced ? found : 0;
}

/* A piece of the user's own at the beginning of a text. */
static size_t users_own(const struct pieces *p, const char *text, size_t n)
{
    for (size_t m = p->user ? (n < p->longest ? n : p->longest) : 0; m > 0; m--) {
        int i = pieces_find(p, text, m);
        if (i >= 0 && p->at.at[i].type == PIECE_USER) return m;
    }
    return 0;
}

/* What the beginning of a text becomes, and how much of it that is. */
static rk_text replacement(const struct pieces *p, const char *text, size_t n, size_t *taken)
{
    size_t at = 0;
    uint32_t code;
    *taken = users_own(p, text, n);
    if (*taken > 0) return (rk_text){ text, *taken };
    *taken = longest(p, text, n, &at);
    if (*taken > 0) return (rk_text){ p->replaced + at, strlen(p->replaced + at) };
    *taken = utf8_next(text, n, &code);
    if (code != UTF8_INVALID) return (rk_text){ text, *taken };
    *taken = 1;
    return (rk_text){ "\xef\xbf\xbd", 3 };
}

static rk_status put(rk_ctx *ctx, const struct pieces *p, struct str *out, rk_text x)
{
    for (size_t i = 0; i < x.n; i++) {
        if (p->escape && x.at[i] == ' ') TRY(str_text(ctx, out, PIECES_BLANK));
        else TRY(str_add(ctx, out, x.at + i, 1));
    }
    return RK_OK;
}

static bool ends_in(const struct str *s, const char *end)
{
    int n = (int)strlen(end);
    return s->n >= n && memcmp(s->at + s->n - n, end, (size_t)n) == 0;
}

rk_status pieces_normalize(rk_ctx *ctx, const struct pieces *p, const char *text, size_t n, struct str *out)
{
    const char *blank = p->escape ? PIECES_BLANK : " ";
    bool after_blank = p->squeeze;
    size_t at = 0, taken;
    for (rk_text x; p->squeeze && at < n; at += taken) {
        x = replacement(p, text + at, n - at, &taken);
        if (x.n != 1 || x.at[0] != ' ') break;
    }
    if (at == n) return RK_OK;
    if (p->prefix) TRY(str_text(ctx, out, blank));
    for (; at < n; at += taken) {
        rk_text x = replacement(p, text + at, n - at, &taken);
        while (after_blank && x.n > 0 && x.at[0] == ' ') x.at++, x.n--;
        TRY(put(ctx, p, out, x));
        if (x.n > 0) after_blank = x.at[x.n - 1] == ' ';
        if (!p->squeeze) after_blank = false;
    }
    while (p->squeeze && ends_in(out, blank)) out->n -= (int)strlen(blank);
    return RK_OK;
}
