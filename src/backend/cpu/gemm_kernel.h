/* gemm_kernel.h: what each instruction set brings to a matrix product: a register tile, a packer, and dot products.
 *
 * Everything else (order of loops, who packs what, threads) is gemm.c, once for all sets. */
#ifndef CPU_GEMM_KERNEL_H
#define CPU_GEMM_KERNEL_H
#include "backend/cpu/isa.h"
#include <stdint.h>

enum { GEMM_ROWS = 14, GEMM_VECTORS = 2, GEMM_WIDE_ROWS = 4 };       /* the most of any set */

/* C tile (=, +=) alpha A B. `a` is a sliver: rows floats for each k; `b` a panel: b_step floats from one k to the next. */
struct gemm_tile {
    const float *a, *b;
    int64_t k, b_step;
    float  *c;
    int64_t c_m, c_n;
    int     columns;                             /* 1 .. vectors * lanes */
    float   alpha;
    bool    add;
};
typedef void gemm_tile_fn(const struct gemm_tile *t);

/* to[j * pad + i] = from[i * step_w + j * step_k] for i < w, j < k; zero for w <= i < pad. `to` has VF_LANES floats of slack. */
typedef void gemm_pack_fn(float *to, int pad, const float *from, int64_t step_w, int64_t step_k, int w, int64_t k);

/* Products with few rows: c[i][j] (=, +=) alpha sum_k a[i][k] b[j][k] with k contiguous in both, for rows x columns of C. */
struct gemm_dots {
    const float *a, *b;
    int64_t a_row, b_row, k, columns;
    float  *c;
    int64_t c_m, c_n;
    int     rows;                                /* 1 .. dot_rows */
    float   alpha;
    bool    add;
};
typedef void gemm_dots_fn(const struct gemm_dots *d);

struct gemm_kernels {
    int lanes, rows, vectors, dot_rows;
    gemm_tile_fn *tile[GEMM_ROWS][GEMM_VECTORS];         /* [rows - 1][vectors - 1] */
    int wide_vectors[GEMM_WIDE_ROWS];                    /* few rows leave registers for wider tiles; [rows - 1] */
    gemm_tile_fn *wide[GEMM_WIDE_ROWS];
    gemm_pack_fn *pack;
    gemm_dots_fn *dots;
};

#define X(isa) extern const struct gemm_kernels gemm_kernels_##isa;
FOR_EVERY_ISA(X)
#undef X

#endif
