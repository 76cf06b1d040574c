/* cpu.h: the back end of this machine's processor: vector kernels, one body per instruction set, over plain memory.
 *
 * A kernel is a row of kernels.def. Everything it needs to know is in the problem: it takes any strides, finds its workspace
 * in the call, and never allocates. What no row takes goes to the slow truth behind it (`next`).
 * Which results do not depend on: the number of threads (tasks are a function of the shape), what ran before, alignment.
 * Not here: who chooses kernels (backend/chain), the matrix products (gemm.h). */
#ifndef CPU_CPU_H
#define CPU_CPU_H
#include "backend/cpu/isa.h"
#include "core/problem.h"

const struct backend *backend_cpu(void);                 /* with the best instruction set that runs here */
const struct backend *backend_cpu_isa(enum isa isa);     /* with this one, without tiles: for tests and comparisons */
const struct backend *backend_cpu_tiles(void);           /* with the best one and AMX; NULL: not here */

#define X(isa) extern const struct kernel cpu_kernels_##isa[];          /* kernels.c: ends with op NULL */
FOR_EVERY_ISA(X)
#undef X

/* Every row of kernels.def: NAME_accepts and NAME_prepare once, NAME_run_ISA per instruction set. */
#define CPU_RUN(name, isa) rk_status name##_run_##isa(rk_ctx *ctx, const struct call *c);
#if defined(__x86_64__)
#define CPU_RUNS(name) CPU_RUN(name, scalar) CPU_RUN(name, avx2) CPU_RUN(name, avx512)
#elif defined(__aarch64__)
#define CPU_RUNS(name) CPU_RUN(name, scalar) CPU_RUN(name, neon)
#else
#define CPU_RUNS(name) CPU_RUN(name, scalar)
#endif
#define CPU_DECISIONS(name)                                                                                           \
    bool name##_accepts(const struct problem *p);                                                                     \
    rk_status name##_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out);
#define ROW(op, name, with_forward, ...) CPU_DECISIONS(name) CPU_RUNS(name)
#define SAME(op, name, with_forward, ...) CPU_DECISIONS(name) rk_status name##_run(rk_ctx *ctx, const struct call *c);
#include "backend/cpu/kernels.def"
#undef ROW
#undef SAME

#endif
