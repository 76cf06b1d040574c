/* attend_tensor.cu: attention of 16-bit numbers on tensor cores, scores in f32, never in memory.
 *
 * A block has a tile of queries of one head and goes over the tiles of keys that one of them sees; the next keys and values come in
 * while it works on the last. A head's blocks run side by side, those with the most keys first, so that its keys stay in the second-level
 * cache. 4 · width FLOPs for each score that is made: at 64 sequences, 12 heads, 1024 tokens, width 64, causal, bf16: 116 GFLOP of
 * products, 805 million exponentials (half of them) and 0.4 GB, so products and exponentials are the bound: on an H100, where mma.sync
 * comes to some 600 TFLOP/s and 4.2 T exponentials go by, not under 0.2 ms. Source: Dao 2023 (arXiv 2307.08691). */
#include "backend/cuda/group.cuh"

enum { KEYS = 64 };

/* Rows that one owner, a warp or a group, has; how many blocks fit on a multiprocessor. */
template <int width, bool group> struct shape {
    enum { WARPS = group ? 16 : 4, THREADS = WARPS * WARP, HIGH = group || width > 64 ? 1 : 2, UNIT = group ? (int)GROUP_ROWS : 16 * HIGH, QUERIES = WARPS * 16 * HIGH, RESIDENT = group ? 1 : 2 };
    static size_t shared() { return (size_t)(QUERIES + 4 * KEYS) * width * 2 + (group ? GROUP_ALIGNED : 0); }
};

template <typename T, int width, bool drops, bool group> KERNEL_RESIDENT((shape<width, group>::THREADS), (shape<width, group>::RESIDENT)) forward(const struct attend_args a)
{
    typedef shape<width, group> S;
    constexpr int HIGH = S::HIGH, QUERIES = S::QUERIES, THREADS = S::THREADS;
    constexpr bool kept = !drops && !group;     /* queries stay in registers, where there are enough */
    DYNAMIC_SHARED(T, room);
    if (group) room = group_aligned(room);
    int tiles = (a.seq + QUERIES - 1) / QUERIES, head = blockIdx.x / tiles, first = (tiles - 1 - (int)blockIdx.x % tiles) * QUERIES;
    int lane = threadIdx.x % WARP, row = threadIdx.x / WARP * 16 * HIGH, query = first + row + lane / 4;
    T *queries = room, *keys = queries + QUERIES * width, *values = keys + 2 * KEYS * width;
    const T *k = attend_at<const T>(a, a.k, head), *v = attend_at<const T>(a, a.v, head);
    int there = attend_keys(a, head), end = attend_seen(a, first + QUERIES < a.seq ? first + QUERIES : a.seq, there);
    int mine = first + row / S::UNIT * S::UNIT, few = attend_seen(a, mine + 1, there), all = mine < a.seq ? attend_seen(a, mine + S::UNIT, there) : 0;       /* that an owner's first and last query see */
    float scale = a.scale * ATTEND_LOG2E;
    struct attend_draw draw = {};
    if (drops) draw = attend_drawing(a);

    fetch_tile<width, QUERIES, THREADS>(queries, attend_at<const T>(a, a.q, head), a.q.row, first, a.seq, a.width);
    fetch_tile<width, KEYS, THREADS>(keys, k, a.k.row, 0, end, a.width);
    fetch_tile<width, KEYS, THREADS>(values, v, a.v.row, 0, end, a.width);
    copy_commit();
    arrive<group>();

    uint32_t q[width / 16][HIGH][4];
#pragma unroll
    for (int i = 0; i < width / 16 && kept; i++)
#pragma unroll
        for (int m = 0; m < HIGH; m++) load_left<width>(q[i][m], queries, row + 16 * m, i);
    float y[HIGH][width / 8][4];
    struct online<HIGH> o;
    clear(y);
    online_begin(o);
    for (int at = 0, turn = 0; at < end; at += KEYS, turn ^= 1) {
        T *these = keys + turn * KEYS * width, *worth = values + turn * KEYS * width;
        if (at > 0) arrive<group>();
        if (at + KEYS < end) {
            fetch_tile<width, KEYS, THREADS>(keys + (turn ^ 1) * KEYS * width, k, a.k.row, at + KEYS, end, a.width);
            fetch_tile<width, KEYS, THREADS>(values + (turn ^ 1) * KEYS * width, v, a.v.row, at + KEYS, end, a.width);
            copy_commit();
        }
        if (at >= all) continue;                /* none of these queries sees them */
        float s[HIGH][KEYS / 8][4];
        if constexpr (kept) products_of<T, width>(s, q, these, 0);
        else rows_by_rows<group, T, width>(s, queries, row, these, 0);
        if (at + KEYS > few) mask(s, a, query, at, there);
        soften(s, o, y, scale);
        if (drops) drop(s, a, draw, head, query, at);
        weights_by_rows<group, T, width>(y, s, worth, 0);
    }
    if (group) __syncthreads();                 /* queries are done with */
    float over[HIGH][2];
#pragma unroll
    for (int m = 0; m < HIGH; m++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
            float sum = whole_sum(o.sum[m][h]);
            over[m][h] = sum == 0 ? 0 : 1 / sum;
        }
    put<T, width>(queries, row, y, over, attend_at<T>(a, a.y, head), a.y.row, first, a.seq, a.width);
}

template <typename T, int width, bool drops, bool group> struct call_forward {
    static void launch(const struct attend_args *a, cudaStream_t stream)
    {
        typedef shape<width, group> S;
        unsigned blocks = (unsigned)a->heads * (unsigned)((a->seq + S::QUERIES - 1) / S::QUERIES);
        (void)cudaFuncSetAttribute(forward<T, width, drops, group>, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)S::shared());
        LAUNCH((forward<T, width, drops, group>), blocks, S::THREADS, S::shared(), stream, *a);
    }
};

extern "C" void attend_tensor_launch(const struct attend_args *a, cudaStream_t stream) { attend_dispatch<call_forward>(a, stream); }

extern "C" size_t attend_tensor_shared(int width, bool group)
{
    return group ? shape<64, true>::shared() : width <= 32 ? shape<32, false>::shared() : width <= 64 ? shape<64, false>::shared() : shape<128, false>::shared();
}
extern "C" int attend_tensor_rows(int width, bool group) { return group ? (int)shape<64, true>::UNIT : width <= 64 ? (int)shape<64, false>::UNIT : (int)shape<128, false>::UNIT; }
