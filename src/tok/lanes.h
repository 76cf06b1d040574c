/* lanes.h: short words that are new, merged four at a time, in registers.
 *
 * Merging one word after the other (bpe.c) takes few instructions, but where the next merge happens is a new question each time: processors guess it wrongly,
 * and wait for the tables. Here a word is sixteen lanes: the ranks of its neighbours in one register, its tokens that are left in one mask of bits.
 * A merge is the least of the lanes, two look-ups and three writes, without a branch; of four words at once, so that the wait for one is the work on others.
 * A third of the time of merging them one by one.
 *
 * The table: buckets of eight pairs, a line of the processor's cache each, compared at once; a pair is 22 bits of the left id, 22 of the right, 20 of the rank.
 * Not here: instruction sets without such registers, tables whose ids do not follow their ranks, vocabularies that lack bytes; longer words. */
#ifndef TOK_LANES_H
#define TOK_LANES_H
#include "tok/table.h"
#include "tok/cache.h"
#include "tok/ranks.h"

enum { LANES = 16, LANES_WORDS = 32, LANES_PAIRS = 8, LANES_RANK_BITS = 20, LANES_ID_BITS = 22 };        /* of a word; words of a portion; pairs of a bucket */

struct lanes {                                                        /* ready: never changes */
    uint64_t       *slots;                                            /* at a multiple of 64; an empty one is all ones, and the last of those in its bucket */
    unsigned        bits;                                             /* of the number of buckets */
    uint32_t        shift;                                            /* from a rank to its id */
    const uint32_t *first, *byte_id;                                  /* as in struct bpe */
    bool            ready;
};

size_t lanes_size(size_t pairs);                                      /* of the block that they are made in, for so many pairs at most */
/* `first` and `byte_id` are kept. Not ready: see above. */
void lanes_make(struct tok_block *block, struct lanes *l, const struct ranks *ranks, const uint32_t *first, const uint32_t byte_id[256]);

static inline uint64_t lanes_key(uint32_t left, uint32_t right) { return (uint64_t)left << (LANES_ID_BITS + LANES_RANK_BITS) | (uint64_t)right << LANES_RANK_BITS; }
static inline size_t lanes_home(const struct lanes *l, uint64_t key) { return (size_t)(key * 0x9e3779b97f4a7c15u >> (64 - l->bits)); }

/* Words of a batch that were missed, by their numbers in its rest, and what the merges make of them. */
struct learnt {
    size_t   n, next;                                                 /* how many; those before `next` were asked for */
    uint16_t word[LANES_WORDS];
    uint8_t  made[LANES_WORDS];
    uint32_t ids[LANES_WORDS][LANES];
};

/* The next words of those the batch has missed, from number k of them on, that have at most CACHE_BYTES and are new. */
typedef void lanes_learn(const struct lanes *l, const struct cache_batch *b, size_t k, struct learnt *to);
extern lanes_learn *const lanes_bodies[ISA_COUNT];                    /* NULL: not for this instruction set */

#endif
