/* rng.c: constants of the Philox paper (Random123 1.14, philox.h). */
#include "base/rng.h"
#include <math.h>

struct rng_block rng_philox(uint64_t key, uint64_t counter_low, uint64_t counter_high)
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    struct rng_block c = { { (uint32_t)counter_low, (uint32_t)(counter_low >> 32), (uint32_t)counter_high, (uint32_t)(counter_high >> 32) } };
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xd2511f53u * c.word[0], p1 = (uint64_t)0xcd9e8d57u * c.word[2];
        c = (struct rng_block){ { (uint32_t)(p1 >> 32) ^ c.word[1] ^ k0, (uint32_t)p1, (uint32_t)(p0 >> 32) ^ c.word[3] ^ k1, (uint32_t)p0 } };
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    return c;
}

uint32_t rng_word(uint64_t key, uint64_t stream, uint64_t index) { return rng_philox(key, index >> 2, stream).word[index & 3]; }

double rng_uniform(uint64_t key, uint64_t stream, uint64_t index) { return rng_word(key, stream, index) * 0x1p-32; }

double rng_normal(uint64_t key, uint64_t stream, uint64_t index)
{
    struct rng_block b = rng_philox(key, index, stream);
    uint64_t u = (uint64_t)b.word[0] << 20 | b.word[1] >> 12, v = (uint64_t)b.word[2] << 20 | b.word[3] >> 12;
    return sqrt(-2 * log(((double)u + 1) * 0x1p-52)) * cos(6.283185307179586477 * (double)v * 0x1p-52);
}

uint64_t rng_below(uint64_t key, uint64_t stream, uint64_t index, uint64_t n)
{
    struct rng_block b = rng_philox(key, index, stream);
    uint64_t u = (uint64_t)b.word[0] << 32 | b.word[1];
    return (uint64_t)(((unsigned __int128)u * n) >> 64);
}
