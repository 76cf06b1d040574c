/* merges.h: the merge loop of BPE training: from distinct words and counts to merges.
 *
 * Four facts make it fast and exact, given that every merge makes a new id:
 *   1. All occurrences of a pair come into being in one step, so the list of words that hold it is written once, in one piece.
 *   2. From then on its count only falls. So a heap of (count, pair) may be lazy: what comes up stale goes back with its true
 *      count, and what comes up true is the greatest.
 *   3. The new pairs of a step all hold the new id z: (l,z) and (z,r). Two arrays indexed by l and by r collect them, and
 *      the losses of the old pairs (l,a) and (b,r) are the same numbers: look-ups per step are distinct neighbours, not occurrences.
 *   4. The words to visit are known beforehand, so they can be fetched ahead.
 * Hugging Face's rule uses an old id again when a merge spells the same text; then a pair can be born twice, so each heap
 * entry owns its list, and its counts keep what a merge left behind, as Hugging Face's do.
 *
 * Not here: counting words (count.h), the vocabulary made of the merges (train.c, wordpiece.c). */
#ifndef TOK_MERGES_H
#define TOK_MERGES_H
#include "base/arena.h"
#include "tok/count.h"

struct merge { uint32_t left, right, id; };

/* At most `most` symbols of a word, as ids of first tokens, of its first bytes, *taken of them; returns how many. begins: of the word itself. */
typedef size_t merging_symbols(const void *user, const unsigned char *text, size_t n, bool begins, uint32_t *ids, size_t most, size_t *taken);

struct merging {                         /* what is asked */
    uint32_t            most_ids;        /* first tokens and what merges add, at most */
    uint64_t            least;           /* count below which nothing is merged, at least 1 */
    rk_ties             ties;
    const rk_text      *first;           /* tokens that are no merge: their order decides ties of ids; no two are the same */
    uint32_t            n_first;
    merging_symbols    *symbols;
    const void         *of;              /* its first argument */
    size_t              n_prefix;        /* bytes that a token loses when it is merged to the one before it */
    uint64_t            memory;          /* bytes that merging may take, with the words; 0: as much as it needs */
    rk_tok_progress_fn *progress;
    void               *user;
};

struct merged { struct merge *merges; uint32_t n, room; struct arena texts; rk_text *tokens; uint32_t n_ids, room_ids; };

/* Consumes what was counted. `out` is zeroed; cleared by merged_clear, also after a failure. */
RK_CHECK rk_status merges_learn(rk_ctx *ctx, const struct merging *how, struct counter *counter, struct merged *out);
void merged_clear(rk_ctx *ctx, struct merged *m);

#endif
