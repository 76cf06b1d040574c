/* program.h: what an instruction set brings to elementwise programs: each function of core/map.def over a stretch.
 *
 * Everything else (loops, memory, threads) is program.c and program_tile.c, once for all sets. */
#ifndef CPU_PROGRAM_H
#define CPU_PROGRAM_H
#include "backend/cpu/copy.h"

enum { PROGRAM_LANES = 16 };             /* of the widest set: a number as an operand is this many copies of it */

/* Functions beyond map.def: what two instructions make together. */
enum program_fn { FN_MULADD = MAP_COUNT, FN_SUBMUL, FN_COUNT };         /* a b + c, c - a b */

/* y[i] = f(x[0][i], ...) for i < n. step is 1, or 0 for an operand that is one number (PROGRAM_LANES copies of it). y may be
 * exactly one of the operands. */
struct stretch { float *y; const float *x[3]; int step[3]; int64_t n; };
typedef void program_map_fn(const struct stretch *s);

/* Masks of a rand node at elements index .. index + n - 1. */
struct program_mask { uint64_t key, site, below; float value; };        /* value where a 32-bit word < below, else 0 */
typedef void program_rand_fn(float *y, const struct program_mask *mask, uint64_t index, int64_t n);

struct program_kernels { program_map_fn *map[FN_COUNT]; program_rand_fn *rand; copy_convert_fn *convert; };

struct program_mask program_mask_of(uint64_t seed, uint64_t step, uint64_t site, double keep);
float program_mask_at(const struct program_mask *m, uint64_t index);
rk_status program_run(rk_ctx *ctx, const struct call *c, const struct program_kernels *k);

#endif
