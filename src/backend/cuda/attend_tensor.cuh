/* attend_tensor.cuh: scores and weights of queries in fragments (tensor.cuh): a warp has 16 `high` queries, a lane two rows of each 16.
 *
 * Weights are powers of 2 of the scores times scale · log2 e, against the largest so far; what was made against an earlier one is
 * multiplied down. */
#ifndef CUDA_ATTEND_TENSOR_CUH
#define CUDA_ATTEND_TENSOR_CUH
#include "backend/cuda/attend_inner.cuh"
#include "backend/cuda/tensor.cuh"

#define ATTEND_LOG2E 1.4426950408889634f

template <int high, int wide> DEVICE void clear(float (&c)[high][wide][4])
{
#pragma unroll
    for (int m = 0; m < high; m++)
#pragma unroll
        for (int n = 0; n < wide; n++)
#pragma unroll
            for (int e = 0; e < 4; e++) c[m][n][e] = 0;
}

/* c = rows of `left` from `row`, times rows of `right` from `first`: sums over the numbers. */
template <typename T, int width, int high, int wide> DEVICE void products(float (&c)[high][wide][4], T *left, int row, T *right, int first)
{
    clear(c);
#pragma unroll
    for (int k = 0; k < width / 16; k++) {
        uint32_t a[high][4];
#pragma unroll
        for (int m = 0; m < high; m++) load_left<width>(a[m], left, row + 16 * m, k);
#pragma unroll
        for (int n = 0; n < wide / 2; n++) {
            uint32_t b[4];
            load_right<width>(b, right, first + 16 * n, k);
#pragma unroll
            for (int m = 0; m < high; m++) {
                multiply_add<T>(c[m][2 * n], a[m], b[0], b[1]);
                multiply_add<T>(c[m][2 * n + 1], a[m], b[2], b[3]);
            }
        }
    }
}

/* The same with the left operand in registers. */
template <typename T, int width, int high, int wide> DEVICE void products_of(float (&c)[high][wide][4], const uint32_t (&a)[width / 16][high][4], T *right, int first)
{
    clear(c);
#pragma unroll
    for (int k = 0; k < width / 16; k++)
#pragma unroll
        for (int n = 0; n < wide / 2; n++) {
            uint32_t b[4];
            load_right<width>(b, right, first + 16 * n, k);
#pragma unroll
            for (int m = 0; m < high; m++) {
                multiply_add<T>(c[m][2 * n], a[k][m], b[0], b[1]);
                multiply_add<T>(c[m][2 * n + 1], a[k][m], b[2], b[3]);
            }
        }
}

/* sum += p (rounded to T) times the rows of `right` from `first`: sums over p's columns. */
template <typename T, int width, int high, int wide> DEVICE void collect(float (&sum)[high][width / 8][4], const float (&p)[high][wide][4], T *right, int first)
{
#pragma unroll
    for (int k = 0; k < wide / 2; k++) {
        uint32_t a[high][4];
#pragma unroll
        for (int m = 0; m < high; m++) {
            a[m][0] = pack_pair<T>(p[m][2 * k][0], p[m][2 * k][1]);
            a[m][1] = pack_pair<T>(p[m][2 * k][2], p[m][2 * k][3]);
            a[m][2] = pack_pair<T>(p[m][2 * k + 1][0], p[m][2 * k + 1][1]);
            a[m][3] = pack_pair<T>(p[m][2 * k + 1][2], p[m][2 * k + 1][3]);
        }
#pragma unroll
        for (int n = 0; n < width / 16; n++) {
            uint32_t b[4];
            load_right_down<width>(b, right, first + 16 * k, n);
#pragma unroll
            for (int m = 0; m < high; m++) {
                multiply_add<T>(sum[m][2 * n], a[m], b[0], b[1]);
                multiply_add<T>(sum[m][2 * n + 1], a[m], b[2], b[3]);
            }
        }
    }
}

/* --- softmax, over rows --- */

template <int high> struct online { float most[high][2], sum[high][2]; };       /* sum: this lane's part of it */

template <int high> DEVICE void online_begin(struct online<high> &o)
{
#pragma unroll
    for (int m = 0; m < high; m++)
#pragma unroll
        for (int h = 0; h < 2; h++) o.most[m][h] = -INFINITY, o.sum[m][h] = 0;
}

/* Scores of the keys that a query does not see become -inf. `query`: of this lane's first row; `key`: of the first column. */
template <int high, int wide> DEVICE void mask(float (&s)[high][wide][4], const struct attend_args &a, int query, int key, int keys)
{
    int column = key + threadIdx.x % 4 * 2;
#pragma unroll
    for (int m = 0; m < high; m++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
            int left = attend_seen(a, query + 16 * m + 8 * h + 1, keys) - column;
#pragma unroll
            for (int n = 0; n < wide; n++)
#pragma unroll
                for (int e = 0; e < 2; e++)
                    if (8 * n + e >= left) s[m][n][2 * h + e] = -INFINITY;
        }
}

/* Scores become weights; `sum`, what was collected by now, is multiplied down to the new largest. */
template <int high, int wide, int of> DEVICE void soften(float (&s)[high][wide][4], struct online<high> &o, float (&sum)[high][of][4], float scale)
{
#pragma unroll
    for (int m = 0; m < high; m++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
            float most = o.most[m][h];
#pragma unroll
            for (int n = 0; n < wide; n++) most = fmaxf(most, fmaxf(s[m][n][2 * h], s[m][n][2 * h + 1]));
            most = fmaxf(most, shuffle_xor(most, 1));
            most = fmaxf(most, shuffle_xor(most, 2));
            float from = most == -INFINITY ? 0 : most * scale, less = exp2_fast(o.most[m][h] * scale - from), part = 0;
            o.most[m][h] = most;
#pragma unroll
            for (int n = 0; n < wide; n++)
#pragma unroll
                for (int e = 2 * h; e < 2 * h + 2; e++) {
                    s[m][n][e] = exp2_fast(fmaf(s[m][n][e], scale, -from));
                    part += s[m][n][e];
                }
            o.sum[m][h] = o.sum[m][h] * less + part;
#pragma unroll
            for (int n = 0; n < of; n++) sum[m][n][2 * h] *= less, sum[m][n][2 * h + 1] *= less;
        }
}

/* The sum of a row's weights, in every lane that has it. */
DEVICE float whole_sum(float part)
{
    part += shuffle_xor(part, 1);
    return part + shuffle_xor(part, 2);
}

/* --- dropout --- */

/* Rows are queries: p *= 1 / keep or 0. Four keys share a random block: where rows begin with one (key % 4 == 0), two lanes share it. */
template <int high, int wide> DEVICE void drop(float (&p)[high][wide][4], const struct attend_args &a, const struct attend_draw &d, int head, int query, int key)
{
    int odd = threadIdx.x & 1, column = key + threadIdx.x % 4 * 2;
#pragma unroll
    for (int m = 0; m < high; m++)
#pragma unroll
        for (int n = 0; n < wide; n++) {
            unsigned stay[2];
            uint64_t row = (uint64_t)head * (uint64_t)a.seq + (uint64_t)(query + 16 * m);
            if (a.key % 4 == 0) {
                unsigned mine = attend_stay(a, d, ((row + 8 * odd) * (uint64_t)a.key + (uint64_t)(column - 2 * odd + 8 * n)) >> 2), other = shuffle_xor(mine, 1);
                stay[0] = odd ? other >> 2 : mine;
                stay[1] = odd ? mine >> 2 : other;
            } else {
#pragma unroll
                for (int h = 0; h < 2; h++) {
                    uint64_t index = (row + 8 * h) * (uint64_t)a.key + (uint64_t)(column + 8 * n);
                    stay[h] = attend_stay(a, d, index >> 2) >> (index & 3) & 1;
                    stay[h] |= (attend_stay(a, d, (index + 1) >> 2) >> ((index + 1) & 3) & 1) << 1;
                }
            }
#pragma unroll
            for (int e = 0; e < 4; e++) p[m][n][e] = stay[e / 2] >> (e & 1) & 1 ? p[m][n][e] * a.over : 0;
        }
}

/* --- results --- */

/* Rows of sums, times a factor of the row, rounded and written: through the warp's own rows of a tile in shared memory, `row` .. */
template <typename T, int width, int high> DEVICE void put(T *room, int row, const float (&sum)[high][width / 8][4], const float (&factor)[high][2], T *to, int64_t stride, int first,
                                                           int end, int numbers)
{
    int lane = threadIdx.x % WARP;
    __syncwarp();
#pragma unroll
    for (int m = 0; m < high; m++)
#pragma unroll
        for (int n = 0; n < width / 8; n++)
#pragma unroll
            for (int h = 0; h < 2; h++)
                *(uint32_t *)(tile<width>::at(room, row + 16 * m + 8 * h + lane / 4, n) + lane % 4 * 2) =
                    pack_pair<T>(sum[m][n][2 * h] * factor[m][h], sum[m][n][2 * h + 1] * factor[m][h]);
    __syncwarp();
    enum { PIECES = tile<width>::PIECES };
    int piece = lane % PIECES, top = lane / PIECES;
#pragma unroll
    for (int r = top; r < 16 * high; r += WARP / PIECES)
        if (first + row + r < end && piece * 8 < numbers) *(uint4 *)(to + (int64_t)(first + row + r) * stride + piece * 8) = *(const uint4 *)tile<width>::at(room, row + r, piece);
    __syncwarp();
}

#endif
