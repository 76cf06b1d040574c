/* reduce.h: what reduce.c asks of reduce.cu. */
#ifndef CUDA_REDUCE_H
#define CUDA_REDUCE_H
#include "backend/cuda/fold.h"

#ifdef __cplusplus
extern "C" {
#endif
void reduce_launch(const struct fold_args *a, cudaStream_t stream);
#ifdef __cplusplus
}
#endif
#endif
