/* ranks.h: the table of merges, by the two tokens that they join. Made by bpe_seal. */
#ifndef TOK_RANKS_H
#define TOK_RANKS_H
#include "tok/table.h"

struct merge_slot { uint64_t key; uint32_t rank, id; };               /* key: left << 32 | right; an empty one is all ones, and so its rank NO_TOKEN */
#define RANKS_EMPTY UINT64_MAX
struct ranks { struct merge_slot *slots; size_t room; struct tok_table table; };      /* room: a power of two, some slots of which are empty */

static inline uint64_t ranks_key(uint32_t left, uint32_t right) { return (uint64_t)left << 32 | right; }

static inline size_t ranks_home(const struct ranks *r, uint64_t stored)
{
    uint64_t mixed = stored * 0x9e3779b97f4a7c15u;
    return (size_t)(mixed ^ mixed >> 32) & (r->room - 1);
}

/* A pair is going to be looked for. */
static inline void ranks_call(const struct ranks *r, uint32_t left, uint32_t right) { __builtin_prefetch(&r->slots[ranks_home(r, ranks_key(left, right))]); }

/* The slot of a pair, or the empty one where it would be. */
static inline struct merge_slot *ranks_find(const struct ranks *r, uint32_t left, uint32_t right)
{
    uint64_t stored = ranks_key(left, right);
    for (size_t i = ranks_home(r, stored);; i = (i + 1) & (r->room - 1)) {
        struct merge_slot *s = &r->slots[i];
        if (s->key == stored || s->key == RANKS_EMPTY) return s;
    }
}

/* The rank of a pair; NO_TOKEN when it does not merge. */
static inline uint32_t ranks_of(const struct ranks *r, uint32_t left, uint32_t right) { return ranks_find(r, left, right)->rank; }

#endif
