/* thin.cu: see thin.h.
 *
 * W by columns (w_k = 1, as nn.Linear keeps it): a warp for each column, lanes along k. W by rows (w_n = 1, as Conv1D does): a block for
 * a stripe of columns, groups of lanes and warps along k, whose sums meet in shared memory. Loads of W are 16 bytes where the
 * addresses allow it, several of them under way at once; X comes from the first-level cache. */
#include "backend/cuda/launch.cuh"
extern "C" {
#include "backend/cuda/thin.h"
}

enum { WARPS = 8, THREADS = WARPS * WARP, ACROSS = 4, ALONG = WARP / ACROSS };

struct i8 { signed char bits; };
DEVICE float wide(i8 x) { return (float)x.bits; }

DEVICE float x_at(const struct thin_args &a, int64_t m, int64_t k) { return ((const float *)a.x)[m * a.x_m + k * a.x_k]; }

DEVICE void put(const struct thin_args &a, int64_t m, int64_t n, float sum)
{
    float *y = (float *)a.y + m * a.y_m + n * a.y_n;
    *y = a.accumulate ? *y + sum : sum;
}

DEVICE float scale_of(const struct thin_args &a, int64_t n, int64_t k)
{
    return a.scale == NULL ? 1.0f : ((const float *)a.scale)[n * a.scale_n + k / a.block * a.scale_k];
}

/* --- w_k = 1 --- */

/* N neighbours of W, times those of X, which are neighbours too where N > 1: a scale belongs to all of them, since N divides its block. */
template <typename W, int N, int ROWS> DEVICE void add_stretch(const struct thin_args &a, const pack<W, N> &w, int64_t m, int64_t n, int64_t k, float *sum)
{
    float scale = scale_of(a, n, k);
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        if (m + r >= a.m) continue;
        const float *from = (const float *)a.x + (m + r) * a.x_m + k * a.x_k;
        pack<float, N> x;
        if (N > 1) x = *(const pack<float, N> *)from;
        else x.at[0] = from[0];
        float part = 0;
#pragma unroll
        for (int j = 0; j < N; j++) part += wide(w.at[j]) * x.at[j];
        sum[r] += part * scale;
    }
}

template <typename W, int N, int ROWS> KERNEL(THREADS) by_columns(struct thin_args a)
{
    enum { AHEAD = 4 };
    const int64_t n = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP, m = (int64_t)blockIdx.y * ROWS;
    const int lane = threadIdx.x % WARP;
    const bool is_there = n < a.n;
    const W *w = (const W *)a.w + (is_there ? n : 0) * a.w_n;
    float sum[ROWS] = { 0 };
    int64_t k = (int64_t)lane * N;
    for (; is_there && k + (AHEAD - 1) * WARP * N + N <= a.k; k += AHEAD * WARP * N) {
        pack<W, N> p[AHEAD];
#pragma unroll
        for (int i = 0; i < AHEAD; i++) p[i] = *(const pack<W, N> *)(w + k + i * WARP * N);
#pragma unroll
        for (int i = 0; i < AHEAD; i++) add_stretch<W, N, ROWS>(a, p[i], m, n, k + i * WARP * N, sum);
    }
    for (; is_there && k + N <= a.k; k += WARP * N) add_stretch<W, N, ROWS>(a, *(const pack<W, N> *)(w + k), m, n, k, sum);
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        float s = warp_sum(sum[r]);
        if (is_there && lane == 0 && m + r < a.m) put(a, m + r, n, s);
    }
}

/* --- w_n = 1 --- */

template <typename W, int N, int ROWS> KERNEL(THREADS) by_rows(struct thin_args a)
{
    SHARED float room[WARPS][ACROSS * N][ROWS];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, across = lane % ACROSS, along = lane / ACROSS;
    const int64_t n = ((int64_t)blockIdx.x * ACROSS + across) * N, m = (int64_t)blockIdx.y * ROWS;
    const bool is_there = n < a.n;
    float sum[N][ROWS] = { { 0 } };
#pragma unroll 4
    for (int64_t k = warp * ALONG + along; is_there && k < a.k; k += WARPS * ALONG) {
        const pack<W, N> p = *(const pack<W, N> *)((const W *)a.w + k * a.w_k + n);
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            float x = m + r < a.m ? x_at(a, m + r, k) : 0.0f;
#pragma unroll
            for (int j = 0; j < N; j++) sum[j][r] += wide(p.at[j]) * x * scale_of(a, n + j, k);
        }
    }
#pragma unroll
    for (int j = 0; j < N; j++)
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            float s = sum[j][r];
            for (int mask = ACROSS; mask < WARP; mask *= 2) s += shuffle_xor(s, mask);
            if (along == 0) room[warp][across * N + j][r] = s;
        }
    __syncthreads();
    for (int i = threadIdx.x; i < ACROSS * N * ROWS; i += THREADS) {
        int column = i / ROWS, r = i % ROWS;
        int64_t at_n = (int64_t)blockIdx.x * ACROSS * N + column;
        float s = 0;
        for (int k = 0; k < WARPS; k++) s += room[k][column][r];
        if (at_n < a.n && m + r < a.m) put(a, m + r, at_n, s);
    }
}

/* --- which one --- */

template <typename W, int N, int ROWS> static void launch(const struct thin_args *a, cudaStream_t stream)
{
    unsigned groups = (unsigned)((a->m + ROWS - 1) / ROWS);
    if (a->w_k == 1) LAUNCH((by_columns<W, N, ROWS>), dim3((unsigned)((a->n + WARPS - 1) / WARPS), groups), THREADS, 0, stream, *a);
    else LAUNCH((by_rows<W, N, ROWS>), dim3((unsigned)((a->n + ACROSS * N - 1) / (ACROSS * N)), groups), THREADS, 0, stream, *a);
}

template <typename W, int N> static void choose_rows(const struct thin_args *a, cudaStream_t stream)
{
    if (a->m == 1) launch<W, N, 1>(a, stream);
    else launch<W, N, THIN_ROWS>(a, stream);
}

/* Whole stretches along the side that is fast, which begin at a multiple of their size. */
static bool is_wide(const struct thin_args *a, int64_t n, size_t bytes)
{
    bool x = a->w_k != 1 || (a->x_k == 1 && ((uintptr_t)a->x | (size_t)a->x_m * sizeof(float)) % 16 == 0);
    int64_t fast = a->w_k == 1 ? a->k : a->n, slow = a->w_k == 1 ? a->w_n : a->w_k, lines = a->w_k == 1 ? a->n : a->k;
    bool scales = a->scale == NULL || a->w_k != 1 || a->block % n == 0;
    return fast % n == 0 && (slow % n == 0 || lines == 1) && (uintptr_t)a->w % ((size_t)n * bytes) == 0 && scales && x;
}

template <typename W> static void choose_width(const struct thin_args *a, cudaStream_t stream)
{
    enum { MOST = sizeof(W) == 1 ? 8 : 16 / sizeof(W) };
    if (is_wide(a, MOST, sizeof(W))) choose_rows<W, MOST>(a, stream);
    else choose_rows<W, 1>(a, stream);
}

extern "C" bool thin_takes(const struct thin_args *a)
{
    bool known = a->w_dtype == RK_f32 || a->w_dtype == RK_f16 || a->w_dtype == RK_bf16 || a->w_dtype == RK_i8;
    return known && a->x_dtype == RK_f32 && a->y_dtype == RK_f32 && (a->w_k == 1 || a->w_n == 1) && a->n <= (int64_t)INT32_MAX && a->m <= 65535 * THIN_ROWS &&
           (a->w_dtype == RK_i8) == (a->block > 0);
}

extern "C" void thin_launch(const struct thin_args *a, cudaStream_t stream)
{
    if (a->m == 0 || a->n == 0) return;
    switch (a->w_dtype) {
    case RK_f16: choose_width<f16>(a, stream); break;
    case RK_bf16: choose_width<bf16>(a, stream); break;
    case RK_i8: choose_width<i8>(a, stream); break;
    default: choose_width<float>(a, stream); break;
    }
}
