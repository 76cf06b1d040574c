/* rng.h: randomness without a state: Philox-4x32-10 (Salmon et al. 2011) of a key and a counter.
 *
 * The same key and counter give the same bits on every machine, in any order, on any number of threads. */
#ifndef BASE_RNG_H
#define BASE_RNG_H
#include <stdint.h>

struct rng_block { uint32_t word[4]; };

struct rng_block rng_philox(uint64_t key, uint64_t counter_low, uint64_t counter_high);
uint32_t rng_word(uint64_t key, uint64_t stream, uint64_t index);        /* the index-th 32-bit word of a stream */
double   rng_uniform(uint64_t key, uint64_t stream, uint64_t index);     /* [0, 1), 32 random bits */
double   rng_normal(uint64_t key, uint64_t stream, uint64_t index);      /* mean 0, variance 1 (Box-Muller) */
uint64_t rng_below(uint64_t key, uint64_t stream, uint64_t index, uint64_t n);   /* [0, n), n > 0; bias under n / 2^64 */

#endif
