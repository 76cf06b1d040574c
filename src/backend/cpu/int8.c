/* int8.c: the operations einsum_stored of integers with scales, and einsum_panels: see int8.h for what is computed.
 *
 * Tasks are stretches of W, a function of the shape alone; each element of the result has one owner. Not here: matrices of
 * fewer bits without scales (einsum.c). */
#include "backend/cpu/int8.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/einsum.h"
#include "backend/cpu/extent.h"
#include "backend/cpu/gemm_inner.h"
#include "backend/cpu/panels.h"
#include <string.h>

enum {
    TASK_BYTES = 1 << 17,
    DOTS_COLUMNS = 16,                           /* rows of W that stay in cache for all rows of X */
    ROUND_ROWS = 8,                              /* of X, by one task */
    PANEL_BLOCK = INT8_COLUMNS * INT8_BLOCK,
};

/* panels: W is multiplied in them; packed: they lie there already. `all`: accepted is one product; where sequences of a batch are shorter than the plan's, it is one for each of them. */
struct int8 { struct contraction all; struct gemm_problem p; int64_t scale_n, blocks, group; bool panels, packed; enum isa isa; bool vnni, tiles; size_t less_at, scale_at, own_at, own_bytes; };
_Static_assert(sizeof(struct int8) <= PREPARED_BYTES, "an int8 product fits its place");

static const struct int8_kernels *kernels_of(const struct int8 *e)
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

/* ---- what is accepted ---- */

/* The scales lie as the integers do, one for 64. */
static bool scales_fit(const struct problem *p)
{
    const struct layout *q = &p->in[1].at, *s = &p->in[2].at;
    int last = q->rank - 1;
    if (s->rank != q->rank || last < 0 || q->size[last] != s->size[last] * INT8_BLOCK || q->stride[last] != 1) return false;
    if (s->stride[last] != 1 && s->size[last] != 1) return false;
    for (int i = 0; i < last; i++)
        if (q->size[i] != 1 && (s->size[i] != q->size[i] || s->stride[i] * INT8_BLOCK != q->stride[i])) return false;
    return true;
}

bool einsum_int8_accepts(const struct problem *p)
{
    struct contraction c;
    if (p->n_in != 3 || p->in[0].dtype != RK_f32 || p->in[1].dtype != RK_i8 || p->in[2].dtype != RK_f32 || p->out[0].dtype != RK_f32) return false;
    if (!scales_fit(p) || !contraction_of(p, &c) || c.n_extra != 0 || gemm_refuse(&c.product) != NULL) return false;
    const struct gemm_problem *g = &c.product;
    return g->batch[0] == 1 && g->batch[1] == 1 && g->b_k == 1 && g->k % INT8_BLOCK == 0 && g->b_n % INT8_BLOCK == 0;
}

bool einsum_panels_accepts(const struct problem *p)
{
    return p->n_in == 3 && p->in[0].dtype == RK_f32 && p->in[2].dtype == RK_f32 && p->out[0].dtype == RK_f32 && layout_is_dense(&p->in[2].at) && panels_are_one_product(p);
}

/* ---- preparing ---- */

static size_t lines(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* Blocks of the sum that are multiplied at a time: those of a panel that stays in cache for all rows, or all where nothing comes back to it. */
static int64_t blocks_at_once(const struct int8 *e, const struct int8_kernels *k)
{
    return e->packed && e->p.m <= k->height ? e->blocks : extent_least(k->at_once, e->blocks);
}
/* Blocks of panels for which a worker has room. */
static int64_t made_blocks(const struct int8 *e, const struct int8_kernels *k)
{
    return e->panels && !e->packed ? blocks_at_once(e, k) * (k->columns / INT8_COLUMNS) : 0;
}

static rk_status prepare(rk_ctx *ctx, const struct problem *p, bool packed, struct prepared *out)
{
    struct int8 e = { .isa = machine_isa(p), .packed = packed };
    struct contraction c;
    memset(out, 0, sizeof *out);
    PROMISE(contraction_of(p, &c));
    e.all = c;
    e.p = c.product;
    e.blocks = e.p.k / INT8_BLOCK;
    e.scale_n = e.p.b_n / INT8_BLOCK;
    e.vnni = e.isa == (enum isa)(ISA_COUNT - 1) && isa_features().avx512vnni;
    e.tiles = machine_tiles(p) && e.p.m >= INT8_TILES_FROM;
    const struct int8_kernels *kernels = kernels_of(&e);
    int64_t k = e.p.k > 0 ? e.p.k : 1;
    e.panels = packed || (e.p.m >= INT8_FEW && kernels->panel != NULL);
    if (!e.panels) e.group = (TASK_BYTES / k / DOTS_COLUMNS + 1) * DOTS_COLUMNS;
    else e.group = (e.p.m >= INT8_TILES_FROM ? 1 : TASK_BYTES / k / kernels->columns + 1) * kernels->columns;
    size_t row = (size_t)e.p.k, rows = (size_t)e.p.m, high = (size_t)kernels->height, workers = (size_t)par_workers(ctx);
    if (e.panels && kernels->padded) rows = (rows + high - 1) / high * high;
    e.less_at = lines(rows * row);                                   /* of X, for rows of W as they lie; panels have their own */
    e.scale_at = e.less_at + lines(e.panels ? 0 : rows * (size_t)e.blocks * sizeof(int32_t));
    e.own_at = e.scale_at + lines(rows * (size_t)e.blocks * sizeof(float));
    e.own_bytes = (size_t)made_blocks(&e, kernels) * (PANEL_BLOCK + INT8_COLUMNS * sizeof(float)) + lines(e.panels ? (size_t)(blocks_at_once(&e, kernels) * kernels->columns) * sizeof(int32_t) : 0) +
                  lines(row) + lines((size_t)e.blocks * 8) + lines(row * sizeof(float));
    out->scratch = e.own_at + workers * e.own_bytes;
    out->product_flops = (uint64_t)(gemm_flops(&e.p) * (double)contraction_repeats(&c) + 0.5);
    memcpy(out->own, &e, sizeof e);
    return RK_OK;
}

rk_status einsum_int8_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, false, out); }

rk_status einsum_panels_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    struct panels_in_rows r;
    panels_in_rows(p, &r);
    return prepare(ctx, &r.p, true, out);
}

struct job { const struct int8 *e; const struct int8_kernels *k; const float *x, *scale; const int8_t *w; float *y; char *scratch; bool add; };

static char *own_of(const struct job *j, int worker) { return j->scratch + j->e->own_at + (size_t)worker * j->e->own_bytes; }

/* ---- X, rounded ---- */

static struct int8_row row_of(const struct job *j, int64_t row)
{
    const struct int8 *e = j->e;
    return (struct int8_row){ (int8_t *)j->scratch + row * e->p.k, (float *)(void *)(j->scratch + e->scale_at) + row * e->blocks,
                              (int32_t *)(void *)(j->scratch + e->less_at) + row * e->blocks };
}

/* A row takes its place in its sliver, of which the last may be lower. */
static void put_row(const struct job *j, int64_t row, const struct int8_row *from)
{
    int64_t first = row - row % j->k->height, height = j->k->padded ? j->k->height : extent_least(j->k->height, j->e->p.m - first);
    struct int8_row to = row_of(j, first);
    j->k->sliver(from, j->e->blocks, (int)(row - first), (int)height, &to);
}

static void round_rows(void *arg, int64_t task, int worker)
{
    const struct job *j = arg;
    const struct int8 *e = j->e;
    int64_t from = task * ROUND_ROWS, end = extent_least(from + ROUND_ROWS, e->p.m);
    const bool slivers = e->panels && j->k->sliver != NULL;
    char *own = own_of(j, worker);
    float *dense = (float *)(void *)(own + e->own_bytes - lines((size_t)e->p.k * sizeof(float)));
    float *scale = (float *)(void *)(own + lines((size_t)e->p.k));
    for (int64_t i = from; i < end; i++) {
        const float *x = j->x + i * e->p.a_m;
        for (int64_t k = 0; k < e->p.k && e->p.a_k != 1; k++) dense[k] = x[k * e->p.a_k];
        struct int8_row to = slivers ? (struct int8_row){ (int8_t *)own, scale, (int32_t *)(void *)(scale + e->blocks) } : row_of(j, i);
        j->k->quantise(e->p.a_k == 1 ? x : dense, e->blocks, &to);
        if (slivers) put_row(j, i, &to);
    }
}

/* ---- W ---- */

static void dots(void *arg, int64_t task, int worker)
{
    const struct job *j = arg;
    const struct int8 *e = j->e;
    int64_t end = extent_least((task + 1) * e->group, e->p.n);
    (void)worker;
    for (int64_t n = task * e->group, to; n < end; n = to) {
        to = e->p.m == 1 ? end : extent_least(n + DOTS_COLUMNS, end);
        for (int64_t i = 0; i < e->p.m; i++)
            j->k->dots(&(struct int8_dots){ .w = j->w + n * e->p.b_n, .scale = j->scale + n * e->scale_n, .w_row = e->p.b_n, .scale_row = e->scale_n,
                                            .blocks = e->blocks, .columns = to - n, .x = row_of(j, i),
                                            .y = j->y + i * e->p.c_m + n * e->p.c_n, .y_step = e->p.c_n, .add = j->add });
    }
}

/* Blocks from .. from + n of these columns as a panel. */
static void make_panel(const struct job *j, int64_t column, int64_t from, int64_t n, int8_t *w, float *scale)
{
    const struct int8 *e = j->e;
    int columns = (int)extent_least(INT8_COLUMNS, e->p.n - column);
    j->k->panel(j->w + column * e->p.b_n + from * INT8_BLOCK, e->p.b_n, columns, n, w);
    for (int c = 0; c < INT8_COLUMNS; c++)
        for (int64_t b = 0; b < n; b++) scale[b * INT8_COLUMNS + c] = c < columns ? j->scale[(column + c) * e->scale_n + from + b] : 0;
}

/* All panels that are multiplied at a time, in a worker's own room: integers, then scales. */
static struct int8_panel make_panels(const struct job *j, int64_t column, int64_t from, int64_t n, char *own)
{
    int8_t *w = (int8_t *)own;
    float *scale = (float *)(void *)(own + made_blocks(j->e, j->k) * PANEL_BLOCK);
    for (int64_t i = 0; i < j->k->columns / INT8_COLUMNS && column + i * INT8_COLUMNS < j->e->p.n; i++)
        make_panel(j, column + i * INT8_COLUMNS, from, n, w + i * n * PANEL_BLOCK, scale + i * n * INT8_COLUMNS);
    return (struct int8_panel){ .w = w, .w_scale = scale, .second = n };
}

/* The same where the file has them. */
static struct int8_panel lying_panels(const struct job *j, int64_t column, int64_t from)
{
    int64_t block = column / INT8_COLUMNS * j->e->blocks + from;
    return (struct int8_panel){ .w = j->w + block * PANEL_BLOCK, .w_scale = j->scale + block * INT8_COLUMNS, .second = j->e->blocks };
}

static void panels(void *arg, int64_t task, int worker)
{
    const struct job *j = arg;
    const struct int8 *e = j->e;
    const int64_t end = extent_least((task + 1) * e->group, e->p.n), wide = j->k->columns, step = blocks_at_once(e, j->k);
    char *own = own_of(j, worker);
    for (int64_t column = task * e->group; column < end; column += wide)
        for (int64_t from = 0; from < e->blocks; from += step) {
            int64_t n = extent_least(step, e->blocks - from);
            struct int8_panel p = e->packed ? lying_panels(j, column, from) : make_panels(j, column, from, n, own);
            const struct int8_row x = row_of(j, 0);
            p.x = x.q, p.x_scale = x.scale, p.rows = e->p.m, p.depth = e->blocks, p.from = from, p.blocks = n;
            p.less = (int32_t *)(void *)(own + made_blocks(e, j->k) * (PANEL_BLOCK + INT8_COLUMNS * (int64_t)sizeof(float)));
            p.y = j->y + column * e->p.c_n, p.y_row = e->p.c_m, p.y_step = e->p.c_n, p.columns = (int)extent_least(wide, e->p.n - column), p.add = j->add || from > 0;
            j->k->multiply(&p);
        }
}

/* A sum over nothing. */
static void nothing(const struct job *j)
{
    for (int64_t i = 0; i < j->e->p.m && !j->add; i++)
        for (int64_t n = 0; n < j->e->p.n; n++) j->y[i * j->e->p.c_m + n * j->e->p.c_n] = 0;
}

struct running { rk_ctx *ctx; struct job all; };

static void one_product(void *arg, int64_t x, int64_t w, int64_t y, bool more)
{
    const struct running *r = arg;
    const struct int8 *e = r->all.e;
    struct job j = r->all;
    j.x += x, j.w += w, j.scale += w / INT8_BLOCK, j.y += y;
    j.add = j.add || more;
    if (e->p.m == 0 || e->p.n == 0) return;
    if (e->blocks == 0) {
        nothing(&j);
        return;
    }
    gemm_each(e->p.m <= ROUND_ROWS ? NULL : r->ctx, (e->p.m + ROUND_ROWS - 1) / ROUND_ROWS, round_rows, &j);
    par_for(r->ctx, (e->p.n + e->group - 1) / e->group, e->panels ? panels : dots, &j);
}

static rk_status run(rk_ctx *ctx, const struct call *c)
{
    const struct problem *p = c->problem;
    struct int8 e;
    memcpy(&e, c->prepared->own, sizeof e);
    struct running r = { ctx, { .e = &e, .k = kernels_of(&e), .x = (const float *)c->in[0] + p->in[0].at.offset, .w = (const int8_t *)c->in[1] + p->in[1].at.offset,
                                .scale = (const float *)c->in[2] + p->in[2].at.offset, .y = (float *)c->out[0] + p->out[0].at.offset, .scratch = c->scratch, .add = p->accumulate } };
    contraction_each(&e.all, one_product, &r);
    if (c->issued != NULL) *c->issued += c->prepared->product_flops;
    return RK_OK;
}

rk_status einsum_int8_run(rk_ctx *ctx, const struct call *c)   { return run(ctx, c); }
rk_status einsum_panels_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c); }
