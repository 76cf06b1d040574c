/* gemm_panels.c: products of few rows with a matrix that lies in panels (core/panel.h): it is read once, from front to back, as it lies.
 *
 * A is packed into slivers before. A task takes some columns: as many vectors of them as a tile has, for these one block of k after the other, and
 * of each all slivers, so that a block of B comes from memory once and then from the first-level cache. Meanwhile the block that follows is asked
 * for: its vectors by turns by the first slivers, a line with each k. Sums run over blocks of k in ascending order.
 * Not here: many rows (gemm.c reads panels in the place of what it would pack). */
#include "backend/cpu/gemm_inner.h"

/* Slivers have a vector of slack: packers may write so far. */
static float *sliver_of(const struct gemm_pass *s, int64_t unit)
{
    return s->shared + gemm_start(&s->side[0], unit) * s->plan->p.k + unit * s->kernels->lanes;
}

static void pack_sliver(void *arg, int64_t task, int worker)
{
    const struct gemm_pass *s = arg;
    const struct gemm_problem *p = &s->plan->p;
    int64_t row = gemm_start(&s->side[0], task);
    int rows = (int)(gemm_start(&s->side[0], task + 1) - row);
    (void)worker;
    s->kernels->pack[p->a_type](sliver_of(s, task), rows, gemm_at(s->a, p->a_type, row * p->a_m), p->a_m, p->a_k, rows, p->k);
}

/* Columns and a block of k; next: floats from its first number to that of the block that this thread reads next. */
struct piece { int64_t column, columns, k, depth, next; };

static void multiply(const struct gemm_pass *s, const struct piece *b)
{
    const struct gemm_problem *p = &s->plan->p;
    const int64_t slivers = s->side[0].units, vectors = (b->columns + s->kernels->lanes - 1) / s->kernels->lanes, vector = gemm_panel_vector(s);
    for (int64_t i = 0; i < slivers; i++) {
        int64_t row = gemm_start(&s->side[0], i), rows = gemm_start(&s->side[0], i + 1) - row;
        struct gemm_tile t = {
            .a = sliver_of(s, i) + b->k * rows, .b = gemm_panel(s, b->column, b->k), .k = b->depth, .b_step = GEMM_PANEL_COLUMNS, .b_vector = vector, .c = s->c + row * p->c_m + b->column * p->c_n,
            .c_m = p->c_m, .c_n = p->c_n, .columns = (int)b->columns, .alpha = p->alpha, .add = p->accumulate || b->k > 0, .bias = gemm_bias(s, b->column, b->k + b->depth == p->k) };
        for (int64_t v = 0; v < vectors; v++) t.ask[v] = gemm_least(v, slivers - 1) == i ? v * vector + b->next : 0;
        s->kernels->panel[rows - 1][vectors - 1](&t);
    }
}

static void panels_task(void *arg, int64_t task, int worker)
{
    const struct gemm_pass *s = arg;
    const struct gemm_problem *p = &s->plan->p;
    const int64_t wide = s->kernels->lanes * s->kernels->packed_vectors, group = s->plan->group, from = task * group, end = gemm_least(from + group, p->n);
    (void)worker;
    for (int64_t j = from; j < end; j += wide)
        for (int64_t k = 0, depth; k < p->k; k += depth) {
            int64_t after = j + wide < end ? j + wide : from + s->at_once * group;
            depth = gemm_least(s->plan->k_block, p->k - k);
            int64_t next = k + depth < p->k ? depth * GEMM_PANEL_COLUMNS : after < p->n ? gemm_panel(s, after, 0) - gemm_panel(s, j, k) : 0;
            multiply(s, &(struct piece){ j, gemm_least(wide, end - j), k, depth, next });
        }
    gemm_finished(s, 0, p->m, from, end);
}

void gemm_panels(rk_ctx *ctx, struct gemm_pass *s)
{
    gemm_each(s->side[0].units > 1 ? ctx : NULL, s->side[0].units, pack_sliver, s);
    s->at_once = ctx == NULL ? 1 : par_workers(ctx);
    gemm_each(ctx, s->plan->private_blocks, panels_task, s);
}
