/* norm.h: what norm.c asks of norm.cu. */
#ifndef CUDA_NORM_H
#define CUDA_NORM_H
#include "backend/cuda/outer.h"
#include <cuda_runtime_api.h>

enum { CUDA_NORM_LAYER, CUDA_NORM_RMS, CUDA_NORM_DEVIATION };           /* as attribute 1 of the op */
enum { CUDA_NORM_MOST = 8192 };                                         /* elements of a row: what a block's registers hold */
enum { CUDA_NORM_X = 1, CUDA_NORM_WEIGHT = 2, CUDA_NORM_BIAS = 4, CUDA_NORM_Y = 8, CUDA_NORM_DX = 16, CUDA_NORM_DWEIGHT = 32, CUDA_NORM_DBIAS = 64 };

/* rows: of x, then of y, or of dy and dx. Addresses are of the first element; what is NULL is not there or not wanted. */
struct norm_args {
    struct cuda_outer rows;
    rk_dtype dtype;                                     /* of all of them; or of 16 bits, where those named in `full` are f32 */
    int32_t full;                                       /* CUDA_NORM_X ...; Y is dy too. 0: one dtype */
    int32_t kind, aligned;                              /* aligned: all lie so that 16 bytes are moved as one */
    float eps;
    const void *x, *weight, *bias, *dy;
    void *y, *dx, *dweight, *dbias;
    float *parts;                                       /* [dweight, dbias][blocks][n] */
    int32_t blocks;                                     /* of the backward sweep: the sums are theirs, in order */
};

#ifdef __cplusplus
extern "C" {
#endif
void norm_launch(const struct norm_args *a, cudaStream_t stream);
void norm_adjoint_launch(const struct norm_args *a, cudaStream_t stream);        /* dx and the parts */
void norm_columns_launch(const struct norm_args *a, cudaStream_t stream);        /* dweight, dbias from the parts */
#ifdef __cplusplus
}
#endif
#endif
