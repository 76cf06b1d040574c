/* merges_start.c: where merging starts: the words dealt out to parts; all pairs counted, and listed with the places that hold them.
 *
 * Counting all pairs anew can be done at any time. It is done a second time when too many were forgotten: pairs that are rare when they are
 * born would seldom be merged, and only fall; so those below a guess of the last merge's count are not kept. */
#include "base/par.h"
#include "tok/learn_part.h"

enum { GUESS = 16, RANK = 64, LINE = 8, LEAST_ROOM = 16 << 20, PAIR_BYTES = 256, CLASSES_MOST = 256 };      /* LINE: units of a cache line */

/* ---- words ---- */

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

/* ---- pairs ---- */

typedef bool on_pair(struct part *p, const struct learn *l, uint64_t key, int64_t count, uint32_t place);

static inline bool each_short(struct part *p, const struct learn *l, on_pair *on, bool narrow)
{
    const uint64_t *records = p->symbols;
    for (size_t at = 0; at < p->n;) {
        uint64_t head = records[at];
        size_t n = head & 0xff;
        uint32_t left = n > 0 ? symbol_at(records + at + 1, 0, narrow) : 0;
        for (size_t i = 1; i < n; i++) {
            uint32_t right = symbol_at(records + at + 1, i, narrow);
            if (!on(p, l, pair_key(left, right), (int64_t)(head >> 8), (uint32_t)at)) return false;
            left = right;
        }
        at += n > 0 ? record_units(n, narrow) : 1;
    }
    return true;
}

static inline bool each_long(struct part *p, const struct learn *l, on_pair *on, bool narrow)
{
    for (size_t w = 0; w < p->n_words; w++) {
        size_t at = p->words[w].begin;
        for (uint32_t left = symbol_at(p->symbols, at, narrow), right; left != NO_SYMBOL; left = right) {
            size_t next = at + l->widths[left];
            right = symbol_at(p->symbols, next, narrow);
            if (right != NO_SYMBOL && !on(p, l, pair_key(left, right), p->words[w].count, (uint32_t)at)) return false;
            at = next;
        }
    }
    return true;
}

static inline bool each_pair(struct part *p, const struct learn *l, on_pair *on)
{
    if (p->is_long) return p->is_narrow ? each_long(p, l, on, true) : each_long(p, l, on, false);
    return p->is_narrow ? each_short(p, l, on, true) : each_short(p, l, on, false);
}

static inline bool is_of_class(const struct learn *l, uint64_t key)
{
    return l->n_classes == 1 || (int)(((key + 1) * 0xd6e8feb86659fd93u >> 40) % (uint64_t)l->n_classes) == l->class;
}

static inline bool count_pair(struct part *p, const struct learn *l, uint64_t key, int64_t count, uint32_t place)
{
    struct pair *known;
    if (!is_of_class(l, key)) return true;
    if (!pairs_add(p->share, &p->found, key, &known)) return false;
    if (known->count == 0) {
        if (!SHARE_ROOM(p->share, p->entries, p->room_entries, p->n_entries + 1)) return false;
        p->entries[p->n_entries] = (struct entry){ 0, key, 0, 0, NO_PAIR };
        known->count = (int64_t)++p->n_entries;
    }
    struct entry *e = &p->entries[known->count - 1];
    e->count += count;
    if (e->n > 0 && e->last == place) return true;                    /* a word once per list */
    e->n++;
    e->last = place;
    return true;
}

bool part_count(struct part *p, const struct learn *l)
{
    p->n_entries = p->n_events = 0;
    if (l->class == 0) {
        lists_clear(p->share, &p->lists);
        share_free(p->share, p->lists_of, p->room_lists, sizeof *p->lists_of);
        p->lists_of = NULL;
        p->room_lists = 0;
    }
    return each_pair(p, l, count_pair);
}

static inline bool list_pair(struct part *p, const struct learn *l, uint64_t key, int64_t count, uint32_t place)
{
    if (!is_of_class(l, key)) return true;
    const struct entry *e = &p->entries[pairs_probe(&p->found, key)->count - 1];
    (void)count;
    if (e->pair == NO_PAIR) return true;
    struct list *list = &p->lists_of[e->pair];
    if (list->n == 0 || list->at[list->n - 1] != place) list->at[list->n++] = place;
    return true;
}

bool part_list(struct part *p, const struct learn *l)
{
    if (l->n_pairs > 0 && !SHARE_ROOM(p->share, p->lists_of, p->room_lists, (size_t)l->n_pairs)) return false;
    for (size_t e = 0; e < p->n_entries; e++) {
        if (p->entries[e].pair == NO_PAIR) continue;
        struct list *list = &p->lists_of[p->entries[e].pair];
        if (!lists_take(p->share, &p->lists, p->entries[e].n, &list->at)) return false;
    }
    bool done = each_pair(p, l, list_pair);
    pairs_clear(p->share, &p->found);
    share_free(p->share, p->entries, p->room_entries, sizeof *p->entries);
    p->entries = NULL;
    p->n_entries = p->room_entries = 0;
    return done;
}

static void count_task(void *arg, int64_t task, int worker)
{
    struct learn *l = arg;
    (void)worker;
    if (!part_count(&l->parts[task], l)) return;                        /* share_failed says so */
}

static void list_task(void *arg, int64_t task, int worker)
{
    struct learn *l = arg;
    (void)worker;
    if (!part_list(&l->parts[task], l)) return;
}

/* What the last merge might count: counts of pairs fall about as one over their rank, by the 64th of now, and merging leaves them lower. */
static int64_t guess(const struct pairs *all, uint32_t merges)
{
    int64_t top[RANK] = { 0 };
    for (size_t i = 0; i < all->room; i++) {
        int64_t count = all->at[i].key != 0 ? all->at[i].count : 0;
        for (int k = RANK; k > 0 && count > top[k - 1]; k--) {
            if (k < RANK) top[k] = top[k - 1];
            top[k - 1] = count;
        }
    }
    return top[RANK - 1] / GUESS * RANK / (merges + 1);
}

/* Those that are frequent enough get a number; in `all` it takes the place of the count. */
static rk_status keep(rk_ctx *ctx, struct learn *l, struct pairs *all)
{
    if (l->least == 0) {
        l->least = keeps_old(l) ? 0 : guess(all, l->how->most_ids);
        if (l->least < (int64_t)l->how->least) l->least = (int64_t)l->how->least;
    }
    for (size_t i = 0; i < all->room; i++) {
        struct pair *made, *p = &all->at[i];
        if (p->key == 0) continue;
        int64_t count = p->count;
        p->count = NO_PAIR;
        if (count < l->least) continue;
        p->count = (int64_t)l->n_pairs++;
        if (!pairs_add(&l->share, &l->pairs, p->key - 1, &made)) return (rk_status)atomic_load(&l->share.status);
        made->count = count;
        TRY(heap_push(ctx, &l->heap, (struct candidate){ count, p->key - 1, (int32_t)p->count }));
    }
    return RK_OK;
}

static rk_status sum_up(rk_ctx *ctx, struct learn *l, struct pairs *all)
{
    struct pair *sum;
    for (int k = 0; k < l->n_parts; k++)
        for (size_t e = 0; e < l->parts[k].n_entries; e++) {
            if (!pairs_add(&l->share, all, l->parts[k].entries[e].slot, &sum)) return (rk_status)atomic_load(&l->share.status);
            sum->count += l->parts[k].entries[e].count;
        }
    TRY(keep(ctx, l, all));
    for (int k = 0; k < l->n_parts; k++)
        for (size_t e = 0; e < l->parts[k].n_entries; e++) l->parts[k].entries[e].pair = (int32_t)pairs_probe(all, l->parts[k].entries[e].slot)->count;
    return RK_OK;
}

static rk_status count_class(rk_ctx *ctx, struct learn *l)
{
    struct pairs all = { 0 };
    par_for(ctx, l->n_parts, count_task, l);
    TRY((rk_status)atomic_load(&l->share.status));
    rk_status status = sum_up(ctx, l, &all);
    pairs_clear(&l->share, &all);
    TRY(status);
    par_for(ctx, l->n_parts, list_task, l);
    return (rk_status)atomic_load(&l->share.status);
}

/* How many goes: no more different pairs than symbols, or than pairs of ids; each takes PAIR_BYTES at most, in all tables. */
static int classes(const rk_ctx *ctx, const struct learn *l)
{
    uint64_t ids = l->out->n_ids, pairs = ids * ids < l->n_symbols ? ids * ids : l->n_symbols;
    if (l->most_bytes == 0) return 1;
    uint64_t room = l->most_bytes > ctx->bytes ? (l->most_bytes - ctx->bytes) / 2 : 1, n = pairs * PAIR_BYTES / room + 1;
    return n < CLASSES_MOST ? (int)n : CLASSES_MOST;
}

rk_status learn_pairs(rk_ctx *ctx, struct learn *l)
{
    pairs_clear(&l->share, &l->pairs);
    for (int k = 0; k < l->n_parts; k++) lists_clear(&l->share, &l->parts[k].lists);
    l->heap.n = 0;
    l->n_pairs = 0;
    l->n_spread = 0;
    l->n_classes = classes(ctx, l);
    for (l->class = 0; l->class < l->n_classes; l->class++) TRY(count_class(ctx, l));
    return RK_OK;
}

void learn_clear(rk_ctx *ctx, struct learn *l)
{
    for (int k = 0; k < l->n_parts; k++) {
        struct part *p = &l->parts[k];
        FREE(p->memory, p->room);
        FREE(p->words, p->room_words);
        FREE(p->entry_of, l->n_slots);
        FREE(p->entries, p->room_entries);
        FREE(p->events, p->room_events);
        FREE(p->lists_of, p->room_lists);
        lists_clear(&l->share, &p->lists);
        pairs_clear(&l->share, &p->found);
    }
    FREE(l->parts, l->n_short + 1);
    FREE(l->sum_of, l->n_slots);
    FREE(l->sums, l->room_sums);
    FREE(l->widths, l->room_widths);
    FREE(l->spelling, l->room_spelling);
    FREE(l->firsts, l->how->most_ids);
    FREE(l->seconds, l->how->most_ids);
    map_free(ctx, &l->ids);
    pairs_clear(&l->share, &l->pairs);
    heap_clear(ctx, &l->heap);
}
