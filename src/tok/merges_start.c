/* merges_start.c: where merging starts: the words as records, and all pairs of bytes, counted in one dense array, each with the list of the
 * words that hold it. */
#include "tok/learn.h"

static rk_status measure(rk_ctx *ctx, const struct words *words, size_t *units)
{
    uint64_t total = 0;
    int64_t weight = 0, here;                                         /* no count of a pair can be greater than all symbols */
    for (int part = 0; part < WORD_PARTS; part++)
        for (size_t i = 0; i < words->part[part].room; i++) {
            const struct word_slot *slot = &words->part[part].slots[i];
            char small[16];
            size_t n = 0;
            if (slot->high != 0) (void)word_text(&words->part[part], slot, small, &n);
            if (__builtin_mul_overflow(slot->count, n, &here) || __builtin_add_overflow(weight, here, &weight))
                return FAIL(RK_E_LIMIT, "the counts of all words add up to more than 63 bits hold");
            if (n > 1) total += SYMBOLS + n;
            if (total > UINT32_MAX) return FAIL(RK_E_LIMIT, "the distinct words hold more than %u symbols together", UINT32_MAX);
        }
    *units = (size_t)total;
    return RK_OK;
}

rk_status learn_words(rk_ctx *ctx, struct learn *l, struct words *words)
{
    uint32_t id_of[256];
    for (uint32_t i = 0; i < 256; i++) id_of[l->how->byte_of[i]] = i;
    TRY(measure(ctx, words, &l->n_units));
    TRY(NEW(l->records, l->n_units));
    uint32_t *to = l->records;
    for (int part = 0; part < WORD_PARTS; part++)
        for (size_t i = 0; i < words->part[part].room; i++) {
            const struct word_slot *slot = &words->part[part].slots[i];
            char small[16];
            size_t n = 0;
            const char *text = slot->high != 0 ? word_text(&words->part[part], slot, small, &n) : NULL;
            if (n < 2) continue;                                      /* has no pair */
            to[COUNT_LOW] = (uint32_t)slot->count;
            to[COUNT_HIGH] = (uint32_t)(slot->count >> 32);
            to[LENGTH] = (uint32_t)n;
            for (size_t k = 0; k < n; k++) to[SYMBOLS + k] = id_of[(unsigned char)text[k]];
            to += SYMBOLS + n;
        }
    words_clear(ctx, words);
    return RK_OK;
}

/* For every pair of bytes: its count, and the list of words that hold it (each once). */
struct first { int64_t count; uint32_t *list; size_t n; uint32_t last; };

static void first_count(const struct learn *l, struct first *firsts)
{
    for (size_t at = 0; at < l->n_units; at += SYMBOLS + l->records[at + LENGTH]) {
        const uint32_t *r = l->records + at, *x = r + SYMBOLS;
        for (uint32_t i = 0; i + 1 < r[LENGTH]; i++) {
            struct first *f = &firsts[x[i] << 8 | x[i + 1]];
            f->count += count_of(r);
            if (f->n > 0 && f->last == (uint32_t)at) continue;
            f->last = (uint32_t)at;
            f->n++;
        }
    }
}

static void first_list(const struct learn *l, struct first *firsts)
{
    for (size_t at = 0; at < l->n_units; at += SYMBOLS + l->records[at + LENGTH]) {
        const uint32_t *r = l->records + at, *x = r + SYMBOLS;
        for (uint32_t i = 0; i + 1 < r[LENGTH]; i++) {
            struct first *f = &firsts[x[i] << 8 | x[i + 1]];
            if (f->n > 0 && f->last == (uint32_t)at) continue;
            f->last = (uint32_t)at;
            f->list[f->n++] = (uint32_t)at;
        }
    }
}

static rk_status first_push(rk_ctx *ctx, struct learn *l, uint32_t key, const struct first *f)
{
    struct pair *p;
    uint64_t wide = pair_key(key >> 8, key & 255);
    TRY(pairs_add(ctx, &l->pairs, wide, &p));
    p->count = f->count;
    if (f->count < (int64_t)l->how->least) return RK_OK;
    return heap_push(ctx, &l->heap, (struct candidate){ f->count, wide, f->list, f->n });
}

rk_status learn_first_pairs(rk_ctx *ctx, struct learn *l)
{
    rk_status status;
    struct first *firsts;
    TRY(NEW(firsts, 1 << 16));
    first_count(l, firsts);
    for (uint32_t key = 0; key < 1 << 16; key++) {
        if (firsts[key].n == 0) continue;
        GO(lists_take(ctx, &l->lists, firsts[key].n, &firsts[key].list));
        firsts[key].n = 0;
    }
    first_list(l, firsts);
    for (uint32_t key = 0; key < 1 << 16; key++)
        if (firsts[key].n > 0) GO(first_push(ctx, l, key, &firsts[key]));
out:
    FREE(firsts, 1 << 16);
    return status;
}
