/* merges_spread.c: when it is known which of the new pairs of a batch live, one part spreads their places over lists of their own: those that
 * were noted by the way, or, in long words, those that are found when the merged places are walked once more. */
#include "tok/learn_part.h"

/* ---- noted ---- */

/* A pair of several slots, (z,z), goes on in the list of the first: rare, so that is copied. */
static bool begin_list(struct part *p, struct entry *e, uint32_t **at)
{
    struct list *list = &p->lists_of[e->pair];
    if (!lists_take(p->share, &p->lists, list->n + e->n, at)) return false;
    for (size_t i = 0; i < list->n; i++) (*at)[i] = list->at[i];
    *list = (struct list){ *at, list->n + e->n };
    *at += list->n - e->n;
    return true;
}

static bool spread_events(struct part *p, int i)
{
    size_t entry = i == 0 ? 0 : p->entry_end[i - 1], event = i == 0 ? 0 : p->event_end[i - 1];
    for (; entry < p->entry_end[i]; entry++) {
        struct entry *e = &p->entries[entry];
        uint32_t *at = NULL;
        if (e->pair != NO_PAIR && !begin_list(p, e, &at)) return false;
        e->slot = (uint64_t)(uintptr_t)at;
    }
    for (; event < p->event_end[i]; event++) {
        struct entry *e = &p->entries[p->events[event].entry];
        if (e->pair == NO_PAIR) continue;
        *(uint32_t *)(uintptr_t)e->slot = p->events[event].place;
        e->slot += sizeof(uint32_t);
    }
    return true;
}

/* ---- walked ---- */

/* No more than were counted; fewer where another merge of the batch has taken the neighbour: then that one's pair is here. */
static inline void list_place(struct part *p, uint64_t slot, size_t place)
{
    if (p->entry_of[slot] == 0) return;
    struct entry *e = &p->entries[p->entry_of[slot] - 1];
    struct list *list = &p->lists_of[e->pair];
    if (list->n < e->n) list->at[list->n++] = (uint32_t)place;
}

static inline void walk(struct part *p, const struct learn *l, const struct done *d, bool narrow)
{
    size_t width = l->widths[d->z], end = 0;                          /* of the last one */
    for (size_t q = 0; q < d->places.n; q++) {
        size_t i = d->places.at[q];
        if (i < end || symbol_at(p->symbols, i, narrow) != d->z) continue;
        uint32_t before = symbol_at(p->symbols, i - 1, narrow), next = symbol_at(p->symbols, i + width, narrow);
        if (before != NO_SYMBOL && i != end) list_place(p, 2 * (uint64_t)before, i - l->widths[before]);
        if (next != NO_SYMBOL) list_place(p, next == d->z ? l->n_slots - 1 : 2 * (uint64_t)next + 1, i);
        end = i + width;
    }
}

static bool spread_walked(struct part *p, const struct learn *l, int i)
{
    size_t from = i == 0 ? 0 : p->entry_end[i - 1], end = p->entry_end[i];
    bool any = false;
    for (size_t k = from; k < end; k++) {
        const struct entry *e = &p->entries[k];
        if (e->pair == NO_PAIR) continue;
        if (!lists_take(p->share, &p->lists, e->n, &p->lists_of[e->pair].at)) return false;
        p->entry_of[e->slot] = (uint32_t)k + 1;
        any = true;
    }
    if (any && p->is_narrow) walk(p, l, &p->done[i], true);
    if (any && !p->is_narrow) walk(p, l, &p->done[i], false);
    for (size_t k = from; k < end; k++) p->entry_of[p->entries[k].slot] = 0;
    return true;
}

bool part_spread(struct part *p, const struct learn *l)
{
    if (l->n_pairs > p->room_lists && !SHARE_ROOM(p->share, p->lists_of, p->room_lists, (size_t)l->n_pairs + l->n_pairs / 2 + 1024)) return false;
    for (int i = 0; i < l->n_spread; i++) {
        if (!(p->walks_again ? spread_walked(p, l, i) : spread_events(p, i))) return false;
        lists_give(p->share, &p->lists, p->done[i].places.at, p->done[i].places.n);
    }
    p->n_entries = p->n_events = 0;
    return true;
}
