/* llmc.h: put before the sources of llm.c, a peer of bench/peers_gpu.py: CUDA 13 takes a location where they give a device's number. */
#ifndef BENCH_LLMC_H
#define BENCH_LLMC_H
#include <cuda_runtime.h>

#if CUDART_VERSION >= 13000
static inline cudaError_t cudaMemAdvise(const void *at, size_t bytes, cudaMemoryAdvise advice, int device)
{
    cudaMemLocation where = {};
    where.type = device == cudaCpuDeviceId ? cudaMemLocationTypeHost : cudaMemLocationTypeDevice;
    where.id = device == cudaCpuDeviceId ? 0 : device;
    return cudaMemAdvise(at, bytes, advice, where);
}
#endif

#endif
