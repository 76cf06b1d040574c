/* norm.cu: a row stays in the registers of a warp, or of a block if it is longer, between its statistics and its scaling: x is read
 * once, y written once. The variance is that of the centred row, so that a large mean costs no digits.
 *
 * Backward, with h = (x - mean) r and g = dy weight:  dx = r (g - mean g - h s Σ g h), without `mean g` in RMS norm; s is 1/n, or for
 * r = 1 / (deviation + eps) the quotient (deviation + eps) / (deviation (n - 1)); dweight = Σ dy h, dbias = Σ dy over the rows. */
#include "backend/cuda/outer.cuh"
extern "C" {
#include "backend/cuda/norm.h"
}

enum { COLUMN_WARPS = 8 };

struct moments { float mean, scale, slope; };           /* scale: r; slope: s */

template <int width, int held, int team> DEVICE struct moments moments_of(const float (&x)[held], int kind, float eps, int n, int thread, float *room)
{
    float sum = 0, squares = 0, mean = 0;
    if (kind != CUDA_NORM_RMS) {
#pragma unroll
        for (int i = 0; i < held; i++) sum += x[i];                     /* 0 beyond the row */
        mean = team_sum<team>(sum, room) / (float)n;
    }
#pragma unroll
    for (int p = 0; p < held / width; p++) {
        if (row_pack(p, width, team, thread) >= n) continue;
#pragma unroll
        for (int j = 0; j < width; j++) squares += (x[p * width + j] - mean) * (x[p * width + j] - mean);
    }
    squares = team_sum<team>(squares, room);
    if (kind != CUDA_NORM_DEVIATION) return { mean, 1.0f / sqrtf(squares / (float)n + eps), 1.0f / (float)n };
    float deviation = sqrtf(squares / (float)(n - 1));
    return { mean, 1.0f / (deviation + eps), (deviation + eps) / (deviation * (float)(n - 1)) };
}

template <typename T, int width, int held, int team> KERNEL(row_block<team>::threads) forward(struct norm_args a)
{
    SHARED float room[WARP + 1];
    int thread = (int)threadIdx.x % team, n = (int)a.rows.n;
    int64_t row = (int64_t)blockIdx.x * row_block<team>::rows + threadIdx.x / team, at[2];
    if (row >= a.rows.count) return;                                    /* all of a team */
    outer_at(a.rows, (uint32_t)row, at);
    float x[held], factor[held];
    row_read<width, held, team>(x, (const T *)a.x + at[0], n, thread, 0);
    struct moments m = moments_of<width, held, team>(x, a.kind, a.eps, n, thread, room);
#pragma unroll
    for (int i = 0; i < held; i++) x[i] = (x[i] - m.mean) * m.scale;
    if (a.weight != NULL) {
        row_read<width, held, team>(factor, (const T *)a.weight, n, thread, 0);
#pragma unroll
        for (int i = 0; i < held; i++) x[i] *= factor[i];
    }
    if (a.bias != NULL) {
        row_read<width, held, team>(factor, (const T *)a.bias, n, thread, 0);
#pragma unroll
        for (int i = 0; i < held; i++) x[i] += factor[i];
    }
    row_write<width, held, team>((T *)a.y + at[1], x, n, thread);
}

/* The sums of a block's teams come together in order, and go to the block's part. */
template <int width, int held, int team> DEVICE void write_part(float *part, const float (&sum)[held], int n, int thread)
{
    if constexpr (team != WARP) {
#pragma unroll
        for (int i = 0; i < held; i++) {
            int at = row_pack(i / width, width, team, thread) + i % width;
            if (at < n) part[at] = sum[i];
        }
    } else {
        SHARED float all[held * WARP];
        for (int warp = 0; warp < ROW_WARPS; warp++) {
            if ((int)threadIdx.x / WARP == warp) {
#pragma unroll
                for (int i = 0; i < held; i++) {
                    int at = row_pack(i / width, width, team, thread) + i % width;
                    all[at] = warp == 0 ? sum[i] : all[at] + sum[i];
                }
            }
            __syncthreads();
        }
        for (int i = (int)threadIdx.x; i < n; i += ROW_WARPS * WARP) part[i] = all[i];
        __syncthreads();
    }
}

template <typename T, int width, int held, int team> KERNEL(row_block<team>::threads) backward(struct norm_args a)
{
    SHARED float room[WARP + 1];
    int thread = (int)threadIdx.x % team, n = (int)a.rows.n;
    float dweight[held], dbias[held];
#pragma unroll
    for (int i = 0; i < held; i++) dweight[i] = dbias[i] = 0;
    for (int64_t row = (int64_t)blockIdx.x * row_block<team>::rows + threadIdx.x / team; row < a.rows.count; row += (int64_t)a.blocks * row_block<team>::rows) {
        int64_t at[3];
        float h[held], g[held], sum_g = 0, sum_gh = 0;
        outer_at(a.rows, (uint32_t)row, at);
        row_read<width, held, team>(h, (const T *)a.x + at[0], n, thread, 0);
        row_read<width, held, team>(g, (const T *)a.dy + at[1], n, thread, 0);
        struct moments m = moments_of<width, held, team>(h, a.kind, a.eps, n, thread, room);
#pragma unroll
        for (int i = 0; i < held; i++) {
            h[i] = (h[i] - m.mean) * m.scale;
            dweight[i] += g[i] * h[i];                                  /* beyond the row g is 0, and its sums go nowhere */
            dbias[i] += g[i];
        }
        if (a.dx == NULL) continue;                                     /* all of a grid */
#pragma unroll
        for (int p = 0; p < held / width; p++) {
            int from = row_pack(p, width, team, thread);
            if (from >= n) continue;
            pack<T, width> weight;
            if (a.weight != NULL) weight = *(const pack<T, width> *)((const T *)a.weight + from);
#pragma unroll
            for (int j = 0; j < width; j++) {
                float &y = g[p * width + j];
                if (a.weight != NULL) y *= wide(weight.at[j]);
                sum_g += y;
                sum_gh += y * h[p * width + j];
            }
        }
        team_sums<team>(sum_g, sum_gh, room);
        float mean_g = a.kind == CUDA_NORM_RMS ? 0 : sum_g / (float)n, share = sum_gh * m.slope;
#pragma unroll
        for (int i = 0; i < held; i++) g[i] = m.scale * (g[i] - mean_g - h[i] * share);
        row_write<width, held, team>((T *)a.dx + at[2], g, n, thread);
    }
    float *part = a.parts + (int64_t)blockIdx.x * n;
    if (a.dweight != NULL) write_part<width, held, team>(part, dweight, n, thread);
    if (a.dbias != NULL) write_part<width, held, team>(part + (int64_t)a.blocks * n, dbias, n, thread);
}

/* A block for WARP columns of one of the two sums: each warp adds every eighth part, then the warps are added. */
template <typename T> KERNEL(COLUMN_WARPS * WARP) columns(struct norm_args a)
{
    SHARED double sums[COLUMN_WARPS][WARP];
    int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP, which = (int)blockIdx.y;
    int64_t n = a.rows.n, column = (int64_t)blockIdx.x * WARP + lane;
    T *to = (T *)(which == 0 ? a.dweight : a.dbias);
    double sum = 0;
    if (column < n && to != NULL)
        for (int64_t part = warp; part < a.blocks; part += COLUMN_WARPS) sum += (double)a.parts[(which * (int64_t)a.blocks + part) * n + column];
    sums[warp][lane] = sum;
    __syncthreads();
    if (warp > 0 || column >= n || to == NULL) return;
    for (int i = 1; i < COLUMN_WARPS; i++) sum += sums[i][lane];
    narrow(&to[column], (float)sum);
}

struct go_forward {
    const struct norm_args *a;
    cudaStream_t stream;
    template <typename T, int width, int held, int team> void run() const
    {
        auto kernel = forward<T, width, held, team>;
        LAUNCH(kernel, row_blocks(a->rows.count, row_block<team>::rows), row_block<team>::threads, 0, stream, *a);
    }
};

struct go_backward {
    const struct norm_args *a;
    cudaStream_t stream;
    template <typename T, int width, int held, int team> void run() const
    {
        auto kernel = backward<T, width, held, team>;
        LAUNCH(kernel, (unsigned)a->blocks, row_block<team>::threads, 0, stream, *a);
    }
};

extern "C" void norm_launch(const struct norm_args *a, cudaStream_t stream) { row_launch_of(a->dtype, a->aligned, a->rows.n, go_forward{ a, stream }); }
extern "C" void norm_adjoint_launch(const struct norm_args *a, cudaStream_t stream) { row_launch_of(a->dtype, a->aligned, a->rows.n, go_backward{ a, stream }); }

extern "C" void norm_columns_launch(const struct norm_args *a, cudaStream_t stream)
{
    dim3 blocks(row_blocks(a->rows.n, WARP), 2);
    switch (a->dtype) {
    case RK_bf16: LAUNCH(columns<bf16>, blocks, COLUMN_WARPS * WARP, 0, stream, *a); break;
    case RK_f16: LAUNCH(columns<f16>, blocks, COLUMN_WARPS * WARP, 0, stream, *a); break;
    default: LAUNCH(columns<float>, blocks, COLUMN_WARPS * WARP, 0, stream, *a); break;
    }
}
