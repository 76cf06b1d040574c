/* softmax.cu: a block for each row; the largest, then the sum, then the quotients; rows that stay in the first-level cache are read
 * from memory once. Every sum has one order, so the bits are the same each time. */
#include "backend/cuda/launch.cuh"
extern "C" {
#include "backend/cuda/softmax.h"
}

enum { THREADS = 256 };

template <typename T> KERNEL(THREADS) forward(struct softmax_args a)
{
    SHARED float room[WARP + 1];
    const T *x = (const T *)a.x + blockIdx.x * a.rows.stride[1];
    T *y = (T *)a.to + blockIdx.x * a.rows.stride[0];
    float most = -INFINITY, sum = 0;
    for (int64_t i = threadIdx.x; i < a.rows.n; i += THREADS) most = fmaxf(most, wide(x[i]));
    most = block_max(most, room);
    for (int64_t i = threadIdx.x; i < a.rows.n; i += THREADS) sum += expf(wide(x[i]) - most);
    sum = block_sum(sum, room);
    for (int64_t i = threadIdx.x; i < a.rows.n; i += THREADS) narrow(&y[i], expf(wide(x[i]) - most) / sum);
}

template <typename T> KERNEL(THREADS) backward(struct softmax_args a)
{
    SHARED float room[WARP + 1];
    const T *y = (const T *)a.x + blockIdx.x * a.rows.stride[1], *dy = (const T *)a.dy + blockIdx.x * a.rows.stride[2];
    T *dx = (T *)a.to + blockIdx.x * a.rows.stride[0];
    float dot = 0;
    for (int64_t i = threadIdx.x; i < a.rows.n; i += THREADS) dot += wide(y[i]) * wide(dy[i]);
    dot = block_sum(dot, room);
    for (int64_t i = threadIdx.x; i < a.rows.n; i += THREADS) narrow(&dx[i], wide(y[i]) * (wide(dy[i]) - dot));
}

extern "C" void softmax_launch(const struct softmax_args *a, cudaStream_t stream)
{
    unsigned blocks = (unsigned)a->rows.count;
    switch (a->dtype) {
    case RK_bf16: LAUNCH(forward<bf16>, blocks, THREADS, 0, stream, *a); break;
    case RK_f16: LAUNCH(forward<f16>, blocks, THREADS, 0, stream, *a); break;
    default: LAUNCH(forward<float>, blocks, THREADS, 0, stream, *a); break;
    }
}

extern "C" void softmax_adjoint_launch(const struct softmax_args *a, cudaStream_t stream)
{
    unsigned blocks = (unsigned)a->rows.count;
    switch (a->dtype) {
    case RK_bf16: LAUNCH(backward<bf16>, blocks, THREADS, 0, stream, *a); break;
    case RK_f16: LAUNCH(backward<f16>, blocks, THREADS, 0, stream, *a); break;
    default: LAUNCH(backward<float>, blocks, THREADS, 0, stream, *a); break;
    }
}
