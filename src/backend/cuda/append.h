/* append.h: what append.c asks of append.cu. */
#ifndef CUDA_APPEND_H
#define CUDA_APPEND_H
#include "backend/cuda/copy.h"

/* copy's, with places as the walk's third operand: what goes `place` · step elements further, if places 0 .. most exist for it. */
struct append_args { struct copy_args copy; const void *places; rk_dtype dtype; int64_t step, most; };

#ifdef __cplusplus
extern "C" {
#endif
void append_launch(const struct append_args *a, cudaStream_t stream);
#ifdef __cplusplus
}
#endif
#endif
