/* program.h: a group of elementwise nodes as a kernel of its own: the text of the kernel, and the words that it is called with.
 *
 *   program.c        what is accepted; loops of this call; launching
 *   program_text.c   CUDA C of a group: what is the same for all shapes that are walked alike, so that few texts are compiled */
#ifndef CUDA_PROGRAM_H
#define CUDA_PROGRAM_H
#include "backend/cuda/machine.h"
#include "base/str.h"

enum { CUDA_SOURCES = MOST_PROGRAM + MOST_PROBLEM_RESULTS, CUDA_PROGRAM_THREADS = 256, CUDA_PROGRAM_WORDS = 500 };

/* How a source moves along the innermost loop. */
enum walking { WALK_STILL, WALK_NEIGHBOURS, WALK_STRIDED };

/* A source is an instruction that is no map and no constant, or a result (MOST_PROGRAM + k). */
struct program_source { int of; enum walking walking; int64_t stride[RK_MAX_RANK + 1]; };

struct program_loops {
    int rank;                               /* at least 1 */
    int64_t size[RK_MAX_RANK + 1];
    int per_thread;                         /* neighbours along the last loop that a thread makes */
    bool small;                             /* positions fit in 32 bits */
    int n_sources;
    struct program_source source[CUDA_SOURCES];
};

/* Words, of 8 bytes each: threads that work, the address of struct cuda_live, sizes of the loops, then for each source its address (of
 * positions where they start, of masks their site) and a stride for each loop. */
static inline int program_words(const struct program_loops *l) { return 2 + l->rank + l->n_sources * (1 + l->rank); }
#define CUDA_PROGRAM_NAME "reckon_program"

RK_CHECK rk_status program_text(rk_ctx *ctx, const struct problem *p, const struct program_loops *l, struct str *text);

#endif
