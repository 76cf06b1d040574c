/* try.h: see try.cu. */
#ifndef CUDA_HOST_TRY_H
#define CUDA_HOST_TRY_H
#include <cuda_runtime_api.h>

enum try_wrong { TRY_BARRIER, TRY_SHUFFLE, TRY_BOTH, TRY_COPY, TRY_OUTSIDE };

#ifdef __cplusplus
extern "C" {
#endif
void try_poisoned(float *to, unsigned blocks, cudaStream_t stream);        /* 64 for each block: NaN everywhere */
void try_exchanges(float *to, unsigned blocks, cudaStream_t stream);       /* 4 for each of 64 threads */
void try_copies(const float *from, float *to, cudaStream_t stream);        /* 256; 96 */
void try_wrong(int what, float *to, cudaStream_t stream);                  /* to: 4 */
void try_launch(float *to, unsigned blocks, unsigned threads, size_t shared, cudaStream_t stream);
#ifdef __cplusplus
}
#endif
#endif
