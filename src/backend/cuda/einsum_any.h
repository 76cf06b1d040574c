/* einsum_any.h: what einsum_any.c asks of einsum_any.cu. */
#ifndef CUDA_EINSUM_ANY_H
#define CUDA_EINSUM_ANY_H
#include "backend/cuda/fold.h"

#ifdef __cplusplus
extern "C" {
#endif
void einsum_any_launch(const struct fold_args *a, cudaStream_t stream);
#ifdef __cplusplus
}
#endif
#endif
