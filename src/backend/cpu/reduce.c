/* reduce.c: sums and maxima over any dimensions, in an order that only the shape decides.
 *
 *   rows      what goes lies side by side (or nothing does): every result folds its own stretches, thousand by thousand
 *   columns   what stays lies side by side (gradients of biases): rows are folded into a row of sums
 *
 * Where there are few results, each is folded in parts by several tasks, and the parts are added in order. Partial sums are
 * doubles. Price: one FLOP per element read. */
#include "backend/cpu/reduce.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/extent.h"
#include "base/par.h"
#include <math.h>
#include <string.h>

enum {
    SUM, MAX,
    PIECE = 1 << 14,                    /* elements folded in one go */
    WIDE = 512,                         /* columns of a task */
    FLUSH = 64,                         /* rows folded in single precision before they are added in double */
    FEW = 64,                           /* results, below which each is cut into parts */
    MOST_PARTS = 64,
    TASK_ELEMENTS = 1 << 15
};

struct plan {
    struct loops kept, gone;            /* kept: strides of x and of the result; gone: of x */
    int64_t results, each;              /* elements of the result; of x per element of the result */
    bool columns;
    int64_t wide, tiles;                /* columns: the innermost kept loop, and how many tasks share it */
    int64_t parts, per_part;            /* of what each result takes: rows of x, or pieces */
    int64_t inner, pieces;              /* rows: the innermost gone loop, and how many pieces it has */
};

struct work { struct plan p; const struct reduce_kernels *k; int fn; bool accumulate; const float *x; float *y; double *partial; int64_t per_task; };

static int64_t innermost(const struct loops *l, int k) { return l->rank == 0 ? 0 : l->stride[k][l->rank - 1]; }

static void plan_of(const struct problem *p, struct plan *plan)
{
    const struct layout *x = &p->in[0].at, *y = &p->out[0].at, *const both[] = { x, y };
    struct layout gone = { 0 };
    for (int i = 0; i < x->rank; i++) {
        if (layout_axis(y, x->dim[i]) >= 0) continue;
        gone.dim[gone.rank] = x->dim[i];
        gone.size[gone.rank++] = x->size[i];
    }
    *plan = (struct plan){ 0 };
    loops_over(&plan->kept, y, both, 2);
    loops_over(&plan->gone, &gone, both, 1);
    plan->results = loops_count(&plan->kept);
    plan->each = loops_count(&plan->gone);
    if (plan->results == 0 || plan->each == 0) return;
    plan->columns = innermost(&plan->gone, 0) != 1 && innermost(&plan->kept, 0) == 1;
    if (plan->columns) {
        plan->wide = plan->kept.size[plan->kept.rank - 1];
        plan->tiles = plan->results / plan->wide * extent_parts(plan->wide, WIDE);
        int64_t parts = plan->tiles < MOST_PARTS ? MOST_PARTS / plan->tiles : 1;
        plan->per_part = extent_parts(plan->each, extent_least(parts, extent_parts(plan->each, FLUSH)));
        plan->parts = extent_parts(plan->each, plan->per_part);
    } else {
        plan->inner = plan->gone.rank == 0 ? 1 : plan->gone.size[plan->gone.rank - 1];
        plan->pieces = extent_parts(plan->inner, PIECE);
        int64_t pieces = plan->each / plan->inner * plan->pieces, parts = extent_least(MOST_PARTS, extent_parts(plan->each, PIECE));
        plan->per_part = extent_parts(pieces, plan->results < FEW ? parts : 1);
        plan->parts = extent_parts(pieces, plan->per_part);
    }
}

bool reduce_accepts(const struct problem *p)
{
    return p->n_in == 1 && p->n_out == 1 && p->in[0].dtype == RK_f32 && p->out[0].dtype == RK_f32;
}

rk_status reduce_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    struct plan plan;
    (void)ctx;
    plan_of(p, &plan);
    memset(out, 0, sizeof *out);
    if (plan.parts > 1) out->scratch = (size_t)(plan.parts * plan.results) * sizeof(double);
    if (p->live) out->scratch = (size_t)MOST_PARTS * (WIDE > FEW ? WIDE : FEW) * sizeof(double);      /* the most of any sizes */
    out->elementwise_flops = (uint64_t)(plan.results * plan.each);
    return RK_OK;
}

static double join(int fn, double a, double b) { return fn == SUM ? a + b : a > b ? a : b; }
static double nothing(int fn) { return fn == SUM ? 0 : -(double)INFINITY; }

static void finish(const struct work *w, int64_t result, double value)
{
    float *y = w->y + loops_at(&w->p.kept, 1, result);
    *y = (float)(w->accumulate ? (double)*y + value : value);
}

/* --- rows --- */

/* n elements of any stride, brought side by side a thousand at a time. */
static double fold(const struct work *w, const float *x, int64_t stride, int64_t n)
{
    float some[1024];
    if (stride == 1 || n == 1) return w->k->stretch[w->fn](x, n);
    double all = nothing(w->fn);
    for (int64_t begin = 0; begin < n; begin += 1024) {
        int64_t k = extent_least(1024, n - begin);
        for (int64_t i = 0; i < k; i++) some[i] = x[(begin + i) * stride];
        all = join(w->fn, all, w->k->stretch[w->fn](some, k));
    }
    return all;
}

static double fold_part(const struct work *w, int64_t result, int64_t part)
{
    const struct plan *p = &w->p;
    const float *x = w->x + loops_at(&p->kept, 0, result);
    int64_t stride = innermost(&p->gone, 0), end = extent_least((part + 1) * p->per_part, p->each / p->inner * p->pieces);
    double all = nothing(w->fn);
    for (int64_t i = part * p->per_part; i < end; i++) {
        int64_t from = i % p->pieces * PIECE;
        int64_t at = loops_at(&p->gone, 0, i / p->pieces * p->inner) + from * stride;
        all = join(w->fn, all, fold(w, x + at, stride, extent_least(PIECE, p->inner - from)));
    }
    return all;
}

static void rows_task(void *arg, int64_t task, int worker)
{
    const struct work *w = arg;
    (void)worker;
    for (int64_t i = task * w->per_task; i < extent_least((task + 1) * w->per_task, w->p.results); i++) finish(w, i, fold_part(w, i, 0));
}

static void parts_task(void *arg, int64_t task, int worker)
{
    const struct work *w = arg;
    (void)worker;
    w->partial[task % w->p.parts * w->p.results + task / w->p.parts] = fold_part(w, task / w->p.parts, task % w->p.parts);
}

/* --- columns --- */

static void flush(const struct work *w, double *all, float *some, int64_t n)
{
    float empty = (float)nothing(w->fn);
    for (int64_t j = 0; j < n; j++) {
        all[j] = join(w->fn, all[j], (double)some[j]);
        some[j] = empty;
    }
}

/* all[j] = x[j] folded over rows first .. end - 1 of what goes. */
static void fold_columns(const struct work *w, double *all, const float *x, int64_t first, int64_t end, int64_t n)
{
    float some[WIDE], empty[WIDE];
    for (int64_t j = 0; j < n; j++) {
        all[j] = nothing(w->fn);
        some[j] = empty[j] = (float)all[j];
    }
    for (int64_t m = first; m < end; m += REDUCE_ROWS) {
        const float *row[REDUCE_ROWS];
        for (int k = 0; k < REDUCE_ROWS; k++) row[k] = m + k < end ? x + loops_at(&w->p.gone, 0, m + k) : empty;
        w->k->rows[w->fn](some, row, n);
        if ((m - first) % FLUSH == FLUSH - REDUCE_ROWS) flush(w, all, some, n);
    }
    flush(w, all, some, n);
}

static void columns_task(void *arg, int64_t task, int worker)
{
    const struct work *w = arg;
    const struct plan *p = &w->p;
    double all[WIDE];
    int64_t part = task % p->parts, tile = task / p->parts, across = extent_parts(p->wide, WIDE);
    int64_t column = tile % across * WIDE, n = extent_least(WIDE, p->wide - column), result = tile / across * p->wide + column;
    (void)worker;
    fold_columns(w, all, w->x + loops_at(&p->kept, 0, result), part * p->per_part, extent_least((part + 1) * p->per_part, p->each), n);
    for (int64_t j = 0; j < n; j++) {
        if (p->parts == 1) finish(w, result + j, all[j]);
        else w->partial[part * p->results + result + j] = all[j];
    }
}

/* --- both --- */

static void join_task(void *arg, int64_t task, int worker)
{
    const struct work *w = arg;
    (void)worker;
    for (int64_t i = task * w->per_task; i < extent_least((task + 1) * w->per_task, w->p.results); i++) {
        double all = nothing(w->fn);
        for (int64_t part = 0; part < w->p.parts; part++) all = join(w->fn, all, w->partial[part * w->p.results + i]);
        finish(w, i, all);
    }
}

static void fill_empty(struct work *w)
{
    for (int64_t i = 0; i < w->p.results; i++) finish(w, i, nothing(w->fn));
}

rk_status reduce_run(rk_ctx *ctx, const struct call *c, const struct reduce_kernels *k)
{
    const struct problem *p = c->problem;
    struct work w = { .k = k, .fn = p->node->at.i[0] == 0 ? SUM : MAX, .accumulate = p->accumulate, .partial = c->scratch };
    w.x = (const float *)c->in[0] + p->in[0].at.offset;
    w.y = (float *)c->out[0] + p->out[0].at.offset;
    plan_of(p, &w.p);
    if (w.p.each == 0 || w.p.results == 0) {
        fill_empty(&w);
        return RK_OK;
    }
    w.per_task = extent_parts(TASK_ELEMENTS, w.p.each);
    if (w.p.columns) par_for(ctx, w.p.tiles * w.p.parts, columns_task, &w);
    else if (w.p.parts > 1) par_for(ctx, w.p.results * w.p.parts, parts_task, &w);
    else par_for(ctx, extent_parts(w.p.results, w.per_task), rows_task, &w);
    w.per_task = 256;
    if (w.p.parts > 1) par_for(ctx, extent_parts(w.p.results, w.per_task), join_task, &w);
    return RK_OK;
}
