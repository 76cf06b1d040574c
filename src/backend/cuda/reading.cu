/* reading.cu: see reading.h. Each thread adds up what it reads, so that nothing can be left out. */
#include "backend/cuda/launch.cuh"
#include "backend/cuda/reading.h"

enum { THREADS = 512, BLOCKS = 4, AT_ONCE = 4 };

KERNEL(THREADS) sweep(const pack<unsigned, 4> *from, size_t n, unsigned *to)
{
    size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x, step = (size_t)gridDim.x * THREADS;
    unsigned sum = 0;
    for (; i + (AT_ONCE - 1) * step < n; i += AT_ONCE * step) {
        pack<unsigned, 4> x[AT_ONCE];
#pragma unroll
        for (int k = 0; k < AT_ONCE; k++) x[k] = from[i + k * step];
#pragma unroll
        for (int k = 0; k < AT_ONCE; k++) sum += x[k].at[0] ^ x[k].at[1] ^ x[k].at[2] ^ x[k].at[3];
    }
    for (; i < n; i += step) sum += from[i].at[0] ^ from[i].at[1] ^ from[i].at[2] ^ from[i].at[3];
    to[(size_t)blockIdx.x * THREADS + threadIdx.x] = sum;
}

extern "C" void reading_launch(const void *from, size_t bytes, void *to, int multiprocessors, cudaStream_t stream)
{
    LAUNCH(sweep, (unsigned)(multiprocessors * BLOCKS), THREADS, 0, stream, (const pack<unsigned, 4> *)from, bytes / sizeof(pack<unsigned, 4>), (unsigned *)to);
}
