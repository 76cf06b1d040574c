/* gemm.h: C (=, +=) alpha sum_k A[m, k] B[k, n] in f32, for any strides, with the same bits on any number of threads.
 * A or B may be stored in fewer bits (f16, bf16, f8): they are read as they lie and widened, exactly, in registers.
 *
 *   gemm_plan(&problem, isa)  ->  gemm_scratch(plan, workers) bytes  ->  gemm_run(ctx, plan, operands, scratch)
 *
 * A plan is a function of the problem and the instruction set alone: who packs what, in which blocks, in which order k is
 * summed. It allocates nothing, costs about a microsecond and may be made anywhere. Each element of C has one owner; its sum
 * runs over blocks of k in ascending order, each block accumulated in one register lane.
 *
 * Exactness: |C - exact| <= alpha (k + 3) 2^-24 (|A| |B|) elementwise, beside the rounding of the old C when accumulating. A bias is one more sum:
 * the bits are those of a product and of an addition after it.
 * Law: tests/unit/test_cpu_gemm.c holds every instruction set to it, and 1 thread to the bits of many.
 *
 * Not here: integers with scales (stored.h); sparse or triangular shapes (the caller cuts those into products); libraries (backend/blas). */
#ifndef CPU_GEMM_H
#define CPU_GEMM_H
#include "backend/cpu/isa.h"
#include "base/ctx.h"

/* How numbers of an operand are stored. X(type, what an element is read as) */
#define FOR_EVERY_GEMM_TYPE(X) X(f32, float) X(f16, uint16_t) X(bf16, uint16_t) X(f8e4m3, uint8_t) X(f8e5m2, uint8_t)
#define X(type, element) GEMM_##type,
enum gemm_type { FOR_EVERY_GEMM_TYPE(X) GEMM_TYPES };
#undef X
size_t gemm_bytes(enum gemm_type type);
/* Element i of an operand. */
static inline const void *gemm_at(const void *base, enum gemm_type type, int64_t i) { return (const char *)base + i * (int64_t)gemm_bytes(type); }

enum { GEMM_PANEL_COLUMNS = 16 };

struct gemm_problem {                            /* extents and strides in elements */
    int64_t m, n, k;
    int64_t a_m, a_k, b_k, b_n, c_m, c_n;
    int64_t batch[2];                            /* products in two loops, the first outside; {1, 1} for one product */
    int64_t a_batch[2], b_batch[2], c_batch[2];
    float   alpha;
    bool    accumulate;                          /* += */
    enum gemm_type a_type, b_type;
    bool b_panels;                               /* B lies in panels of 16 columns, [n / 16][k][16] of f32, the last filled up: b_k and b_n say nothing */
};

/* Called when a block of one product is final, by the task that made it, while it is in cache: for bias, activation,
 * residual. Which blocks there are is part of the plan; each element is in exactly one. Where C is contiguous along n no two begin within the same
 * lanes * GEMM_VECTORS columns, counted from the first: tasks that note something where a block begins (xent_head.c) never meet there. */
typedef void gemm_done_fn(void *arg, int64_t batch, int64_t row, int64_t rows, int64_t column, int64_t columns);

struct gemm_operands {                           /* C overlaps neither A nor B */
    const void   *a, *b;
    float        *c;
    gemm_done_fn *done;                          /* may be NULL */
    void         *arg;
    const float  *bias;                          /* n numbers, added to every row of C once it is summed, before `done`; may be NULL. Of gemm_run and gemm_alone only */
};

enum gemm_path { GEMM_PACKED, GEMM_DOTS, GEMM_STRIPS, GEMM_LINES, GEMM_ROWS_ACROSS, GEMM_PANELS };

struct gemm_plan {
    struct gemm_problem p;                       /* turned: C is contiguous along n if it can be */
    bool     swapped;                            /* turned means that A and B have changed places */
    enum isa isa;
    enum gemm_path path;
    bool     spread;                             /* threads work inside one product; otherwise each takes whole products */
    bool     private_b;                          /* which side a task packs for itself; the other is packed once for all */
    int64_t  k_block, k_super;                   /* one pass of the register tile; what is packed before tasks start */
    int64_t  shared_super;                       /* units (slivers or panels) of the shared side packed at a time */
    int64_t  private_blocks, shared_parts;       /* tasks of one pass; of GEMM_LINES: blocks of columns, and of k */
    int64_t  group;                              /* panels that stay in the second-level cache */
    size_t   shared_floats, worker_floats;
};

/* NULL, or why there can be no plan: an extent below 0, elements of C that coincide, strides beyond all memory. */
const char *gemm_refuse(const struct gemm_problem *p);
struct gemm_plan gemm_plan(const struct gemm_problem *p, enum isa isa);              /* of a problem that is not refused */
size_t gemm_scratch(const struct gemm_plan *plan, int workers);                      /* bytes; alignment of 64 is faster */
double gemm_flops(const struct gemm_problem *p);                                     /* 2 m n k times the batch */

void gemm_run(rk_ctx *ctx, const struct gemm_plan *plan, const struct gemm_operands *o, void *scratch);
/* The same bits on the calling thread, for use inside a task: scratch for 1 worker. */
void gemm_alone(const struct gemm_plan *plan, const struct gemm_operands *o, void *scratch);

#endif
