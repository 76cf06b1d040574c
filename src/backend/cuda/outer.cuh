/* outer.cuh: where rows begin (outer.h), and rows in the registers of a team: a warp, or a block.
 *
 * A thread holds `held` elements in packs of `width`: element (pack · team + thread) · width + j of the row is its number
 * pack · width + j. So a row is read from memory once, 16 bytes at a time where it lies so, whatever is asked of it then. */
#ifndef CUDA_OUTER_CUH
#define CUDA_OUTER_CUH
#include "backend/cuda/launch.cuh"
#include <stdbool.h>
extern "C" {
#include "backend/cuda/outer.h"
}

DEVICE uint32_t outer_divide(uint32_t x, const struct cuda_divisor &by) { return (uint32_t)((uint64_t)x * by.magic >> by.shift); }

/* Offsets of a row's first elements. */
template <int operands> DEVICE void outer_at(const struct cuda_outer &o, uint32_t row, int64_t (&at)[operands])
{
    for (int k = 0; k < operands; k++) at[k] = 0;
    for (int i = o.loops - 1; i >= 0; i--) {
        uint32_t next = i > 0 ? outer_divide(row, o.size[i]) : 0, step = row - next * o.size[i].by;
        for (int k = 0; k < operands; k++) at[k] += step * o.stride[k][i];
        row = next;
    }
}

/* Where pack p of a thread begins; all of it is inside the row or none. */
DEVICE int row_pack(int p, int width, int team, int thread) { return (p * team + thread) * width; }

template <int width, int held, int team, typename T> DEVICE void row_read(float (&to)[held], const T *row, int n, int thread, float otherwise)
{
#pragma unroll
    for (int p = 0; p < held / width; p++) {
        int at = row_pack(p, width, team, thread);
        if (at < n) {
            pack<T, width> some = *(const pack<T, width> *)(row + at);
#pragma unroll
            for (int j = 0; j < width; j++) to[p * width + j] = wide(some.at[j]);
        } else {
#pragma unroll
            for (int j = 0; j < width; j++) to[p * width + j] = otherwise;
        }
    }
}

template <int width, int held, int team, typename T> DEVICE void row_write(T *row, const float (&from)[held], int n, int thread)
{
#pragma unroll
    for (int p = 0; p < held / width; p++) {
        int at = row_pack(p, width, team, thread);
        pack<T, width> some;
#pragma unroll
        for (int j = 0; j < width; j++) narrow(&some.at[j], from[p * width + j]);
        if (at < n) *(pack<T, width> *)(row + at) = some;
    }
}

/* Over a team; `room` as in block_sum, not touched by warps. */
template <int team> DEVICE float team_sum(float x, float *room)
{
    if constexpr (team == WARP) return (void)room, warp_sum(x);
    else return block_sum(x, room);
}

/* Two at once: the exchanges of one are under way while the other's are made. */
template <int team> DEVICE void team_sums(float &x, float &y, float *room)
{
    if constexpr (team == WARP) {
        for (int mask = WARP / 2; mask > 0; mask /= 2) {
            float other = shuffle_xor(x, mask), another = shuffle_xor(y, mask);
            x += other;
            y += another;
        }
        (void)room;
    } else x = block_sum(x, room), y = block_sum(y, room);
}

template <int team> DEVICE float team_max(float x, float *room)
{
    if constexpr (team == WARP) return (void)room, warp_max(x);
    else return block_max(x, room);
}

/* --- on the host: which kernel --- */

enum { ROW_THREADS = 256, ROW_WARPS = 4 };              /* of a team that is a block; teams of a block that are warps */
template <int team> struct row_block { enum { threads = team == WARP ? ROW_WARPS * WARP : team, rows = threads / team }; };

/* What 16 bytes hold. */
template <typename T> struct row_width { enum { most = 16 / sizeof(T) }; };

static inline bool row_aligned(const void *at) { return (uintptr_t)at % 16 == 0; }
static inline unsigned row_blocks(int64_t rows, int each) { return (unsigned)((rows + each - 1) / each); }

/* go.run<T, width, held, team>() for the smallest team that holds n elements: at most 32 for each thread of a warp or of a block. */
template <typename T, int width, typename Go> static void row_launch(int64_t n, const Go &go)
{
    if (n <= 8 * WARP) go.template run<T, width, 8, WARP>();
    else if (n <= 16 * WARP) go.template run<T, width, 16, WARP>();
    else if (n <= 24 * WARP) go.template run<T, width, 24, WARP>();
    else if (n <= 32 * WARP) go.template run<T, width, 32, WARP>();
    else if (n <= 8 * ROW_THREADS) go.template run<T, width, 8, ROW_THREADS>();
    else if (n <= 16 * ROW_THREADS) go.template run<T, width, 16, ROW_THREADS>();
    else go.template run<T, width, 32, ROW_THREADS>();
}

/* The same where elements are moved one at a time. */
template <typename T, typename Go> static void row_launch_single(int64_t n, const Go &go)
{
    if (n <= 8 * WARP) go.template run<T, 1, 8, WARP>();
    else if (n <= 32 * WARP) go.template run<T, 1, 32, WARP>();
    else go.template run<T, 1, 32, ROW_THREADS>();
}

template <typename T, typename Go> static void row_launch_by(bool aligned, int64_t n, const Go &go)
{
    if (aligned && n % row_width<T>::most == 0) row_launch<T, row_width<T>::most>(n, go);
    else row_launch_single<T>(n, go);
}

template <typename Go> static void row_launch_of(rk_dtype dtype, bool aligned, int64_t n, const Go &go)
{
    switch (dtype) {
    case RK_bf16: row_launch_by<bf16>(aligned, n, go); break;
    case RK_f16: row_launch_by<f16>(aligned, n, go); break;
    default: row_launch_by<float>(aligned, n, go); break;
    }
}

#endif
