/* learn.h: what the two halves of the merge loop share: the words as records in one array of 32-bit units (count in two units, length,
 * symbols), so that a list of words is a list of positions and a visit costs one or two cache lines. */
#ifndef TOK_LEARN_H
#define TOK_LEARN_H
#include "base/map.h"
#include "tok/merges.h"
#include "tok/pairs.h"

enum { COUNT_LOW, COUNT_HIGH, LENGTH, SYMBOLS };                      /* units of a record */

struct gain { int64_t count; uint32_t n, at; };                       /* weighted count, entries; the last word noted, then where entries go */
struct event { uint32_t slot, word; };

struct learn {
    const struct merging *how;
    struct merged        *out;
    uint32_t             *records;
    size_t                n_units;
    struct pairs          pairs;
    struct heap           heap;
    struct lists          lists;
    struct map            ids;                                        /* huggingface: text -> id */
    struct gain          *gains;                                      /* 2l: (l,z); 2r + 1: (z,r); 2V + 1: (z,z) born at once */
    uint32_t             *touched;
    size_t                n_gains, n_touched;
    struct event         *events;
    size_t                n_events, room_events;
};

static inline int64_t count_of(const uint32_t *record) { return (int64_t)((uint64_t)record[COUNT_HIGH] << 32 | record[COUNT_LOW]); }

RK_CHECK rk_status learn_words(rk_ctx *ctx, struct learn *l, struct words *words);       /* the words become records; `words` is cleared */
RK_CHECK rk_status learn_first_pairs(rk_ctx *ctx, struct learn *l);                      /* pairs of bytes, counted and listed */

#endif
