/* scatter.cu: a stable sort of positions by id, four bits at a time, and sums over stretches of equal ids; no atomics, so one order.
 *
 * Sorting: a thread owns neighbouring positions, so that its own order is the order of the text; how many of each digit come before
 * is a sum over digits, then blocks, then threads. Adding: a block takes one chunk of the sorted positions and some columns, keeps
 * the sum of a stretch in registers, and writes it where the stretch ends: into the result, if the stretch is all in the chunk. */
#include "backend/cuda/loops.cuh"
#include "backend/cuda/numbers.cuh"
extern "C" {
#include "backend/cuda/scatter.h"
}

enum { SEGMENTS = SCATTER_SORTERS / SCATTER_DIGIT, DIGIT_BITS = 4, TOGETHER = 4, COLUMNS = 256, SCANNERS = 256 };
#define NO_KEY 0xffffffffu
#define COLUMN_BOUNDS COLUMNS, 2                /* registers as two blocks of a multiprocessor may have: none is spilled for the sake of a third */

DEVICE void add_into(const struct scatter_args &a, int64_t at, double x)
{
    store_any(a.to, at, a.dtype, a.accumulate ? load_any(a.to, at, a.dtype) + x : x);
}

/* --- without a sort --- */

KERNEL(WALKERS) scatter_once(struct scatter_args a)
{
    int64_t i = thread_number(), at[3];
    if (i >= a.kept.count) return;
    walk_at(a.kept, i, at);
    int64_t id = load_integer(a.ids, at[SCATTER_IDS], a.id_dtype);
    if (id >= 0 && id < a.size) add_into(a, at[SCATTER_TO] + id * a.step, load_any(a.values, at[SCATTER_VALUES], a.dtype));
}

KERNEL(WALKERS) scatter_search(struct scatter_args a)
{
    int64_t i = thread_number(), own = i / a.kept.count, at[3], in[2];
    if (own >= a.size) return;
    walk_at(a.kept, i - own * a.kept.count, at);
    double sum = 0;
    for (int64_t k = 0; k < a.summed.count; k++) {
        walk_at(a.summed, k, in);
        if (load_integer(a.ids, at[SCATTER_IDS] + in[SCATTER_SUMMED_IDS], a.id_dtype) == own) sum += load_any(a.values, at[SCATTER_VALUES] + in[SCATTER_SUMMED_VALUES], a.dtype);
    }
    add_into(a, at[SCATTER_TO] + own * a.step, sum);
}

/* --- the sort --- */

KERNEL(WALKERS) sort_keys(struct scatter_args a)
{
    int64_t i = thread_number(), in[2];
    if (i >= a.summed.count) return;
    walk_at(a.summed, i, in);
    int64_t id = load_integer(a.ids, in[SCATTER_SUMMED_IDS], a.id_dtype);
    a.keys[0][i] = (uint32_t)(id >= 0 && id < a.size ? id : a.size);       /* outside: last of all */
    a.positions[0][i] = (uint32_t)i;
}

/* counts[digit][thread]: how many of the digit this thread owns. */
DEVICE void count_own(const struct scatter_args &a, int from, int shift, uint32_t (&counts)[SCATTER_DIGIT][SCATTER_SORTERS])
{
    int64_t first = thread_number() * a.items, end = first + a.items;
    if (end > a.summed.count) end = a.summed.count;
    for (int d = 0; d < SCATTER_DIGIT; d++) counts[d][threadIdx.x] = 0;
    for (int64_t i = first; i < end; i++) counts[a.keys[from][i] >> shift & (SCATTER_DIGIT - 1)][threadIdx.x]++;
    __syncthreads();
}

/* Of one digit, of 16 threads. */
DEVICE uint32_t segment_sum(const uint32_t *counts)
{
    uint32_t sum = 0;
    for (int i = 0; i < SCATTER_SORTERS / SEGMENTS; i++) sum += counts[i];
    return sum;
}

KERNEL(SCATTER_SORTERS) sort_count(struct scatter_args a, int from, int shift)
{
    SHARED uint32_t counts[SCATTER_DIGIT][SCATTER_SORTERS], sums[SCATTER_DIGIT][SEGMENTS];
    int digit = threadIdx.x / SEGMENTS, segment = threadIdx.x % SEGMENTS;
    count_own(a, from, shift, counts);
    sums[digit][segment] = segment_sum(&counts[digit][segment * (SCATTER_SORTERS / SEGMENTS)]);
    __syncthreads();
    if (threadIdx.x >= SCATTER_DIGIT) return;
    uint32_t all = 0;
    for (int i = 0; i < SEGMENTS; i++) all += sums[threadIdx.x][i];
    a.counts[threadIdx.x * a.sorters + blockIdx.x] = all;
}

/* Every count becomes the sum of those before it: one block, each thread a stretch. */
KERNEL(SCANNERS) sort_scan(struct scatter_args a)
{
    SHARED uint32_t sums[2][SCANNERS];
    int64_t n = SCATTER_DIGIT * a.sorters, each = (n + SCANNERS - 1) / SCANNERS, first = threadIdx.x * each, end = first + each;
    if (end > n) end = n;
    uint32_t own = 0;
    int now = 0;
    for (int64_t i = first; i < end; i++) own += a.counts[i];
    sums[0][threadIdx.x] = own;
    __syncthreads();
    for (unsigned by = 1; by < SCANNERS; by *= 2, now = 1 - now) {
        sums[1 - now][threadIdx.x] = sums[now][threadIdx.x] + (threadIdx.x >= by ? sums[now][threadIdx.x - by] : 0);
        __syncthreads();
    }
    uint32_t before = sums[now][threadIdx.x] - own;
    for (int64_t i = first; i < end; i++) {
        uint32_t count = a.counts[i];
        a.counts[i] = before;
        before += count;
    }
}

KERNEL(SCATTER_SORTERS) sort_place(struct scatter_args a, int from, int shift)
{
    SHARED uint32_t counts[SCATTER_DIGIT][SCATTER_SORTERS], sums[SCATTER_DIGIT][SEGMENTS];
    int digit = threadIdx.x / SEGMENTS, segment = threadIdx.x % SEGMENTS;
    count_own(a, from, shift, counts);
    uint32_t *own = &counts[digit][segment * (SCATTER_SORTERS / SEGMENTS)];
    sums[digit][segment] = segment_sum(own);
    __syncthreads();
    uint32_t before = a.counts[digit * a.sorters + blockIdx.x];
    for (int i = 0; i < segment; i++) before += sums[digit][i];
    for (int i = 0; i < SCATTER_SORTERS / SEGMENTS; i++) {
        uint32_t count = own[i];
        own[i] = before;
        before += count;
    }
    __syncthreads();
    int64_t first = thread_number() * a.items, end = first + a.items;
    if (end > a.summed.count) end = a.summed.count;
    for (int64_t i = first; i < end; i++) {
        uint32_t key = a.keys[from][i], to = counts[key >> shift & (SCATTER_DIGIT - 1)][threadIdx.x]++;
        a.keys[1 - from][to] = key;
        a.positions[1 - from][to] = a.positions[from][i];
    }
}

/* --- the sums: a.keys[0], a.positions[0] are sorted --- */

template <typename T> struct sum_type { using is = float; };
template <> struct sum_type<any_number> { using is = double; };

template <typename T, int wide_> struct columns { typename sum_type<T>::is at[wide_]; };

template <typename T, int wide_> DEVICE void clear(columns<T, wide_> &sum)
{
#pragma unroll
    for (int k = 0; k < wide_; k++) sum.at[k] = 0;
}

/* A stretch that is all there: its sum, to its place. */
template <typename T, int wide_> DEVICE void write_columns(const struct scatter_args &a, int64_t at, const columns<T, wide_> &sum)
{
    if constexpr (is_any<T>) {
        add_into(a, at, sum.at[0]);
    } else {
        pack<T, wide_> *to = (pack<T, wide_> *)((T *)a.to + at), y;
        if (a.accumulate) y = *to;
#pragma unroll
        for (int k = 0; k < wide_; k++) narrow(&y.at[k], a.accumulate ? wide(y.at[k]) + sum.at[k] : sum.at[k]);
        *to = y;
    }
}

template <typename T, int wide_> DEVICE void keep_columns(const struct scatter_args &a, void *part, int64_t chunk, int64_t unit, const columns<T, wide_> &sum)
{
    using number = typename sum_type<T>::is;
    pack<number, wide_> y;
#pragma unroll
    for (int k = 0; k < wide_; k++) y.at[k] = sum.at[k];
    *(pack<number, wide_> *)((number *)part + (chunk * a.units + unit) * wide_) = y;
}

template <typename T, int wide_> DEVICE void add_values(columns<T, wide_> &sum, const pack<T, wide_> &x)
{
#pragma unroll
    for (int k = 0; k < wide_; k++) sum.at[k] += wide(x.at[k]);
}

template <typename T, int wide_> DEVICE void end_stretch(const struct scatter_args &a, int64_t chunk, int64_t unit, uint32_t key, bool before, bool behind, int64_t to, const columns<T, wide_> &sum)
{
    if (key >= a.size) return;
    if (before) keep_columns<T, wide_>(a, a.head, chunk, unit, sum);
    else if (behind) keep_columns<T, wide_>(a, a.tail, chunk, unit, sum);
    else write_columns<T, wide_>(a, to + key * a.step, sum);
}

template <typename T, int wide_> KERNEL(COLUMN_BOUNDS) sum_chunks(struct scatter_args a)
{
    SHARED uint32_t key[SCATTER_SLICE + 1];
    SHARED int64_t from[SCATTER_SLICE];
    int64_t tiles = (a.units + blockDim.x - 1) / blockDim.x, chunk = blockIdx.x / tiles, unit = blockIdx.x % tiles * blockDim.x + threadIdx.x, at[3];
    int64_t first = chunk * a.chunk, end = first + a.chunk;
    if (end > a.summed.count) end = a.summed.count;
    bool there = unit < a.units, before = first > 0 && a.keys[0][first - 1] == a.keys[0][first];
    walk_at(a.kept, there ? unit : 0, at);
    columns<T, wide_> sum;
    clear<T, wide_>(sum);
    for (int64_t slice = first; slice < end; slice += SCATTER_SLICE) {
        int n = end - slice < SCATTER_SLICE ? (int)(end - slice) : SCATTER_SLICE;
        __syncthreads();
        for (int i = threadIdx.x; i <= n; i += blockDim.x) {
            key[i] = slice + i < a.summed.count ? a.keys[0][slice + i] : NO_KEY;
            if (i == n) continue;
            int64_t in[2];
            walk_at(a.summed, a.positions[0][slice + i], in);
            from[i] = in[SCATTER_SUMMED_VALUES];
        }
        __syncthreads();
        if (!there) continue;
        for (int i = 0; i < n; i += TOGETHER) {
            pack<T, wide_> x[TOGETHER];
            if constexpr (!is_any<T>) {
#pragma unroll
                for (int k = 0; k < TOGETHER; k++)
                    if (i + k < n) x[k] = *(const pack<T, wide_> *)((const T *)a.values + at[SCATTER_VALUES] + from[i + k]);
            }
#pragma unroll
            for (int k = 0; k < TOGETHER; k++) {
                if (i + k >= n) break;
                if constexpr (is_any<T>) sum.at[0] += load_any(a.values, at[SCATTER_VALUES] + from[i + k], a.dtype);
                else add_values<T, wide_>(sum, x[k]);
                bool last = slice + i + k == end - 1, behind = key[i + k + 1] == key[i + k];
                if (behind && !last) continue;
                end_stretch<T, wide_>(a, chunk, unit, key[i + k], before, behind, at[SCATTER_TO], sum);
                clear<T, wide_>(sum);
                before = false;
            }
        }
    }
}

/* The first sorted position from `from` on whose key is another. */
DEVICE int64_t stretch_end(const struct scatter_args &a, int64_t from, uint32_t key)
{
    int64_t low = from, high = a.summed.count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (a.keys[0][middle] == key) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* A stretch that begins in this chunk and goes on behind it: its tail here, then the heads of the chunks that it reaches, in order. */
template <typename T, int wide_> KERNEL(COLUMN_BOUNDS) join_chunks(struct scatter_args a)
{
    using number = typename sum_type<T>::is;
    int64_t tiles = (a.units + blockDim.x - 1) / blockDim.x, chunk = blockIdx.x / tiles, unit = blockIdx.x % tiles * blockDim.x + threadIdx.x, at[3];
    int64_t first = chunk * a.chunk, end = first + a.chunk;
    if (end >= a.summed.count || unit >= a.units) return;
    uint32_t key = a.keys[0][end - 1];
    bool begins = a.keys[0][first] != key || first == 0 || a.keys[0][first - 1] != key;
    if (key >= a.size || a.keys[0][end] != key || !begins) return;
    int64_t last = (stretch_end(a, end, key) - 1) / a.chunk;
    double sum[wide_];
    const number *tail = (const number *)a.tail + (chunk * a.units + unit) * wide_, *head = (const number *)a.head + unit * wide_;
#pragma unroll
    for (int k = 0; k < wide_; k++) sum[k] = tail[k];
#pragma unroll 4
    for (int64_t c = chunk + 1; c <= last; c++) {
        const pack<number, wide_> x = *(const pack<number, wide_> *)(head + c * a.units * wide_);
#pragma unroll
        for (int k = 0; k < wide_; k++) sum[k] += x.at[k];
    }
    columns<T, wide_> all;
#pragma unroll
    for (int k = 0; k < wide_; k++) all.at[k] = (number)sum[k];
    walk_at(a.kept, unit, at);
    write_columns<T, wide_>(a, at[SCATTER_TO] + key * a.step, all);
}

template <typename T, int wide_> static void sums(const struct scatter_args *a, cudaStream_t stream)
{
    unsigned threads = a->units < COLUMNS ? (unsigned)((a->units + WARP - 1) / WARP * WARP) : (unsigned)COLUMNS;
    unsigned blocks = (unsigned)(a->chunks * cuda_parts(a->units, threads));
    LAUNCH((sum_chunks<T, wide_>), blocks, threads, 0, stream, *a);
    if (a->chunks > 1) LAUNCH((join_chunks<T, wide_>), blocks, threads, 0, stream, *a);
}

template <typename T> static void sums_of(const struct scatter_args *a, cudaStream_t stream)
{
    if (a->wide == 1) sums<T, 1>(a, stream);
    else sums<T, is_any<T> ? 1 : 16 / (int)sizeof(T)>(a, stream);
}

static void sort(struct scatter_args *a, cudaStream_t stream)
{
    int from = 0;
    LAUNCH(sort_keys, blocks_for(a->summed.count, WALKERS), WALKERS, 0, stream, *a);
    for (int shift = 0; shift < 32 && a->size >> shift != 0; shift += DIGIT_BITS, from = 1 - from) {
        LAUNCH(sort_count, (unsigned)a->sorters, SCATTER_SORTERS, 0, stream, *a, from, shift);
        LAUNCH(sort_scan, 1u, SCANNERS, 0, stream, *a);
        LAUNCH(sort_place, (unsigned)a->sorters, SCATTER_SORTERS, 0, stream, *a, from, shift);
    }
    uint32_t *keys[2] = { a->keys[from], a->keys[1 - from] }, *positions[2] = { a->positions[from], a->positions[1 - from] };
    for (int i = 0; i < 2; i++) a->keys[i] = keys[i], a->positions[i] = positions[i];
}

extern "C" void scatter_launch(struct scatter_args *a, cudaStream_t stream)
{
    switch (a->how) {
    case SCATTER_ONCE: LAUNCH(scatter_once, blocks_for(a->kept.count, WALKERS), WALKERS, 0, stream, *a); break;
    case SCATTER_SEARCH: LAUNCH(scatter_search, blocks_for(a->kept.count * a->size, WALKERS), WALKERS, 0, stream, *a); break;
    default:
        sort(a, stream);
        WITH_DTYPE(a->dtype, sums_of<T>(a, stream))
        break;
    }
}
