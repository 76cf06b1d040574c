/* gemm_across.c: products of some tens of rows, such as the beams of a batch against a weight matrix that lies along k.
 *
 * A matrix met by so few rows is not worth packing, and too many rows for dot products, which add up lanes at every end. So B is
 * read once, as it lies: a number of it at a time is multiplied by a vector of rows of A, and A, which is small, is turned upright
 * before, [k rows], so that rows are lanes. What comes out is upright, too, [columns rows]: a task makes a group of columns
 * of C in its own memory and turns them back in runs. Meanwhile the next rows of B are asked for, and the lines of C, to be written:
 * the group of one row is a few lines, and every row has its own page.
 *
 * Of a file's panels (core/panel.h) all columns of one are multiplied before the next, and asked for as they lie, in one stream.
 * Sums run over blocks of k in ascending order; one block of A stays in the first- or second-level cache, whatever passes by of B. */
#include "backend/cpu/gemm_inner.h"

enum { PACK_DEPTH = 256, LINE = 64 };

static int64_t padded(const struct gemm_pass *s) { return (s->plan->p.m + s->kernels->lanes - 1) / s->kernels->lanes * s->kernels->lanes; }

static void pack_task(void *arg, int64_t task, int worker)
{
    const struct gemm_pass *s = arg;
    const struct gemm_problem *p = &s->plan->p;
    int64_t k = task * PACK_DEPTH, depth = gemm_least(PACK_DEPTH, p->k - k), width = padded(s);
    (void)worker;
    s->kernels->pack[GEMM_f32](s->shared + k * width, (int)width, gemm_at(s->a, GEMM_f32, k * p->a_k), p->a_m, p->a_k, (int)p->m, depth);
}

/* Lines of C that tiles still ask for: down the rows, a line of each, then the next line. */
struct lines { const char *at; int64_t step, rows, row, left; };

static struct lines lines_of(const struct gemm_pass *s, int64_t column, int64_t columns)
{
    const struct gemm_problem *p = &s->plan->p;
    return (struct lines){ (const char *)(s->c + column), p->c_m * (int64_t)sizeof(float), p->m, 0, (columns * (int64_t)sizeof(float) + LINE - 1) / LINE + 1 };
}

static void take_lines(struct lines *l, struct gemm_across *to, int64_t most)
{
    to->own = l->at + l->row * l->step;
    to->own_step = l->step;
    to->owned = gemm_least(most, l->rows - l->row);
    if (l->left == 0) {
        to->owned = 0;
        return;
    }
    l->row += to->owned;
    if (l->row < l->rows) return;
    l->row = 0;
    l->left--;
    if (l->left > 0) l->at += LINE;
}

/* Rows `from` to `end` of B, one block of k, all rows of A: so many vectors of them at a time, as evenly as they go. */
struct piece { int64_t from, end, k, depth, follows; };          /* follows: elements from the piece's first number to the next piece's */

/* Floats of B from a column to the next (of panels on the whole), and from one k to the next. */
static int64_t column_step(const struct gemm_pass *s) { return s->plan->p.b_panels ? s->plan->p.k : s->plan->p.b_n; }
static int64_t k_step(const struct gemm_pass *s) { return s->plan->p.b_panels ? GEMM_PANEL_COLUMNS : 1; }

static void piece(const struct gemm_pass *s, const struct piece *p, float *y, struct lines *lines)
{
    const struct gemm_problem *g = &s->plan->p;
    int64_t each = column_step(s), lanes = s->kernels->lanes, width = padded(s), vectors = width / lanes, parts = (vectors + s->kernels->across_vectors - 1) / s->kernels->across_vectors;
    for (int64_t q = 0; q < parts; q++) {
        int64_t first = vectors * q / parts, wide = vectors * (q + 1) / parts - first, rows = s->kernels->across_rows[wide - 1];
        for (int64_t j = p->from, n; j < p->end; j += n) {
            int which = p->end - j >= rows ? 0 : p->end - j >= 2 ? 1 : 2;
            n = g->b_panels ? GEMM_PANEL_COLUMNS : which == 0 ? rows : 3 - which;
            struct gemm_across r = {
                .a = s->shared + p->k * width + first * lanes, .b = (const float *)(const void *)s->b + j * each + p->k * k_step(s), .a_step = width, .b_row = g->b_n, .k = p->depth,
                .ahead = j + n < p->end ? n * each : p->follows - (j - p->from) * each, .y = y + (j - p->from) * width + first * lanes, .y_row = width, .add = p->k > 0 };
            take_lines(lines, &r, (p->depth + LINE / 4 - 1) / (LINE / 4));
            gemm_across_fn *across = g->b_panels ? s->kernels->across_panel[wide - 1] : s->kernels->across[wide - 1][which];
            across(&r);
        }
    }
}

static void across_task(void *arg, int64_t task, int worker)
{
    const struct gemm_pass *s = arg;
    const struct gemm_plan *plan = s->plan;
    const struct gemm_problem *p = &plan->p;
    int64_t from = task * plan->group, end = gemm_least(from + plan->group, p->n), depth;
    float *y = s->workers + (size_t)worker * plan->worker_floats;
    struct lines lines = lines_of(s, from, end - from);
    for (int64_t k = 0; k < p->k; k += depth) {
        depth = gemm_least(plan->k_block, p->k - k);
        int64_t follows = k + depth < p->k ? depth * k_step(s) : s->at_once * plan->group * column_step(s) - k * k_step(s);
        piece(s, &(struct piece){ from, end, k, depth, follows }, y, &lines);
    }
    s->kernels->upright(&(struct gemm_upright){ .y = y, .y_row = padded(s), .rows = p->m, .columns = end - from, .c = s->c + from, .c_m = p->c_m,
                                                .bias = gemm_bias(s, from, true), .alpha = p->alpha, .add = p->accumulate });
    gemm_finished(s, 0, p->m, from, end);
}

void gemm_across(rk_ctx *ctx, struct gemm_pass *s)
{
    gemm_each(s->plan->p.k > PACK_DEPTH ? ctx : NULL, (s->plan->p.k + PACK_DEPTH - 1) / PACK_DEPTH, pack_task, s);
    s->at_once = ctx == NULL ? 1 : par_workers(ctx);
    gemm_each(ctx, s->plan->private_blocks, across_task, s);
}
