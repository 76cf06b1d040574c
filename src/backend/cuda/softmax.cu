/* softmax.cu: the largest, then the sum, then the quotients. A row that the registers of a warp or a block hold is read from memory once; a
 * longer one is swept by a block for each of the three. Every sum has one order, so the bits are the same each time. */
#include "backend/cuda/outer.cuh"
extern "C" {
#include "backend/cuda/softmax.h"
}

enum { MOST_HELD = 32 * ROW_THREADS, LONG_THREADS = 512 };

template <typename T, int width, int held, int team> KERNEL(row_block<team>::threads) forward(struct softmax_args a)
{
    SHARED float room[WARP + 1];
    int thread = (int)threadIdx.x % team, n = (int)a.rows.n;
    int64_t row = (int64_t)blockIdx.x * row_block<team>::rows + threadIdx.x / team, at[2];
    if (row >= a.rows.count) return;                                    /* all of a team */
    outer_at(a.rows, (uint32_t)row, at);
    float x[held], most = -INFINITY, sum = 0;
    row_read<width, held, team>(x, (const T *)a.x + at[1], n, thread, -INFINITY);
#pragma unroll
    for (int i = 0; i < held; i++) most = fmaxf(most, x[i]);
    most = team_max<team>(most, room);
#pragma unroll
    for (int i = 0; i < held; i++) sum += x[i] = expf(x[i] - most);
    sum = team_sum<team>(sum, room);
#pragma unroll
    for (int i = 0; i < held; i++) x[i] /= sum;
    row_write<width, held, team>((T *)a.to + at[0], x, n, thread);
}

template <typename T, int width, int held, int team> KERNEL(row_block<team>::threads) backward(struct softmax_args a)
{
    SHARED float room[WARP + 1];
    int thread = (int)threadIdx.x % team, n = (int)a.rows.n;
    int64_t row = (int64_t)blockIdx.x * row_block<team>::rows + threadIdx.x / team, at[3];
    if (row >= a.rows.count) return;
    outer_at(a.rows, (uint32_t)row, at);
    float y[held], dy[held], dot = 0;
    row_read<width, held, team>(y, (const T *)a.x + at[1], n, thread, 0);
    row_read<width, held, team>(dy, (const T *)a.dy + at[2], n, thread, 0);
#pragma unroll
    for (int i = 0; i < held; i++) dot += y[i] * dy[i];
    dot = team_sum<team>(dot, room);
#pragma unroll
    for (int i = 0; i < held; i++) y[i] *= dy[i] - dot;
    row_write<width, held, team>((T *)a.to + at[0], y, n, thread);
}

/* --- long rows --- */

/* Visits all packs of a row, a block together: with(first element). */
template <int width, typename With> DEVICE void sweep(int64_t n, const With &with)
{
    for (int64_t i = (int64_t)threadIdx.x * width; i < n; i += LONG_THREADS * width) with(i);
}

template <typename T, int width> KERNEL(LONG_THREADS) long_forward(struct softmax_args a)
{
    SHARED float room[WARP + 1];
    int64_t at[2];
    outer_at(a.rows, blockIdx.x, at);
    const T *x = (const T *)a.x + at[1];
    T *y = (T *)a.to + at[0];
    float most = -INFINITY, sum = 0;
    sweep<width>(a.rows.n, [&](int64_t i) {
        pack<T, width> some = *(const pack<T, width> *)(x + i);
        for (int j = 0; j < width; j++) most = fmaxf(most, wide(some.at[j]));
    });
    most = block_max(most, room);
    sweep<width>(a.rows.n, [&](int64_t i) {
        pack<T, width> some = *(const pack<T, width> *)(x + i);
        for (int j = 0; j < width; j++) sum += expf(wide(some.at[j]) - most);
    });
    sum = block_sum(sum, room);
    sweep<width>(a.rows.n, [&](int64_t i) {
        pack<T, width> some = *(const pack<T, width> *)(x + i);
        for (int j = 0; j < width; j++) narrow(&some.at[j], expf(wide(some.at[j]) - most) / sum);
        *(pack<T, width> *)(y + i) = some;
    });
}

template <typename T, int width> KERNEL(LONG_THREADS) long_backward(struct softmax_args a)
{
    SHARED float room[WARP + 1];
    int64_t at[3];
    outer_at(a.rows, blockIdx.x, at);
    const T *y = (const T *)a.x + at[1], *dy = (const T *)a.dy + at[2];
    T *dx = (T *)a.to + at[0];
    float dot = 0;
    sweep<width>(a.rows.n, [&](int64_t i) {
        pack<T, width> p = *(const pack<T, width> *)(y + i), q = *(const pack<T, width> *)(dy + i);
        for (int j = 0; j < width; j++) dot += wide(p.at[j]) * wide(q.at[j]);
    });
    dot = block_sum(dot, room);
    sweep<width>(a.rows.n, [&](int64_t i) {
        pack<T, width> p = *(const pack<T, width> *)(y + i), q = *(const pack<T, width> *)(dy + i);
        for (int j = 0; j < width; j++) narrow(&p.at[j], wide(p.at[j]) * (wide(q.at[j]) - dot));
        *(pack<T, width> *)(dx + i) = p;
    });
}

/* --- launching --- */

struct go_forward {
    const struct softmax_args *a;
    cudaStream_t stream;
    template <typename T, int width, int held, int team> void run() const
    {
        auto kernel = forward<T, width, held, team>;
        LAUNCH(kernel, row_blocks(a->rows.count, row_block<team>::rows), row_block<team>::threads, 0, stream, *a);
    }
    template <typename T, int width> void run_long() const
    {
        auto kernel = long_forward<T, width>;
        LAUNCH(kernel, (unsigned)a->rows.count, LONG_THREADS, 0, stream, *a);
    }
};

struct go_backward {
    const struct softmax_args *a;
    cudaStream_t stream;
    template <typename T, int width, int held, int team> void run() const
    {
        auto kernel = backward<T, width, held, team>;
        LAUNCH(kernel, row_blocks(a->rows.count, row_block<team>::rows), row_block<team>::threads, 0, stream, *a);
    }
    template <typename T, int width> void run_long() const
    {
        auto kernel = long_backward<T, width>;
        LAUNCH(kernel, (unsigned)a->rows.count, LONG_THREADS, 0, stream, *a);
    }
};

template <typename T, typename Go> static void launch_long(const struct softmax_args *a, const Go &go)
{
    if (a->aligned && a->rows.n % row_width<T>::most == 0) go.template run_long<T, row_width<T>::most>();
    else go.template run_long<T, 1>();
}

template <typename Go> static void launch(const struct softmax_args *a, const Go &go)
{
    if (a->rows.n <= MOST_HELD) row_launch_of(a->dtype, a->aligned, a->rows.n, go);
    else if (a->dtype == RK_bf16) launch_long<bf16>(a, go);
    else if (a->dtype == RK_f16) launch_long<f16>(a, go);
    else launch_long<float>(a, go);
}

extern "C" void softmax_launch(const struct softmax_args *a, cudaStream_t stream) { launch(a, go_forward{ a, stream }); }
extern "C" void softmax_adjoint_launch(const struct softmax_args *a, cudaStream_t stream) { launch(a, go_backward{ a, stream }); }
