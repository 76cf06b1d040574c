/* gemm_inner.h: what the plan and the run of a matrix product share. */
#ifndef CPU_GEMM_INNER_H
#define CPU_GEMM_INNER_H
#include "backend/cpu/gemm.h"
#include "backend/cpu/gemm_kernel.h"
#include "base/par.h"

/* One side of the product as units: slivers of A, of nearly equal heights, or panels of B, all but the last full. */
struct gemm_side { bool is_b; int64_t extent, units; int unit; };

static inline int64_t gemm_start(const struct gemm_side *s, int64_t unit)        /* first row or column */
{
    if (!s->is_b) return s->extent * unit / s->units;
    return unit * s->unit < s->extent ? unit * s->unit : s->extent;
}
/* Where a unit begins when packed, in floats per k: panels are padded, slivers are not. */
static inline int64_t gemm_offset(const struct gemm_side *s, int64_t unit) { return s->is_b ? unit * s->unit : gemm_start(s, unit); }

/* The same in floats for one k block of `depth`, counted from unit `first`. Every unit has one vector of slack, because the
 * packer's last store may be wider than a sliver and its neighbour may already be packed. */
static inline int64_t gemm_place(const struct gemm_side *s, int64_t first, int64_t unit, int64_t depth, int lanes)
{
    return (gemm_offset(s, unit) - gemm_offset(s, first)) * depth + (unit - first) * lanes;
}

const struct gemm_kernels *gemm_kernels(enum isa isa);
struct gemm_side gemm_side(const struct gemm_plan *plan, const struct gemm_kernels *kernels, bool is_b);

struct gemm_range { int64_t from, to; };

/* One product on its way: what every task of it sees. */
struct gemm_pass {
    const struct gemm_plan *plan;
    const struct gemm_kernels *kernels;
    const struct gemm_operands *o;
    const char *a, *b;                           /* of this product, turned as the plan is */
    float  *c;
    const float *bias;                           /* of the columns; turned, of the rows. NULL: none */
    bool    late;                                /* and gemm_finished adds it, no kernel */
    int64_t batch;
    struct gemm_side side[2];                    /* A, B */
    float  *shared, *workers;
    const float *rows;                           /* of A, for dot products: each `row` floats behind the last */
    int64_t row;
    int64_t k0, k1, u0, u1;                      /* of k, and units of the shared side */
    int     at_once;                             /* tasks: threads that take turns at them */
};

/* B in a file's panels: where a vector of columns begins at k, and how far away the next one is. Vectors are no wider than panels and begin at multiples of their width. */
static inline const float *gemm_panel(const struct gemm_pass *s, int64_t column, int64_t k)
{
    return (const float *)(const void *)s->b + (column / GEMM_PANEL_COLUMNS * s->plan->p.k + k) * GEMM_PANEL_COLUMNS + column % GEMM_PANEL_COLUMNS;
}
static inline int64_t gemm_panel_vector(const struct gemm_pass *s)
{
    return s->kernels->lanes < GEMM_PANEL_COLUMNS ? s->kernels->lanes : s->plan->p.k * GEMM_PANEL_COLUMNS;
}

/* What a kernel adds that ends the sums of these columns; NULL: nothing, or not yet. */
static inline const float *gemm_bias(const struct gemm_pass *s, int64_t column, bool ends) { return ends && !s->late && s->bias != NULL ? s->bias + column : NULL; }

static inline int64_t gemm_least(int64_t a, int64_t b) { return a < b ? a : b; }
void gemm_each(rk_ctx *ctx, int64_t tasks, par_body *body, void *arg);              /* par_for, or on this thread where ctx is NULL */
void gemm_finished(const struct gemm_pass *s, int64_t row, int64_t row_end, int64_t column, int64_t column_end);
void gemm_thin(rk_ctx *ctx, struct gemm_pass *s);                                  /* GEMM_DOTS, GEMM_STRIPS, GEMM_LINES */
void gemm_across(rk_ctx *ctx, struct gemm_pass *s);                                /* GEMM_ROWS_ACROSS */
void gemm_panels(rk_ctx *ctx, struct gemm_pass *s);                                /* GEMM_PANELS */

#endif
