/* gemm_kernel.h: what each instruction set brings to a matrix product: a register tile, a packer, and dot products.
 *
 * Everything else (order of loops, who packs what, threads) is gemm.c, once for all sets. */
#ifndef CPU_GEMM_KERNEL_H
#define CPU_GEMM_KERNEL_H
#include "backend/cpu/gemm.h"
#include <stdint.h>

enum { GEMM_ROWS = 14, GEMM_VECTORS = 2, GEMM_BROAD = 3, GEMM_WIDE_ROWS = 4, GEMM_ACROSS = 4 };       /* the most of any set; GEMM_VECTORS and no fewer: of all */

/* Memory that is read next, asked for a cache line at a time while a tile is computed: runs of lines, one every `step` bytes. */
struct gemm_fetch { const char *at; int64_t run, step, in_run, left; };      /* lines of a run; of the present run, and of all, those left */

/* C tile (=, +=) alpha A B. `a` is a sliver: rows floats for each k; `b` a panel: b_step floats from one k to the next. */
struct gemm_tile {
    const float *a, *b;
    int64_t k, b_step;
    int     ahead;                               /* rows of B that are asked for in advance; 0: the standard */
    struct gemm_fetch *fetch[2];                 /* a line of each with every few k; NULL: none */
    float  *c;
    int64_t c_m, c_n;
    int     columns;                             /* 1 .. vectors * lanes */
    float   alpha;
    bool    add;
    const float *bias;                           /* of the tile's columns, added to what has been stored; NULL: none */
    int64_t b_vector, ask[GEMM_BROAD];           /* of B as a file has its panels: floats from one vector to the next; from B to what is asked for meanwhile, a line for each vector */
};
typedef void gemm_tile_fn(const struct gemm_tile *t);

/* Kernels that read an operand as it is stored come once per type. to[j * pad + i] = from[i * step_w + j * step_k] for i < w, j < k; zero for w <= i < pad. `to` has VF_LANES floats of slack. */
typedef void gemm_pack_fn(float *to, int pad, const void *from, int64_t step_w, int64_t step_k, int w, int64_t k);

/* Products with few rows: c[i][j] (=, +=) alpha sum_k a[i][k] b[j][k] with k contiguous in both, for rows x columns of C. */
struct gemm_dots {
    const float *a;
    const void *b;
    int64_t a_row, b_row, k, columns;
    int64_t ahead;                               /* elements from a row of B to one that is asked for meanwhile */
    int     turn;                                /* which of several rows of B asks, since all rows of A meet the same B; -1: all ask */
    bool    tall;                                /* many rows of A, few of B at a time */
    float  *c;
    int64_t c_m, c_n;
    int     rows;                                /* 1 .. dot_rows, or dot_tall */
    float   alpha;
    bool    add;
};
typedef void gemm_dots_fn(const struct gemm_dots *d);

/* y[i][j] += sum_k a[i][k] b[k][j] with j contiguous in b and y: rows of B one after the other, as they lie. */
struct gemm_lines {
    const float *a;
    const void *b;
    int64_t a_row, b_k, k, columns;
    float  *y;
    int64_t y_row;
    int     rows;                                /* 1 .. line_rows */
};
typedef void gemm_lines_fn(const struct gemm_lines *l);

/* y[j][i] (=, +=) sum_k b[j][k] a[k][i]: rows of B as they lie, a number at a time, against the few rows of A turned upright. */
struct gemm_across {
    const float *a, *b;                          /* a: vectors * lanes floats of each k, `a_step` from one to the next */
    int64_t a_step, b_row, k;
    int64_t ahead;                               /* elements from a row of B to one that is asked for meanwhile */
    const char *own;                             /* lines of C that are asked for to be written, `owned` of them, every `own_step` bytes */
    int64_t own_step, owned;
    float  *y;
    int64_t y_row;
    bool    add;
};
typedef void gemm_across_fn(const struct gemm_across *r);

/* c[i][j] (=, +=) alpha y[j][i]: such sums, turned back, and a bias of the columns, if there is one. */
struct gemm_upright {
    const float *y;
    int64_t y_row, rows, columns;                /* of C; y has whole vectors of rows */
    float  *c;
    int64_t c_m;
    const float *bias;
    float   alpha;
    bool    add;
};
typedef void gemm_upright_fn(const struct gemm_upright *u);

struct gemm_kernels {
    int lanes, rows, vectors, dot_rows, dot_tall, line_rows;
    int packed_rows, packed_vectors;                     /* the tile of GEMM_PACKED: the fewest loads for a multiplication */
    gemm_tile_fn *tile[GEMM_ROWS][GEMM_BROAD];           /* [rows - 1][vectors - 1]: up to rows x vectors, and up to packed_rows x packed_vectors */
    gemm_tile_fn *panel[GEMM_ROWS][GEMM_BROAD];          /* the same up to packed_rows x packed_vectors, of B as a file has its panels */
    int wide_vectors[GEMM_WIDE_ROWS];                    /* few rows leave registers for wider tiles; [rows - 1] */
    gemm_tile_fn *wide[GEMM_WIDE_ROWS];
    gemm_pack_fn *pack[GEMM_TYPES];
    gemm_dots_fn *dots[GEMM_TYPES];
    gemm_lines_fn *lines[GEMM_TYPES];
    int across_vectors, across_rows[GEMM_ACROSS];        /* the widest, 0: none is; rows of B at a time, [vectors - 1] */
    gemm_across_fn *across[GEMM_ACROSS][3];              /* [vectors - 1]: so many rows of B, two, and one */
    gemm_across_fn *across_panel[GEMM_ACROSS];           /* [vectors - 1]: all columns of a panel of a file; NULL: none is */
    gemm_upright_fn *upright;
};

#define X(isa) extern const struct gemm_kernels gemm_kernels_##isa;
FOR_EVERY_ISA(X)
#undef X

#endif
