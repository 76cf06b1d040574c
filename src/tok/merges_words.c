/* merges_words.c: the words dealt out to parts, short ones as records, long ones place by place. */
#include "base/par.h"
#include "tok/learn_part.h"

enum { LINE = 8, LEAST_ROOM = 16 << 20 };                             /* units of a cache line; bytes for lists, at least */

struct dealt { int64_t weight; uint64_t symbols; size_t units, n_long, long_bytes; bool is_too_much; };
struct deal { struct learn *l; const struct counter *counter; struct dealt *dealt; bool has_long[WORD_PARTS]; };

static bool is_short(const struct word_slot *slot, size_t n) { return n <= SHORT_MOST && slot->count < (uint64_t)1 << 55; }

/* Where a record of so many units goes when `at` are used: not across a line that it could spare. */
static size_t place_of(size_t at, size_t units) { return at % LINE + units > LINE && units <= LINE ? (at + LINE - 1) / LINE * LINE : at; }

typedef void on_word(struct deal *d, int task, int part, const struct word_slot *slot, const char *text, size_t n);

/* The words of one part of the table that hold a pair. */
static bool each_word(struct deal *d, int task, int part, on_word *on)
{
    struct words made = { 0 };
    const struct word_part *p = counter_part(&d->l->share, d->counter, part, &made);
    for (size_t i = 0; p != NULL && i < p->room; i++) {
        char small[16];
        size_t n;
        if (p->slots[i].high == 0 || p->slots[i].count == 0) continue;
        const char *text = word_text(p, &p->slots[i], small, &n);
        on(d, task, part, &p->slots[i], text, n);
    }
    counter_part_end(&d->l->share, part, &made);
    return p != NULL;
}

static size_t count_symbols(const struct merging *how, const char *text, size_t bytes)
{
    uint32_t ids[SHORT_MOST];
    size_t n = 0;
    for (size_t at = 0, taken; at < bytes; at += taken) n += how->symbols(how->of, (const unsigned char *)text + at, bytes - at, at == 0, ids, SHORT_MOST, &taken);
    return n;
}

static void measure_word(struct deal *d, int task, int part, const struct word_slot *slot, const char *text, size_t n)
{
    struct dealt *to = &d->dealt[task];
    int64_t here;                                                     /* no count of a pair can be greater than all symbols */
    if (__builtin_mul_overflow(slot->count, n, &here) || __builtin_add_overflow(to->weight, here, &to->weight)) to->is_too_much = true;
    n = count_symbols(d->l->how, text, n);
    if (n < 2) return;
    to->symbols += n;
    size_t units = record_units(n, d->l->parts[0].is_narrow);
    if (is_short(slot, n)) {
        to->units = place_of(to->units, units) + units;
    } else {
        to->n_long++;
        to->long_bytes += n + 1;
        d->has_long[part] = true;
    }
}

static void deal_short(struct deal *d, int task, int part, const struct word_slot *slot, const char *text, size_t bytes)
{
    struct part *p = &d->l->parts[task];
    uint32_t ids[SHORT_MOST];
    size_t taken, n = d->l->how->symbols(d->l->how->of, (const unsigned char *)text, bytes, true, ids, SHORT_MOST, &taken);
    (void)part;
    if (n < 2 || taken < bytes || !is_short(slot, n)) return;
    size_t units = record_units(n, p->is_narrow), at = place_of(p->n, units);
    uint64_t *r = (uint64_t *)p->symbols + at;
    *r = slot->count << 8 | n;
    for (size_t k = 0; k < n; k++) symbol_put(r + 1, k, ids[k], p->is_narrow);
    p->n = at + units;
}

/* Long words, one after the other, with a NO_SYMBOL before, between and behind them. */
static void deal_long(struct deal *d, int task, int part, const struct word_slot *slot, const char *text, size_t bytes)
{
    struct part *p = &d->l->parts[task];
    const struct merging *how = d->l->how;
    uint32_t ids[SHORT_MOST];
    size_t n = count_symbols(how, text, bytes);
    (void)part;
    if (n < 2 || is_short(slot, n)) return;
    p->words[p->n_words++] = (struct long_word){ (uint32_t)p->n, (int64_t)slot->count };
    for (size_t at = 0, taken; at < bytes; at += taken) {
        size_t k = how->symbols(how->of, (const unsigned char *)text + at, bytes - at, at == 0, ids, SHORT_MOST, &taken);
        for (size_t i = 0; i < k; i++) symbol_put(p->symbols, p->n++, ids[i], p->is_narrow);
    }
    symbol_put(p->symbols, p->n++, NO_SYMBOL, p->is_narrow);
    p->words[p->n_words] = (struct long_word){ (uint32_t)p->n, 0 };
}

static void measure(void *arg, int64_t task, int worker)
{
    struct deal *d = arg;
    (void)worker;
    for (int part = (int)task; part < WORD_PARTS; part += d->l->n_short)
        if (!each_word(d, (int)task, part, measure_word)) return;
}

static void deal(void *arg, int64_t task, int worker)
{
    struct deal *d = arg;
    (void)worker;
    for (int part = (int)task; part < WORD_PARTS; part += d->l->n_short)
        if (!each_word(d, (int)task, part, deal_short)) return;
}

static rk_status take_symbols(rk_ctx *ctx, struct learn *l, struct part *p, size_t bytes)
{
    p->room = bytes + 64;
    p->memory = share_zeroed(&l->share, p->room, 1, "the words as symbols");
    if (p->memory == NULL) return ctx_pass(ctx, (rk_status)atomic_load(&l->share.status), __FILE__, __LINE__, __func__);
    p->symbols = (void *)(((uintptr_t)p->memory + 63) & ~(uintptr_t)63);
    return RK_OK;
}

/* Words with some room for the lists of the most frequent pairs, at least. */
static rk_status check_memory(rk_ctx *ctx, const struct learn *l, const struct dealt *dealt)
{
    uint64_t bytes = 0;
    for (int k = 0; k < l->n_short; k++) bytes += dealt[k].units * sizeof(uint64_t) + dealt[k].long_bytes * (l->parts[0].is_narrow ? 2 : 4);
    if (l->most_bytes == 0 || bytes + bytes / 4 + LEAST_ROOM <= l->how->memory) return RK_OK;
    (void)FAIL(RK_E_LIMIT, "the distinct words take %llu bytes while they are merged; %llu are allowed", (unsigned long long)bytes, (unsigned long long)l->how->memory);
    return ctx_hint(ctx, "allow at least %llu MiB", (unsigned long long)((bytes + bytes / 4 + LEAST_ROOM) >> 20) + 1);
}

static rk_status take_all(rk_ctx *ctx, struct learn *l, const struct dealt *dealt)
{
    struct dealt all = { 0 };
    TRY(check_memory(ctx, l, dealt));
    for (int k = 0; k < l->n_short; k++) {
        if (dealt[k].is_too_much || __builtin_add_overflow(all.weight, dealt[k].weight, &all.weight))
            return FAIL(RK_E_LIMIT, "the counts of all words add up to more than 63 bits hold");
        if (dealt[k].units > UINT32_MAX) return FAIL(RK_E_LIMIT, "the distinct words need more than %u records", UINT32_MAX);
        TRY(take_symbols(ctx, l, &l->parts[k], dealt[k].units * sizeof(uint64_t)));
        all.n_long += dealt[k].n_long;
        l->n_symbols += dealt[k].symbols;
        all.long_bytes += dealt[k].long_bytes;
    }
    if (all.long_bytes >= UINT32_MAX - 1) return FAIL(RK_E_LIMIT, "words of more than %d bytes hold %zu bytes together; %u are the limit", SHORT_MOST, all.long_bytes, UINT32_MAX - 2);
    if (all.n_long == 0) return RK_OK;
    struct part *p = &l->parts[l->n_parts++];
    *p = (struct part){ .share = &l->share, .is_long = true, .is_narrow = l->parts[0].is_narrow, .room_words = all.n_long + 1 };
    TRY(NEW(p->words, p->room_words));
    return take_symbols(ctx, l, p, (all.long_bytes + 1) * (p->is_narrow ? 2 : 4));
}

static rk_status deal_all(rk_ctx *ctx, struct deal *d)
{
    struct learn *l = d->l;
    par_for(ctx, l->n_short, measure, d);
    TRY((rk_status)atomic_load(&l->share.status));
    TRY(take_all(ctx, l, d->dealt));
    par_for(ctx, l->n_short, deal, d);
    TRY((rk_status)atomic_load(&l->share.status));
    if (l->n_parts == l->n_short) return RK_OK;
    symbol_put(l->parts[l->n_short].symbols, l->parts[l->n_short].n++, NO_SYMBOL, l->parts[0].is_narrow);
    for (int part = 0; part < WORD_PARTS; part++)
        if (d->has_long[part] && !each_word(d, l->n_short, part, deal_long)) break;
    return (rk_status)atomic_load(&l->share.status);
}

rk_status learn_words(rk_ctx *ctx, struct learn *l, struct counter *c)
{
    struct deal d = { .l = l, .counter = c };
    l->n_short = par_workers(ctx) < WORD_PARTS ? par_workers(ctx) : WORD_PARTS;
    TRY(NEW(l->parts, l->n_short + 1));
    l->n_parts = l->n_short;
    for (int k = 0; k < l->n_short; k++) l->parts[k] = (struct part){ .share = &l->share, .is_narrow = l->how->most_ids <= UINT16_MAX };
    TRY(counter_reduce(ctx, c));
    TRY(NEW(d.dealt, l->n_short));
    rk_status status = deal_all(ctx, &d);
    FREE(d.dealt, l->n_short);
    counter_empty(ctx, c);
    return status;
}
