/* reading.h: a sweep that reads memory and writes next to nothing: what reading alone can reach. */
#ifndef CUDA_READING_H
#define CUDA_READING_H
#include <cuda_runtime_api.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
/* bytes: a multiple of 16. `to`: 4 bytes for each of multiprocessors * 2048 threads. */
void reading_launch(const void *from, size_t bytes, void *to, int multiprocessors, cudaStream_t stream);
#ifdef __cplusplus
}
#endif
#endif
