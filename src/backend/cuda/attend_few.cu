/* attend_few.cu: few queries against many keys, as every token of a decode has: memory speed is all there is to win.
 *
 * A block has one query and a part of the keys; a key is one group of lanes, 16 bytes for each, with its own softmax so far. Groups are put
 * together in their order, and where there are several parts, a second kernel puts those together in theirs. At one sequence, 12 heads,
 * 1024 keys, width 64, bf16: 3.1 MB, 1 us of an H100's memory: what is left is two launches. */
#include "backend/cuda/attend_inner.cuh"

enum { THREADS = 128, AT_ONCE = 4 };            /* keys of a group that are in flight together */

/* The factors that bring n softmaxes to their common largest, and what they sum up to; `total` is in place of nothing where n is 0. */
struct meeting { float most, total; };

DEVICE struct meeting meet(const float *most, const float *total, int n, int step)
{
    struct meeting m = { -INFINITY, 0 };
    for (int i = 0; i < n; i++) m.most = fmaxf(m.most, most[i * step]);
    float from = m.most == -INFINITY ? 0 : m.most;
    for (int i = 0; i < n; i++) m.total = fmaf(total[i * step], expf(most[i * step] - from), m.total);
    return m;
}
DEVICE float met(const struct meeting &m, const float *most, const float *sum, int n, int step, int sum_step)
{
    float y = 0, from = m.most == -INFINITY ? 0 : m.most;
    for (int i = 0; i < n; i++) y = fmaf(sum[i * sum_step], expf(most[i * step] - from), y);
    return y;
}

template <typename T, int lanes, int pieces> KERNEL(THREADS) part(const struct attend_args a)
{
    constexpr int EACH = 16 / sizeof(T), GROUPS = THREADS / lanes, NUMBERS = lanes * pieces * EACH;
    typedef pack<T, EACH> line;
    SHARED float most_of[GROUPS], total_of[GROUPS], sum_of[GROUPS * NUMBERS];
    int row = blockIdx.x / a.splits, split = blockIdx.x % a.splits, head = row / a.seq, query = row % a.seq, group = threadIdx.x / lanes, lane = threadIdx.x % lanes;
    int seen = attend_seen(a, query + 1, attend_keys(a, head)), from = split * a.chunk, to = seen - from < a.chunk ? seen : from + a.chunk;
    const T *q = attend_at<const T>(a, a.q, head) + query * a.q.row, *k = attend_at<const T>(a, a.k, head), *v = attend_at<const T>(a, a.v, head);
    float asks[pieces][EACH], sum[pieces][EACH], most = -INFINITY, total = 0;
#pragma unroll
    for (int i = 0; i < pieces; i++)
#pragma unroll
        for (int e = 0; e < EACH; e++) {
            int number = (i * lanes + lane) * EACH + e;
            asks[i][e] = number < a.width ? wide(q[number]) : 0;
            sum[i][e] = 0;
        }
    for (int at = from; at < to; at += GROUPS * AT_ONCE) {
        line keys[AT_ONCE][pieces], values[AT_ONCE][pieces];
        float s[AT_ONCE], top = most;
#pragma unroll
        for (int u = 0; u < AT_ONCE; u++)
#pragma unroll
            for (int i = 0; i < pieces; i++) {
                int key = at + u * GROUPS + group, number = (i * lanes + lane) * EACH;
                int64_t which = key < to ? key : from;
                if (number >= a.width) number = 0;
                keys[u][i] = *(const line *)(k + which * a.k.row + number);
                values[u][i] = *(const line *)(v + which * a.v.row + number);
            }
#pragma unroll
        for (int u = 0; u < AT_ONCE; u++) {
            s[u] = 0;
#pragma unroll
            for (int i = 0; i < pieces; i++)
#pragma unroll
                for (int e = 0; e < EACH; e++) s[u] = fmaf(asks[i][e], wide(keys[u][i].at[e]), s[u]);
            for (int m = lanes / 2; m > 0; m /= 2) s[u] += shuffle_xor(s[u], m);
            s[u] = at + u * GROUPS + group < to ? s[u] * a.scale : -INFINITY;
            top = fmaxf(top, s[u]);
        }
        float base = top == -INFINITY ? 0 : top, less = expf(most - base);
        most = top, total *= less;
#pragma unroll
        for (int i = 0; i < pieces; i++)
#pragma unroll
            for (int e = 0; e < EACH; e++) sum[i][e] *= less;
#pragma unroll
        for (int u = 0; u < AT_ONCE; u++) {
            float p = expf(s[u] - base);
            total += p;
#pragma unroll
            for (int i = 0; i < pieces; i++)
#pragma unroll
                for (int e = 0; e < EACH; e++) sum[i][e] = fmaf(p, wide(values[u][i].at[e]), sum[i][e]);
        }
    }
    if (lane == 0) most_of[group] = most, total_of[group] = total;
#pragma unroll
    for (int i = 0; i < pieces; i++)
#pragma unroll
        for (int e = 0; e < EACH; e++) sum_of[group * NUMBERS + (i * lanes + lane) * EACH + e] = sum[i][e];
    __syncthreads();
    struct meeting m = meet(most_of, total_of, GROUPS, 1);
    float *parts = a.parts + ((int64_t)row * a.splits + split) * (a.width + 2);
    T *y = attend_at<T>(a, a.y, head) + query * a.y.row;
    for (int number = threadIdx.x; number < a.width; number += THREADS) {
        float one = met(m, most_of, sum_of + number, GROUPS, 1, NUMBERS);
        if (a.splits == 1) narrow(&y[number], m.total == 0 ? 0 : one / m.total);
        else parts[2 + number] = one;
    }
    if (a.splits > 1 && threadIdx.x == 0) parts[0] = m.most, parts[1] = m.total;
}

template <typename T> KERNEL(THREADS) together(const struct attend_args a)
{
    int row = blockIdx.x, head = row / a.seq, query = row % a.seq, step = a.width + 2;
    const float *parts = a.parts + (int64_t)row * a.splits * step;
    T *y = attend_at<T>(a, a.y, head) + query * a.y.row;
    struct meeting m = meet(parts, parts + 1, a.splits, step);
    for (int number = threadIdx.x; number < a.width; number += THREADS) {
        float one = met(m, parts, parts + 2 + number, a.splits, step, step);
        narrow(&y[number], m.total == 0 ? 0 : one / m.total);
    }
}

template <typename T> static void launch(const struct attend_args *a, cudaStream_t stream)
{
    unsigned rows = (unsigned)a->heads * (unsigned)a->seq, blocks = rows * (unsigned)a->splits;
    int lines = (a->width * (int)sizeof(T) + 15) / 16;
    if (lines <= 4) LAUNCH((part<T, 4, 1>), blocks, THREADS, 0, stream, *a);
    else if (lines <= 8) LAUNCH((part<T, 8, 1>), blocks, THREADS, 0, stream, *a);
    else if (lines <= 16) LAUNCH((part<T, 16, 1>), blocks, THREADS, 0, stream, *a);
    else if (lines <= 32) LAUNCH((part<T, 32, 1>), blocks, THREADS, 0, stream, *a);
    else if constexpr (sizeof(T) == 4) LAUNCH((part<T, 32, 2>), blocks, THREADS, 0, stream, *a);
    if (a->splits > 1) LAUNCH(together<T>, rows, THREADS, 0, stream, *a);
}

extern "C" void attend_few_launch(const struct attend_args *a, cudaStream_t stream)
{
    switch (a->dtype) {
    case RK_bf16: launch<bf16>(a, stream); break;
    case RK_f16: launch<f16>(a, stream); break;
    default: launch<float>(a, stream); break;
    }
}
