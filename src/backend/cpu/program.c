/* program.c: a group of elementwise nodes, run in tiles that stay in the first-level cache: per tile, one instruction after
 * the other over a few hundred elements.
 *
 * What makes it as fast as memory: operands that lie densely are read where they lie and results computed where they lie;
 * numbers (constants, one value per row) stay in registers' reach; a multiply and the add that alone uses it are one
 * instruction; values that only the group sees never leave the cache. A result that lies on an operand is written after the
 * last read of that tile.
 * Tiles and tasks are functions of the shape. Arithmetic is f32 whatever the operands are stored in; results are rounded once.
 * Not here: what a tile does (program_tile.c), the functions themselves (program.isa.c). */
#include "backend/cpu/program_inner.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/extent.h"
#include "base/par.h"
#include <math.h>
#include <string.h>

/* --- loops --- */

/* A mask's index is that of a dense array of the node's own dims, at their current extents. */
static int64_t mask_stride(const struct instruction *i, const struct live *live, rk_dim dim)
{
    int64_t stride = 1;
    for (int k = i->rank - 1; k >= 0; k--) {
        if (i->dim[k] == dim) return stride;
        stride *= live->extent[i->dim[k]];
    }
    return 0;
}

static int64_t source_stride(const struct call *c, int source, rk_dim dim)
{
    const struct problem *p = c->problem;
    if (source >= MOST_PROGRAM) return layout_stride(&p->out[source - MOST_PROGRAM].at, dim);
    const struct instruction *i = &p->program->at[source];
    if (i->kind == I_LOAD) return layout_stride(&p->in[i->a].at, dim);
    if (i->kind == I_RAND) return mask_stride(i, c->live, dim);
    return i->kind == I_IOTA && (rk_dim)i->a == dim;
}

/* The sources of this call, as indices of r->stride. */
static int list_sources(const struct problem *p, int *list)
{
    int n = 0;
    for (int i = 0; i < p->program->n; i++)
        if (p->program->at[i].kind != I_MAP && p->program->at[i].kind != I_CONST) list[n++] = i;
    for (int i = 0; i < p->n_out; i++) list[n++] = MOST_PROGRAM + i;
    return n;
}

/* Axes of the results, neighbours merged where every source walks them as one; two loops at least. */
static void make_loops(struct ready *r, const struct call *c)
{
    const struct layout *space = &c->problem->out[0].at;
    int list[MOST_SOURCES], n = list_sources(c->problem, list), rank = 0;
    int64_t size[RK_MAX_RANK + 2] = { 1, 1 }, stride[MOST_SOURCES];
    for (int k = 0; k < n; k++) r->stride[list[k]][0] = r->stride[list[k]][1] = 0;
    for (int a = 0; a < space->rank; a++) {
        if (space->size[a] == 1) continue;
        bool joins = rank > 0;
        for (int k = 0; k < n; k++) {
            stride[k] = source_stride(c, list[k], space->dim[a]);
            joins = joins && r->stride[list[k]][rank + 1] == stride[k] * space->size[a];
        }
        if (joins) size[rank + 1] *= space->size[a];
        else size[++rank + 1] = space->size[a];
        for (int k = 0; k < n; k++) r->stride[list[k]][rank + 1] = stride[k];
    }
    /* loops 2 .. rank + 1 are filled; 0 and 1 are of size 1: keep as many of those as it takes to have two */
    int from = rank >= 2 ? 2 : rank;
    r->rank = rank + 2 - from;
    memmove(r->size, size + from, (size_t)r->rank * sizeof *size);
    for (int k = 0; k < n; k++) memmove(r->stride[list[k]], r->stride[list[k]] + from, (size_t)r->rank * sizeof *size);
    if (rank == 0)                                      /* one element: dense as any */
        for (int k = 0; k < n; k++) r->stride[list[k]][1] = 1;
}

static void make_tiles(struct ready *r)
{
    int64_t n = r->size[r->rank - 1], m = r->size[r->rank - 2];
    r->n_tiles = 0;
    for (int i = 0; i < r->rank; i++)
        if (r->size[i] == 0) return;
    r->columns = n <= CHUNK ? n : (extent_parts(n, extent_parts(n, CHUNK)) + PROGRAM_LANES - 1) / PROGRAM_LANES * PROGRAM_LANES;
    r->rows = n >= LONG_ROW ? 1 : CHUNK / n < m ? CHUNK / n : m;
    r->tiles[0] = extent_parts(m, r->rows);
    r->tiles[1] = extent_parts(n, r->columns);
    r->n_tiles = r->tiles[0] * r->tiles[1];
    for (int i = 0; i < r->rank - 2; i++) r->n_tiles *= r->size[i];
    r->tiles_per_task = extent_parts(TASK_ELEMENTS, r->rows * r->columns);
}

/* --- values --- */

/* A tile of this source is one stretch of equal steps. */
static bool flat(const struct ready *r, int source)
{
    const int64_t *s = r->stride[source] + r->rank - 2;
    return r->rows == 1 || s[0] == s[1] * r->size[r->rank - 1];
}

static int64_t inner(const struct ready *r, int source) { return r->stride[source][r->rank - 1]; }

static void read_load(struct ready *r, const struct call *c, int i)
{
    struct value *v = &r->value[i];
    const struct operand *o = &c->problem->in[c->problem->program->at[i].a];
    v->dtype = o->dtype;
    v->from = (const char *)c->in[c->problem->program->at[i].a] + (size_t)o->at.offset * rk_dtype_bytes(o->dtype);
    bool one = flat(r, i);
    if (one && inner(r, i) == 0) v->kind = V_SPREAD, v->step = 0;
    else v->kind = one && inner(r, i) == 1 && o->dtype == RK_f32 ? V_MEMORY : V_ROWS;
}

static void read_instruction(struct ready *r, const struct call *c, int i)
{
    const struct instruction *at = &c->problem->program->at[i];
    const struct live *live = c->live;
    struct value *v = &r->value[i];
    *v = (struct value){ .slot = -1, .step = 1, .result = at->store, .dtype = RK_f32 };
    switch (at->kind) {
    case I_LOAD:
        read_load(r, c, i);
        break;
    case I_CONST:
        v->kind = V_NUMBER;
        v->step = 0;
        v->mask.value = (float)at->value;
        break;
    case I_IOTA:
        v->kind = V_IOTA;
        v->start = (at->b != 0 ? live->extent[at->b] : 0) - (at->c != 0 ? live->extent[at->c] : 0);
        break;
    case I_RAND:
        v->kind = V_MASK;
        v->mask = program_mask_of(live->seed, live->step, at->site, at->value);
        break;
    case I_MAP:
        v->kind = V_MAP;
        v->fn = r->kernels->map[at->fn];
        v->arity = mapfn_table[at->fn].arity;
        v->arg[0] = at->a, v->arg[1] = at->b, v->arg[2] = at->c;
        break;
    case I_CAST: break;                         /* not accepted */
    }
}

/* A product that only one sum uses becomes part of it. */
static void join_products(struct ready *r, const struct program *p)
{
    int uses[MOST_PROGRAM] = { 0 };
    for (int i = 0; i < r->n; i++)
        for (int k = 0; k < r->value[i].arity; k++) uses[r->value[i].arg[k]]++;
    for (int i = 0; i < r->n; i++) {
        struct value *v = &r->value[i];
        bool add = p->at[i].kind == I_MAP && p->at[i].fn == MAP_add, sub = p->at[i].kind == I_MAP && p->at[i].fn == MAP_sub;
        for (int k = 1; k >= (add ? 0 : 1) && (add || sub); k--) {
            int t = v->arg[k], other = v->arg[1 - k];
            if (p->at[t].kind != I_MAP || p->at[t].fn != MAP_mul || uses[t] != 1 || p->at[t].store >= 0) continue;
            *v = (struct value){ .kind = V_MAP, .slot = -1, .step = 1, .result = v->result, .dtype = RK_f32, .arity = 3,
                                 .fn = r->kernels->map[add ? FN_MULADD : FN_SUBMUL],
                                 .arg = { r->value[t].arg[0], r->value[t].arg[1], other } };
            r->value[t] = (struct value){ .kind = V_GONE, .slot = -1, .result = -1 };
            break;
        }
    }
}

static void last_uses(const struct ready *r, int *last)
{
    for (int i = 0; i < r->n; i++) {
        const struct value *v = &r->value[i];
        last[i] = v->result >= 0 && !v->direct ? r->n : i;
        for (int k = 0; k < v->arity; k++)
            if (last[v->arg[k]] < i) last[v->arg[k]] = i;
    }
}

/* --- results --- */

struct range { const char *low, *high; };

static struct range range_of(const struct layout *l, rk_dtype dtype, const void *base)
{
    int64_t low = l->offset, high = l->offset, bytes = (int64_t)rk_dtype_bytes(dtype);
    for (int i = 0; i < l->rank; i++) {
        int64_t far = (l->size[i] - 1) * l->stride[i];
        if (far > 0) high += far;
        else low += far;
    }
    return (struct range){ (const char *)base + low * bytes, (const char *)base + (high + 1) * bytes };
}

/* Would writing result v at instruction i spoil an operand that is read later in the same tile? */
static bool spoils(const struct ready *r, const struct call *c, int i, const int *last)
{
    const struct operand *o = &c->problem->out[r->value[i].result];
    struct range out = range_of(&o->at, o->dtype, c->out[r->value[i].result]);
    for (int k = 0; k < r->n; k++) {
        const struct instruction *at = &c->problem->program->at[k];
        if (at->kind != I_LOAD || (r->value[k].kind == V_MEMORY ? last[k] : k) <= i) continue;
        const struct operand *x = &c->problem->in[at->a];
        struct range in = range_of(&x->at, x->dtype, c->in[at->a]);
        if (in.low < out.high && out.low < in.high) return true;
    }
    return false;
}

static void place_results(struct ready *r, const struct call *c)
{
    int last[MOST_PROGRAM];
    last_uses(r, last);
    r->n_results = c->problem->n_out;
    for (int i = 0; i < r->n_results; i++) {
        const struct operand *o = &c->problem->out[i];
        r->result[i] = (struct result){ (char *)c->out[i] + (size_t)o->at.offset * rk_dtype_bytes(o->dtype), o->dtype };
    }
    for (int i = 0; i < r->n; i++) {
        struct value *v = &r->value[i];
        if (v->result < 0) continue;
        int source = MOST_PROGRAM + v->result;
        v->direct = v->kind == V_MAP && r->result[v->result].dtype == RK_f32 && flat(r, source) && inner(r, source) == 1 && !spoils(r, c, i, last);
    }
}

static void give_slots(struct ready *r)
{
    int last[MOST_PROGRAM], owner[MOST_PROGRAM];
    last_uses(r, last);
    for (int s = 0; s < MOST_PROGRAM; s++) owner[s] = -1;
    for (int i = 0; i < r->n; i++) {
        struct value *v = &r->value[i];
        bool makes = v->kind == V_ROWS || v->kind == V_IOTA || v->kind == V_MASK || (v->kind == V_MAP && !v->direct);
        for (int s = 0; s < MOST_PROGRAM && makes && v->slot < 0; s++) {
            if (owner[s] >= 0 && last[owner[s]] > i) continue;      /* an operand's slot may take the result: see struct stretch */
            owner[s] = i;
            v->slot = s;
        }
    }
}

void program_ready(struct ready *r, const struct call *c, const struct program_kernels *k)
{
    r->kernels = k;
    r->n = c->problem->program->n;
    make_loops(r, c);
    make_tiles(r);
    if (r->n_tiles == 0) return;
    for (int i = 0; i < r->n; i++) read_instruction(r, c, i);
    join_products(r, c->problem->program);
    place_results(r, c);
    give_slots(r);
    int maps = 0;
    for (int i = 0; i < r->n; i++) maps += r->value[i].kind == V_MAP;
    r->asks = maps >= LONG_PROGRAM;
}

/* --- the kernel --- */

struct program_mask program_mask_of(uint64_t seed, uint64_t step, uint64_t site, double keep)
{
    return (struct program_mask){ seed ^ step * 0x9e3779b97f4a7c15u, site, (uint64_t)ceil(keep * 0x1p32), (float)(1 / keep) };
}

static bool result_dtype(const struct problem *p, int i)
{
    rk_dtype d = p->out[i].dtype;
    return d == RK_f32 || d == RK_f16 || d == RK_bf16 || d == RK_i32;
}

bool program_accepts(const struct problem *p)
{
    if (p->program == NULL || p->n_out == 0 || p->accumulate) return false;
    for (int i = 0; i < p->n_out; i++)
        if (!result_dtype(p, i)) return false;
    for (int i = 0; i < p->program->n; i++)                         /* integers are results of iota alone; no casts */
        if (p->program->at[i].kind == I_CAST || (p->program->at[i].store >= 0 && p->out[p->program->at[i].store].dtype == RK_i32 && p->program->at[i].kind != I_IOTA)) return false;
    return true;
}

static int64_t worker_floats(const struct problem *p) { return p->program->n * (int64_t)(CHUNK + PROGRAM_LANES); }

rk_status program_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    uint64_t each = 0;
    for (int i = 0; i < p->program->n; i++)
        if (p->program->at[i].kind == I_MAP) each += (uint64_t)mapfn_table[p->program->at[i].fn].cost;
    *out = (struct prepared){ .scratch = (size_t)par_workers(ctx) * (size_t)worker_floats(p) * sizeof(float) };
    out->elementwise_flops = each * (uint64_t)layout_elements(&p->out[0].at);
    return RK_OK;
}

rk_status program_run(rk_ctx *ctx, const struct call *c, const struct program_kernels *k)
{
    struct ready r;
    program_ready(&r, c, k);
    if (r.n_tiles == 0) return RK_OK;
    r.scratch = c->scratch;
    r.worker_floats = worker_floats(c->problem);
    par_for(ctx, extent_parts(r.n_tiles, r.tiles_per_task), program_task, &r);
    return RK_OK;
}
