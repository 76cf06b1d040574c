/* bpe.h: one word into ids: the merges applied in the order of their ranks, the leftmost first among equals.
 *
 * Short words by looking for the least rank again and again, which beats anything clever up to about thirty symbols; longer ones with a
 * heap over a linked list, n log n for any input. Not here: caches (encode.c), cutting into words (split.h). */
#ifndef TOK_BPE_H
#define TOK_BPE_H
#include "tok/joints.h"
#include "tok/merges.h"
#include "tok/share.h"
#include "tok/vocab.h"

struct merge_slot { uint64_t key; uint32_t rank, id; };               /* key: left << 32 | right, + 1; 0 is empty */
struct bpe {
    struct merge      *merges;                                        /* by rank */
    uint32_t           n_merges, room_merges;
    struct merge_slot *slots;
    size_t             room_slots;
    uint32_t          *first;                                         /* ranks of two bytes, by 256 times the one and the other */
    uint32_t           byte_id[256];                                  /* NO_TOKEN: the vocabulary lacks this byte */
    bool               by_id;                                         /* a pair's rank is the id it makes; many pairs may make one */
    struct joints      joints;
    bool               has_joints;                                    /* a word may be cut: whole is NULL */
    const struct vocab *whole;                                        /* not NULL: a word that is a token is that token, whatever the merges say */
};
struct bpe_symbol { uint32_t id, previous, next; };
struct bpe_scratch { struct bpe_symbol *symbols; uint64_t *heap; size_t room, room_heap; };        /* for long words; zero it to begin */

RK_CHECK rk_status bpe_add_merge(rk_ctx *ctx, struct bpe *b, struct merge m);
RK_CHECK rk_status bpe_seal(rk_ctx *ctx, struct bpe *b, const struct vocab *vocab);      /* after the last merge */
void bpe_clear(rk_ctx *ctx, struct bpe *b);

enum { BPE_SHORT = 32 };                                              /* bytes: no scratch needed up to here */
/* Ids of a word of n > 0 bytes, n of them at most, to `out`. 0: a byte is missing or (share_failed) memory is out. */
size_t bpe_word(const struct bpe *b, struct share *s, struct bpe_scratch *scratch, const unsigned char *word, size_t n, uint32_t *out);
void bpe_scratch_clear(rk_ctx *ctx, struct bpe_scratch *scratch);

#endif
