/* fold.h: many numbers made one, for every element of a result: what reduce.c and einsum_any.c ask of fold.cuh's kernels.
 *
 * Who folds what follows from the shape alone, so the bits are the same each time. Partial results are doubles in the workspace. */
#ifndef CUDA_FOLD_H
#define CUDA_FOLD_H
#include "backend/cuda/loops.h"
#include <cuda_runtime_api.h>

enum { FOLD_Y, FOLD_X, FOLD_W };            /* operands of `kept`; of `gone`: X and W alone */
enum { FOLD_GONE_X, FOLD_GONE_W };

enum fold_how {
    FOLD_EACH,                              /* a thread for each result, in order */
    FOLD_WARP,                              /* a warp for each result */
    FOLD_BLOCK,                             /* a block for each of `parts` parts of a result */
    FOLD_COLUMNS,                           /* results are neighbours: rows are folded into a row of results, in parts */
};

enum { FOLD_LANES = 32, FOLD_ROWS = 8, FOLD_WIDEST = 8 };      /* columns: threads of a block across and down, results of a thread */

struct fold_args {
    enum fold_how how;
    struct cuda_walk kept, gone;            /* what the result has; what is folded */
    rk_dtype x_dtype, w_dtype, y_dtype;
    bool max, accumulate;
    void *y;
    const void *x, *w;                      /* w: products x · w are added up */
    double *partial;                        /* parts × results */
    int64_t parts, per_part;                /* per_part: steps of `gone` */
    int wide;                               /* neighbours that a thread reads at once, 16 bytes of them, or 1: of results in columns, else of what is folded */
};

/* Fills how, parts and per_part from kept, gone and max; w_dtype etc. do not matter. */
void   fold_plan(struct fold_args *a, bool product);
size_t fold_scratch(const struct fold_args *a);
int    fold_wide(const struct fold_args *a, bool product);          /* how many neighbours may be read at once, addresses known */

#endif
