/* merges_batch.c: a batch of merges: all parts do it in their words (merges_visit.c), then what they found is added up, merge by merge: which
 * pairs lose, which are born. */
#include "base/par.h"
#include "tok/learn_part.h"

enum { WORTH_THREADS = 4096 };                                        /* places: fewer are visited by one thread alone */

static void visit_task(void *arg, int64_t task, int worker)
{
    struct learn *l = arg;
    struct part *p = &l->parts[task];
    (void)worker;
    if (part_spread(p, l) && !part_visit(p, l)) return;                 /* share_failed says so */
}

/* Two new pairs a place, each in a list; and noted before in what grows by doubling, or found in long words. */
size_t learn_needs(const struct learn *l)
{
    size_t bytes = 0;
    for (int p = 0; p < l->n_parts; p++)
        for (int i = 0; i < l->n_batch; i++) {
            size_t places = (size_t)l->batch[i].pair < l->parts[p].room_lists ? l->parts[p].lists_of[l->batch[i].pair].n : 0;
            bytes += places * 2 * (sizeof(uint32_t) + (l->parts[p].is_long ? 0 : 2 * sizeof(struct event)));
        }
    return bytes;
}

/* All parts, on all threads where there is enough to do. */
static rk_status visit(rk_ctx *ctx, struct learn *l)
{
    size_t places = 0;
    for (int p = 0; p < l->n_parts; p++) {
        places += l->parts[p].n_events;
        for (int i = 0; i < l->n_batch; i++)
            if ((size_t)l->batch[i].pair < l->parts[p].room_lists) places += l->parts[p].lists_of[l->batch[i].pair].n;
    }
    if (places >= WORTH_THREADS) par_for(ctx, l->n_parts, visit_task, l);
    else for (int p = 0; p < l->n_parts; p++) visit_task(l, p, 0);
    l->n_spread = 0;
    return (rk_status)atomic_load(&l->share.status);
}

/* The new pair and the old one that a slot stands for. */
static void slot_keys(const struct learn *l, uint64_t slot, uint64_t merged, uint32_t z, uint64_t *fresh, uint64_t *old)
{
    uint32_t a = (uint32_t)(merged >> 32), b = (uint32_t)merged, x = (uint32_t)(slot / 2);
    if (slot + 1 == l->n_slots) {
        *fresh = pair_key(z, z);
        *old = pair_key(b, a);
    } else if (slot % 2 == 0) {
        *fresh = pair_key(x, z);
        *old = pair_key(x, a);
    } else {
        *fresh = pair_key(z, x);
        *old = pair_key(b, x);
    }
}

/* The entries of all parts for one merge, slot by slot. */
static rk_status add_up(struct learn *l, int i)
{
    l->n_sums = 0;
    for (int k = 0; k < l->n_parts; k++) {
        const struct part *p = &l->parts[k];
        size_t from = i == 0 ? 0 : p->entry_end[i - 1], end = p->entry_end[i];
        if (!SHARE_ROOM(&l->share, l->sums, l->room_sums, l->n_sums + (end - from))) return (rk_status)atomic_load(&l->share.status);
        for (size_t e = from; e < end; e++) {
            uint32_t *at = &l->sum_of[p->entries[e].slot];
            if (*at == 0) {
                l->sums[l->n_sums] = (struct sum){ p->entries[e].slot, 0, NO_PAIR };
                *at = (uint32_t)++l->n_sums;
            }
            l->sums[*at - 1].count += p->entries[e].count;
        }
    }
    return RK_OK;
}

/* Slots of one new pair have one count and one list between them: only (z,z) has several. */
static void join_doubles(struct learn *l, uint32_t z)
{
    const uint64_t slots[3] = { l->n_slots - 1, 2 * (uint64_t)z, 2 * (uint64_t)z + 1 };
    int64_t count = 0;
    struct sum *first = NULL;
    for (int k = 0; k < 3; k++) {
        if (l->sum_of[slots[k]] == 0) continue;
        struct sum *s = &l->sums[l->sum_of[slots[k]] - 1];
        if (first == NULL) first = s;
        count += s->count;
        s->count = 0;
    }
    if (first == NULL) return;
    first->count = count;
    for (int k = 0; k < 3; k++)
        if (l->sum_of[slots[k]] != 0) l->sum_of[slots[k]] = (uint32_t)(first - l->sums) + 1;
}

static void lose(struct learn *l, int i)
{
    uint64_t fresh, old, merged = l->batch[i].key;
    for (size_t k = 0; k < l->n_sums; k++) {
        slot_keys(l, l->sums[k].slot, merged, l->made[i], &fresh, &old);
        pairs_prefetch(&l->pairs, old);
    }
    for (size_t k = 0; k < l->n_sums; k++) {
        slot_keys(l, l->sums[k].slot, merged, l->made[i], &fresh, &old);
        struct pair *p = pairs_find(&l->pairs, old);
        if (p != NULL) p->count -= l->sums[k].count;
    }
    if (!keeps_old(l)) pairs_find(&l->pairs, merged)->count = 0;
}

/* Pairs that are born frequent enough live; of the others nothing is kept. */
static rk_status gain(rk_ctx *ctx, struct learn *l, int i)
{
    uint64_t fresh, old;
    for (size_t k = 0; k < l->n_sums; k++) {
        struct sum *s = &l->sums[k];
        struct pair *p;
        if (s->count == 0 || (s->count < l->least && !keeps_old(l))) continue;
        slot_keys(l, s->slot, l->batch[i].key, l->made[i], &fresh, &old);
        if (!pairs_add(&l->share, &l->pairs, fresh, &p)) return (rk_status)atomic_load(&l->share.status);
        p->count += s->count;
        if (p->count < l->least) continue;
        if (l->n_pairs == INT32_MAX) return FAIL(RK_E_LIMIT, "more than %d pairs of tokens live at once", INT32_MAX);
        s->pair = (int32_t)l->n_pairs++;
        TRY(heap_push(ctx, &l->heap, (struct candidate){ p->count, fresh, s->pair }));
    }
    return RK_OK;
}

static void tell_parts(struct learn *l, int i)
{
    for (int k = 0; k < l->n_parts; k++) {
        struct part *p = &l->parts[k];
        for (size_t e = i == 0 ? 0 : p->entry_end[i - 1]; e < p->entry_end[i]; e++) p->entries[e].pair = l->sums[l->sum_of[p->entries[e].slot] - 1].pair;
    }
    for (size_t k = 0; k < l->n_sums; k++) l->sum_of[l->sums[k].slot] = 0;
}

rk_status learn_merge(rk_ctx *ctx, struct learn *l)
{
    TRY(visit(ctx, l));
    for (int i = 0; i < l->n_batch; i++) {
        TRY(add_up(l, i));
        lose(l, i);
        join_doubles(l, l->made[i]);
        TRY(gain(ctx, l, i));
        tell_parts(l, i);
    }
    l->n_spread = l->n_batch;
    return RK_OK;
}
