/* bpe.h: one word into ids: what the merges make of it in the order of their ranks, the leftmost first among equals.
 *
 * Words of a few letters merge by merge, by looking for the least rank again and again: as many instructions as any other way, and its look-ups do not
 * wait for each other; and many at a time, where the processor has the registers (lanes.h). Longer ones and clauses from left to right (forward.h), where the table of merges allows that, as those that were trained do; else
 * with a heap over a linked list, n log n for any input. What the quicker ways need is filled once there is a text that is worth it (quick.h). Not here: caches
 * (encode_words.c), cutting into words (split.h). */
#ifndef TOK_BPE_H
#define TOK_BPE_H
#include "tok/quick.h"
#include <string.h>

struct bpe {
    struct merge      *merges;                                        /* by rank */
    uint32_t           n_merges, room_merges;
    struct ranks       ranks;
    uint32_t          *first;                                         /* ranks of two bytes, by 256 times the one and the other */
    uint32_t           byte_id[256];                                  /* NO_TOKEN: the vocabulary lacks this byte */
    bool               by_id;                                         /* a pair's rank is the id it makes; many pairs may make one */
    const struct vocab *whole;                                        /* not NULL: a word that is a token is that token, whatever the merges say */
    struct quick_later *later;
};
struct bpe_symbol { uint32_t id, previous, next; };
struct bpe_scratch { struct bpe_symbol *symbols; uint64_t *heap; size_t room, room_heap; struct forward_work forward; };        /* of one worker; zero it to begin */

RK_CHECK rk_status bpe_add_merge(rk_ctx *ctx, struct bpe *b, struct merge m);
RK_CHECK rk_status bpe_expect(rk_ctx *ctx, struct bpe *b, uint32_t merges);      /* room for so many: a hint */
RK_CHECK rk_status bpe_seal(rk_ctx *ctx, struct bpe *b, const struct vocab *vocab);      /* after the last merge */
void bpe_clear(rk_ctx *ctx, struct bpe *b);

enum { BPE_BEYOND = FORWARD_BEYOND };                                 /* ids that may be written behind the last */
/* Ids of a word of n > 0 bytes, n of them at most, to `out`. 0: a byte is missing or (share_failed) memory is out. q: NULL: without. */
size_t bpe_word(const struct bpe *b, const struct quick *q, struct share *s, struct bpe_scratch *scratch, const unsigned char *word, size_t n, uint32_t *out);
/* The same merge by merge, and not the token that the whole word may be. */
size_t bpe_merge(const struct bpe *b, struct share *s, struct bpe_scratch *scratch, const unsigned char *word, size_t n, uint32_t *out);
void bpe_scratch_clear(rk_ctx *ctx, struct bpe_scratch *scratch);

/* No merge joins any two bytes of the word that are neighbours, so that it stays bytes: spaces before a column, a line's end and an indentation; where whole words
 * are not asked for (asks_whole). The most frequent, one byte over and over, is told by one comparison. */
static inline bool bpe_stays_bytes(const struct bpe *b, const unsigned char *word, size_t n)
{
    size_t looked = memcmp(word, word + 1, n - 1) == 0 && n > 1 ? 2 : n;
    for (size_t i = 0; i < looked; i++)
        if (b->byte_id[word[i]] == NO_TOKEN || (i + 1 < looked && b->first[word[i] << 8 | word[i + 1]] != NO_TOKEN)) return false;
    return true;
}

#endif
