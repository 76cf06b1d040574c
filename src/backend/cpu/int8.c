/* int8.c: see int8.h for what is computed.
 *
 * Tasks are stretches of W, a function of the shape alone; each element of the result has one owner. Not here: which operations are such
 * products (einsum_int8.c), the loops in registers (int8_kernel.h). */
#include "backend/cpu/int8.h"
#include "backend/cpu/extent.h"
#include "backend/cpu/gemm_inner.h"
#include "backend/cpu/int8_kernel.h"
#include <string.h>

enum {
    TASK_BYTES = 1 << 17,
    DOTS_COLUMNS = 16,                           /* rows of W that stay in cache for all rows of X */
    ROUND_ROWS = 8,                              /* of X, by one task */
    PANEL_BLOCK = INT8_COLUMNS * INT8_BLOCK,
};

static const struct int8_kernels *kernels_of(const struct int8_plan *e)
{
#define X(isa) &int8_kernels_##isa,
    static const struct int8_kernels *const table[ISA_COUNT] = { FOR_EVERY_ISA(X) };
#undef X
#if defined(__x86_64__)
    if (e->tiles) return &int8_kernels_tiles;
    if (e->vnni) return &int8_kernels_vnni;
#endif
    return table[e->isa];
}

static size_t lines(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* Blocks of the sum that are multiplied at a time: those of a panel that stays in cache for all rows, or all where nothing comes back to it. */
static int64_t blocks_at_once(const struct int8_plan *e, const struct int8_kernels *k)
{
    return e->packed && e->p.m <= k->height ? e->blocks : extent_least(k->at_once, e->blocks);
}
/* Blocks of panels for which a worker has room. */
static int64_t made_blocks(const struct int8_plan *e, const struct int8_kernels *k)
{
    return e->panels && !e->packed ? blocks_at_once(e, k) * (k->columns / INT8_COLUMNS) : 0;
}

bool int8_accepts(const struct gemm_problem *p)
{
    return gemm_refuse(p) == NULL && p->batch[0] == 1 && p->batch[1] == 1 && p->b_k == 1 && p->k % INT8_BLOCK == 0 && p->b_n % INT8_BLOCK == 0;
}

struct int8_plan int8_plan(const struct gemm_problem *p, enum isa isa, bool tiles, bool packed)
{
    struct int8_plan e = { .p = *p, .isa = isa, .packed = packed, .blocks = p->k / INT8_BLOCK, .scale_n = p->b_n / INT8_BLOCK };
    e.vnni = isa == (enum isa)(ISA_COUNT - 1) && isa_features().avx512vnni;
    e.tiles = tiles && p->m >= INT8_TILES_FROM;
    const struct int8_kernels *kernels = kernels_of(&e);
    int64_t k = p->k > 0 ? p->k : 1;
    e.panels = packed || (p->m >= INT8_FEW && kernels->panel != NULL);
    if (!e.panels) e.group = (TASK_BYTES / k / DOTS_COLUMNS + 1) * DOTS_COLUMNS;
    else e.group = (p->m >= INT8_TILES_FROM ? 1 : TASK_BYTES / k / kernels->columns + 1) * kernels->columns;
    size_t row = (size_t)p->k, rows = (size_t)p->m, high = (size_t)kernels->height;
    if (e.panels && kernels->padded) rows = (rows + high - 1) / high * high;
    e.less_at = lines(rows * row);                                   /* of X, for rows of W as they lie; panels have their own */
    e.scale_at = e.less_at + lines(e.panels ? 0 : rows * (size_t)e.blocks * sizeof(int32_t));
    e.own_at = e.scale_at + lines(rows * (size_t)e.blocks * sizeof(float));
    const size_t dense = p->a_k == 1 ? 0 : row * sizeof(float), made = (size_t)made_blocks(&e, kernels) * (PANEL_BLOCK + INT8_COLUMNS * sizeof(float));
    const size_t less = e.panels ? (size_t)(blocks_at_once(&e, kernels) * kernels->columns) * sizeof(int32_t) : 0;
    e.own_bytes = lines(made + less > dense ? made + less : dense);   /* rounding is over before anything is multiplied */
    return e;
}

size_t int8_scratch(const struct int8_plan *plan, int workers) { return plan->own_at + (size_t)workers * plan->own_bytes; }

struct job { const struct int8_plan *e; const struct int8_kernels *k; const struct int8_operands *o; char *scratch; };

static char *own_of(const struct job *j, int worker) { return j->scratch + j->e->own_at + (size_t)worker * j->e->own_bytes; }

/* ---- X, rounded ---- */

static struct int8_row row_of(const struct job *j, int64_t row)
{
    const struct int8_plan *e = j->e;
    return (struct int8_row){ (int8_t *)j->scratch + row * e->p.k, (float *)(void *)(j->scratch + e->scale_at) + row * e->blocks,
                              (int32_t *)(void *)(j->scratch + e->less_at) + row * e->blocks, .apart = 1 };
}

/* Its place in its sliver, of which the last may be lower. */
static struct int8_row place_of(const struct job *j, int64_t row)
{
    const int64_t first = row - row % j->k->height, height = j->k->padded ? j->k->height : extent_least(j->k->height, j->e->p.m - first);
    struct int8_row to = row_of(j, first);
    to.q += (row - first) * INT8_BLOCK, to.scale += row - first, to.apart = height;
    return to;
}

static void round_rows(void *arg, int64_t task, int worker)
{
    const struct job *j = arg;
    const struct int8_plan *e = j->e;
    int64_t from = task * ROUND_ROWS, end = extent_least(from + ROUND_ROWS, e->p.m);
    float *dense = (float *)(void *)own_of(j, worker);
    for (int64_t i = from; i < end; i++) {
        const float *x = j->o->x + i * e->p.a_m;
        for (int64_t k = 0; k < e->p.k && e->p.a_k != 1; k++) dense[k] = x[k * e->p.a_k];
        const struct int8_row to = e->panels ? place_of(j, i) : row_of(j, i);
        (e->panels ? j->k->sliver : j->k->quantise)(e->p.a_k == 1 ? x : dense, e->blocks, &to);
    }
}

/* ---- W ---- */

static void dots(void *arg, int64_t task, int worker)
{
    const struct job *j = arg;
    const struct int8_plan *e = j->e;
    int64_t end = extent_least((task + 1) * e->group, e->p.n);
    (void)worker;
    for (int64_t n = task * e->group, to; n < end; n = to) {
        to = e->p.m == 1 ? end : extent_least(n + DOTS_COLUMNS, end);
        for (int64_t i = 0; i < e->p.m; i++)
            j->k->dots(&(struct int8_dots){ .w = j->o->w + n * e->p.b_n, .scale = j->o->scale + n * e->scale_n, .w_row = e->p.b_n, .scale_row = e->scale_n,
                                            .blocks = e->blocks, .columns = to - n, .x = row_of(j, i),
                                            .y = j->o->y + i * e->p.c_m + n * e->p.c_n, .y_step = e->p.c_n, .add = j->o->add });
    }
}

/* Blocks from .. from + n as all panels that are multiplied at a time, in a worker's own room: integers, then scales. */
static struct int8_panel make_panels(const struct job *j, int64_t column, int64_t from, int64_t n, char *own)
{
    int8_t *w = (int8_t *)own;
    float *scale = (float *)(void *)(own + made_blocks(j->e, j->k) * PANEL_BLOCK);
    const struct int8_plan *e = j->e;
    for (int64_t i = 0, at = column; i < j->k->columns / INT8_COLUMNS && at < e->p.n; i++, at += INT8_COLUMNS)
        j->k->panel(&(struct int8_rows){ .w = j->o->w + at * e->p.b_n + from * INT8_BLOCK, .scale = j->o->scale + at * e->scale_n + from, .w_row = e->p.b_n, .scale_row = e->scale_n,
                                         .blocks = n, .columns = (int)extent_least(INT8_COLUMNS, e->p.n - at) },
                    w + i * n * PANEL_BLOCK, scale + i * n * INT8_COLUMNS);
    return (struct int8_panel){ .w = w, .w_scale = scale, .second = n };
}

/* The same where the file has them. */
static struct int8_panel lying_panels(const struct job *j, int64_t column, int64_t from)
{
    int64_t block = column / INT8_COLUMNS * j->e->blocks + from;
    return (struct int8_panel){ .w = j->o->w + block * PANEL_BLOCK, .w_scale = j->o->scale + block * INT8_COLUMNS, .second = j->e->blocks };
}

static void panels(void *arg, int64_t task, int worker)
{
    const struct job *j = arg;
    const struct int8_plan *e = j->e;
    const int64_t end = extent_least((task + 1) * e->group, e->p.n), wide = j->k->columns, step = blocks_at_once(e, j->k);
    char *own = own_of(j, worker);
    for (int64_t column = task * e->group; column < end; column += wide)
        for (int64_t from = 0; from < e->blocks; from += step) {
            int64_t n = extent_least(step, e->blocks - from);
            struct int8_panel p = e->packed ? lying_panels(j, column, from) : make_panels(j, column, from, n, own);
            const struct int8_row x = row_of(j, 0);
            p.x = x.q, p.x_scale = x.scale, p.rows = e->p.m, p.depth = e->blocks, p.from = from, p.blocks = n;
            p.less = (int32_t *)(void *)(own + made_blocks(e, j->k) * (PANEL_BLOCK + INT8_COLUMNS * (int64_t)sizeof(float)));
            p.y = j->o->y + column * e->p.c_n, p.y_row = e->p.c_m, p.y_step = e->p.c_n, p.columns = (int)extent_least(wide, e->p.n - column), p.add = j->o->add || from > 0;
            j->k->multiply(&p);
        }
}

/* A sum over nothing. */
static void nothing(const struct job *j)
{
    for (int64_t i = 0; i < j->e->p.m && !j->o->add; i++)
        for (int64_t n = 0; n < j->e->p.n; n++) j->o->y[i * j->e->p.c_m + n * j->e->p.c_n] = 0;
}

void int8_run(rk_ctx *ctx, const struct int8_plan *plan, const struct int8_operands *o, void *scratch)
{
    struct job j = { .e = plan, .k = kernels_of(plan), .o = o, .scratch = scratch };
    const struct gemm_problem *p = &plan->p;
    if (p->m == 0 || p->n == 0) return;
    if (plan->blocks == 0) {
        nothing(&j);
        return;
    }
    gemm_each(p->m <= ROUND_ROWS ? NULL : ctx, extent_parts(p->m, ROUND_ROWS), round_rows, &j);
    par_for(ctx, extent_parts(p->n, plan->group), plan->panels ? panels : dots, &j);
}
