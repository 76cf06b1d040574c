/* bf16.h: C (=, +=) sum_k A[m, k] B[k, n] of bf16 by AMX tiles, for any strides, with the same bits on any number of threads.
 *
 *   bf16_plan(&problem, narrow)  ->  bf16_scratch(plan, workers) bytes  ->  bf16_run(ctx, plan, operands, scratch)
 *
 * As gemm.h, for operands of GEMM_bf16 where isa_tiles(); C is f32, or bf16 where `narrow`, which is not added to. A plan is a function of
 * the problem alone. Each element of C has one owner; its sum runs over k in ascending order, 32 at a time, in one element of a tile.
 *
 * Exactness: a tile adds sixteen products of even k and sixteen of odd k in f32, both rounded to nearest even, their sum to C. So
 * |C - exact| <= (k + 3) 2^-24 (|A| |B|), and 2^-9 |C| more where it is rounded to bf16 at the end. Subnormal numbers count as 0 on the
 * way in and out. Law: tests/unit/test_cpu_bf16.c. Not here: machines without tiles (einsum_narrow.c). */
#ifndef CPU_BF16_H
#define CPU_BF16_H
#include "backend/cpu/gemm.h"

/* Units are 32 rows of A or columns of B, slabs 32 of k: two tiles of one unit. */
enum { BF16_UNIT = 32, BF16_SLAB = 32, BF16_SLAB_BYTES = 2048 };

struct bf16_plan {
    struct gemm_problem p;                       /* turned: C is contiguous along n if it can be */
    bool    swapped, narrow;
    bool    spread;                              /* threads work inside one product; otherwise each takes whole products */
    bool    private_b;                           /* which side a task packs for itself; the other is packed once for all */
    int64_t k_block, k_super;                    /* of one pass of tiles; what is packed before tasks start */
    int64_t own, own_blocks;                     /* units of the private side that a task has; tasks */
    int64_t shared_super, chunk;                 /* units of the shared side that are packed at a time; that stay in the second-level cache */
    size_t  shared_bytes, worker_bytes;
};

struct bf16_operands { const uint16_t *a, *b; void *c; gemm_done_fn *done; void *arg; };         /* done: see gemm.h; of f32 results */

struct bf16_plan bf16_plan(const struct gemm_problem *p, bool narrow);               /* of a problem that is not refused */
size_t bf16_scratch(const struct bf16_plan *plan, int workers);
void   bf16_run(rk_ctx *ctx, const struct bf16_plan *plan, const struct bf16_operands *o, void *scratch);

/* n neighbours, rounded to nearest even, `step` apart. Where isa_tiles(), like all of this. */
void   bf16_narrow(uint16_t *to, int64_t step, const float *from, int64_t n);

/* ---- in tiles: bf16.isa.c ---- */

/* Some units of A against some of B, `slabs` deep, into f32. */
struct bf16_block {
    const char *a, *b;
    int64_t a_unit, b_unit, slabs;               /* bytes from one unit to the next */
    float  *c;
    int64_t c_m, c_n, rows, columns;
    bool    add;
};

struct bf16_kernels {
    /* A unit, `depth` of k, w <= 32 of its numbers, zeros elsewhere: as A (rows of k) or as B (pairs of k). */
    void (*pack)(char *to, const uint16_t *from, int64_t step_w, int64_t step_k, int w, int64_t depth, bool as_b);
    void (*multiply)(const struct bf16_block *b);
    void (*narrow)(uint16_t *to, int64_t step, const float *from, int64_t n);
};

#if defined(__x86_64__)
extern const struct bf16_kernels bf16_kernels_tiles;
#endif

#endif
