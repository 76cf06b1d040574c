/* scatter.h: what scatter.c asks of scatter.cu.
 *
 * `kept` are the dims that the result has, without the one that ids choose along; `summed` those that values and ids alone have.
 *
 *   SCATTER_ONCE     nothing is summed: every value has an element of its own
 *   SCATTER_SORTED   ids are the same for all that is kept (rows onto a table): positions are sorted by id, stretches of equal ids are
 *                    added up in chunks of a fixed length, and chunks that share an id in their order
 *   SCATTER_SEARCH   the rest: every element of the result looks through all ids for its own */
#ifndef CUDA_SCATTER_H
#define CUDA_SCATTER_H
#include "backend/cuda/loops.h"
#include <cuda_runtime_api.h>

enum { SCATTER_TO, SCATTER_VALUES, SCATTER_IDS };       /* operands of kept */
enum { SCATTER_SUMMED_VALUES, SCATTER_SUMMED_IDS };     /* of summed */
enum scatter_how { SCATTER_ONCE, SCATTER_SORTED, SCATTER_SEARCH };
enum { SCATTER_DIGIT = 16, SCATTER_SORTERS = 256, SCATTER_SLICE = 64 };     /* of a sort: keys of a digit, threads of a block; a chunk is slices */

struct scatter_args {
    enum scatter_how how;
    struct cuda_walk kept, summed;
    rk_dtype dtype, id_dtype;
    bool accumulate;
    int64_t size, step;                     /* of the dim that ids choose along */
    void *to;
    const void *values, *ids;
    /* sorted */
    int wide;                               /* kept neighbours of a thread; then kept is in units of so many */
    int64_t chunk, chunks, units, items, sorters;       /* positions of a chunk; units of kept; positions of a thread, blocks that sort */
    uint32_t *keys[2], *positions[2], *counts;
    void *head, *tail;                      /* chunks × kept: what a chunk's first and last stretch share with others; f32, or f64 of other dtypes */
};

#ifdef __cplusplus
extern "C" {
#endif
void scatter_launch(struct scatter_args *a, cudaStream_t stream);
#ifdef __cplusplus
}
#endif
#endif
