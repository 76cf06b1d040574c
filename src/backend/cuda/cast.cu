/* cast.cu: numbers into another dtype, rounded once: eight neighbours in a thread among the floats up to 32 bits, one otherwise. */
#include "backend/cuda/loops.cuh"
#include "backend/cuda/numbers.cuh"
extern "C" {
#include "backend/cuda/copy.h"
}

KERNEL(WALKERS) cast_each(struct cast_args a)
{
    int64_t i = thread_number(), at[2];
    if (i >= a.walk.count) return;
    walk_at(a.walk, i, at);
    store_any(a.to, at[COPY_TO], a.to_dtype, load_any(a.from, at[COPY_FROM], a.from_dtype));
}

/* f32 is moved as two packs of 16 bytes. */
template <typename T> struct cast_pack { enum { HALVES = sizeof(T) == 4 ? 2 : 1, HALF = CAST_EACH / HALVES }; pack<T, HALF> half[HALVES]; };

template <typename To, typename From> KERNEL(WALKERS) cast_units(struct cast_args a)
{
    int64_t i = thread_number(), at[2];
    if (i >= a.walk.count) return;
    walk_at(a.walk, i, at);
    using read = cast_pack<From>;
    using written = cast_pack<To>;
    read x;
    written y;
    const pack<From, read::HALF> *from = (const pack<From, read::HALF> *)((const From *)a.from + at[COPY_FROM]);
    pack<To, written::HALF> *to = (pack<To, written::HALF> *)((To *)a.to + at[COPY_TO]);
#pragma unroll
    for (int h = 0; h < read::HALVES; h++) x.half[h] = from[h];
#pragma unroll
    for (int k = 0; k < CAST_EACH; k++) narrow(&y.half[k / written::HALF].at[k % written::HALF], wide(x.half[k / read::HALF].at[k % read::HALF]));
#pragma unroll
    for (int h = 0; h < written::HALVES; h++) to[h] = y.half[h];
}

template <typename From> static void cast_from(const struct cast_args *a, unsigned blocks, cudaStream_t stream)
{
    switch (a->to_dtype) {
    case RK_f32: LAUNCH((cast_units<float, From>), blocks, WALKERS, 0, stream, *a); break;
    case RK_bf16: LAUNCH((cast_units<bf16, From>), blocks, WALKERS, 0, stream, *a); break;
    case RK_f16: LAUNCH((cast_units<f16, From>), blocks, WALKERS, 0, stream, *a); break;
    case RK_f8e4m3: LAUNCH((cast_units<f8e4m3, From>), blocks, WALKERS, 0, stream, *a); break;
    default: LAUNCH((cast_units<f8e5m2, From>), blocks, WALKERS, 0, stream, *a); break;
    }
}

extern "C" void cast_launch(const struct cast_args *a, cudaStream_t stream)
{
    unsigned blocks = blocks_for(a->walk.count, WALKERS);
    if (a->each == 1) {
        LAUNCH(cast_each, blocks, WALKERS, 0, stream, *a);
        return;
    }
    switch (a->from_dtype) {
    case RK_f32: cast_from<float>(a, blocks, stream); break;
    case RK_bf16: cast_from<bf16>(a, blocks, stream); break;
    case RK_f16: cast_from<f16>(a, blocks, stream); break;
    case RK_f8e4m3: cast_from<f8e4m3>(a, blocks, stream); break;
    default: cast_from<f8e5m2>(a, blocks, stream); break;
    }
}
