/* loops.cuh: where step i of a walk is, for each operand; and how many blocks walk it. */
#ifndef CUDA_LOOPS_CUH
#define CUDA_LOOPS_CUH
#include "backend/cuda/launch.cuh"
extern "C" {
#include "backend/cuda/loops.h"
}

enum { WALKERS = 256 };                     /* threads of a block, each one step */

/* n operands; the last loop is the fastest. */
template <int n> DEVICE void walk_at(const struct cuda_walk &w, int64_t i, int64_t (&at)[n])
{
    for (int k = 0; k < n; k++) at[k] = 0;
    for (int a = w.rank - 1; a > 0; a--) {
        int64_t size = w.size[a], rest = i / size, here = i - rest * size;
        for (int k = 0; k < n; k++) at[k] += here * w.stride[k][a];
        i = rest;
    }
    if (w.rank > 0)
        for (int k = 0; k < n; k++) at[k] += i * w.stride[k][0];
}

DEVICE int64_t thread_number() { return (int64_t)blockIdx.x * blockDim.x + threadIdx.x; }
static inline unsigned blocks_for(int64_t steps, int64_t each) { return (unsigned)((steps + each - 1) / each); }

/* Runs `what` with U a type of so many bytes. */
#define WITH_BYTES(bytes, what)                                     \
    switch (bytes) {                                                \
    case 1: { using U = uint8_t; what; break; }                     \
    case 2: { using U = uint16_t; what; break; }                    \
    case 4: { using U = uint32_t; what; break; }                    \
    case 8: { using U = uint64_t; what; break; }                    \
    default: { using U = pack<uint64_t, 2>; what; break; }          \
    }

#endif
