/* merges_pairs.c: all pairs counted, and listed with the places that hold them.
 *
 * Counting all pairs anew can be done at any time. It is done a second time when too many were forgotten: pairs that are rare when they are
 * born would seldom be merged, and only fall; so those below a guess of the last merge's count are not kept. And when memory runs short: places
 * that are no more are left out then. */
#include "base/par.h"
#include "tok/learn_part.h"

enum { GUESS = 64, RANK = 64, PAIR_BYTES = 256, CLASSES_MOST = 256, DIRECT = 256 };       /* DIRECT: of two ids below it a pair is found without a search */

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
    uint64_t mixed = (key + 1) * 0xd6e8feb86659fd93u >> 32;           /* times the number of classes, its upper half is a class: dividing took a third of such a training's time */
    return l->n_classes == 1 || (int)(mixed * (uint64_t)l->n_classes >> 32) == l->class;
}

static inline size_t direct_at(uint64_t key) { return (size_t)(key >> 32) * DIRECT + (uint32_t)key; }

static bool add_entry(struct part *p, uint64_t key)
{
    if (!SHARE_ROOM(p->share, p->entries, p->room_entries, p->n_entries + 1)) return false;
    p->entries[p->n_entries++] = (struct entry){ 0, key, 0, 0, NO_PAIR };
    return true;
}

static inline bool entry_number(struct part *p, uint64_t key, size_t *number)
{
    struct pair *known;
    if (p->direct != NULL) {
        if (p->direct[direct_at(key)] == 0) {
            if (!add_entry(p, key)) return false;
            p->direct[direct_at(key)] = (uint32_t)p->n_entries;
        }
        *number = p->direct[direct_at(key)];
        return true;
    }
    if (!pairs_add(p->share, &p->found, key, &known)) return false;
    if (known->count == 0) {
        if (!add_entry(p, key)) return false;
        known->count = (int64_t)p->n_entries;
    }
    *number = (size_t)known->count;
    return true;
}

static inline bool count_pair(struct part *p, const struct learn *l, uint64_t key, int64_t count, uint32_t place)
{
    size_t number;
    if (!is_of_class(l, key)) return true;
    if (!entry_number(p, key, &number)) return false;
    struct entry *e = &p->entries[number - 1];
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
    if (l->out->n_ids <= DIRECT && (p->direct = share_zeroed(p->share, DIRECT * DIRECT, sizeof *p->direct, "numbers of pairs")) == NULL) return false;
    return each_pair(p, l, count_pair);
}

static inline bool list_pair(struct part *p, const struct learn *l, uint64_t key, int64_t count, uint32_t place)
{
    if (!is_of_class(l, key)) return true;
    const struct entry *e = &p->entries[(p->direct != NULL ? p->direct[direct_at(key)] : (size_t)pairs_probe(&p->found, key)->count) - 1];
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
    share_free(p->share, p->direct, DIRECT * DIRECT, sizeof *p->direct);
    share_free(p->share, p->entries, p->room_entries, sizeof *p->entries);
    p->direct = NULL;
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

static uint64_t lists_bytes(const struct learn *l, const struct pairs *all)
{
    uint64_t places = 0;
    for (int k = 0; k < l->n_parts; k++)
        for (size_t e = 0; e < l->parts[k].n_entries; e++)
            if (pairs_probe(all, l->parts[k].entries[e].slot)->count >= l->least) places += l->parts[k].entries[e].n;
    return places * sizeof(uint32_t);
}

/* A guess at first; more where the lists would not leave a quarter of the memory free. */
static void choose_least(const rk_ctx *ctx, struct learn *l, const struct pairs *all)
{
    size_t most = l->most_bytes - l->most_bytes / 4;
    if (l->least == 0) {
        l->least = keeps_old(l) ? 0 : guess(all, l->how->most_ids);
        if (l->least < (int64_t)l->how->least) l->least = (int64_t)l->how->least;
    }
    if (l->most_bytes == 0 || keeps_old(l)) return;
    for (int64_t began = l->least; l->least < INT64_MAX / 4; l->least *= 2) {
        uint64_t bytes = lists_bytes(l, all);
        if (bytes == 0 && l->n_pairs == 0 && l->least > began) l->least /= 2;        /* some are needed to go on */
        if (bytes == 0 || (ctx->bytes < most && bytes <= most - ctx->bytes)) return;
    }
}

static rk_status sum_up(rk_ctx *ctx, struct learn *l, struct pairs *all)
{
    struct pair *sum;
    for (int k = 0; k < l->n_parts; k++)
        for (size_t e = 0; e < l->parts[k].n_entries; e++) {
            if (!pairs_add(&l->share, all, l->parts[k].entries[e].slot, &sum)) return (rk_status)atomic_load(&l->share.status);
            sum->count += l->parts[k].entries[e].count;
        }
    choose_least(ctx, l, all);
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
    for (l->class = 0; l->class < l->n_classes; l->class++) {
        if (l->class > 0) TRY(learn_tell(ctx, l));                      /* many goes can take minutes */
        TRY(count_class(ctx, l));
    }
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
        FREE(p->direct, DIRECT * DIRECT);
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
