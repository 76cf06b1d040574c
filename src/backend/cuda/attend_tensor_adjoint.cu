/* attend_tensor_adjoint.cu: the gradients of attention of 16-bit numbers, on tensor cores.
 *
 *   dP = dY Vᵀ,  D = Σ dY Y (of a query),  dS = P (dP - D),  dQ = scale dS K,  dK = scale dSᵀ Q,  dV = Pᵀ dY
 *
 * Two kernels, each the one owner of what it writes, so that nothing is added up by atomics and the bits are the same each time:
 *
 *   by_queries  a tile of queries against its keys: S, dP, dQ. D is there before it begins, so it needs no statistics: dQ is collected
 *               as the forward pass collects Y, against the largest score so far, and it leaves the logarithm of every row's sum
 *   by_keys     a tile of keys against the queries that see it: Sᵀ, dPᵀ, dV, dK, with those logarithms. Keys are the rows of its
 *               fragments: weights and slopes become the left operands of dV and dK as they lie in registers
 *
 * Seven products of 2 · width FLOPs for each score and two exponentials, where one kernel that adds up dQ in memory makes five and one,
 * and a sixth for the statistics. At the size of attend_tensor.cu 0.4 TFLOP: on an H100 not under 0.7 ms. */
#include "backend/cuda/group.cuh"

enum { TILE = 64 };                             /* rows of what comes in while work goes on */

/* Rows of a block, and of one owner, a warp or a group; how many columns are made at a time. */
template <int width, bool group> struct adjoint_shape {
    enum { WARPS = group ? 12 : 4, THREADS = WARPS * WARP, HIGH = group || width > 64 ? 1 : 2, UNIT = group ? (int)GROUP_ROWS : 16 * HIGH, ROWS = WARPS * 16 * HIGH, RESIDENT = group ? 1 : 2,
           STEP = group ? (int)TILE : (int)ATTEND_TENSOR_STEP, WIDE = STEP / 8 };
    static size_t shared() { return (size_t)(2 * ROWS + 4 * TILE) * width * 2 + 4 * TILE * sizeof(float) + (group ? GROUP_ALIGNED : 0); }
};

/* Σ y dy of this lane's rows. */
template <typename T, int high> DEVICE void slopes(float (&slope)[high][2], const struct attend_args &a, int head, int query)
{
    const T *y = attend_at<const T>(a, a.y, head), *dy = attend_at<const T>(a, a.dy, head);
#pragma unroll
    for (int m = 0; m < high; m++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
            int row = query + 16 * m + 8 * h;
            float sum = 0;
            for (int piece = threadIdx.x % 4; piece * 8 < a.width && row < a.seq; piece += 4) {
                pack<T, 8> one = *(const pack<T, 8> *)(y + row * a.y.row + piece * 8), other = *(const pack<T, 8> *)(dy + row * a.dy.row + piece * 8);
#pragma unroll
                for (int i = 0; i < 8; i++) sum = fmaf(wide(one.at[i]), wide(other.at[i]), sum);
            }
            slope[m][h] = whole_sum(sum);
        }
}

template <typename T, int width, bool drops, bool group> KERNEL_RESIDENT((adjoint_shape<width, group>::THREADS), (adjoint_shape<width, group>::RESIDENT)) by_queries(const struct attend_args a)
{
    typedef adjoint_shape<width, group> S;
    constexpr int HIGH = S::HIGH, ROWS = S::ROWS, STEP = S::STEP, WIDE = S::WIDE, THREADS = S::THREADS;
    constexpr bool both = group && !drops;      /* two products at a time */
    DYNAMIC_SHARED(T, room);
    if (group) room = group_aligned(room);
    int tiles = (a.seq + ROWS - 1) / ROWS, head = blockIdx.x / tiles, first = (tiles - 1 - (int)blockIdx.x % tiles) * ROWS;
    int lane = threadIdx.x % WARP, row = threadIdx.x / WARP * 16 * HIGH, query = first + row + lane / 4;
    T *queries = room, *grads = queries + ROWS * width, *keys = grads + ROWS * width, *values = keys + 2 * TILE * width;
    const T *k = attend_at<const T>(a, a.k, head), *v = attend_at<const T>(a, a.v, head);
    int there = attend_keys(a, head), end = attend_seen(a, first + ROWS < a.seq ? first + ROWS : a.seq, there);
    int mine = first + row / S::UNIT * S::UNIT, few = attend_seen(a, mine + 1, there), all = mine < a.seq ? attend_seen(a, mine + S::UNIT, there) : 0;       /* that an owner's first and last query see */
    float scale = a.scale * ATTEND_LOG2E;
    struct attend_draw draw = {};
    if (drops) draw = attend_drawing(a);

    fetch_tile<width, ROWS, THREADS>(queries, attend_at<const T>(a, a.q, head), a.q.row, first, a.seq, a.width);
    fetch_tile<width, ROWS, THREADS>(grads, attend_at<const T>(a, a.dy, head), a.dy.row, first, a.seq, a.width);
    fetch_tile<width, TILE, THREADS>(keys, k, a.k.row, 0, end, a.width);
    fetch_tile<width, TILE, THREADS>(values, v, a.v.row, 0, end, a.width);
    copy_commit();
    float slope[HIGH][2], dq[HIGH][width / 8][4];
    struct online<HIGH> o;
    slopes<T>(slope, a, head, query);
    clear(dq);
    online_begin(o);
    for (int at = 0, turn = 0; at < end; at += TILE, turn ^= 1) {
        T *these = keys + turn * TILE * width, *worth = values + turn * TILE * width;
        arrive<group>();
        if (at + TILE < end) {
            fetch_tile<width, TILE, THREADS>(keys + (turn ^ 1) * TILE * width, k, a.k.row, at + TILE, end, a.width);
            fetch_tile<width, TILE, THREADS>(values + (turn ^ 1) * TILE * width, v, a.v.row, at + TILE, end, a.width);
            copy_commit();
        }
#pragma unroll 1
        for (int step = 0; step < TILE && at + step < all; step += STEP) {
            float s[HIGH][WIDE][4], dp[HIGH][WIDE][4];
            begin_pair<group, both, T, width>(s, dp, queries, grads, row, these, worth, step);
            if (at + step + STEP > few) mask(s, a, query, at + step, there);
            soften(s, o, dq, scale);
            finish_pair<group, both, 0, T, width>(dp, grads, row, worth, step);
            if (drops) drop(dp, a, draw, head, query, at + step);
#pragma unroll
            for (int m = 0; m < HIGH; m++)
#pragma unroll
                for (int n = 0; n < WIDE; n++)
#pragma unroll
                    for (int e = 0; e < 4; e++) s[m][n][e] *= dp[m][n][e] - slope[m][e / 2];
            weights_by_rows<group, T, width>(dq, s, these, step);
        }
    }
    copy_wait<0>();
    if (group) __syncthreads();                 /* what put writes over is done with */
    float factor[HIGH][2];
#pragma unroll
    for (int m = 0; m < HIGH; m++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
            float sum = whole_sum(o.sum[m][h]);
            int at = query + 16 * m + 8 * h;
            factor[m][h] = sum == 0 ? 0 : a.scale / sum;
            if (lane % 4 == 0 && at < a.seq) {
                a.high[(int64_t)head * a.seq + at] = sum == 0 ? INFINITY : fmaf(o.most[m][h], scale, log2f(sum));
                a.slope[(int64_t)head * a.seq + at] = slope[m][h];
            }
        }
    if (a.dq.at != NULL) put<T, width>(queries, row, dq, factor, attend_at<T>(a, a.dq, head), a.dq.row, first, a.seq, a.width);
}

/* --- keys --- */

/* Scores of queries that do not see a key become -inf; rows are keys. */
template <int high, int wide> DEVICE void mask_down(float (&s)[high][wide][4], const struct attend_args &a, int key, int query, int keys)
{
    int column = query + threadIdx.x % 4 * 2;
#pragma unroll
    for (int n = 0; n < wide; n++)
#pragma unroll
        for (int e = 0; e < 2; e++) {
            int seen = attend_seen(a, column + 8 * n + e + 1, keys) - key;
#pragma unroll
            for (int m = 0; m < high; m++)
#pragma unroll
                for (int h = 0; h < 2; h++)
                    if (16 * m + 8 * h >= seen) s[m][n][2 * h + e] = -INFINITY;
        }
}

/* Which of this lane's weights stay, a bit each; rows are keys, from `key` on (of the warp, not the lane). Where four keys share a random
 * block, a lane draws one and the warp shares them. */
template <int high, int wide> DEVICE uint32_t stays_down(const struct attend_args &a, const struct attend_draw &d, int head, int key, int query)
{
    static_assert(high * wide <= 8, "a bit for each weight");
    int lane = threadIdx.x % WARP;
    uint32_t bits = 0;
#pragma unroll
    for (int m = 0; m < high; m++)
#pragma unroll
        for (int n = 0; n < wide; n++) {
            uint64_t row = (uint64_t)head * (uint64_t)a.seq + (uint64_t)(query + 8 * n);
            unsigned mine = 0;
            if (a.key % 4 == 0) mine = attend_stay(a, d, ((row + lane % 8) * (uint64_t)a.key + (uint64_t)(key + 16 * m + lane / 8 * 4)) >> 2);
#pragma unroll
            for (int e = 0; e < 4; e++) {
                int down = lane / 4 + e / 2 * 8, across = lane % 4 * 2 + e % 2;
                unsigned stay = 0;
                if (a.key % 4 == 0) stay = shuffle_from(mine, down / 4 * 8 + across) >> (down % 4);
                else stay = attend_stays(a, d, head, query + 8 * n + across, key + 16 * m + down);
                bits |= (stay & 1) << ((m * wide + n) * 4 + e);
            }
        }
    return bits;
}

/* to = from times 1 / keep, or 0, by a bit each. */
template <int high, int wide> DEVICE void keep_some(float (&to)[high][wide][4], const float (&from)[high][wide][4], uint32_t stays, float over)
{
#pragma unroll
    for (int m = 0; m < high; m++)
#pragma unroll
        for (int n = 0; n < wide; n++)
#pragma unroll
            for (int e = 0; e < 4; e++) to[m][n][e] = stays >> ((m * wide + n) * 4 + e) & 1 ? from[m][n][e] * over : 0;
}

template <typename T, int width, bool drops, bool group> KERNEL_RESIDENT((adjoint_shape<width, group>::THREADS), (adjoint_shape<width, group>::RESIDENT)) by_keys(const struct attend_args a)
{
    typedef adjoint_shape<width, group> S;
    constexpr int HIGH = S::HIGH, ROWS = S::ROWS, STEP = S::STEP, WIDE = S::WIDE, THREADS = S::THREADS;
    constexpr bool both = group && !drops;      /* two products at a time */
    DYNAMIC_SHARED(T, room);
    if (group) room = group_aligned(room);
    int tiles = (a.key + ROWS - 1) / ROWS, head = blockIdx.x / tiles, first = (int)blockIdx.x % tiles * ROWS;
    int lane = threadIdx.x % WARP, row = threadIdx.x / WARP * 16 * HIGH;
    T *keys = room, *values = keys + ROWS * width, *queries = values + ROWS * width, *grads = queries + 2 * TILE * width;
    float *high = (float *)(grads + 2 * TILE * width), *slope = high + 2 * TILE;
    const T *q = attend_at<const T>(a, a.q, head), *dy = attend_at<const T>(a, a.dy, head);
    const float *high_at = a.high + (int64_t)head * a.seq, *slope_at = a.slope + (int64_t)head * a.seq;
    int there = attend_keys(a, head), begin = a.causal && first > a.key - a.seq ? (first - (a.key - a.seq)) / TILE * TILE : 0, end = first < there ? a.seq : 0, mine = first + row / S::UNIT * S::UNIT;
    float scale = a.scale * ATTEND_LOG2E;
    struct attend_draw draw = {};
    if (drops) draw = attend_drawing(a);

    auto come = [&](int at, int turn) {
        fetch_tile<width, TILE, THREADS>(queries + turn * TILE * width, q, a.q.row, at, a.seq, a.width);
        fetch_tile<width, TILE, THREADS>(grads + turn * TILE * width, dy, a.dy.row, at, a.seq, a.width);
        int i = threadIdx.x % TILE;
        bool here = at + i < a.seq;
        if (threadIdx.x < 2 * TILE) copy_async_word((threadIdx.x < TILE ? high : slope) + turn * TILE + i, (threadIdx.x < TILE ? high_at : slope_at) + (here ? at + i : 0), here);
    };
    fetch_tile<width, ROWS, THREADS>(keys, attend_at<const T>(a, a.k, head), a.k.row, first, there, a.width);
    fetch_tile<width, ROWS, THREADS>(values, attend_at<const T>(a, a.v, head), a.v.row, first, there, a.width);
    if (begin < end) come(begin, 0);
    copy_commit();
    float dk[HIGH][width / 8][4], dv[HIGH][width / 8][4];
    clear(dk);
    clear(dv);
    for (int at = begin, turn = 0; at < end; at += TILE, turn ^= 1) {
        arrive<group>();
        if (at + TILE < end) {
            come(at + TILE, turn ^ 1);
            copy_commit();
        }
        T *these = queries + turn * TILE * width, *slopes = grads + turn * TILE * width;
#pragma unroll 1
        for (int step = 0; step < TILE && at + step < end; step += STEP) {
            if (attend_seen(a, at + step + STEP, there) <= mine) continue;         /* no query sees one of these keys */
            float s[HIGH][WIDE][4], dp[HIGH][WIDE][4];
            uint32_t stays = 0;
            const float *highs = high + turn * TILE + step + lane % 4 * 2, *lows = slope + turn * TILE + step + lane % 4 * 2;
            if (drops) stays = stays_down<HIGH, WIDE>(a, draw, head, first + row, at + step);
            begin_pair<group, both, T, width>(s, dp, keys, values, row, these, slopes, step);
            if (mine + S::UNIT > attend_seen(a, at + step + 1, there)) mask_down(s, a, first + row + lane / 4, at + step, there);
#pragma unroll
            for (int n = 0; n < WIDE; n++)
#pragma unroll
                for (int e = 0; e < 4; e++)
#pragma unroll
                    for (int m = 0; m < HIGH; m++) s[m][n][e] = exp2_fast(fmaf(s[m][n][e], scale, -highs[8 * n + e % 2]));
            uint32_t left[4][4];
            if constexpr (both) {               /* dPᵀ and dV are being made at the same time */
                group_pack<T>(left, s);
                group_collect<T>(dv, left, slopes, step);
            } else if (drops) {
                float p[HIGH][WIDE][4];
                keep_some(p, s, stays, a.over);
                weights_by_rows<group, T, width>(dv, p, slopes, step);
            } else weights_by_rows<group, T, width>(dv, s, slopes, step);
            finish_pair<group, both, 1, T, width>(dp, values, row, slopes, step);
            if (drops) keep_some(dp, dp, stays, a.over);
#pragma unroll
            for (int n = 0; n < WIDE; n++)
#pragma unroll
                for (int e = 0; e < 4; e++)
#pragma unroll
                    for (int m = 0; m < HIGH; m++) s[m][n][e] *= dp[m][n][e] - lows[8 * n + e % 2];
            weights_by_rows<group, T, width>(dk, s, these, step);
            if constexpr (both) group_hold(dv), group_hold(left);
        }
    }
    copy_wait<0>();
    if (group) __syncthreads();                 /* what put writes over is done with */
    float one[HIGH][2], scales[HIGH][2];
#pragma unroll
    for (int m = 0; m < HIGH; m++) one[m][0] = one[m][1] = 1, scales[m][0] = scales[m][1] = a.scale;
    if (a.dk.at != NULL) put<T, width>(keys, row, dk, scales, attend_at<T>(a, a.dk, head), a.dk.row, first, a.key, a.width);
    if (a.dv.at != NULL) put<T, width>(values, row, dv, one, attend_at<T>(a, a.dv, head), a.dv.row, first, a.key, a.width);
}

template <typename T, int width, bool drops, bool group> struct call_adjoint {
    static void launch(const struct attend_args *a, cudaStream_t stream)
    {
        typedef adjoint_shape<width, group> S;
        unsigned of_queries = (unsigned)a->heads * (unsigned)((a->seq + S::ROWS - 1) / S::ROWS), of_keys = (unsigned)a->heads * (unsigned)((a->key + S::ROWS - 1) / S::ROWS);
        (void)cudaFuncSetAttribute(by_queries<T, width, drops, group>, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)S::shared());
        (void)cudaFuncSetAttribute(by_keys<T, width, drops, group>, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)S::shared());
        if (of_queries > 0) LAUNCH((by_queries<T, width, drops, group>), of_queries, S::THREADS, S::shared(), stream, *a);
        if (of_keys > 0 && (a->dk.at != NULL || a->dv.at != NULL)) LAUNCH((by_keys<T, width, drops, group>), of_keys, S::THREADS, S::shared(), stream, *a);
    }
};

extern "C" void attend_tensor_adjoint_launch(const struct attend_args *a, cudaStream_t stream) { attend_dispatch<call_adjoint>(a, stream); }

extern "C" size_t attend_tensor_adjoint_shared(int width, bool group)
{
    return group ? adjoint_shape<64, true>::shared() : width <= 32 ? adjoint_shape<32, false>::shared() : width <= 64 ? adjoint_shape<64, false>::shared() : adjoint_shape<128, false>::shared();
}
extern "C" int attend_tensor_adjoint_rows(int width, bool group) { return group ? (int)adjoint_shape<64, true>::UNIT : width <= 64 ? (int)adjoint_shape<64, false>::UNIT : (int)adjoint_shape<128, false>::UNIT; }
