/* xent_head.cu: a block for each row of logits: the largest and the sum of exponentials in one sweep, each thread against its own largest
 * so far; then, where gradients are wanted, a second sweep from the end of the row, which finds in the second-level cache what the
 * first has read.
 *
 * Exponentials of f32 logits are expf of differences; those of 16 bits, which carry 8 or 11 binary digits, are
 * powers of two of their differences, scaled. */
#include "backend/cuda/launch.cuh"
#include <float.h>
#include <stdbool.h>
extern "C" {
#include "backend/cuda/xent_head.h"
}

enum { THREADS = 1024, COLUMNS = 256, FLAT = 256, FLAT_PACK = 4 };

static constexpr float log2_e = 1.44269504088896340736f;

/* e^(x - off). */
template <typename T> DEVICE float power(float x, float off)
{
    if constexpr (sizeof(T) == sizeof(float)) return expf(x - off);
    else return exp2f((x - off) * log2_e);
}

DEVICE float read_as(rk_dtype dtype, const void *at)
{
    return dtype == RK_bf16 ? wide(*(const bf16 *)at) : dtype == RK_f16 ? wide(*(const f16 *)at) : *(const float *)at;
}

/* Logits v .. v + width - 1 with their bias; beyond the vocabulary -infinity. */
template <int width, typename T, typename B> DEVICE void read_some(float (&x)[width], const T *logits, const B *bias, int64_t v, int64_t vocab)
{
    pack<T, width> some = *(const pack<T, width> *)(logits + v);
    if (v + width <= vocab && bias == NULL) {
#pragma unroll
        for (int j = 0; j < width; j++) x[j] = wide(some.at[j]);
        return;
    }
#pragma unroll
    for (int j = 0; j < width; j++) x[j] = v + j < vocab ? wide(some.at[j]) + (bias != NULL ? wide(bias[v + j]) : 0.0f) : -INFINITY;
}

struct row_sum { float most, sum; };

template <int width, typename T, typename B> DEVICE struct row_sum sum_row(const T *logits, const B *bias, int64_t vocab, float *room)
{
    float most = -FLT_MAX, sum = 0, x[width];
    for (int64_t v = (int64_t)threadIdx.x * width; v < vocab; v += THREADS * width) {
        read_some(x, logits, bias, v, vocab);
        float largest = x[0];
#pragma unroll
        for (int j = 1; j < width; j++) largest = fmaxf(largest, x[j]);
        if (largest > most) {
            sum *= power<T>(most, largest);
            most = largest;
        }
#pragma unroll
        for (int j = 0; j < width; j++) sum += power<T>(x[j], most);
    }
    float all = block_max(most, room);
    return { all, block_sum(sum * power<T>(most, all), room) };
}

template <int width, typename T> DEVICE void clear_row(T *logits, int64_t stride)
{
    pack<T, width> zeros;
#pragma unroll
    for (int j = 0; j < width; j++) narrow(&zeros.at[j], 0);
    for (int64_t v = (int64_t)threadIdx.x * width; v < stride; v += THREADS * width) *(pack<T, width> *)(logits + v) = zeros;
}

template <int width, typename T, typename B> DEVICE void slope_row(T *logits, const B *bias, int64_t vocab, int64_t stride, struct row_sum s, int64_t label, float dy)
{
    float factor = dy / s.sum, x[width];
    int64_t steps = (stride + THREADS * width - 1) / (THREADS * width);
    for (int64_t step = steps - 1; step >= 0; step--) {
        int64_t v = (step * THREADS + threadIdx.x) * width;
        if (v >= stride) continue;
        read_some(x, logits, bias, v, vocab);
        pack<T, width> some;
#pragma unroll
        for (int j = 0; j < width; j++) {
            float p = factor * power<T>(x[j], s.most);
            narrow(&some.at[j], v + j == label ? p - dy : p);
        }
        *(pack<T, width> *)(logits + v) = some;
    }
}

template <typename T, typename B> KERNEL(THREADS) rows(struct xent_rows a)
{
    SHARED float room[WARP + 1];
    constexpr int width = 16 / sizeof(T);
    T *logits = (T *)a.logits + blockIdx.x * a.stride;
    const B *bias = (const B *)a.bias;
    int64_t label = a.labels[blockIdx.x];
    bool counts = label >= 0 && label < a.vocab;
    float dy = a.dy != NULL ? read_as(a.dy_dtype, a.dy) : 0, of_label = 0;
    if (!counts) {
        if (threadIdx.x == 0) a.losses[blockIdx.x] = 0;
        if (a.dy != NULL) clear_row<width>(logits, a.stride);
        return;                                                         /* all of a block */
    }
    if (threadIdx.x == 0) of_label = wide(logits[label]) + (bias != NULL ? wide(bias[label]) : 0.0f);
    struct row_sum s = sum_row<width>(logits, bias, a.vocab, room);     /* its barriers part reading from writing */
    if (threadIdx.x == 0) a.losses[blockIdx.x] = (double)s.most + log((double)s.sum) - (double)of_label;
    if (a.dy == NULL) return;
    if (dy == 0) clear_row<width>(logits, a.stride);
    else slope_row<width>(logits, bias, a.vocab, a.stride, s, label, dy);
}

/* A thread for each column of a slice of the rows. */
template <typename T> KERNEL(COLUMNS) columns(struct xent_columns a)
{
    int64_t v = (int64_t)blockIdx.x * COLUMNS + threadIdx.x, slice = blockIdx.y, each = (a.rows + XENT_SLICES - 1) / XENT_SLICES;
    int64_t to = (slice + 1) * each < a.rows ? (slice + 1) * each : a.rows;
    if (v >= a.vocab) return;
    float sum = 0, *part = &a.parts[slice * a.vocab + v];
    for (int64_t r = slice * each; r < to; r++) sum += wide(((const T *)a.dlogits)[r * a.stride + v]);
    *part = a.more ? *part + sum : sum;
}

template <typename T> KERNEL(COLUMNS) add_parts(T *dbias, const float *parts, int64_t vocab, bool any)
{
    int64_t v = (int64_t)blockIdx.x * COLUMNS + threadIdx.x;
    double sum = 0;
    if (v >= vocab) return;
    for (int slice = 0; slice < XENT_SLICES && any; slice++) sum += (double)parts[slice * vocab + v];
    narrow(&dbias[v], (float)sum);
}

template <typename T> KERNEL(THREADS) add_losses(T *loss, const double *losses, int64_t rows)
{
    SHARED double sums[THREADS];
    double sum = 0;
    for (int64_t i = threadIdx.x; i < rows; i += THREADS) sum += losses[i];
    sums[threadIdx.x] = sum;
    __syncthreads();
    for (unsigned half = THREADS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) narrow(loss, (float)sums[0]);
}

template <typename T> KERNEL(FLAT) round_all(T *to, const float *from, int64_t n, bool packs)
{
    int64_t i = ((int64_t)blockIdx.x * FLAT + threadIdx.x) * FLAT_PACK;
    if (i + FLAT_PACK <= n && packs) {
        pack<float, FLAT_PACK> x = *(const pack<float, FLAT_PACK> *)(from + i);
        pack<T, FLAT_PACK> y;
#pragma unroll
        for (int j = 0; j < FLAT_PACK; j++) narrow(&y.at[j], x.at[j]);
        *(pack<T, FLAT_PACK> *)(to + i) = y;
        return;
    }
    for (int j = 0; j < FLAT_PACK && i + j < n; j++) narrow(&to[i + j], from != NULL ? from[i + j] : 0.0f);
}

KERNEL(FLAT) pad_all(uint16_t *to, const uint16_t *from, int64_t n, int64_t padded, bool packs)
{
    enum { N = 8 };
    int64_t i = ((int64_t)blockIdx.x * FLAT + threadIdx.x) * N;
    if (packs && i + N <= n) {
        *(pack<uint16_t, N> *)(to + i) = *(const pack<uint16_t, N> *)(from + i);
        return;
    }
    for (int j = 0; j < N && i + j < padded; j++) to[i + j] = i + j < n ? from[i + j] : (uint16_t)0;
}

/* --- launching --- */

static unsigned blocks_of(int64_t n, int64_t each) { return (unsigned)((n + each - 1) / each); }

template <typename T, typename B> static void launch_rows(const struct xent_rows *a, cudaStream_t stream)
{
    auto kernel = rows<T, B>;
    LAUNCH(kernel, (unsigned)a->rows, THREADS, 0, stream, *a);
}

extern "C" void xent_rows_launch(const struct xent_rows *a, cudaStream_t stream)
{
    if (a->dtype == RK_bf16) launch_rows<bf16, bf16>(a, stream);
    else if (a->dtype == RK_f16) launch_rows<f16, f16>(a, stream);
    else if (a->bias_dtype == RK_bf16) launch_rows<float, bf16>(a, stream);
    else if (a->bias_dtype == RK_f16) launch_rows<float, f16>(a, stream);
    else launch_rows<float, float>(a, stream);
}

extern "C" void xent_columns_launch(const struct xent_columns *a, cudaStream_t stream)
{
    dim3 blocks(blocks_of(a->vocab, COLUMNS), XENT_SLICES);
    switch (a->dtype) {
    case RK_bf16: LAUNCH(columns<bf16>, blocks, COLUMNS, 0, stream, *a); break;
    case RK_f16: LAUNCH(columns<f16>, blocks, COLUMNS, 0, stream, *a); break;
    default: LAUNCH(columns<float>, blocks, COLUMNS, 0, stream, *a); break;
    }
}

extern "C" void xent_bias_launch(rk_dtype dtype, void *dbias, const float *parts, int64_t vocab, bool any, cudaStream_t stream)
{
    unsigned blocks = blocks_of(vocab, COLUMNS);
    switch (dtype) {
    case RK_bf16: LAUNCH(add_parts<bf16>, blocks, COLUMNS, 0, stream, (bf16 *)dbias, parts, vocab, any); break;
    case RK_f16: LAUNCH(add_parts<f16>, blocks, COLUMNS, 0, stream, (f16 *)dbias, parts, vocab, any); break;
    default: LAUNCH(add_parts<float>, blocks, COLUMNS, 0, stream, (float *)dbias, parts, vocab, any); break;
    }
}

extern "C" void xent_loss_launch(rk_dtype dtype, void *loss, const double *losses, int64_t rows, cudaStream_t stream)
{
    switch (dtype) {
    case RK_bf16: LAUNCH(add_losses<bf16>, 1, THREADS, 0, stream, (bf16 *)loss, losses, rows); break;
    case RK_f16: LAUNCH(add_losses<f16>, 1, THREADS, 0, stream, (f16 *)loss, losses, rows); break;
    default: LAUNCH(add_losses<float>, 1, THREADS, 0, stream, (float *)loss, losses, rows); break;
    }
}

extern "C" void xent_round_launch(rk_dtype dtype, void *to, const float *from, int64_t n, cudaStream_t stream)
{
    unsigned blocks = blocks_of(n, FLAT * FLAT_PACK);
    bool packs = from != NULL && (uintptr_t)to % 16 == 0;
    switch (dtype) {
    case RK_bf16: LAUNCH(round_all<bf16>, blocks, FLAT, 0, stream, (bf16 *)to, from, n, packs); break;
    case RK_f16: LAUNCH(round_all<f16>, blocks, FLAT, 0, stream, (f16 *)to, from, n, packs); break;
    default: LAUNCH(round_all<float>, blocks, FLAT, 0, stream, (float *)to, from, n, packs); break;
    }
}

extern "C" void xent_pad_launch(void *to, const void *from, int64_t n, int64_t padded, cudaStream_t stream)
{
    LAUNCH(pad_all, blocks_of(padded, FLAT * 8), FLAT, 0, stream, (uint16_t *)to, (const uint16_t *)from, n, padded, ((uintptr_t)to | (uintptr_t)from) % 16 == 0);
}
