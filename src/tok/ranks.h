/* ranks.h: the table of merges, by the two tokens that they join. Made by bpe_seal. */
#ifndef TOK_RANKS_H
#define TOK_RANKS_H
#include "tok/table.h"

struct merge_slot { uint64_t key; uint32_t rank, id; };               /* key: left << 32 | right, + 1; 0 is empty, and its rank NO_TOKEN */
struct ranks { struct merge_slot *slots; size_t room; struct tok_table table; };      /* room: a power of two, some slots of which are empty */

static inline uint64_t ranks_key(uint32_t left, uint32_t right) { return ((uint64_t)left << 32 | right) + 1; }

/* The slot of a pair, or the empty one where it would be. */
static inline struct merge_slot *ranks_find(const struct ranks *r, uint32_t left, uint32_t right)
{
    uint64_t stored = ranks_key(left, right), mixed = stored * 0x9e3779b97f4a7c15u;
    for (size_t i = (size_t)(mixed ^ mixed >> 32) & (r->room - 1);; i = (i + 1) & (r->room - 1)) {
        struct merge_slot *s = &r->slots[i];
        if (s->key == stored || s->key == 0) return s;
    }
}

/* The rank of a pair; NO_TOKEN when it does not merge. */
static inline uint32_t ranks_of(const struct ranks *r, uint32_t left, uint32_t right) { return ranks_find(r, left, right)->rank; }

#endif
