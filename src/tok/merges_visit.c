/* merges_visit.c: one part does a batch of merges in its own words: visits the places listed for each pair, merges, and notes what the
 * new pairs gain. Not here: adding up (merges_batch.c), the lists of new pairs (merges_spread.c). */
#include "tok/learn_part.h"
#include <stdlib.h>

enum { AHEAD = 16 };

struct work { struct part *p; const struct learn *l; uint32_t a, b, z; };

static inline void note(struct part *p, uint64_t slot, int64_t count, uint32_t place)
{
    uint32_t e = p->entry_of[slot];
    if (e == 0) {
        p->entries[p->n_entries] = (struct entry){ 0, slot, 0, 0, NO_PAIR };
        p->entry_of[slot] = e = (uint32_t)++p->n_entries;
    }
    struct entry *g = &p->entries[e - 1];
    g->count += count;
    if (g->n > 0 && g->last == place) return;                         /* a word once per list, or runs of one letter take n^2 steps */
    g->n++;
    g->last = place;
    if (p->walks_again) return;
    p->events[p->n_events++] = (struct event){ e - 1, place };
}

/* Room for what merging in one place or word of n symbols may note. */
static inline bool has_room(struct part *p, size_t n)
{
    size_t more = 2 * n;
    return (p->walks_again || SHARE_ROOM(p->share, p->events, p->room_events, p->n_events + more)) && SHARE_ROOM(p->share, p->entries, p->room_entries, p->n_entries + more);
}

/* ---- short words ---- */

/* Merges in one record, from the first occurrence i on. */
static inline void rewrite(const struct work *w, uint32_t place, size_t i, bool narrow)
{
    uint64_t *r = (uint64_t *)w->p->symbols + place;
    unsigned char *x = (unsigned char *)(r + 1);
    size_t n = *r & 0xff, to = i;
    int64_t count = (int64_t)(*r >> 8);
    bool was_merged = false;
    while (i < n) {
        bool merges = i + 1 < n && symbol_at(x, i, narrow) == w->a && symbol_at(x, i + 1, narrow) == w->b;
        if (!merges) {
            symbol_put(x, to++, symbol_at(x, i++, narrow), narrow);
            was_merged = false;
            continue;
        }
        if (to > 0 && !was_merged) note(w->p, 2 * (uint64_t)symbol_at(x, to - 1, narrow), count, place);
        if (i + 2 < n) {
            uint32_t next = symbol_at(x, i + 2, narrow);
            bool again = next == w->a && i + 3 < n && symbol_at(x, i + 3, narrow) == w->b;
            note(w->p, again ? w->l->n_slots - 1 : 2 * (uint64_t)next + 1, count, place);
        }
        symbol_put(x, to++, w->z, narrow);
        i += 2;
        was_merged = true;
    }
    *r = (uint64_t)count << 8 | to;
    for (i = to; i < n; i++) symbol_put(x, i, 0, narrow);             /* what is left behind reads as a gap */
}

static inline bool visit_short(const struct work *w, struct list places, bool narrow)
{
    const uint64_t *records = w->p->symbols;
    for (size_t q = 0; q < places.n; q++) {
        if (q + AHEAD < places.n) {
            __builtin_prefetch(records + places.at[q + AHEAD], 1);
            __builtin_prefetch(records + places.at[q + AHEAD] + 3, 1);
        }
        const uint64_t *r = records + places.at[q];
        size_t n = *r & 0xff, i = 0;
        while (i + 1 < n && !(symbol_at(r + 1, i, narrow) == w->a && symbol_at(r + 1, i + 1, narrow) == w->b)) i++;
        if (i + 1 >= n) continue;                                     /* stale: another merge took the pair away */
        if (!has_room(w->p, n)) return false;
        rewrite(w, places.at[q], i, narrow);
    }
    return true;
}

/* ---- long words ---- */

/* The word that holds a place; places come in order, so it is mostly the last one or the next. */
static int64_t count_at(const struct part *p, size_t place, size_t *word)
{
    if (place < p->words[*word].begin || place >= p->words[*word + 1].begin) {
        size_t low = 0, high = p->n_words;
        while (high - low > 1) {
            size_t middle = (low + high) / 2;
            if (p->words[middle].begin <= place) low = middle;
            else high = middle;
        }
        *word = low;
    }
    return p->words[*word].count;
}

static inline bool visit_long(const struct work *w, struct list places, bool narrow)
{
    struct part *p = w->p;
    void *x = p->symbols;
    const uint32_t *widths = w->l->widths;
    size_t la = widths[w->a], lb = widths[w->b], word = 0, last_end = 0;
    for (size_t q = 0; q < places.n; q++) {
        size_t i = places.at[q], end = i + la + lb;
        if (symbol_at(x, i, narrow) != w->a || symbol_at(x, i + la, narrow) != w->b) continue;
        if (!has_room(p, 1)) return false;
        int64_t count = count_at(p, i, &word);
        uint32_t before = symbol_at(x, i - 1, narrow), next = symbol_at(x, end, narrow);
        if (before != NO_SYMBOL && last_end != i) note(p, 2 * (uint64_t)before, count, (uint32_t)(i - widths[before]));
        if (next != NO_SYMBOL) {
            bool again = next == w->a && symbol_at(x, end + la, narrow) == w->b;
            note(p, again ? w->l->n_slots - 1 : 2 * (uint64_t)next + 1, count, (uint32_t)i);
        }
        symbol_put(x, i + la - 1, NO_SYMBOL, narrow);
        symbol_put(x, i + la, NO_SYMBOL, narrow);
        symbol_put(x, i, w->z, narrow);
        symbol_put(x, end - 1, w->z, narrow);
        last_end = end;
    }
    return true;
}

static int by_place(const void *a, const void *b) { return (*(const uint32_t *)a > *(const uint32_t *)b) - (*(const uint32_t *)a < *(const uint32_t *)b); }

/* ---- a batch ---- */

static bool visit(const struct work *w, struct list places)
{
    struct part *p = w->p;
    if (p->is_long && w->a == w->b && keeps_old(w->l)) qsort(places.at, places.n, sizeof *places.at, by_place);       /* of several slots */
    if (p->is_long) return p->is_narrow ? visit_long(w, places, true) : visit_long(w, places, false);
    return p->is_narrow ? visit_short(w, places, true) : visit_short(w, places, false);
}

bool part_visit(struct part *p, const struct learn *l)
{
    p->n_entries = p->n_events = 0;
    p->walks_again = p->is_long && !keeps_old(l);                     /* an old id may have been there before */
    for (int i = 0; i < l->n_batch; i++) {
        const struct candidate *c = &l->batch[i];
        struct work w = { p, l, (uint32_t)(c->key >> 32), (uint32_t)c->key, l->made[i] };
        size_t from = p->n_entries;
        p->done[i] = (struct done){ (size_t)c->pair < p->room_lists ? p->lists_of[c->pair] : (struct list){ NULL, 0 }, w.z };
        if (!visit(&w, p->done[i].places)) return false;
        if ((size_t)c->pair < p->room_lists) p->lists_of[c->pair] = (struct list){ NULL, 0 };
        for (size_t e = from; e < p->n_entries; e++) p->entry_of[p->entries[e].slot] = 0;
        p->entry_end[i] = p->n_entries;
        p->event_end[i] = p->n_events;
    }
    return true;
}
