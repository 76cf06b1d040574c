/* attend_plain.cuh: products of tiles on CUDA cores, for 16 x 16 threads: thread (x, y) has `high` rows, from y · high on, and of the columns
 * x, x + 16 ... for scores, or 4 x .. 4 x + 3 of every 64 for numbers.
 *
 * Tiles lie in shared memory as rows of f32 with 4 numbers of slack, so that four numbers are read at once and banks do not collide. */
#ifndef CUDA_ATTEND_PLAIN_CUH
#define CUDA_ATTEND_PLAIN_CUH
#include "backend/cuda/attend_inner.cuh"
#include "backend/cuda/tensor.cuh"

enum { ACROSS = 16, THREADS = ACROSS * ACROSS, SLACK = 4 };

/* Rows first .. of memory as f32; zeros from row `end` and number `numbers` on. */
template <int width, int rows, typename T> DEVICE void fetch_plain(float *to, const T *from, int64_t stride, int first, int end, int numbers)
{
#pragma unroll 4
    for (int i = threadIdx.x; i < rows * width; i += THREADS) {
        int row = i / width, number = i % width;
        to[row * (width + SLACK) + number] = first + row < end && number < numbers ? wide(from[(int64_t)(first + row) * stride + number]) : 0;
    }
}

/* s[i][j] = left row y high + i times right row x + 16 j. */
template <int width, int high, int columns> DEVICE void plain_products(float (&s)[high][columns], const float *left, const float *right)
{
    int x = threadIdx.x % ACROSS, y = threadIdx.x / ACROSS;
#pragma unroll
    for (int i = 0; i < high; i++)
#pragma unroll
        for (int j = 0; j < columns; j++) s[i][j] = 0;
#pragma unroll 1
    for (int k = 0; k < width; k += 4) {
        float4 b[columns];
#pragma unroll
        for (int j = 0; j < columns; j++) b[j] = *(const float4 *)(right + (x + ACROSS * j) * (width + SLACK) + k);
#pragma unroll
        for (int i = 0; i < high; i++) {
            float4 a = *(const float4 *)(left + (y * high + i) * (width + SLACK) + k);
#pragma unroll
            for (int j = 0; j < columns; j++) s[i][j] = fmaf(a.w, b[j].w, fmaf(a.z, b[j].z, fmaf(a.y, b[j].y, fmaf(a.x, b[j].x, s[i][j]))));
        }
    }
}

/* Scores to shared memory, as rows of 16 columns + slack. */
template <int high, int columns> DEVICE void plain_spread(float *to, const float (&s)[high][columns])
{
    int x = threadIdx.x % ACROSS, y = threadIdx.x / ACROSS;
#pragma unroll
    for (int i = 0; i < high; i++)
#pragma unroll
        for (int j = 0; j < columns; j++) to[(y * high + i) * (ACROSS * columns + SLACK) + x + ACROSS * j] = s[i][j];
}

/* sum[i][4 c + e] += weights' row y high + i times column 64 c + 4 x + e of the right rows. */
template <int width, int high, int columns> DEVICE void plain_collect(float (&sum)[high][width / ACROSS], const float *weights, const float *right)
{
    int x = threadIdx.x % ACROSS, y = threadIdx.x / ACROSS;
#pragma unroll 1
    for (int k = 0; k < ACROSS * columns; k += 4) {
        float p[high][4];
#pragma unroll
        for (int i = 0; i < high; i++) {
            float4 four = *(const float4 *)(weights + (y * high + i) * (ACROSS * columns + SLACK) + k);
            p[i][0] = four.x, p[i][1] = four.y, p[i][2] = four.z, p[i][3] = four.w;
        }
#pragma unroll
        for (int n = 0; n < 4; n++)
#pragma unroll
            for (int c = 0; c < width / 64; c++) {
                float4 v = *(const float4 *)(right + (k + n) * (width + SLACK) + 64 * c + 4 * x);
#pragma unroll
                for (int i = 0; i < high; i++) {
                    sum[i][4 * c] = fmaf(p[i][n], v.x, sum[i][4 * c]);
                    sum[i][4 * c + 1] = fmaf(p[i][n], v.y, sum[i][4 * c + 1]);
                    sum[i][4 * c + 2] = fmaf(p[i][n], v.z, sum[i][4 * c + 2]);
                    sum[i][4 * c + 3] = fmaf(p[i][n], v.w, sum[i][4 * c + 3]);
                }
            }
    }
}

template <int width, int high, typename T> DEVICE void plain_put(T *to, int64_t stride, int first, int end, int numbers, const float (&sum)[high][width / ACROSS], const float (&factor)[high])
{
    int x = threadIdx.x % ACROSS, y = threadIdx.x / ACROSS;
#pragma unroll
    for (int i = 0; i < high; i++)
#pragma unroll
        for (int c = 0; c < width / ACROSS; c++) {
            int row = first + y * high + i, number = c / 4 * 64 + 4 * x + c % 4;
            if (row < end && number < numbers) narrow(&to[(int64_t)row * stride + number], sum[i][c] * factor[i]);
        }
}

template <int high, int of> DEVICE void plain_clear(float (&x)[high][of])
{
#pragma unroll
    for (int i = 0; i < high; i++)
#pragma unroll
        for (int j = 0; j < of; j++) x[i][j] = 0;
}

/* --- softmax, over rows: of the 16 threads that share one --- */

DEVICE float row_sum(float x)
{
    for (int m = ACROSS / 2; m > 0; m /= 2) x += shuffle_xor(x, m);
    return x;
}
DEVICE float row_max(float x)
{
    for (int m = ACROSS / 2; m > 0; m /= 2) x = fmaxf(x, shuffle_xor(x, m));
    return x;
}

/* Scores of queries from `query` on against keys from `key` on become weights, 0 where a query does not see the key; what was collected
 * before is multiplied down. */
template <int high, int columns, int of> DEVICE void plain_soften(float (&s)[high][columns], float (&most)[high], float (&total)[high], float (&sum)[high][of], const struct attend_args &a,
                                                                  int query, int key, int keys)
{
    int x = threadIdx.x % ACROSS, y = threadIdx.x / ACROSS;
#pragma unroll
    for (int i = 0; i < high; i++) {
        int seen = attend_seen(a, query + y * high + i + 1, keys) - key - x;
        float top = -INFINITY, part = 0;
#pragma unroll
        for (int j = 0; j < columns; j++) {
            s[i][j] = ACROSS * j < seen ? s[i][j] * a.scale : -INFINITY;
            top = fmaxf(top, s[i][j]);
        }
        top = fmaxf(most[i], row_max(top));
        float from = top == -INFINITY ? 0 : top, less = expf(most[i] - from);
#pragma unroll
        for (int j = 0; j < columns; j++) {
            s[i][j] = expf(s[i][j] - from);
            part += s[i][j];
        }
        most[i] = top;
        total[i] = total[i] * less + row_sum(part);
#pragma unroll
        for (int c = 0; c < of; c++) sum[i][c] *= less;
    }
}

/* Which of this thread's weights stay, a bit each, row by row. Rows are queries, or (`down`) keys. */
template <int high, int columns, bool down> DEVICE uint32_t plain_stays(const struct attend_args &a, int head, int row, int column)
{
    static_assert(high * columns <= 32, "a bit for each weight");
    struct attend_draw draw = attend_drawing(a);
    uint32_t bits = 0;
    row += threadIdx.x / ACROSS * high, column += threadIdx.x % ACROSS;
#pragma unroll 1
    for (int n = 0; n < high * columns; n++) {
        int r = row + n / columns, c = column + n % columns * ACROSS;
        bits |= (uint32_t)attend_stays(a, draw, head, down ? c : r, down ? r : c) << n;
    }
    return bits;
}

template <int high, int columns> DEVICE void plain_drop(float (&p)[high][columns], uint32_t stays, float over)
{
#pragma unroll
    for (int i = 0; i < high; i++)
#pragma unroll
        for (int j = 0; j < columns; j++) p[i][j] = stays >> (i * columns + j) & 1 ? p[i][j] * over : 0;
}

/* --- by dtype and width --- */

template <template <typename, int> class call, typename T> static void plain_widths(const struct attend_args *a, cudaStream_t stream)
{
    if (a->width <= 64) call<T, 64>::launch(a, stream);
    else if (a->width <= 128) call<T, 128>::launch(a, stream);
    else call<T, 256>::launch(a, stream);
}

template <template <typename, int> class call> static void plain_dispatch(const struct attend_args *a, cudaStream_t stream)
{
    switch (a->dtype) {
    case RK_bf16: plain_widths<call, bf16>(a, stream); break;
    case RK_f16: plain_widths<call, f16>(a, stream); break;
    default: plain_widths<call, float>(a, stream); break;
    }
}

#endif
