/* gather.c: rows of a table by their numbers, and the adjoint: rows added into a table.
 *
 * Gather copies: where ids do not change along the innermost loop, whole rows. Scatter is deterministic without sorting:
 * elements that could meet differ only in dims that the result lacks, so tasks own ranges of the dims that it has (the columns
 * of an embedding) and each walks all the ids in their order.
 * Ids outside the table read 0 and go nowhere. */
#include "backend/cpu/gather.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/extent.h"
#include "base/num.h"
#include "base/par.h"
#include <string.h>

enum { PIECE = 1 << 12, TASK_ELEMENTS = 1 << 15, COLUMNS = 128 };

struct ids { const char *at; rk_dtype dtype; int64_t size; };           /* size: of the dimension they choose from */

/* -1: outside. */
static int64_t id_at(const struct ids *ids, int64_t i)
{
    if (ids->dtype == RK_i32) {
        int32_t id = ((const int32_t *)(const void *)ids->at)[i];
        return id >= 0 && id < ids->size ? id : -1;
    }
    double id;
    num_load(&id, ids->at + i * (int64_t)rk_dtype_bytes(ids->dtype), (int)ids->dtype, 1);
    return id >= 0 && id < (double)ids->size ? (int64_t)id : -1;
}

static struct ids ids_of(const struct call *c, int64_t size)
{
    const struct operand *o = &c->problem->in[1];
    return (struct ids){ (const char *)c->in[1] + o->at.offset * (int64_t)rk_dtype_bytes(o->dtype), o->dtype, size };
}

/* A layout without the dimension that ids choose. */
static struct layout without(const struct layout *l, rk_dim dim)
{
    struct layout out = { .offset = l->offset };
    for (int i = 0; i < l->rank; i++) {
        if (l->dim[i] == dim) continue;
        out.dim[out.rank] = l->dim[i];
        out.size[out.rank] = l->size[i];
        out.stride[out.rank++] = l->stride[i];
    }
    return out;
}

static int64_t outer_count(const struct loops *l)
{
    int64_t n = 1;
    for (int i = 0; i < l->rank - 1; i++) n *= l->size[i];
    return n;
}

/* Offsets of n operands at the start of the innermost loop, for one index of all the others. */
static void outer_at(const struct loops *l, int64_t index, int n, int64_t *at)
{
    for (int k = 0; k < n; k++) at[k] = 0;
    for (int i = l->rank - 2; i >= 0; i--) {
        int64_t here = index % l->size[i];
        for (int k = 0; k < n; k++) at[k] += here * l->stride[k][i];
        index /= l->size[i];
    }
}

static int64_t inner_size(const struct loops *l) { return l->rank == 0 ? 1 : l->size[l->rank - 1]; }
static int64_t inner_stride(const struct loops *l, int k) { return l->rank == 0 ? 0 : l->stride[k][l->rank - 1]; }

/* --- gather --- */

enum { G_OUT, G_TABLE, G_IDS };

struct gathering { struct loops loops; struct ids ids; int64_t step, bytes, pieces, n_units, per_task; char *out; const char *table; };

bool gather_accepts(const struct problem *p)
{
    return p->n_in == 2 && p->n_out == 1 && !p->accumulate && p->in[0].dtype == p->out[0].dtype && p->in[1].dtype > RK_f8e5m2;
}

rk_status gather_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    (void)ctx, (void)p;
    memset(out, 0, sizeof *out);
    return RK_OK;
}

static void gather_piece(const struct gathering *g, const int64_t *start, int64_t from, int64_t n)
{
    int64_t to_step = inner_stride(&g->loops, G_OUT), row_step = inner_stride(&g->loops, G_TABLE), id_step = inner_stride(&g->loops, G_IDS);
    char *to = g->out + (start[G_OUT] + from * to_step) * g->bytes;
    for (int64_t i = from; i < from + n; to += to_step * g->bytes, i++) {
        int64_t id = id_at(&g->ids, start[G_IDS] + i * id_step);
        const char *x = g->table + (start[G_TABLE] + i * row_step + (id < 0 ? 0 : id * g->step)) * g->bytes;
        if (id_step == 0 && to_step == 1 && (row_step == 1 || id < 0)) {        /* one id for all of it, side by side */
            if (id < 0) memset(to, 0, (size_t)(n * g->bytes));
            else memcpy(to, x, (size_t)(n * g->bytes));
            return;
        }
        if (id < 0) memset(to, 0, (size_t)g->bytes);
        else memcpy(to, x, (size_t)g->bytes);
    }
}

static void gather_task(void *arg, int64_t task, int worker)
{
    const struct gathering *g = arg;
    int64_t end = extent_least((task + 1) * g->per_task, g->n_units), n = inner_size(&g->loops), start[3];
    (void)worker;
    for (int64_t i = task * g->per_task; i < end; i++) {
        int64_t from = i % g->pieces * PIECE;
        outer_at(&g->loops, i / g->pieces, 3, start);
        gather_piece(g, start, from, extent_least(PIECE, n - from));
    }
}

rk_status gather_run(rk_ctx *ctx, const struct call *c)
{
    const struct problem *p = c->problem;
    rk_dim v = (rk_dim)p->node->at.i[0];
    struct layout rows = without(&p->in[0].at, v);
    const struct layout *const all[] = { &p->out[0].at, &rows, &p->in[1].at };
    int axis = layout_axis(&p->in[0].at, v);
    struct gathering g = { .step = p->in[0].at.stride[axis], .bytes = (int64_t)rk_dtype_bytes(p->out[0].dtype) };
    if (layout_elements(&p->out[0].at) == 0) return RK_OK;
    g.ids = ids_of(c, p->in[0].at.size[axis]);
    g.out = (char *)c->out[0] + p->out[0].at.offset * g.bytes;
    g.table = (const char *)c->in[0] + p->in[0].at.offset * g.bytes;
    loops_over(&g.loops, &p->out[0].at, all, 3);
    g.pieces = extent_parts(inner_size(&g.loops), PIECE);
    g.n_units = outer_count(&g.loops) * g.pieces;
    g.per_task = extent_parts(TASK_ELEMENTS, extent_least(PIECE, inner_size(&g.loops)));
    par_for(ctx, extent_parts(g.n_units, g.per_task), gather_task, &g);
    return RK_OK;
}

/* --- scatter --- */

enum { S_VALUES, S_IDS, S_OUT };

struct scattering {
    struct loops kept, summed;          /* dims the result has; those that only values and ids have */
    struct ids ids;
    int64_t step, pieces, n_summed, length;
    const float *values;
    float *out;
    gather_add_fn *add;
    struct loops zero;
    int64_t zero_pieces, zero_units, zero_per_task;
};

bool scatter_accepts(const struct problem *p)
{
    return p->n_in == 2 && p->n_out == 1 && p->in[0].dtype == RK_f32 && p->out[0].dtype == RK_f32 && p->in[1].dtype > RK_f8e5m2;
}

rk_status scatter_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    (void)ctx;
    memset(out, 0, sizeof *out);
    out->elementwise_flops = (uint64_t)layout_elements(&p->in[0].at);
    return RK_OK;
}

static void zero_task(void *arg, int64_t task, int worker)
{
    const struct scattering *s = arg;
    int64_t end = extent_least((task + 1) * s->zero_per_task, s->zero_units), n = inner_size(&s->zero), stride = inner_stride(&s->zero, 0), at;
    (void)worker;
    for (int64_t i = task * s->zero_per_task; i < end; i++) {
        outer_at(&s->zero, i / s->zero_pieces, 1, &at);
        int64_t from = i % s->zero_pieces * PIECE, k = extent_least(PIECE, n - from);
        if (stride == 1) memset(s->out + at + from, 0, (size_t)k * sizeof *s->out);
        else for (int64_t j = from; j < from + k; j++) s->out[at + j * stride] = 0;
    }
}

/* n elements of the innermost kept loop, for every index of what is summed, in order. `at`: of values, ids and result. */
static void scatter_piece(const struct scattering *s, const int64_t *at, int64_t n)
{
    int64_t step[3];
    for (int k = 0; k < 3; k++) step[k] = inner_stride(&s->kept, k);
    for (int64_t i = 0; i < s->n_summed; i++) {
        int64_t off[2] = { 0, 0 };
        for (int64_t a = s->summed.rank - 1, rest = i; a >= 0; rest /= s->summed.size[a--])
            for (int k = 0; k < 2; k++) off[k] += rest % s->summed.size[a] * s->summed.stride[k][a];
        for (int64_t j = 0; j < n; j++) {
            int64_t id = id_at(&s->ids, at[S_IDS] + off[S_IDS] + j * step[S_IDS]);
            const float *x = s->values + at[S_VALUES] + off[S_VALUES] + j * step[S_VALUES];
            float *to = s->out + at[S_OUT] + j * step[S_OUT] + (id < 0 ? 0 : id * s->step);
            bool whole = step[S_IDS] == 0 && step[S_VALUES] == 1 && step[S_OUT] == 1;
            if (id >= 0 && whole) s->add(to, x, n);
            else if (id >= 0) *to += *x;
            if (whole) break;
        }
    }
}

static void scatter_task(void *arg, int64_t task, int worker)
{
    const struct scattering *s = arg;
    int64_t at[3], from = task % s->pieces * s->length;
    (void)worker;
    outer_at(&s->kept, task / s->pieces, 3, at);
    for (int k = 0; k < 3; k++) at[k] += from * inner_stride(&s->kept, k);
    scatter_piece(s, at, extent_least(s->length, inner_size(&s->kept) - from));
}

static void zero(rk_ctx *ctx, struct scattering *s, const struct layout *out)
{
    const struct layout *const one[] = { out };
    loops_over(&s->zero, out, one, 1);
    s->zero_pieces = extent_parts(inner_size(&s->zero), PIECE);
    s->zero_units = outer_count(&s->zero) * s->zero_pieces;
    s->zero_per_task = extent_parts(TASK_ELEMENTS, extent_least(PIECE, inner_size(&s->zero)));
    par_for(ctx, extent_parts(s->zero_units, s->zero_per_task), zero_task, s);
}

rk_status scatter_run(rk_ctx *ctx, const struct call *c, gather_add_fn *add)
{
    const struct problem *p = c->problem;
    const struct layout *y = &p->in[0].at, *out = &p->out[0].at;
    rk_dim v = (rk_dim)p->node->at.i[0];
    int axis = layout_axis(out, v);
    struct layout rows = without(out, v), kept = { 0 }, summed = { 0 };
    const struct layout *const all[] = { y, &p->in[1].at, &rows };
    struct scattering s = { .add = add, .step = out->stride[axis], .ids = ids_of(c, out->size[axis]) };
    s.values = (const float *)c->in[0] + y->offset;
    s.out = (float *)c->out[0] + out->offset;
    if (layout_elements(out) == 0) return RK_OK;
    if (!p->accumulate) zero(ctx, &s, out);
    if (layout_elements(y) == 0) return RK_OK;
    for (int i = 0; i < y->rank; i++) {
        struct layout *l = layout_axis(&rows, y->dim[i]) >= 0 ? &kept : &summed;
        l->dim[l->rank] = y->dim[i];
        l->size[l->rank++] = y->size[i];
    }
    loops_over(&s.kept, &kept, all, 3);
    loops_over(&s.summed, &summed, all, 2);
    s.n_summed = layout_elements(&summed);
    s.length = s.n_summed > 1 ? COLUMNS : PIECE;
    s.pieces = extent_parts(inner_size(&s.kept), s.length);
    par_for(ctx, outer_count(&s.kept) * s.pieces, scatter_task, &s);
    return RK_OK;
}
