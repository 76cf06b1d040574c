/* softmax.c: softmax along any dimension, and its gradient from its result: dx = y (dy - Σ y dy); the logarithm of its sum alone.
 *
 * Tasks are blocks of rows; a row is computed by one task in one order.
 * Price     5 FLOPs per element: largest, difference, exponential, sum, quotient; backward 4. The logarithm of the sum: 4, and 2 per row. */
#include "backend/cpu/softmax.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/rows.h"
#include "base/par.h"
#include "core/opdef.h"
#include <string.h>

struct work { struct rows rows; const struct softmax_kernels *k; const float *in[2]; float *out, *scratch; };

static bool f32(const struct operand *o) { return o->dtype == RK_f32; }

bool softmax_accepts(const struct problem *p)
{
    return p->n_in == 1 && p->n_out == 1 && !p->accumulate && f32(&p->in[0]) && f32(&p->out[0]);
}

bool log_sum_exp_accepts(const struct problem *p) { return softmax_accepts(p); }

bool softmax_adjoint_accepts(const struct problem *p)
{
    return p->n_in == 3 && p->n_out == 1 && p->out_role[0] == 1 && !p->accumulate && f32(&p->in[1]) && f32(&p->in[2]) && f32(&p->out[0]);
}

static rk_dim dim_of(const struct problem *p)
{
    bool adjoint = p->op == &op_adjoint;
    return (rk_dim)(adjoint ? node_of(p->g, (rk_ref)p->node->at.i[1]) : p->node)->at.i[0];
}

static int64_t row_size(const struct problem *p)
{
    const struct layout *x = &p->in[p->op == &op_adjoint ? 1 : 0].at;
    return x->size[layout_axis(x, dim_of(p))];
}

static rk_status prepare(rk_ctx *ctx, const struct problem *p, uint64_t flops, struct prepared *out)
{
    memset(out, 0, sizeof *out);
    out->scratch = (size_t)par_workers(ctx) * 2 * (size_t)rows_padded(row_size(p)) * sizeof(float);
    out->elementwise_flops = flops * (uint64_t)layout_elements(&p->out[0].at);
    return RK_OK;
}

rk_status softmax_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, 5, out); }
rk_status softmax_adjoint_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, 4, out); }

rk_status log_sum_exp_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    TRY(prepare(ctx, p, 2, out));
    out->elementwise_flops += 4 * (uint64_t)layout_elements(&p->in[0].at);
    return RK_OK;
}

/* The workspace of a worker: one row of each operand that needs to be brought together. */
static float *own(const struct work *w, int worker, int which)
{
    return w->scratch + (2 * worker + which) * rows_padded(w->rows.n);
}

static void forward(void *arg, int64_t task, int worker)
{
    const struct work *w = arg;
    const struct rows *r = &w->rows;
    for (int64_t i = task * r->per_task; i < rows_end(r, task); i++) {
        const float *x = rows_read(w->in[0] + rows_at(r, 1, i), r->stride[1], r->n, own(w, worker, 0));
        float *to = w->out + rows_at(r, 0, i), *y = r->stride[0] == 1 ? to : own(w, worker, 1);
        w->k->row(y, x, r->n);
        rows_write(to, r->stride[0], r->n, y);
    }
}

static void backward(void *arg, int64_t task, int worker)
{
    const struct work *w = arg;
    const struct rows *r = &w->rows;
    for (int64_t i = task * r->per_task; i < rows_end(r, task); i++) {
        const float *y = rows_read(w->in[0] + rows_at(r, 1, i), r->stride[1], r->n, own(w, worker, 0));
        const float *dy = rows_read(w->in[1] + rows_at(r, 2, i), r->stride[2], r->n, own(w, worker, 1));
        float *to = w->out + rows_at(r, 0, i), *dx = r->stride[0] == 1 ? to : own(w, worker, 1);
        w->k->adjoint(dx, y, dy, r->n);
        rows_write(to, r->stride[0], r->n, dx);
    }
}

static void log_sum(void *arg, int64_t task, int worker)
{
    const struct work *w = arg;
    const struct rows *r = &w->rows;
    for (int64_t i = task * r->per_task; i < rows_end(r, task); i++)
        w->out[rows_at(r, 1, i)] = w->k->log_sum(rows_read(w->in[0] + rows_at(r, 0, i), r->stride[0], r->n, own(w, worker, 0)), r->n);
}

static rk_status go(rk_ctx *ctx, const struct call *c, const struct softmax_kernels *k, const int *in, int n, par_body *body)
{
    const struct problem *p = c->problem;
    const struct layout *layouts[3] = { &p->out[0].at };
    struct work w = { .k = k, .out = (float *)c->out[0] + p->out[0].at.offset, .scratch = c->scratch };
    for (int i = 0; i < n; i++) {
        layouts[1 + i] = &p->in[in[i]].at;
        w.in[i] = (const float *)c->in[in[i]] + p->in[in[i]].at.offset;
    }
    rows_over(&w.rows, dim_of(p), layouts, 1 + n);
    if (w.rows.n > 0) par_for(ctx, w.rows.tasks, body, &w);
    return RK_OK;
}

rk_status softmax_run(rk_ctx *ctx, const struct call *c, const struct softmax_kernels *k)
{
    return go(ctx, c, k, (const int[]){ 0 }, 1, forward);
}

rk_status softmax_adjoint_run(rk_ctx *ctx, const struct call *c, const struct softmax_kernels *k)
{
    return go(ctx, c, k, (const int[]){ 1, 2 }, 2, backward);
}

rk_status log_sum_exp_run(rk_ctx *ctx, const struct call *c, const struct softmax_kernels *k)
{
    const struct problem *p = c->problem;
    const struct layout *layouts[2] = { &p->in[0].at, &p->out[0].at };
    struct work w = { .k = k, .in = { (const float *)c->in[0] + p->in[0].at.offset }, .out = (float *)c->out[0] + p->out[0].at.offset, .scratch = c->scratch };
    rows_over(&w.rows, dim_of(p), layouts, 2);
    par_for(ctx, w.rows.tasks, log_sum, &w);
    return RK_OK;
}
