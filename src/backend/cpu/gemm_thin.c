/* gemm_thin.c: products with few rows, such as one token against a weight matrix.
 *
 * Bound by the reading of B, so B is read once, as it lies: along k as dot products, along n as strips of columns. A is laid
 * out for the kernel first; it is small. */
#include "backend/cpu/gemm_inner.h"

enum { AT_ONCE = 4 };                            /* rows of B that stay in cache for all rows of A */

static void dots_task(void *arg, int64_t task, int worker)
{
    const struct gemm_pass *s = arg;
    const struct gemm_problem *p = &s->plan->p;
    int64_t from = task * s->plan->group, end = gemm_least(from + s->plan->group, p->n);
    (void)worker;
    for (int64_t j = from, to; j < end; j = to) {
        to = gemm_least(j + AT_ONCE, end);
        for (int64_t i = 0; i < p->m; i += s->kernels->dot_rows)
            s->kernels->dots(&(struct gemm_dots){
                .a = s->shared + i * p->k, .b = s->b + j * p->b_n, .a_row = p->k, .b_row = p->b_n, .k = p->k, .columns = to - j,
                .c = s->c + i * p->c_m + j * p->c_n, .c_m = p->c_m, .c_n = p->c_n,
                .rows = (int)gemm_least(p->m - i, s->kernels->dot_rows), .alpha = p->alpha, .add = p->accumulate });
    }
    gemm_finished(s, 0, p->m, from, end);
}

/* One strip of C, all its rows: `tile` is as wide as the strip or wider. */
static void strip(const struct gemm_pass *s, const float *b, int64_t b_step, int64_t column, int columns, int width)
{
    const struct gemm_problem *p = &s->plan->p;
    for (int64_t i = 0; i < s->side[0].units; i++) {
        int64_t row = gemm_start(&s->side[0], i);
        int rows = (int)(gemm_start(&s->side[0], i + 1) - row), vectors = width / s->kernels->lanes;
        gemm_tile_fn *tile = vectors > s->kernels->vectors ? s->kernels->wide[rows - 1] : s->kernels->tile[rows - 1][vectors - 1];
        tile(&(struct gemm_tile){
            .a = s->shared + row * p->k, .b = b, .k = p->k, .b_step = b_step, .c = s->c + row * p->c_m + column, .c_m = p->c_m, .c_n = 1,
            .columns = columns, .alpha = p->alpha, .add = p->accumulate });
    }
}

static void strips_task(void *arg, int64_t task, int worker)
{
    const struct gemm_pass *s = arg;
    const struct gemm_problem *p = &s->plan->p;
    int lanes = s->kernels->lanes, nr = lanes * s->kernels->vectors, wide = nr;
    int64_t from = task * s->plan->group, end = gemm_least(from + s->plan->group, p->n), j = from;
    if (p->m <= GEMM_WIDE_ROWS) wide = lanes * s->kernels->wide_vectors[p->m - 1];
    for (; wide > nr && j + wide <= end; j += wide) strip(s, s->b + j, p->b_k, j, wide, wide);
    for (; j < end; j += nr) {
        int columns = (int)gemm_least(nr, end - j), width = (columns + lanes - 1) / lanes * lanes;
        float *panel = s->workers + (size_t)worker * s->plan->worker_floats;
        if (columns == width) {
            strip(s, s->b + j, p->b_k, j, columns, width);
        } else {                                 /* packed, because its loads would pass the end of B */
            s->kernels->pack(panel, width, s->b + j, 1, p->b_k, columns, p->k);
            strip(s, panel, width, j, columns, width);
        }
    }
    gemm_finished(s, 0, p->m, from, end);
}

void gemm_thin(rk_ctx *ctx, struct gemm_pass *s)
{
    const struct gemm_problem *p = &s->plan->p;
    if (s->plan->path == GEMM_DOTS) {
        for (int64_t i = 0; i < p->m; i++)
            for (int64_t k = 0; k < p->k; k++) s->shared[i * p->k + k] = s->a[i * p->a_m + k * p->a_k];
        gemm_each(ctx, s->plan->private_blocks, dots_task, s);
    } else {
        for (int64_t i = 0; i < s->side[0].units; i++) {
            int64_t row = gemm_start(&s->side[0], i);
            int rows = (int)(gemm_start(&s->side[0], i + 1) - row);
            s->kernels->pack(s->shared + row * p->k, rows, s->a + row * p->a_m, p->a_m, p->a_k, rows, p->k);
        }
        gemm_each(ctx, s->plan->private_blocks, strips_task, s);
    }
}
