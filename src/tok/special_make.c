/* special_make.c: special tokens in order, and the tables and automata with which they are sought (special.c). */
#include "tok/special.h"
#include <stdlib.h>
#include <string.h>

enum { PAIRS = 1 << 16 };

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

static unsigned pair_of(const rk_text *t) { return (unsigned)(unsigned char)t->at[0] << 8 | (t->n > 1 ? (unsigned char)t->at[1] : 0); }

static rk_status make_tables(rk_ctx *ctx, struct specials *s)
{
    TRY(NEW(s->pairs, PAIRS + 1));
    TRY(NEW(s->keys, s->n));
    size_t pair = 0;
    for (size_t i = 0; i < s->n; i++) {
        const rk_text *t = &s->at[i].text;
        while (pair <= pair_of(t)) s->pairs[pair++] = (uint32_t)i;
        for (size_t d = 0; d < 8 && d < t->n; d++) s->keys[i] |= (uint64_t)(unsigned char)t->at[d] << (56 - 8 * d);
    }
    while (pair <= PAIRS) s->pairs[pair++] = (uint32_t)s->n;
    return RK_OK;
}

static rk_status make_automata(rk_ctx *ctx, struct specials *s)
{
    struct aho_text *texts;
    TRY(NEW(texts, s->n));
    for (size_t i = 0; i < s->n; i++) texts[i] = (struct aho_text){ s->at[i].text, (uint32_t)i, true };
    rk_status status = aho_make(ctx, &s->backward, texts, s->n, true);
    for (size_t i = 0; i < s->n; i++) texts[i].told = s->at[texts[i].index].rstrip;
    if (status == RK_OK) status = aho_make(ctx, &s->forward, texts, s->n, false);
    FREE(texts, s->n);
    return status;
}

rk_status specials_init(rk_ctx *ctx, struct specials *s, const rk_special *all, size_t n, bool normalized)
{
    *s = (struct specials){ .only = -1, .second = -1, .find = special_finds[isa_best()] };
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
    if (s->n >= SPECIAL_MANY) TRY(make_tables(ctx, s));
    return s->longest > SPECIAL_SHORT ? make_automata(ctx, s) : RK_OK;
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

void specials_clear(rk_ctx *ctx, struct specials *s)
{
    FREE(s->pairs, PAIRS + 1);
    FREE(s->keys, s->n);
    aho_clear(ctx, &s->backward);
    aho_clear(ctx, &s->forward);
    FREE(s->at, s->n);
}
