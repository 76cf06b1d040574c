/* gemm_thin.c: products with few rows, such as one token against a weight matrix.
 *
 * Bound by the reading of B, so B is read once, as it lies: along k as dot products; along n as lines, a task taking a stretch of
 * whole rows of B into sums of its own; or, where the rows are too many for that, as strips of columns. A is laid out for the
 * kernel first; it is small. */
#include "backend/cpu/gemm_inner.h"
#include <string.h>

enum {
    AT_ONCE = 4, MOST_AT_ONCE = 32,              /* rows of B that stay in cache for all rows of A, */
    DOT_FLOATS = 6144,                           /* of so much together, or the fewest: these where A stays in cache, too, */
    KEPT_FLOATS = 8192,                          /* because it has no more than so much in one block of k */
    TURNS = 2,                                   /* passes of A that share the asking for rows of B, where there are so many */
    AHEAD_FLOATS = 4096,                         /* how far ahead of the present rows of B others are asked for */
    STRIPS_AHEAD = 32,                           /* rows of B asked for ahead, where they are far apart */
    SUM_COLUMNS = 8192,                          /* of Y whose parts one task adds */
};

/* ---- dots ---- */

/* The columns of one task, one block of k after the other, and of each some columns at a time. */
struct dots { int64_t from, end, at_once, passes; };
struct dots_piece { int64_t column, columns, k, depth; };

static struct dots dots_of(const struct gemm_pass *s, int64_t task)
{
    const struct gemm_problem *p = &s->plan->p;
    int64_t from = task * s->plan->group, depth = s->plan->k_block, at_once = gemm_least(DOT_FLOATS / depth, MOST_AT_ONCE) / AT_ONCE * AT_ONCE;
    bool tall = p->m > s->kernels->dot_rows;
    if (at_once < AT_ONCE) at_once = AT_ONCE;
    if (tall && p->m * depth <= KEPT_FLOATS) at_once = AT_ONCE;
    return (struct dots){ from, gemm_least(from + s->plan->group, p->n), at_once, tall ? (p->m + s->kernels->dot_tall - 1) / s->kernels->dot_tall : 1 };
}

/* Elements from this piece of B to what this thread most likely reads some time after it: columns further on in this block of k, in the next, or
 * in the task that follows. */
static int64_t dots_ahead(const struct gemm_pass *s, const struct dots *d, const struct dots_piece *piece)
{
    const struct gemm_problem *p = &s->plan->p;
    int64_t some = (AHEAD_FLOATS / s->plan->k_block + d->at_once - 1) / d->at_once * d->at_once, columns = some < d->at_once ? d->at_once : some;
    if (piece->column + columns < d->end) return columns * p->b_n;
    int64_t column = gemm_least(d->from + piece->column + columns - d->end, d->end - 1);
    if (piece->k + piece->depth < p->k) return (column - piece->column) * p->b_n + piece->depth;
    column += s->at_once * s->plan->group;
    return column + piece->columns <= p->n ? (column - piece->column) * p->b_n - piece->k : 0;
}

static void dots(const struct gemm_pass *s, const struct dots *d, const struct dots_piece *piece)
{
    const struct gemm_problem *p = &s->plan->p;
    int64_t ahead = dots_ahead(s, d, piece);
    bool turns = d->passes > 1;
    for (int64_t q = 0; q < d->passes; q++) {
        int64_t i = p->m * q / d->passes, rows = p->m * (q + 1) / d->passes - i;
        s->kernels->dots[p->b_type](&(struct gemm_dots){
            .a = s->rows + i * s->row + piece->k, .b = gemm_at(s->b, p->b_type, piece->column * p->b_n + piece->k), .a_row = s->row, .b_row = p->b_n, .k = piece->depth,
            .columns = piece->columns, .ahead = ahead, .turn = turns ? (int)(q % TURNS) : -1, .tall = p->m > s->kernels->dot_rows,
            .c = s->c + i * p->c_m + piece->column * p->c_n, .c_m = p->c_m, .c_n = p->c_n, .rows = (int)rows, .alpha = p->alpha, .add = p->accumulate || piece->k > 0 });
    }
}

static void dots_task(void *arg, int64_t task, int worker)
{
    const struct gemm_pass *s = arg;
    const struct gemm_problem *p = &s->plan->p;
    struct dots d = dots_of(s, task);
    (void)worker;
    for (int64_t k = 0; k < p->k; k += s->plan->k_block)
        for (int64_t j = d.from; j < d.end; j += d.at_once)
            dots(s, &d, &(struct dots_piece){ j, gemm_least(d.at_once, d.end - j), k, gemm_least(s->plan->k_block, p->k - k) });
    gemm_finished(s, 0, p->m, d.from, d.end);
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
            .a = s->shared + row * p->k, .b = b, .k = p->k, .b_step = b_step, .ahead = STRIPS_AHEAD, .c = s->c + row * p->c_m + column, .c_m = p->c_m, .c_n = 1,
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
    for (; wide > nr && j + wide <= end; j += wide) strip(s, gemm_at(s->b, GEMM_f32, j), p->b_k, j, wide, wide);
    for (; j < end; j += nr) {
        int columns = (int)gemm_least(nr, end - j), width = (columns + lanes - 1) / lanes * lanes;
        float *panel = s->workers + (size_t)worker * s->plan->worker_floats;
        if (columns == width) {
            strip(s, gemm_at(s->b, GEMM_f32, j), p->b_k, j, columns, width);
        } else {                                 /* packed, because its loads would pass the end of B */
            s->kernels->pack[GEMM_f32](panel, width, gemm_at(s->b, GEMM_f32, j), 1, p->b_k, columns, p->k);
            strip(s, panel, width, j, columns, width);
        }
    }
    gemm_finished(s, 0, p->m, from, end);
}

/* ---- lines ---- */

/* The sums of one block of k: [m n]. */
static float *part_of(const struct gemm_pass *s, int64_t part)
{
    const struct gemm_problem *p = &s->plan->p;
    return s->shared + p->m * p->k + part * p->m * p->n;
}

static void lines_task(void *arg, int64_t task, int worker)
{
    const struct gemm_pass *s = arg;
    const struct gemm_problem *p = &s->plan->p;
    int64_t part = task % s->plan->shared_parts, from = task / s->plan->shared_parts * s->plan->group, columns = gemm_least(s->plan->group, p->n - from);
    int64_t k = part * s->plan->k_block, depth = gemm_least(s->plan->k_block, p->k - k);
    float *y = part_of(s, part) + from;
    (void)worker;
    for (int64_t i = 0; i < p->m; i++) memset(y + i * p->n, 0, (size_t)columns * sizeof *y);
    for (int64_t i = 0; i < p->m; i += s->kernels->line_rows)
        s->kernels->lines[p->b_type](&(struct gemm_lines){
            .a = s->shared + i * p->k + k, .b = gemm_at(s->b, p->b_type, k * p->b_k + from), .a_row = p->k, .b_k = p->b_k, .k = depth, .columns = columns,
            .y = y + i * p->n, .y_row = p->n, .rows = (int)gemm_least(p->m - i, s->kernels->line_rows) });
}

/* Of one row of Y, SUM_COLUMNS of it. */
static void sum_task(void *arg, int64_t task, int worker)
{
    const struct gemm_pass *s = arg;
    const struct gemm_problem *p = &s->plan->p;
    int64_t pieces = (p->n + SUM_COLUMNS - 1) / SUM_COLUMNS, row = task / pieces, from = task % pieces * SUM_COLUMNS, n = gemm_least(SUM_COLUMNS, p->n - from);
    float *sum = part_of(s, 0) + row * p->n + from, *c = s->c + row * p->c_m + from * p->c_n;
    (void)worker;
    for (int64_t part = 1; part < s->plan->shared_parts; part++) {
        const float *more = part_of(s, part) + row * p->n + from;
        for (int64_t j = 0; j < n; j++) sum[j] += more[j];
    }
    for (int64_t j = 0; j < n; j++) c[j * p->c_n] = p->accumulate ? c[j * p->c_n] + p->alpha * sum[j] : p->alpha * sum[j];
}

/* ---- all three ---- */

static void lay_out(const struct gemm_pass *s)
{
    const struct gemm_problem *p = &s->plan->p;
    const float *a = (const float *)(const void *)s->a;
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t k = 0; k < p->k; k++) s->shared[i * p->k + k] = a[i * p->a_m + k * p->a_k];
}

/* Rows that lie along k already are read where they are. */
static void find_rows(struct gemm_pass *s)
{
    const struct gemm_problem *p = &s->plan->p;
    bool there = s->plan->shared_floats == 0;
    if (!there) lay_out(s);
    s->rows = there ? (const float *)(const void *)s->a : s->shared;
    s->row = there ? p->a_m : p->k;
}

static void pack_slivers(const struct gemm_pass *s)
{
    const struct gemm_problem *p = &s->plan->p;
    for (int64_t i = 0; i < s->side[0].units; i++) {
        int64_t row = gemm_start(&s->side[0], i);
        int rows = (int)(gemm_start(&s->side[0], i + 1) - row);
        s->kernels->pack[GEMM_f32](s->shared + row * p->k, rows, gemm_at(s->a, GEMM_f32, row * p->a_m), p->a_m, p->a_k, rows, p->k);
    }
}

void gemm_thin(rk_ctx *ctx, struct gemm_pass *s)
{
    const struct gemm_problem *p = &s->plan->p;
    if (s->plan->path == GEMM_STRIPS) {
        pack_slivers(s);
        gemm_each(ctx, s->plan->private_blocks, strips_task, s);
        return;
    }
    if (s->plan->path == GEMM_DOTS) {
        find_rows(s);
        s->at_once = ctx == NULL ? 1 : par_workers(ctx);
        gemm_each(ctx, s->plan->private_blocks, dots_task, s);
        return;
    }
    lay_out(s);
    gemm_each(ctx, s->plan->private_blocks * s->plan->shared_parts, lines_task, s);
    gemm_each(p->m * p->n < SUM_COLUMNS ? NULL : ctx, p->m * ((p->n + SUM_COLUMNS - 1) / SUM_COLUMNS), sum_task, s);
    gemm_finished(s, 0, p->m, 0, p->n);
}
