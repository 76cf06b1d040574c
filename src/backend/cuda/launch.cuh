/* launch.cuh: what every .cu of this folder starts from: launching, numbers of 16 bits, sums over a warp and a block.
 *
 * Kernels are written with these words alone, so that tests can compile the same text for the host (tests/cuda_host), where each
 * thread of a block is a coroutine: LAUNCH, SHARED, DYNAMIC_SHARED, __syncthreads, shuffle_xor, the words below, and what
 * tensor.cuh adds for tensor cores. */
#ifndef CUDA_LAUNCH_CUH
#define CUDA_LAUNCH_CUH
#include <stdint.h>
#include <stddef.h>

#if RECKON_CUDA_HOST
#include "cuda_host.h"
#else
#include <cuda_runtime.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#define LAUNCH(kernel, blocks, threads, shared, stream, ...) kernel<<<(blocks), (threads), (shared), (stream)>>>(__VA_ARGS__)
#define KERNEL(most_threads) static __global__ void __launch_bounds__(most_threads)
#define DEVICE static __device__ __forceinline__
#define SHARED __shared__
#define DYNAMIC_SHARED(type, name) extern __shared__ __align__(128) unsigned char dynamic_shared[]; type *name = (type *)dynamic_shared
template <typename T> DEVICE T shuffle_xor(T x, int mask) { return __shfl_xor_sync(0xffffffffu, x, mask); }
template <typename T> DEVICE T shuffle_from(T x, int lane) { return __shfl_sync(0xffffffffu, x, lane); }
#endif

/* --- numbers: stored as T, computed in float --- */

struct bf16 { uint16_t bits; };
struct f16 { uint16_t bits; };

DEVICE float wide(float x) { return x; }
#if RECKON_CUDA_HOST
DEVICE float wide(bf16 x) { return host_from_bf16(x.bits); }
DEVICE float wide(f16 x) { return host_from_f16(x.bits); }
DEVICE void narrow(bf16 *to, float x) { to->bits = host_to_bf16(x); }
DEVICE void narrow(f16 *to, float x) { to->bits = host_to_f16(x); }
#else
DEVICE float wide(bf16 x) { return __uint_as_float((unsigned)x.bits << 16); }
DEVICE float wide(f16 x) { return __half2float(__ushort_as_half(x.bits)); }
DEVICE void narrow(bf16 *to, float x) { to->bits = __bfloat16_as_ushort(__float2bfloat16_rn(x)); }
DEVICE void narrow(f16 *to, float x) { to->bits = __half_as_ushort(__float2half_rn(x)); }
#endif
DEVICE void narrow(float *to, float x) { *to = x; }

/* n neighbours of T, moved 16 bytes at a time. The address is a multiple of their size, or of 16. */
template <typename T, int n> struct __align__(sizeof(T) * n < 16 ? sizeof(T) * n : 16) pack { T at[n]; };

/* --- sums over lanes, in one order --- */

enum { WARP = 32 };

DEVICE float warp_sum(float x)
{
    for (int mask = WARP / 2; mask > 0; mask /= 2) x += shuffle_xor(x, mask);
    return x;
}

DEVICE float warp_max(float x)
{
    for (int mask = WARP / 2; mask > 0; mask /= 2) {
        float other = shuffle_xor(x, mask);
        x = other > x ? other : x;
    }
    return x;
}

/* Over all threads of a block (a multiple of WARP); `room` is 33 floats of shared memory, free to be used again afterwards. */
DEVICE float block_sum(float x, float *room)
{
    x = warp_sum(x);
    if (threadIdx.x % WARP == 0) room[threadIdx.x / WARP] = x;
    __syncthreads();
    if (threadIdx.x < WARP) {
        float y = threadIdx.x < blockDim.x / WARP ? room[threadIdx.x] : 0.0f;
        y = warp_sum(y);
        if (threadIdx.x == 0) room[WARP] = y;
    }
    __syncthreads();
    x = room[WARP];
    __syncthreads();
    return x;
}

DEVICE float block_max(float x, float *room)
{
    x = warp_max(x);
    if (threadIdx.x % WARP == 0) room[threadIdx.x / WARP] = x;
    __syncthreads();
    if (threadIdx.x < WARP) {
        float y = threadIdx.x < blockDim.x / WARP ? room[threadIdx.x] : room[0];
        y = warp_max(y);
        if (threadIdx.x == 0) room[WARP] = y;
    }
    __syncthreads();
    x = room[WARP];
    __syncthreads();
    return x;
}

#endif
