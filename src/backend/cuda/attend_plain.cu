/* attend_plain.cu: attention on CUDA cores, in f32: scores of a tile of queries against a tile of keys in registers, weights through shared
 * memory, results in registers. It serves f32, and 16-bit numbers that tensor cores cannot take as they lie. */
#include "backend/cuda/attend_plain.cuh"

template <int width> struct shape {
    enum { HIGH = width == 64 ? 8 : width == 128 ? 4 : 2, COLUMNS = width == 256 ? 2 : 4, QUERIES = ACROSS * HIGH, KEYS = ACROSS * COLUMNS,
           ROW = width + SLACK, WEIGHTS = QUERIES * (KEYS + SLACK), SCORED = KEYS * ROW > WEIGHTS ? KEYS * ROW : WEIGHTS };
    static size_t shared() { return (size_t)(QUERIES * ROW + SCORED + KEYS * ROW) * sizeof(float); }
};

template <typename T, int width> KERNEL_RESIDENT(THREADS, 2) forward(const struct attend_args a)
{
    typedef shape<width> S;
    constexpr int HIGH = S::HIGH, COLUMNS = S::COLUMNS;
    DYNAMIC_SHARED(float, room);
    int tiles = (a.seq + S::QUERIES - 1) / S::QUERIES, head = blockIdx.x / tiles, first = (tiles - 1 - (int)blockIdx.x % tiles) * S::QUERIES;
    float *queries = room, *keys = queries + S::QUERIES * S::ROW, *values = keys + S::SCORED, *weights = keys;      /* keys are done with when weights come */
    const T *k = attend_at<const T>(a, a.k, head), *v = attend_at<const T>(a, a.v, head);
    int there = attend_keys(a, head), end = attend_seen(a, first + S::QUERIES < a.seq ? first + S::QUERIES : a.seq, there);
    float y[HIGH][width / ACROSS], most[HIGH], total[HIGH];
    plain_clear(y);
#pragma unroll
    for (int i = 0; i < HIGH; i++) most[i] = -INFINITY, total[i] = 0;
    fetch_plain<width, S::QUERIES>(queries, attend_at<const T>(a, a.q, head), a.q.row, first, a.seq, a.width);
    for (int at = 0; at < end; at += S::KEYS) {
        fetch_plain<width, S::KEYS>(keys, k, a.k.row, at, end, a.width);
        fetch_plain<width, S::KEYS>(values, v, a.v.row, at, end, a.width);
        __syncthreads();
        float s[HIGH][COLUMNS];
        plain_products<width>(s, queries, keys);
        plain_soften(s, most, total, y, a, first, at, there);
        if (a.drops) plain_drop(s, plain_stays<HIGH, COLUMNS, false>(a, head, first, at), a.over);
        __syncthreads();
        plain_spread(weights, s);
        __syncthreads();
        plain_collect<width, HIGH, COLUMNS>(y, weights, values);
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < HIGH; i++) total[i] = total[i] == 0 ? 0 : 1 / total[i];
    plain_put<width>(attend_at<T>(a, a.y, head), a.y.row, first, a.seq, a.width, y, total);
}

template <typename T, int width> struct call_forward {
    static void launch(const struct attend_args *a, cudaStream_t stream)
    {
        unsigned blocks = (unsigned)a->heads * (unsigned)((a->seq + shape<width>::QUERIES - 1) / shape<width>::QUERIES);
        (void)cudaFuncSetAttribute(forward<T, width>, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shape<width>::shared());
        LAUNCH((forward<T, width>), blocks, THREADS, shape<width>::shared(), stream, *a);
    }
};

extern "C" void attend_plain_launch(const struct attend_args *a, cudaStream_t stream) { plain_dispatch<call_forward>(a, stream); }

extern "C" size_t attend_plain_shared(int width) { return width <= 64 ? shape<64>::shared() : width <= 128 ? shape<128>::shared() : shape<256>::shared(); }
extern "C" int attend_plain_rows(int width) { return width <= 64 ? (int)shape<64>::QUERIES : width <= 128 ? (int)shape<128>::QUERIES : (int)shape<256>::QUERIES; }
