/* rope.cu: pairs (a, b) become (a cos - b sin, a sin + b cos), computed in f32 from a table made in double.
 *
 * An angle is turned into a fraction of an eighth turn either way first, so that sine and cosine are short series: no digits are lost
 * at far positions, and the same numbers come out on every machine. */
#include "backend/cuda/outer.cuh"
extern "C" {
#include "backend/cuda/rope.h"
}

enum { THREADS = 256 };

/* Cosine and sine of x turns. Taylor series on ±1/8 turn: their first term left out is below 1e-16. */
DEVICE void of_turns(double x, double *cosine, double *sine)
{
    x -= rint(x);
    double quarters = rint(4 * x), r = (x - quarters / 4) * 6.283185307179586476925286766559, z = r * r;
    double s = r * (1 + z * (-1.0 / 6 + z * (1.0 / 120 + z * (-1.0 / 5040 + z * (1.0 / 362880 + z * (-1.0 / 39916800 + z * (1.0 / 6227020800.0 - z / 1307674368000.0)))))));
    double c = 1 + z * (-1.0 / 2 + z * (1.0 / 24 + z * (-1.0 / 720 + z * (1.0 / 40320 + z * (-1.0 / 3628800 + z * (1.0 / 479001600 + z * (-1.0 / 87178291200.0 + z / 20922789888000.0)))))));
    int quarter = (int)quarters & 3;
    *cosine = quarter == 0 ? c : quarter == 1 ? -s : quarter == 2 ? -c : s;
    *sine = quarter == 0 ? s : quarter == 1 ? c : quarter == 2 ? -s : -c;
}

/* A thread for each number of the table's cosines. */
KERNEL(THREADS) make_table(struct rope_table t)
{
    int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x, row = i / t.pairs, position = t.first + row, at[1];
    int pair = (int)(i % t.pairs);
    double c, s;
    if (row >= t.positions) return;
    if (t.given != NULL) {
        outer_at(t.at, (uint32_t)row, at);
        position = t.given[at[0]];
    }
    of_turns((double)position * exp(pair * t.per_pair) * 0.15915494309189533576888376337251, &c, &s);
    t.table[row * 2 * t.pairs + pair] = (float)c;
    t.table[(row * 2 + 1) * t.pairs + pair] = t.sign * (float)s;
}

/* `width` pairs half a rotation apart, from pair i on. */
template <typename T, int width> DEVICE void turn_halves(T *y, const T *x, const float *cosines, const float *sines, int i, int half)
{
    pack<T, width> a = *(const pack<T, width> *)(x + i), b = *(const pack<T, width> *)(x + half + i);
#pragma unroll
    for (int j = 0; j < width; j++) {
        float c = cosines[i + j], s = sines[i + j], first = wide(a.at[j]), second = wide(b.at[j]);
        narrow(&a.at[j], first * c - second * s);
        narrow(&b.at[j], first * s + second * c);
    }
    *(pack<T, width> *)(y + i) = a;
    *(pack<T, width> *)(y + half + i) = b;
}

/* Numbers i .. i + width - 1, in pairs of neighbours. A lone number stands for the pair that begins there. */
template <typename T, int width> DEVICE void turn_neighbours(T *y, const T *x, const float *cosines, const float *sines, int i)
{
    constexpr int several = width > 1 ? width : 2;
    constexpr int as_one = width > 1 ? width : 1;
    alignas(16) T some[several];
#pragma unroll
    for (int j = 0; j < several; j += as_one) *(pack<T, as_one> *)(some + j) = *(const pack<T, as_one> *)(x + i + j);
#pragma unroll
    for (int j = 0; j < several; j += 2) {
        float c = cosines[(i + j) / 2], s = sines[(i + j) / 2], first = wide(some[j]), second = wide(some[j + 1]);
        narrow(&some[j], first * c - second * s);
        narrow(&some[j + 1], first * s + second * c);
    }
#pragma unroll
    for (int j = 0; j < several; j += as_one) *(pack<T, as_one> *)(y + i + j) = *(const pack<T, as_one> *)(some + j);
}

/* A thread for each unit of a row: units that are turned first, then those that pass. */
template <typename T, int width> KERNEL(THREADS) turn(struct rope_args a, uint32_t units, int turned)
{
    uint64_t i = (uint64_t)blockIdx.x * THREADS + threadIdx.x;
    int64_t at[3];
    uint64_t row = i < 1ull << 32 ? (uint32_t)i / units : i / units;      /* 64-bit divisions are slow */
    int unit = (int)(i - row * units);
    if (row >= (uint64_t)a.rows.count) return;
    outer_at(a.rows, (uint32_t)row, at);
    T *y = (T *)a.y + at[0];
    const T *x = (const T *)a.x + at[1];
    const float *cosines = a.table + at[2] * a.rotary, *sines = cosines + a.rotary / 2;
    if (unit >= turned) {
        int from = a.rotary + (unit - turned) * width;
        *(pack<T, width> *)(y + from) = *(const pack<T, width> *)(x + from);
    } else if (a.interleaved) turn_neighbours<T, width>(y, x, cosines, sines, unit * (width > 1 ? width : 2));
    else turn_halves<T, width>(y, x, cosines, sines, unit * width, a.rotary / 2);
}

template <typename T, int width> static void launch(const struct rope_args *a, cudaStream_t stream)
{
    int turned = a->interleaved && width > 1 ? a->rotary / width : a->rotary / 2 / width;
    int64_t units = turned + (a->rows.n - a->rotary) / width;
    auto kernel = turn<T, width>;
    LAUNCH(kernel, row_blocks(units * a->rows.count, THREADS), THREADS, 0, stream, *a, (uint32_t)units, turned);
}

template <typename T> static void launch_of(const struct rope_args *a, cudaStream_t stream)
{
    if (a->width > 1) launch<T, row_width<T>::most>(a, stream);
    else launch<T, 1>(a, stream);
}

extern "C" void rope_table_launch(const struct rope_table *t, cudaStream_t stream)
{
    LAUNCH(make_table, row_blocks(t->positions * t->pairs, THREADS), THREADS, 0, stream, *t);
}

extern "C" void rope_launch(const struct rope_args *a, cudaStream_t stream)
{
    switch (a->dtype) {
    case RK_bf16: launch_of<bf16>(a, stream); break;
    case RK_f16: launch_of<f16>(a, stream); break;
    default: launch_of<float>(a, stream); break;
    }
}
