/* pattern.c: what the two dialects read differently.
 *
 *   $        the very end here; every line's end there          ^        the very beginning; every line's
 *   {1,3}+   possessive here; there the group {1,3}, repeated   [a[b]]   a bracket; a class in a class. && likewise
 *   \w       see regex.c: made the same                         \b \h \v \R \X ...  different, and nothing one needs: declined
 *
 * Letters, numbers and white space depend on each engine's version of Unicode; that is not in the pattern's hands.
 * Source: doc/RE of Oniguruma 6.9; pcre2pattern(3); each difference tried with Hugging Face tokenizers 0.23. */
#include "tok/pattern.h"
#include <string.h>

struct walk { rk_ctx *ctx; const char *text; size_t n, at; bool from, in_class; struct str *out; };

static rk_status decline(struct walk *w, size_t at, const char *why)
{
    rk_ctx *ctx = w->ctx;
    size_t left = w->n - at;
    (void)FAIL(RK_E_DECLINED, "the pattern %.*s: \"%.*s\" at byte %zu %s", (int)(w->n < 200 ? w->n : 200), w->text, (int)(left < 8 ? left : 8), w->text + at, at, why);
    return ctx_hint(ctx, "Hugging Face tokenizers (Oniguruma) and this library (PCRE2) read it differently: write it in a way that both do");
}

static rk_status keep(struct walk *w, size_t n)
{
    w->at += n;
    return str_add(w->ctx, w->out, w->text + w->at - n, n);
}

static rk_status put(struct walk *w, const char *text)
{
    w->at++;
    return str_text(w->ctx, w->out, text);
}

static bool follows(const struct walk *w, size_t at, const char *text)
{
    size_t n = strlen(text);
    return w->n - at >= n && memcmp(w->text + at, text, n) == 0;
}

/* \p{L} and the like; signs of one meaning; every sign that is no letter or digit. */
static rk_status escape(struct walk *w)
{
    char c = w->at + 1 < w->n ? w->text[w->at + 1] : '\0';
    bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '\0';
    if (word && strchr(w->in_class ? "pPsSdDrntfxw" : "pPsSdDrntfxwWzA", c) == NULL) return decline(w, w->at, "is an escape with two meanings");
    return c == '\0' ? decline(w, w->at, "is an escape without an end") : keep(w, 2);
}

static rk_status in_class(struct walk *w)
{
    if (w->text[w->at] == '[') return decline(w, w->at, "is a bracket in a class: put a backslash before it");
    if (follows(w, w->at, "&&")) return decline(w, w->at, "is two signs, or an intersection");
    if (w->text[w->at] == ']') w->in_class = false;
    return keep(w, 1);
}

static rk_status open_class(struct walk *w)
{
    rk_ctx *ctx = w->ctx;
    w->in_class = true;
    TRY(keep(w, 1));
    if (w->at < w->n && w->text[w->at] == '^') TRY(keep(w, 1));
    return w->at < w->n && w->text[w->at] == ']' ? decline(w, w->at, "is a bracket that may end the class or not: put a backslash before it") : RK_OK;
}

static rk_status group(struct walk *w)
{
    static const char *const known[] = { "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:" };
    if (!follows(w, w->at, "(?")) return follows(w, w->at, "(*") ? decline(w, w->at, "is a verb of PCRE2's") : keep(w, 1);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (follows(w, w->at, known[i])) return keep(w, strlen(known[i]));
    return decline(w, w->at, "is a group of another kind than (?: (?= (?! (?<= (?<! (?> (?i:");
}

/* {n}, {n,}, {n,m}, {,m}; any other brace is itself in both. */
static rk_status brace(struct walk *w)
{
    size_t end = w->at + 1 + strspn(w->text + w->at + 1, "0123456789,");
    bool interval = end < w->n && end > w->at + 1 && w->text[end] == '}';
    if (!interval) return keep(w, 1);
    if (w->text[w->at + 1] == ',') return decline(w, w->at, "is an interval without a beginning");
    if (end + 1 < w->n && w->text[end + 1] == '+') return decline(w, w->at, "is possessive to one, and repeated to the other: (?>...) says the first");
    if (end + 1 < w->n && w->text[end + 1] == '?' && memchr(w->text + w->at, ',', end - w->at) == NULL) return decline(w, w->at, "is lazy to one, and optional to the other");
    return keep(w, end + 1 - w->at);
}

static rk_status step(struct walk *w)
{
    char c = w->text[w->at];
    if (c == '\\') return escape(w);
    if (w->in_class) return in_class(w);
    if (c == '[') return open_class(w);
    if (c == '(') return group(w);
    if (c == '{') return brace(w);
    if (c == '$') return put(w, w->from ? "(?=\\n|\\z)" : "\\z");
    if (c == '^') return put(w, w->from ? "(?<![^\\n])" : "\\A");
    return keep(w, 1);
}

static rk_status walk(rk_ctx *ctx, const char *pattern, size_t n, bool from, struct str *out)
{
    struct walk w = { ctx, pattern, n, 0, from, false, out };
    if (memchr(pattern, 0, n) != NULL) return FAIL(RK_E_DECLINED, "a pattern with a zero in it");
    while (w.at < n) TRY(step(&w));
    return RK_OK;
}

rk_status pattern_from_oniguruma(rk_ctx *ctx, const char *pattern, size_t n, struct str *ours) { return walk(ctx, pattern, n, true, ours); }
rk_status pattern_to_oniguruma(rk_ctx *ctx, const char *pattern, size_t n, struct str *theirs) { return walk(ctx, pattern, n, false, theirs); }
