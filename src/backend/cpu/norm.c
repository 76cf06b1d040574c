/* norm.c: layer norm and RMS norm along any dimension, and all their gradients in one sweep over the rows.
 *
 * Backward keeps nothing from forward: statistics are made again from x, which is cheaper than reading them. The gradients of
 * weight and bias are sums over all rows: each task sums its block of rows, then columns are added over the tasks in order;
 * which rows a task has is a function of the shape, so the bits are the same on any number of threads.
 * Price     forward 4 FLOPs per element for RMS norm, 7 for layer norm; backward 13 and 16. */
#include "backend/cpu/norm.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/extent.h"
#include "backend/cpu/rows.h"
#include "base/par.h"
#include "core/opdef.h"
#include <string.h>

enum { MOST_PARTS = 64, COLUMNS = 256, X = 0, DY = 1, Y = 1, DX = 2 };

/* A problem's operands by what they are; -1: not there. */
struct roles { const struct node *norm; int x, weight, bias, dy, y, dx, dweight, dbias; };

struct work {
    struct rows rows;
    const struct norm_kernels *k;
    struct norm_row row;                                /* what is equal for all rows */
    const float *x, *dy;
    float *y, *parts, *own;                             /* y: or dx */
    int64_t padded;
    bool dweight, dbias;
};

static struct roles roles_of(const struct problem *p)
{
    bool adjoint = p->op == &op_adjoint;
    struct roles r = { adjoint ? node_of(p->g, (rk_ref)p->node->at.i[1]) : p->node, 0, -1, -1, -1, -1, -1, -1, -1 };
    int weight = (int)r.norm->at.i[2], bias = (int)r.norm->at.i[3];
    if (weight != 0) r.weight = weight;
    if (bias != 0) r.bias = bias;
    if (!adjoint) {
        r.y = 0;
        return r;
    }
    r.dy = p->n_in - 1;
    for (int i = 0; i < p->n_out; i++) {
        int of = p->out_role[i] - 1;
        if (of == 0) r.dx = i;
        else if (of > 0 && of == weight) r.dweight = i;
        else if (of > 0 && of == bias) r.dbias = i;
    }
    return r;
}

/* Norms by the unbiased deviation are for the slow truth: one old text has them. */
static bool done_here(const struct problem *p)
{
    if (roles_of(p).norm->at.i[1] > 1) return false;
    for (int i = 0; i < p->n_in; i++)
        if (p->in[i].dtype != RK_f32) return false;
    for (int i = 0; i < p->n_out; i++)
        if (p->out[i].dtype != RK_f32) return false;
    return !p->accumulate;
}

bool norm_accepts(const struct problem *p) { return done_here(p) && p->n_out == 1; }

bool norm_adjoint_accepts(const struct problem *p)
{
    struct roles r = roles_of(p);
    return done_here(p) && p->n_in >= 3 && p->n_out == (r.dx >= 0) + (r.dweight >= 0) + (r.dbias >= 0);
}

static void rows_of(const struct problem *p, const struct roles *r, struct rows *rows)
{
    const struct layout *l[3] = { &p->in[r->x].at };
    int n = 1;
    l[n++] = r->dy >= 0 ? &p->in[r->dy].at : &p->out[0].at;
    if (r->dx >= 0) l[n++] = &p->out[r->dx].at;
    rows_over(rows, (rk_dim)r->norm->at.i[0], l, n);
    if (r->dy >= 0) rows_cut(rows, MOST_PARTS);
}

/* Workspace: the weight and the bias side by side; two sums per task; three rows per worker. */
static rk_status prepare(rk_ctx *ctx, const struct problem *p, bool adjoint, struct prepared *out)
{
    struct roles r = roles_of(p);
    struct rows rows;
    rows_of(p, &r, &rows);
    int64_t parts = p->live ? MOST_PARTS : rows.tasks;                  /* with fewer rows there could be more parts */
    int64_t vectors = 2 + 3 * (int64_t)par_workers(ctx) + (adjoint ? 2 * parts : 0);
    memset(out, 0, sizeof *out);
    out->scratch = (size_t)(vectors * rows_padded(rows.n)) * sizeof(float);
    out->elementwise_flops = (uint64_t)(rows.n * rows.count) * (r.norm->at.i[1] == 0 ? adjoint ? 16u : 7u : adjoint ? 13u : 4u);
    return RK_OK;
}

rk_status norm_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, false, out); }
rk_status norm_adjoint_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, true, out); }

static float *own(const struct work *w, int worker, int which) { return w->own + (3 * worker + which) * w->padded; }

static void forward(void *arg, int64_t task, int worker)
{
    const struct work *w = arg;
    const struct rows *r = &w->rows;
    struct norm_row row = w->row;
    for (int64_t i = task * r->per_task; i < rows_end(r, task); i++) {
        float *to = w->y + rows_at(r, Y, i);
        row.x = rows_read(w->x + rows_at(r, X, i), r->stride[X], r->n, own(w, worker, 0));
        row.y = r->stride[Y] == 1 ? to : own(w, worker, 1);
        w->k->forward(&row);
        rows_write(to, r->stride[Y], r->n, row.y);
    }
}

static void backward(void *arg, int64_t task, int worker)
{
    const struct work *w = arg;
    const struct rows *r = &w->rows;
    struct norm_row row = w->row;
    float *sums = w->parts + 2 * task * w->padded;
    memset(sums, 0, 2 * (size_t)w->padded * sizeof *sums);
    if (w->dweight) row.dweight = sums;
    if (w->dbias) row.dbias = sums + w->padded;
    for (int64_t i = task * r->per_task; i < rows_end(r, task); i++) {
        float *to = w->y == NULL ? NULL : w->y + rows_at(r, DX, i);
        row.x = rows_read(w->x + rows_at(r, X, i), r->stride[X], r->n, own(w, worker, 0));
        row.dy = rows_read(w->dy + rows_at(r, DY, i), r->stride[DY], r->n, own(w, worker, 1));
        row.dx = to == NULL || r->stride[DX] == 1 ? to : own(w, worker, 2);
        w->k->adjoint(&row);
        if (to != NULL) rows_write(to, r->stride[DX], r->n, row.dx);
    }
}

struct columns { const struct work *w; float *to; int64_t stride; int which; };

static void add_columns(void *arg, int64_t task, int worker)
{
    const struct columns *c = arg;
    const struct work *w = c->w;
    int64_t from = task * COLUMNS, n = w->rows.n - from < COLUMNS ? w->rows.n - from : COLUMNS;
    double sum[COLUMNS] = { 0 };
    (void)worker;
    for (int64_t t = 0; t < w->rows.tasks; t++) {
        const float *part = w->parts + (2 * t + c->which) * w->padded + from;
        for (int64_t j = 0; j < n; j++) sum[j] += part[j];
    }
    for (int64_t j = 0; j < n; j++) c->to[(from + j) * c->stride] = (float)sum[j];
}

static float *address(void *const *base, const struct operand *o, int i) { return (float *)base[i] + o[i].at.offset; }

/* A vector side by side, or NULL where there is none. */
static const float *vector_of(const struct call *c, int which, int64_t n, float *to)
{
    return which < 0 ? NULL : rows_read(address(c->in, c->problem->in, which), c->problem->in[which].at.stride[0], n, to);
}

static void begin(const struct call *c, const struct roles *r, struct work *w)
{
    const struct problem *p = c->problem;
    rk_dim dim = (rk_dim)r->norm->at.i[0];
    rows_of(p, r, &w->rows);
    w->padded = rows_padded(w->rows.n);
    w->own = (float *)c->scratch + 2 * w->padded;
    w->row = (struct norm_row){ .n = w->rows.n, .centred = r->norm->at.i[1] == 0, .over = (double)dim_size(p->g, dim), .eps = r->norm->at.f[0] };
    w->row.weight = vector_of(c, r->weight, w->rows.n, c->scratch);
    w->x = address(c->in, p->in, r->x);
}

rk_status norm_run(rk_ctx *ctx, const struct call *c, const struct norm_kernels *k)
{
    struct roles r = roles_of(c->problem);
    struct work w = { .k = k };
    begin(c, &r, &w);
    w.row.bias = vector_of(c, r.bias, w.rows.n, (float *)c->scratch + w.padded);
    w.y = address(c->out, c->problem->out, 0);
    par_for(ctx, w.rows.tasks, forward, &w);
    return RK_OK;
}

rk_status norm_adjoint_run(rk_ctx *ctx, const struct call *c, const struct norm_kernels *k)
{
    const struct problem *p = c->problem;
    struct roles r = roles_of(p);
    struct work w = { .k = k, .dweight = r.dweight >= 0, .dbias = r.dbias >= 0 };
    begin(c, &r, &w);
    w.dy = address(c->in, p->in, r.dy);
    w.y = r.dx >= 0 ? address(c->out, p->out, r.dx) : NULL;
    w.parts = w.own + 3 * (int64_t)par_workers(ctx) * w.padded;
    par_for(ctx, w.rows.tasks, backward, &w);
    for (int which = 0; which < 2; which++) {
        int to = which == 0 ? r.dweight : r.dbias;
        if (to < 0) continue;
        struct columns columns = { &w, address(c->out, p->out, to), p->out[to].at.stride[0], which };
        par_for(ctx, extent_parts(w.rows.n, COLUMNS), add_columns, &columns);
    }
    return RK_OK;
}
