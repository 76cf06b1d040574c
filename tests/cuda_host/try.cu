/* try.cu: kernels that try the stand-in itself, for tests/cuda/test_stand_in.c: shared memory that nobody wrote, lanes that exchange,
 * copies that were not waited for, and what must be stopped. */
#include "backend/cuda/launch.cuh"
#include "try.h"

template <typename T> KERNEL(64) poisoned(T *to)
{
    SHARED T room[64];
    SHARED int once;
    DYNAMIC_SHARED(T, more);
    to[blockIdx.x * 64 + threadIdx.x] = room[threadIdx.x] + more[threadIdx.x] + (T)once;
    __syncthreads();
    room[threadIdx.x] = more[threadIdx.x] = 1;
    once = 1;
}

KERNEL(64) exchanges(float *to)
{
    SHARED float room[WARP + 1];
    float sum = block_sum((float)threadIdx.x, room), most = block_max((float)(threadIdx.x * 7 % 64), room);
    int other = shuffle_from((int)threadIdx.x, 31 - (int)(threadIdx.x % 32)), next = shuffle_xor((int)threadIdx.x, 1);
    float *mine = to + ((size_t)blockIdx.x * 64 + threadIdx.x) * 4;
    mine[0] = sum, mine[1] = most, mine[2] = (float)other, mine[3] = (float)next;
}

KERNEL(32) copies(const float *from, float *to)
{
    SHARED __align__(16) float room[3][32 * 4];
    for (int i = 0; i < 2; i++) {
        host_async_copy(&room[i][threadIdx.x * 4], from + (i * 32 + (int)threadIdx.x) * 4, 16, i == 0 ? 16 : 8);
        host_async_commit();
    }
    to[threadIdx.x * 3] = room[0][threadIdx.x * 4];                    /* not there yet */
    host_async_wait(1);
    to[threadIdx.x * 3 + 1] = room[0][threadIdx.x * 4 + 3];
    host_async_wait(0);
    to[threadIdx.x * 3 + 2] = room[1][threadIdx.x * 4 + 3] + room[1][threadIdx.x * 4 + 1];
}

/* What the enum try_wrong says. */
KERNEL(64) wrong(int what, float *to)
{
    SHARED float room[64];
    if (what == TRY_BARRIER && threadIdx.x < 40) __syncthreads();
    if (what == TRY_SHUFFLE && threadIdx.x % 2 == 0) to[0] = shuffle_xor(1.0f, 2);
    if (what == TRY_BOTH) {
        if (threadIdx.x % 2 == 0) to[0] = shuffle_xor(1.0f, 2);
        else __syncthreads();
    }
    if (what == TRY_COPY) host_async_copy(room, to, 16, 16);
    if (what == TRY_OUTSIDE) to[4] = 1;
}

extern "C" void try_poisoned(float *to, unsigned blocks, cudaStream_t stream) { LAUNCH(poisoned<float>, blocks, 64, 64 * sizeof(float), stream, to); }
extern "C" void try_exchanges(float *to, unsigned blocks, cudaStream_t stream) { LAUNCH(exchanges, blocks, 64, 0, stream, to); }
extern "C" void try_copies(const float *from, float *to, cudaStream_t stream) { LAUNCH(copies, 1, 32, 0, stream, from, to); }
extern "C" void try_wrong(int what, float *to, cudaStream_t stream) { LAUNCH(wrong, 1, 64, 0, stream, what, to); }
extern "C" void try_launch(float *to, unsigned blocks, unsigned threads, size_t shared, cudaStream_t stream) { LAUNCH(poisoned<float>, blocks, threads, shared, stream, to); }
