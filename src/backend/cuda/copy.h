/* copy.h: elements that are moved from layout to layout, perhaps into another dtype: what copy, place, append and cast ask of copy.c,
 * and what copy.c asks of copy.cu and cast.cu. */
#ifndef CUDA_COPY_H
#define CUDA_COPY_H
#include "backend/cuda/loops.h"
#include "base/ctx.h"
#include <cuda_runtime_api.h>

/* from NULL: zeros are written. Layouts have the same dims; addresses are those that offsets count from. */
struct cuda_move { void *to; const void *from; rk_dtype to_dtype, from_dtype; struct layout to_layout, from_layout; };

enum { COPY_TO, COPY_FROM, COPY_PLACES };

/* A step moves one unit of so many bytes; the walk is in elements of `element` bytes. */
struct copy_args { struct cuda_walk walk; int unit, element; void *to; const void *from; };
/* Rows are neighbours where they come from, columns where they go. */
struct tile_args { struct cuda_walk rest; int element; int64_t rows, columns, to_row, from_column, tiles[2]; void *to; const void *from; };
/* A step converts `each` neighbours: 8, or 1. */
struct cast_args { struct cuda_walk walk; int each; rk_dtype to_dtype, from_dtype; void *to; const void *from; };

enum { COPY_TILE = 32, CAST_EACH = 8 };

#ifdef __cplusplus
extern "C" {
#endif
struct call;
rk_status cuda_move(rk_ctx *ctx, cudaStream_t stream, const struct cuda_move *m);
struct cuda_move cuda_move_of(const struct call *c, int in);        /* operand in to result 0 */
void copy_launch(const struct copy_args *a, cudaStream_t stream);
void tile_launch(const struct tile_args *a, cudaStream_t stream);
void cast_launch(const struct cast_args *a, cudaStream_t stream);
#ifdef __cplusplus
}
#endif
#endif
