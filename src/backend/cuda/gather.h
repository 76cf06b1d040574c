/* gather.h: what gather.c asks of gather.cu. */
#ifndef CUDA_GATHER_H
#define CUDA_GATHER_H
#include "backend/cuda/loops.h"
#include <cuda_runtime_api.h>

enum { GATHER_TO, GATHER_TABLE, GATHER_IDS };

/* A step reads one id, of 0 .. size - 1, and moves one unit of so many bytes from `id` · step elements further in the table. */
struct gather_args { struct cuda_walk walk; int unit, element; rk_dtype dtype; int64_t size, step; void *to; const void *table, *ids; };

#ifdef __cplusplus
extern "C" {
#endif
void gather_launch(const struct gather_args *a, cudaStream_t stream);
#ifdef __cplusplus
}
#endif
#endif
