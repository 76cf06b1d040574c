/* reduce.cu: the kernels of fold.cuh without a second operand, and columns: a block is 32 threads across, each with 16 bytes of
 * neighbours, and 8 down, which share the rows of a part. 16 rows are added in f32, those sums in double. */
#include "backend/cuda/fold.cuh"
extern "C" {
#include "backend/cuda/reduce.h"
}

enum { TOGETHER = 16 };

template <typename T> struct sum_type { using is = float; };
template <> struct sum_type<any_number> { using is = double; };

/* flat: rows are evenly apart. */
template <typename T, int wide_, bool flat> KERNEL(FOLD_BOUNDS) fold_columns(struct fold_args a)
{
    using sum_of = typename sum_type<T>::is;
    SHARED double room[FOLD_ROWS][FOLD_LANES * wide_];
    int64_t across = a.kept.size[a.kept.rank - 1], tiles = (across + FOLD_LANES * wide_ - 1) / (FOLD_LANES * wide_);
    int64_t tile = blockIdx.x % tiles, part = blockIdx.x / tiles % a.parts, row = blockIdx.x / tiles / a.parts;
    int lane = threadIdx.x % FOLD_LANES, down = threadIdx.x / FOLD_LANES;
    int64_t first = tile * FOLD_LANES * wide_, column = first + lane * wide_, end = (part + 1) * a.per_part, at[3];
    if (end > a.gone.count) end = a.gone.count;
    walk_at(a.kept, row * across, at);
    double all[wide_];
    for (int k = 0; k < wide_; k++) all[k] = fold_nothing(a.max);
    if (column < across) {
        for (int64_t begin = part * a.per_part + down; begin < end; begin += TOGETHER * FOLD_ROWS) {
            sum_of some[wide_];
            for (int k = 0; k < wide_; k++) some[k] = (sum_of)fold_nothing(a.max);
#pragma unroll (!flat || is_any<T> ? 1 : wide_ > 4 ? 2 : 4)
            for (int r = 0; r < TOGETHER; r++) {
                int64_t step = begin + r * FOLD_ROWS, in[1];
                if (step >= end) continue;
                if constexpr (flat) in[0] = step * a.gone.stride[FOLD_GONE_X][0];
                else walk_at(a.gone, step, in);
                int64_t x = at[FOLD_X] + in[FOLD_GONE_X] + column;
                if constexpr (is_any<T>) {
                    some[0] = fold_two(some[0], load_any(a.x, x, a.x_dtype), a.max);
                } else {
                    const pack<T, wide_> read = *(const pack<T, wide_> *)((const T *)a.x + x);
                    for (int k = 0; k < wide_; k++) {
                        float value = wide(read.at[k]);
                        some[k] = a.max ? (value > some[k] ? value : some[k]) : some[k] + value;
                    }
                }
            }
            for (int k = 0; k < wide_; k++) all[k] = fold_two(all[k], some[k], a.max);
        }
    }
    for (int k = 0; k < wide_; k++) room[down][lane * wide_ + k] = all[k];
    __syncthreads();
    if (threadIdx.x >= FOLD_LANES * wide_ || first + threadIdx.x >= across) return;
    double sum = room[0][threadIdx.x];
    for (int d = 1; d < FOLD_ROWS; d++) sum = fold_two(sum, room[d][threadIdx.x], a.max);
    int64_t result = row * across + first + threadIdx.x;
    if (a.parts == 1) walk_at(a.kept, result, at), fold_finish(a, at[FOLD_Y], sum);
    else a.partial[part * a.kept.count + result] = sum;
}

template <typename T, int wide_> static void columns(const struct fold_args *a, cudaStream_t stream)
{
    int64_t across = a->kept.size[a->kept.rank - 1];
    unsigned blocks = (unsigned)(a->kept.count / across * cuda_parts(across, FOLD_LANES * wide_) * a->parts);
    if (a->gone.rank == 1) LAUNCH((fold_columns<T, wide_, true>), blocks, FOLD_THREADS, 0, stream, *a);
    else LAUNCH((fold_columns<T, wide_, false>), blocks, FOLD_THREADS, 0, stream, *a);
}

template <typename T> static void fold(const struct fold_args *a, cudaStream_t stream)
{
    if (a->how != FOLD_COLUMNS) fold_by<T, false>(a, stream);
    else if (a->wide == 1) columns<T, 1>(a, stream);
    else columns<T, is_any<T> ? 1 : 16 / (int)sizeof(T)>(a, stream);
}

extern "C" void reduce_launch(const struct fold_args *a, cudaStream_t stream)
{
    WITH_DTYPE(a->x_dtype, fold<T>(a, stream))
    if (a->parts > 1) LAUNCH(fold_join, (unsigned)a->kept.count, JOIN_THREADS, 0, stream, *a);
}
