/* softmax.h: what softmax.c asks of softmax.cu. */
#ifndef CUDA_SOFTMAX_H
#define CUDA_SOFTMAX_H
#include "backend/cuda/outer.h"
#include <cuda_runtime_api.h>

/* rows: of the result, then of x, or of y and dy. Addresses are of the first element. dtype: RK_f32, RK_bf16, RK_f16. aligned: all
 * lie so that 16 bytes are moved as one. */
struct softmax_args { struct cuda_outer rows; rk_dtype dtype; bool aligned; void *to; const void *x, *dy; };

#ifdef __cplusplus
extern "C" {
#endif
void softmax_launch(const struct softmax_args *a, cudaStream_t stream);
void softmax_adjoint_launch(const struct softmax_args *a, cudaStream_t stream);
#ifdef __cplusplus
}
#endif
#endif
