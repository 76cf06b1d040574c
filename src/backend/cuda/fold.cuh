/* fold.cuh: kernels that fold, for sums, maxima, and sums of products. Partial results are doubles: exact enough for f32, and with
 * fixed orders. */
#ifndef CUDA_FOLD_CUH
#define CUDA_FOLD_CUH
#include "backend/cuda/loops.cuh"
#include "backend/cuda/numbers.cuh"
extern "C" {
#include "backend/cuda/fold.h"
}

enum { FOLD_THREADS = 256, FOLD_WARPS = FOLD_THREADS / WARP, JOIN_THREADS = 128 };
#define FOLD_BOUNDS FOLD_THREADS, 2         /* registers as two blocks of a multiprocessor may have: none is spilled for the sake of a third */

DEVICE double fold_nothing(bool max) { return max ? -(double)INFINITY : 0; }
DEVICE double fold_two(double a, double b, bool max) { return max ? (b > a ? b : a) : a + b; }

DEVICE double warp_fold(double x, bool max)
{
    for (int mask = WARP / 2; mask > 0; mask /= 2) x = fold_two(x, shuffle_xor(x, mask), max);
    return x;
}

/* In thread 0; room: a double for each warp. */
DEVICE double block_fold(double x, bool max, double *room)
{
    x = warp_fold(x, max);
    if (threadIdx.x % WARP == 0) room[threadIdx.x / WARP] = x;
    __syncthreads();
    x = room[0];
    for (unsigned i = 1; i < blockDim.x / WARP; i++) x = fold_two(x, room[i], max);
    return x;
}

DEVICE void fold_finish(const struct fold_args &a, int64_t at, double x)
{
    store_any(a.y, at, a.y_dtype, a.accumulate ? load_any(a.y, at, a.y_dtype) + x : x);
}

template <typename T, bool product> DEVICE double fold_value(const struct fold_args &a, int64_t x, int64_t w)
{
    double value = load<T>(a.x, x, a.x_dtype);
    if constexpr (product) value *= load<T>(a.w, w, a.w_dtype);
    return value;
}

/* Steps first, first + by ... below end of what is folded, for the result whose operands begin at `at`. */
template <typename T, bool product> DEVICE double fold_steps(const struct fold_args &a, const int64_t (&at)[3], int64_t first, int64_t end, int64_t by)
{
    double sum = fold_nothing(a.max);
    if (a.gone.rank <= 1) {
        int64_t x = a.gone.rank == 0 ? 0 : a.gone.stride[FOLD_GONE_X][0], w = a.gone.rank == 0 ? 0 : a.gone.stride[FOLD_GONE_W][0];
#pragma unroll (is_any<T> ? 1 : 4)
        for (int64_t i = first; i < end; i += by) sum = fold_two(sum, fold_value<T, product>(a, at[FOLD_X] + i * x, at[FOLD_W] + i * w), a.max);
        return sum;
    }
#pragma unroll 1
    for (int64_t i = first; i < end; i += by) {
        int64_t in[2];
        walk_at(a.gone, i, in);
        sum = fold_two(sum, fold_value<T, product>(a, at[FOLD_X] + in[FOLD_GONE_X], at[FOLD_W] + in[FOLD_GONE_W]), a.max);
    }
    return sum;
}

/* The same, of what lies side by side, 16 bytes at a time: packs first, first + by ... below end. */
template <typename T, bool product> DEVICE double fold_packs(const struct fold_args &a, const int64_t (&at)[3], int64_t first, int64_t end, int64_t by)
{
    enum { PACK = 16 / sizeof(T) };
    const pack<T, PACK> *x = (const pack<T, PACK> *)((const T *)a.x + at[FOLD_X]), *w = (const pack<T, PACK> *)((const T *)a.w + at[FOLD_W]);
    double sum = fold_nothing(a.max);
#pragma unroll 2
    for (int64_t i = first; i < end; i += by) {
        const pack<T, PACK> u = x[i], v = product ? w[i] : u;
#pragma unroll
        for (int k = 0; k < PACK; k++) sum = fold_two(sum, product ? (double)wide(u.at[k]) * wide(v.at[k]) : (double)wide(u.at[k]), a.max);
    }
    return sum;
}

/* Elements first .. end - 1 by `threads` neighbours, of which this is number `own`. */
template <typename T, bool product> DEVICE double fold_stretch(const struct fold_args &a, const int64_t (&at)[3], int64_t first, int64_t end, int own, int threads)
{
    if constexpr (!is_any<T>)
        if (a.wide > 1) return fold_packs<T, product>(a, at, first / a.wide + own, end / a.wide, threads);
    return fold_steps<T, product>(a, at, first + own, end, threads);
}

template <typename T, bool product> KERNEL(FOLD_BOUNDS) fold_each(struct fold_args a)
{
    int64_t result = thread_number(), at[3];
    if (result >= a.kept.count) return;
    walk_at(a.kept, result, at);
    fold_finish(a, at[FOLD_Y], fold_steps<T, product>(a, at, 0, a.gone.count, 1));
}

template <typename T, bool product> KERNEL(FOLD_BOUNDS) fold_warp(struct fold_args a)
{
    int64_t result = (int64_t)blockIdx.x * FOLD_WARPS + threadIdx.x / WARP, at[3];
    int lane = threadIdx.x % WARP;
    bool there = result < a.kept.count;
    walk_at(a.kept, there ? result : 0, at);
    double sum = warp_fold(fold_stretch<T, product>(a, at, 0, there ? a.gone.count : 0, lane, WARP), a.max);
    if (there && lane == 0) fold_finish(a, at[FOLD_Y], sum);
}

template <typename T, bool product> KERNEL(FOLD_BOUNDS) fold_block(struct fold_args a)
{
    SHARED double room[FOLD_WARPS];
    int64_t result = blockIdx.x / a.parts, part = blockIdx.x % a.parts, first = part * a.per_part, end = first + a.per_part, at[3];
    if (end > a.gone.count) end = a.gone.count;
    walk_at(a.kept, result, at);
    double sum = block_fold(fold_stretch<T, product>(a, at, first, end, (int)threadIdx.x, FOLD_THREADS), a.max, room);
    if (threadIdx.x != 0) return;
    if (a.parts == 1) fold_finish(a, at[FOLD_Y], sum);
    else a.partial[part * a.kept.count + result] = sum;
}

/* The parts of a result: every thread some of them, evenly apart, then all threads. */
KERNEL(JOIN_THREADS) fold_join(struct fold_args a)
{
    SHARED double room[JOIN_THREADS / WARP];
    int64_t result = blockIdx.x, at[3];
    double sum = fold_nothing(a.max);
    for (int64_t part = threadIdx.x; part < a.parts; part += JOIN_THREADS) sum = fold_two(sum, a.partial[part * a.kept.count + result], a.max);
    sum = block_fold(sum, a.max, room);
    walk_at(a.kept, result, at);
    if (threadIdx.x == 0) fold_finish(a, at[FOLD_Y], sum);
}

template <typename T, bool product> static void fold_by(const struct fold_args *a, cudaStream_t stream)
{
    int64_t results = a->kept.count;
    switch (a->how) {
    case FOLD_EACH: LAUNCH((fold_each<T, product>), blocks_for(results, FOLD_THREADS), FOLD_THREADS, 0, stream, *a); break;
    case FOLD_WARP: LAUNCH((fold_warp<T, product>), blocks_for(results, FOLD_WARPS), FOLD_THREADS, 0, stream, *a); break;
    default: LAUNCH((fold_block<T, product>), (unsigned)(results * a->parts), FOLD_THREADS, 0, stream, *a); break;
    }
}

#endif
