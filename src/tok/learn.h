/* learn.h: what the parts of the merge loop share.
 *
 * The words are dealt out to as many parts as there are workers, for good: each part keeps its words and, for every pair that lives,
 * the list of its own words that hold it. So parts work side by side, and meet once per batch of merges, to add up counts. */
#ifndef TOK_LEARN_H
#define TOK_LEARN_H
#include "base/map.h"
#include "tok/merges.h"
#include "tok/pairs.h"

enum { BATCH_MOST = 64, SHORT_MOST = 255, NO_PAIR = -1 };
#define NO_SYMBOL UINT32_MAX                                          /* a place of a long word that begins and ends no token */

/* What the new pair of one slot gained in one part: slot 2l: (l,z); 2r + 1: (z,r); the last: (z,z) born at once. */
struct entry { int64_t count; uint64_t slot; uint32_t n, last; int32_t pair; };      /* places listed, the last of them; slot: at the start the key */
struct event { uint32_t entry, place; };
struct list  { uint32_t *at; size_t n; };

/* Words of up to SHORT_MOST symbols are records of 8-byte units: count << 8 | length, then the symbols; places are numbers of units.
 * A unit of zeros is a gap. Longer ones stand in one array of symbols, one place per symbol; a token's id stands at its first and at
 * its last place and NO_SYMBOL between, so that a merge costs the same in a word of any length; places are numbers of symbols. One merge
 * may have as many places there as all else together, so places are not noted by the way (events) but looked for again. */
struct part {
    struct share   *share;
    bool            is_long, is_narrow;                               /* narrow: symbols of 16 bits */
    unsigned char  *memory;
    void           *symbols;                                          /* in it, at a cache line: records, or symbols of long words */
    size_t          n, room;                                          /* units of records or places used; bytes of memory */
    struct long_word { uint32_t begin; int64_t count; } *words;       /* where long ones begin, in order, and one beyond the end */
    size_t          n_words, room_words;
    uint32_t       *entry_of;                                         /* slot -> entry + 1, while one merge is done */
    struct entry   *entries;
    size_t          n_entries, room_entries;
    struct event   *events;
    size_t          n_events, room_events, entry_end[BATCH_MOST], event_end[BATCH_MOST];
    struct done { struct list places; uint32_t z; } done[BATCH_MOST];  /* the batch that has been visited and not yet spread */
    bool            walks_again;                                      /* no events: where the new pairs are is seen in the words, once more */
    struct list    *lists_of;                                         /* pair -> places */
    size_t          room_lists;
    struct lists    lists;
    struct pairs    found;                                            /* while all pairs are counted: key -> entry + 1 */
    uint32_t       *direct;                                           /* the same, by index, as long as all ids are among the first 256 */
};

struct learn {
    const struct merging *how;
    struct merged        *out;
    struct share          share;
    struct part          *parts;
    int                   n_parts, n_short;                           /* the last may be that of long words */
    struct pairs          pairs;
    struct heap           heap;
    uint32_t              n_pairs;                                    /* numbers given to pairs that live */
    int64_t               least;                                      /* pairs rarer than this at birth are not kept; counted again once the merges have come down to it */
    size_t                most_bytes;                                 /* that the context may have in use; 0: any */
    size_t                n_text;                                     /* bytes of merged tokens */
    uint64_t              n_symbols;                                  /* of all words when they were dealt out */
    int                   n_classes, class;                           /* pairs are counted in so many goes, by hash, so that not all are in memory at once */
    struct map            ids;                                        /* huggingface: text -> id */
    uint32_t             *sum_of;                                     /* slot -> sum + 1, while one merge is added up */
    struct sum { uint64_t slot; int64_t count; int32_t pair; } *sums;
    size_t                n_sums, room_sums, n_slots;
    uint32_t             *widths;                                     /* of every id: first tokens in it */
    uint32_t              room_widths;
    char                 *spelling;                                   /* huggingface: to look one up */
    size_t                room_spelling;
    uint32_t             *firsts, *seconds, serial;                   /* ids that are first or second in the batch of this number */
    struct candidate      batch[BATCH_MOST];
    uint32_t              made[BATCH_MOST];                           /* the new ids */
    int                   reach;                                      /* how many may be tried for the next batch */
    int                   n_batch, n_spread;                          /* being chosen; done and not yet in lists */
    double                began;                                      /* seconds of the clock */
};

static inline bool keeps_old(const struct learn *l) { return l->how->ties == RK_TIES_HUGGINGFACE; }

RK_CHECK rk_status learn_words(rk_ctx *ctx, struct learn *l, struct counter *c);         /* deals the words out; the counter is empty then */
RK_CHECK rk_status learn_pairs(rk_ctx *ctx, struct learn *l);                            /* counts and lists all pairs of now */
RK_CHECK rk_status learn_tell(rk_ctx *ctx, const struct learn *l);                       /* how far it is; RK_E_CANCELLED: the caller has had enough */
RK_CHECK rk_status learn_merge(rk_ctx *ctx, struct learn *l);                            /* does the batch */
size_t learn_needs(const struct learn *l);                                               /* bytes that the batch may take, about: no less where places are many */
void learn_clear(rk_ctx *ctx, struct learn *l);

/* ---- symbols ---- */

static inline uint32_t symbol_at(const void *x, size_t i, bool narrow)
{
    if (!narrow) return ((const uint32_t *)x)[i];
    uint32_t s = ((const uint16_t *)x)[i];
    return s == UINT16_MAX ? NO_SYMBOL : s;
}

static inline void symbol_put(void *x, size_t i, uint32_t symbol, bool narrow)
{
    if (narrow) ((uint16_t *)x)[i] = (uint16_t)symbol;
    else ((uint32_t *)x)[i] = symbol;
}

static inline size_t record_units(size_t n, bool narrow) { return 1 + (n * (narrow ? 2 : 4) + 7) / 8; }

#endif
