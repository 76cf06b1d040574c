/* attend_inner.cuh: what the kernels of attention share: where a head lies, what a query sees, what dropout leaves. */
#ifndef CUDA_ATTEND_INNER_CUH
#define CUDA_ATTEND_INNER_CUH
#include "backend/cuda/launch.cuh"
extern "C" {
#include "backend/cuda/attend.h"
}

template <typename T> DEVICE T *attend_at(const struct attend_args &a, const struct attend_operand &o, int head)
{
    int64_t at = 0;
    for (int i = a.n_outer - 1; i >= 0; i--) {
        at += (int64_t)(head % a.outer[i]) * o.outer[i];
        head /= a.outer[i];
    }
    return (T *)o.at + at;
}

/* Keys that are no padding in the sequence of this head. */
DEVICE int attend_keys(const struct attend_args &a, int head)
{
    if (a.lengths.at == NULL || a.key == 0) return a.key;
    int n = *attend_at<const int32_t>(a, a.lengths, head);
    return n < 1 ? 1 : n > a.key ? a.key : n;
}

/* Keys that queries before `end` may see, of the `keys` that there are. */
DEVICE int attend_seen(const struct attend_args &a, int end, int keys)
{
    if (!a.causal) return keys;
    int seen = end + a.key - a.seq;
    return seen < 0 ? 0 : seen < keys ? seen : keys;
}

/* --- dropout: core/program.h's rand_value of (head, query, key), an index in the space of all scores --- */

struct attend_draw { uint32_t k0, k1, s0, s1; };

DEVICE struct attend_draw attend_drawing(const struct attend_args &a)
{
    uint64_t key = *a.seed ^ *a.step * 0x9e3779b97f4a7c15u;
    return { (uint32_t)key, (uint32_t)(key >> 32), (uint32_t)a.site, (uint32_t)(a.site >> 32) };
}

/* Which of the indices 4 quad .. 4 quad + 3 stay, as bits. Philox-4x32-10, as in base/rng.c. */
DEVICE unsigned attend_stay(const struct attend_args &a, const struct attend_draw &d, uint64_t quad)
{
    uint32_t w0 = (uint32_t)quad, w1 = (uint32_t)(quad >> 32), w2 = d.s0, w3 = d.s1, k0 = d.k0, k1 = d.k1;
#pragma unroll
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xd2511f53u * w0, p1 = (uint64_t)0xcd9e8d57u * w2;
        w0 = (uint32_t)(p1 >> 32) ^ w1 ^ k0, w1 = (uint32_t)p1, w2 = (uint32_t)(p0 >> 32) ^ w3 ^ k1, w3 = (uint32_t)p0;
        k0 += 0x9e3779b9u, k1 += 0xbb67ae85u;
    }
    return (w0 <= a.last ? 1 : 0) | (w1 <= a.last ? 2 : 0) | (w2 <= a.last ? 4 : 0) | (w3 <= a.last ? 8 : 0);
}

DEVICE bool attend_stays(const struct attend_args &a, const struct attend_draw &d, int head, int query, int key)
{
    uint64_t index = ((uint64_t)head * (uint64_t)a.seq + (uint64_t)query) * (uint64_t)a.key + (uint64_t)key;
    return attend_stay(a, d, index >> 2) >> (index & 3) & 1;
}

#endif
