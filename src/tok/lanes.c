/* lanes.c: the table of lanes.h. */
#include "tok/lanes.h"
#include <string.h>

enum { AHEAD = 16, LINE = 64, LEAST_BITS = 4, MOST_RANK = (1 << LANES_RANK_BITS) - 2, MOST_ID = (1 << LANES_ID_BITS) - 2 };
#define EMPTY UINT64_MAX

#if defined(__x86_64__)
lanes_learn lanes_learn_avx512;
lanes_learn *const lanes_bodies[ISA_COUNT] = { [ISA_avx512] = lanes_learn_avx512 };
#else
lanes_learn *const lanes_bodies[ISA_COUNT] = { NULL };
#endif

/* Whether ids follow ranks and all fits; *n: pairs. */
static bool suits(struct lanes *l, const struct ranks *ranks, size_t *n)
{
    *n = 0;
    for (int c = 0; c < 256; c++)
        if (l->byte_id[c] > MOST_ID) return false;
    for (size_t i = 0; i < ranks->room; i++) {
        const struct merge_slot *s = &ranks->slots[i];
        if (s->key == RANKS_EMPTY) continue;
        if (*n == 0) l->shift = s->id - s->rank;
        if (s->id - s->rank != l->shift || s->rank > MOST_RANK || s->id > MOST_ID) return false;
        ++*n;
    }
    return *n > 0;
}

static inline uint64_t key_of(const struct merge_slot *s) { return lanes_key((uint32_t)(s->key >> 32), (uint32_t)s->key); }

static void put(struct lanes *l, const struct merge_slot *s)
{
    uint64_t key = key_of(s), *at;
    for (size_t bucket = lanes_home(l, key);; bucket = (bucket + 1) & (((size_t)1 << l->bits) - 1)) {
        at = &l->slots[bucket * LANES_PAIRS];
        for (int k = 0; k < LANES_PAIRS; k++)
            if (at[k] == EMPTY) {
                at[k] = key | s->rank;
                return;
            }
    }
}

/* Of the number of buckets for so many pairs. */
static unsigned bits_for(size_t pairs)
{
    unsigned bits = LEAST_BITS;
    while (((size_t)LANES_PAIRS << bits) < 2 * pairs) bits++;
    return bits;
}

size_t lanes_size(size_t pairs) { return lanes_bodies[isa_best()] == NULL ? 0 : block_size((size_t)1 << bits_for(pairs), LINE); }

void lanes_make(struct tok_block *block, struct lanes *l, const struct ranks *ranks, const uint32_t *first, const uint32_t byte_id[256])
{
    size_t n;
    *l = (struct lanes){ .first = first, .byte_id = byte_id };
    if (lanes_bodies[isa_best()] == NULL || !suits(l, ranks, &n)) return;
    l->bits = bits_for(n);
    l->slots = memset(block_take(block, (size_t)1 << l->bits, LINE), 0xff, (size_t)LINE << l->bits);
    for (size_t i = 0; i < ranks->room; i++) {
        if (i + AHEAD < ranks->room) __builtin_prefetch(&l->slots[lanes_home(l, key_of(&ranks->slots[i + AHEAD])) * LANES_PAIRS], 1);
        if (ranks->slots[i].key != RANKS_EMPTY) put(l, &ranks->slots[i]);
    }
    l->ready = true;
}
