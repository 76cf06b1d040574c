/* attend_plain_adjoint.cu: the gradients of attention on CUDA cores, in f32: the two kernels of attend_tensor_adjoint.cu. */
#include "backend/cuda/attend_plain.cuh"

template <int width> struct adjoint_shape {
    enum { HIGH = width == 64 ? 4 : 2, ROWS = ACROSS * HIGH, ROW = width + SLACK, WEIGHTS = ROWS * (ROWS + SLACK) };      /* as many columns as rows */
    static size_t shared() { return (size_t)(4 * ROWS * ROW + WEIGHTS + 2 * ROWS) * sizeof(float); }
};

template <typename T, int width> KERNEL_RESIDENT(THREADS, 2) by_queries(const struct attend_args a)
{
    typedef adjoint_shape<width> S;
    constexpr int HIGH = S::HIGH, ROWS = S::ROWS;
    DYNAMIC_SHARED(float, room);
    int tiles = (a.seq + ROWS - 1) / ROWS, head = blockIdx.x / tiles, first = (tiles - 1 - (int)blockIdx.x % tiles) * ROWS, x = threadIdx.x % ACROSS, y = threadIdx.x / ACROSS;
    float *queries = room, *grads = queries + ROWS * S::ROW, *keys = grads + ROWS * S::ROW, *values = keys + ROWS * S::ROW, *weights = values + ROWS * S::ROW;
    const T *k = attend_at<const T>(a, a.k, head), *v = attend_at<const T>(a, a.v, head), *result = attend_at<const T>(a, a.y, head);
    int there = attend_keys(a, head), end = attend_seen(a, first + ROWS < a.seq ? first + ROWS : a.seq, there);
    float dq[HIGH][width / ACROSS], most[HIGH], total[HIGH], slope[HIGH];
    plain_clear(dq);
    fetch_plain<width, ROWS>(queries, attend_at<const T>(a, a.q, head), a.q.row, first, a.seq, a.width);
    fetch_plain<width, ROWS>(grads, attend_at<const T>(a, a.dy, head), a.dy.row, first, a.seq, a.width);
    __syncthreads();
    /* D in the order of plain_products, by every thread that needs it: where a query sees one key, dP - D is 0 to the last bit */
#pragma unroll
    for (int i = 0; i < HIGH; i++) {
        int row = y * HIGH + i;
        most[i] = -INFINITY, total[i] = 0, slope[i] = 0;
        for (int n = 0; n < a.width && first + row < a.seq; n++) slope[i] = fmaf(grads[row * S::ROW + n], wide(result[(int64_t)(first + row) * a.y.row + n]), slope[i]);
    }
    for (int at = 0; at < end; at += ROWS) {
        fetch_plain<width, ROWS>(keys, k, a.k.row, at, end, a.width);
        fetch_plain<width, ROWS>(values, v, a.v.row, at, end, a.width);
        __syncthreads();
        float s[HIGH][HIGH], dp[HIGH][HIGH];
        plain_products<width>(s, queries, keys);
        plain_soften(s, most, total, dq, a, first, at, there);
        plain_products<width>(dp, grads, values);
        if (a.drops) plain_drop(dp, plain_stays<HIGH, HIGH, false>(a, head, first, at), a.over);
#pragma unroll
        for (int i = 0; i < HIGH; i++)
#pragma unroll
            for (int j = 0; j < HIGH; j++) s[i][j] *= dp[i][j] - slope[i];
        plain_spread(weights, s);
        __syncthreads();
        plain_collect<width, HIGH, HIGH>(dq, weights, keys);
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < HIGH; i++) {
        int row = first + y * HIGH + i;
        if (x == 0 && row < a.seq) {
            a.high[(int64_t)head * a.seq + row] = total[i] == 0 ? INFINITY : most[i] + logf(total[i]);
            a.slope[(int64_t)head * a.seq + row] = slope[i];
        }
        total[i] = total[i] == 0 ? 0 : a.scale / total[i];
    }
    if (a.dq.at != NULL) plain_put<width>(attend_at<T>(a, a.dq, head), a.dq.row, first, a.seq, a.width, dq, total);
}

/* Rows are keys, columns queries. */
template <typename T, int width> KERNEL_RESIDENT(THREADS, 2) by_keys(const struct attend_args a)
{
    typedef adjoint_shape<width> S;
    constexpr int HIGH = S::HIGH, ROWS = S::ROWS;
    DYNAMIC_SHARED(float, room);
    int tiles = (a.key + ROWS - 1) / ROWS, head = blockIdx.x / tiles, first = (int)blockIdx.x % tiles * ROWS, x = threadIdx.x % ACROSS, y = threadIdx.x / ACROSS;
    float *keys = room, *values = keys + ROWS * S::ROW, *queries = values + ROWS * S::ROW, *grads = queries + ROWS * S::ROW, *weights = grads + ROWS * S::ROW, *high = weights + S::WEIGHTS,
          *slope = high + ROWS;
    const T *q = attend_at<const T>(a, a.q, head), *dy = attend_at<const T>(a, a.dy, head);
    int there = attend_keys(a, head), begin = a.causal && first > a.key - a.seq ? (first - (a.key - a.seq)) / ROWS * ROWS : 0, end = first < there ? a.seq : 0;
    float dk[HIGH][width / ACROSS], dv[HIGH][width / ACROSS];
    plain_clear(dk);
    plain_clear(dv);
    fetch_plain<width, ROWS>(keys, attend_at<const T>(a, a.k, head), a.k.row, first, there, a.width);
    fetch_plain<width, ROWS>(values, attend_at<const T>(a, a.v, head), a.v.row, first, there, a.width);
    for (int at = begin; at < end; at += ROWS) {
        fetch_plain<width, ROWS>(queries, q, a.q.row, at, a.seq, a.width);
        fetch_plain<width, ROWS>(grads, dy, a.dy.row, at, a.seq, a.width);
        if (threadIdx.x < ROWS) {
            bool here = at + (int)threadIdx.x < a.seq;
            high[threadIdx.x] = here ? a.high[(int64_t)head * a.seq + at + threadIdx.x] : INFINITY;
            slope[threadIdx.x] = here ? a.slope[(int64_t)head * a.seq + at + threadIdx.x] : 0;
        }
        __syncthreads();
        float s[HIGH][HIGH], dp[HIGH][HIGH];
        uint32_t stays = a.drops ? plain_stays<HIGH, HIGH, true>(a, head, first, at) : ~0u;
        plain_products<width>(s, keys, queries);
        plain_products<width>(dp, values, grads);
        plain_drop(dp, stays, a.over);
#pragma unroll
        for (int j = 0; j < HIGH; j++) {
            int column = x + ACROSS * j, seen = attend_seen(a, at + column + 1, there) - first - y * HIGH;
#pragma unroll
            for (int i = 0; i < HIGH; i++) {
                s[i][j] = i < seen ? expf(s[i][j] * a.scale - high[column]) : 0;
                dp[i][j] = s[i][j] * (dp[i][j] - slope[column]);
            }
        }
        plain_drop(s, stays, a.over);
        plain_spread(weights, s);
        __syncthreads();
        plain_collect<width, HIGH, HIGH>(dv, weights, grads);
        __syncthreads();
        plain_spread(weights, dp);
        __syncthreads();
        plain_collect<width, HIGH, HIGH>(dk, weights, queries);
        __syncthreads();
    }
    float one[HIGH], scale[HIGH];
#pragma unroll
    for (int i = 0; i < HIGH; i++) one[i] = 1, scale[i] = a.scale;
    if (a.dk.at != NULL) plain_put<width>(attend_at<T>(a, a.dk, head), a.dk.row, first, a.key, a.width, dk, scale);
    if (a.dv.at != NULL) plain_put<width>(attend_at<T>(a, a.dv, head), a.dv.row, first, a.key, a.width, dv, one);
}

template <typename T, int width> struct call_adjoint {
    static void launch(const struct attend_args *a, cudaStream_t stream)
    {
        constexpr int ROWS = adjoint_shape<width>::ROWS;
        size_t shared = adjoint_shape<width>::shared();
        unsigned of_queries = (unsigned)a->heads * (unsigned)((a->seq + ROWS - 1) / ROWS), of_keys = (unsigned)a->heads * (unsigned)((a->key + ROWS - 1) / ROWS);
        (void)cudaFuncSetAttribute(by_queries<T, width>, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared);
        (void)cudaFuncSetAttribute(by_keys<T, width>, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared);
        if (of_queries > 0) LAUNCH((by_queries<T, width>), of_queries, THREADS, shared, stream, *a);
        if (of_keys > 0 && (a->dk.at != NULL || a->dv.at != NULL)) LAUNCH((by_keys<T, width>), of_keys, THREADS, shared, stream, *a);
    }
};

extern "C" void attend_plain_adjoint_launch(const struct attend_args *a, cudaStream_t stream) { plain_dispatch<call_adjoint>(a, stream); }

extern "C" size_t attend_plain_adjoint_shared(int width) { return width <= 64 ? adjoint_shape<64>::shared() : width <= 128 ? adjoint_shape<128>::shared() : adjoint_shape<256>::shared(); }
extern "C" int attend_plain_adjoint_rows(int width) { return width <= 64 ? (int)adjoint_shape<64>::ROWS : (int)adjoint_shape<128>::ROWS; }
