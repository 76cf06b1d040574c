/* norm.cu: a row stays in the registers of a warp, or of a block if it is longer, between its statistics and its scaling: x is read
 * once, y written once. The variance is that of the centred row, so that a large mean costs no digits.
 *
 * Backward, with h = (x - mean) r and g = dy weight:  dx = r (g - mean g - h s Σ g h), without `mean g` in RMS norm; s is 1/n, or for
 * r = 1 / (deviation + eps) the quotient (deviation + eps) / (deviation (n - 1)); dweight = Σ dy h, dbias = Σ dy over the rows.
 *
 * Where dtypes are mixed (norm.h: full) a kernel asks for each operand whether it is f32 or T: the same for a whole grid, and one
 * kernel for all that mixed precision makes of a norm. */
#include "backend/cuda/outer.cuh"
extern "C" {
#include "backend/cuda/norm.h"
}

enum { COLUMN_WARPS = 8 };

/* An operand as it lies: T, or f32 where it is one of `full`. */
template <typename T, bool mixed, int width, int held, int team> DEVICE void read(float (&to)[held], const void *from, int64_t at, bool full, int n, int thread)
{
    if (mixed && full) row_read<width, held, team>(to, (const float *)from + at, n, thread, 0);
    else row_read<width, held, team>(to, (const T *)from + at, n, thread, 0);
}

template <typename T, bool mixed, int width, int held, int team> DEVICE void write(void *to, int64_t at, const float (&from)[held], bool full, int n, int thread)
{
    if (mixed && full) row_write<width, held, team>((float *)to + at, from, n, thread);
    else row_write<width, held, team>((T *)to + at, from, n, thread);
}

/* Two at once: one is not waited for before the other is asked for. */
template <typename A, typename B, int width, int held, int team> DEVICE void read_both(float (&x)[held], float (&y)[held], const void *from_x, const void *from_y, const int64_t *at, int n, int thread)
{
    row_read<width, held, team>(x, (const A *)from_x + at[0], n, thread, 0);
    row_read<width, held, team>(y, (const B *)from_y + at[1], n, thread, 0);
}

template <typename T, bool mixed, int width, int held, int team> DEVICE void read_rows(const struct norm_args &a, float (&x)[held], float (&dy)[held], const int64_t *at, int n, int thread)
{
    bool full_x = mixed && (a.full & CUDA_NORM_X) != 0, full_dy = mixed && (a.full & CUDA_NORM_Y) != 0;
    if (full_x && full_dy) read_both<float, float, width, held, team>(x, dy, a.x, a.dy, at, n, thread);
    else if (full_x) read_both<float, T, width, held, team>(x, dy, a.x, a.dy, at, n, thread);
    else if (full_dy) read_both<T, float, width, held, team>(x, dy, a.x, a.dy, at, n, thread);
    else read_both<T, T, width, held, team>(x, dy, a.x, a.dy, at, n, thread);
}

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

template <typename T, bool mixed, int width, int held, int team> KERNEL(row_block<team>::threads) forward(struct norm_args a)
{
    SHARED float room[WARP + 1];
    int thread = (int)threadIdx.x % team, n = (int)a.rows.n;
    int64_t row = (int64_t)blockIdx.x * row_block<team>::rows + threadIdx.x / team, at[2];
    if (row >= a.rows.count) return;                                    /* all of a team */
    outer_at(a.rows, (uint32_t)row, at);
    float x[held], factor[held];
    read<T, mixed, width, held, team>(x, a.x, at[0], (a.full & CUDA_NORM_X) != 0, n, thread);
    struct moments m = moments_of<width, held, team>(x, a.kind, a.eps, n, thread, room);
#pragma unroll
    for (int i = 0; i < held; i++) x[i] = (x[i] - m.mean) * m.scale;
    if (a.weight != NULL) {
        read<T, mixed, width, held, team>(factor, a.weight, 0, (a.full & CUDA_NORM_WEIGHT) != 0, n, thread);
#pragma unroll
        for (int i = 0; i < held; i++) x[i] *= factor[i];
    }
    if (a.bias != NULL) {
        read<T, mixed, width, held, team>(factor, a.bias, 0, (a.full & CUDA_NORM_BIAS) != 0, n, thread);
#pragma unroll
        for (int i = 0; i < held; i++) x[i] += factor[i];
    }
    write<T, mixed, width, held, team>(a.y, at[1], x, (a.full & CUDA_NORM_Y) != 0, n, thread);
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

template <typename T, bool mixed, int width, int held, int team> KERNEL(row_block<team>::threads) backward(struct norm_args a)
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
        read_rows<T, mixed, width, held, team>(a, h, g, at, n, thread);
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
            float weight[width];
            if (a.weight != NULL) read<T, mixed, width, width, team>(weight, a.weight, from, (a.full & CUDA_NORM_WEIGHT) != 0, width, 0);
#pragma unroll
            for (int j = 0; j < width; j++) {
                float &y = g[p * width + j];
                if (a.weight != NULL) y *= weight[j];
                sum_g += y;
                sum_gh += y * h[p * width + j];
            }
        }
        team_sums<team>(sum_g, sum_gh, room);
        float mean_g = a.kind == CUDA_NORM_RMS ? 0 : sum_g / (float)n, share = sum_gh * m.slope;
#pragma unroll
        for (int i = 0; i < held; i++) g[i] = m.scale * (g[i] - mean_g - h[i] * share);
        write<T, mixed, width, held, team>(a.dx, at[2], g, (a.full & CUDA_NORM_DX) != 0, n, thread);
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
    void *to = which == 0 ? a.dweight : a.dbias;
    double sum = 0;
    if (column < n && to != NULL)
        for (int64_t part = warp; part < a.blocks; part += COLUMN_WARPS) sum += (double)a.parts[(which * (int64_t)a.blocks + part) * n + column];
    sums[warp][lane] = sum;
    __syncthreads();
    if (warp > 0 || column >= n || to == NULL) return;
    for (int i = 1; i < COLUMN_WARPS; i++) sum += sums[i][lane];
    if ((a.full & (which == 0 ? CUDA_NORM_DWEIGHT : CUDA_NORM_DBIAS)) != 0) ((float *)to)[column] = (float)sum;
    else narrow(&((T *)to)[column], (float)sum);
}

template <bool mixed> struct go_forward {
    const struct norm_args *a;
    cudaStream_t stream;
    template <typename T, int width, int held, int team> void run() const
    {
        auto kernel = forward<T, mixed, width, held, team>;
        LAUNCH(kernel, row_blocks(a->rows.count, row_block<team>::rows), row_block<team>::threads, 0, stream, *a);
    }
};

template <bool mixed> struct go_backward {
    const struct norm_args *a;
    cudaStream_t stream;
    template <typename T, int width, int held, int team> void run() const
    {
        auto kernel = backward<T, mixed, width, held, team>;
        LAUNCH(kernel, (unsigned)a->blocks, row_block<team>::threads, 0, stream, *a);
    }
};

template <template <bool> class Go> static void launch(const struct norm_args *a, cudaStream_t stream)
{
    if (a->full == 0) row_launch_of(a->dtype, a->aligned, a->rows.n, Go<false>{ a, stream });
    else if (a->dtype == RK_bf16) row_launch_by<bf16>(a->aligned, a->rows.n, Go<true>{ a, stream });
    else row_launch_by<f16>(a->aligned, a->rows.n, Go<true>{ a, stream });
}

extern "C" void norm_launch(const struct norm_args *a, cudaStream_t stream) { launch<go_forward>(a, stream); }
extern "C" void norm_adjoint_launch(const struct norm_args *a, cudaStream_t stream) { launch<go_backward>(a, stream); }

extern "C" void norm_columns_launch(const struct norm_args *a, cudaStream_t stream)
{
    dim3 blocks(row_blocks(a->rows.n, WARP), 2);
    switch (a->dtype) {
    case RK_bf16: LAUNCH(columns<bf16>, blocks, COLUMN_WARPS * WARP, 0, stream, *a); break;
    case RK_f16: LAUNCH(columns<f16>, blocks, COLUMN_WARPS * WARP, 0, stream, *a); break;
    default: LAUNCH(columns<float>, blocks, COLUMN_WARPS * WARP, 0, stream, *a); break;
    }
}
