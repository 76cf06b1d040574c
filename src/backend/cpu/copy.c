/* copy.c: everything that only moves elements: copies of views, updates, transpositions, places, appends to a cache, casts.
 *
 * Two loops make tiles: the result's innermost, and of the others the one along which the source's elements are neighbours.
 * A tile is rows moved whole where both sides are dense, squares transposed in registers where each side is dense along its
 * own loop, element by element otherwise.
 * Price     nothing but the traffic. */
#include "backend/cpu/copy.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/extent.h"
#include "base/num.h"
#include "base/par.h"
#include "core/opdef.h"
#include <string.h>

enum { SQUARE = 64, TILE_ELEMENTS = 1 << 13, TASK_ELEMENTS = 1 << 15, TO = 0, FROM = 1 };

struct work {
    const struct copy_kernels *k;
    rk_dtype to_dtype, from_dtype;
    int64_t to_bytes, from_bytes;
    char *to;
    const char *from;
    int rank;                                           /* at least 2: the last two loops make tiles */
    int64_t size[RK_MAX_RANK + 2], stride[2][RK_MAX_RANK + 2];
    int64_t rows, columns, tiles[2], n_tiles, per_task;
};

struct tile { char *to; const char *from; int64_t rows, columns, row[2], column[2]; };       /* strides in elements: TO, FROM */

#define ELEMENTS(bits)                                                                                                \
    typedef uint##bits##_t __attribute__((may_alias)) raw_##bits;                                                     \
    static void elements_##bits(const struct tile *t)                                                                 \
    {                                                                                                                 \
        for (int64_t i = 0; i < t->rows; i++) {                                                                       \
            raw_##bits *to = (raw_##bits *)(void *)t->to + i * t->row[TO];                                             \
            const raw_##bits *from = (const raw_##bits *)(const void *)t->from + i * t->row[FROM];                    \
            for (int64_t j = 0; j < t->columns; j++) to[j * t->column[TO]] = from[j * t->column[FROM]];                \
        }                                                                                                             \
    }
ELEMENTS(8)
ELEMENTS(16)
ELEMENTS(32)
ELEMENTS(64)

static void move_elements(const struct tile *t, int64_t bytes)
{
    static void (*const of_log2[])(const struct tile *) = { elements_8, elements_16, elements_32, elements_64 };
    of_log2[bytes == 8 ? 3 : bytes / 2](t);
}

const struct copy_kernels *copy_kernels(enum isa isa)
{
#define X(set) &copy_kernels_##set,
    static const struct copy_kernels *const table[ISA_COUNT] = { FOR_EVERY_ISA(X) };
#undef X
    return table[isa];
}

static bool within_f32(rk_dtype d) { return d > RK_f64 && d <= RK_f8e5m2; }

/* n neighbours from one dtype to another: exactly into float or double, rounded once out of it. */
static void convert(const struct copy_kernels *k, char *to, rk_dtype to_dtype, const char *from, rk_dtype from_dtype, int64_t n)
{
    if (k->convert(to, to_dtype, from, from_dtype, n)) return;
    union { float f32[512]; double f64[512]; } some;
    int64_t to_bytes = (int64_t)rk_dtype_bytes(to_dtype), from_bytes = (int64_t)rk_dtype_bytes(from_dtype);
    bool narrow = within_f32(to_dtype) && within_f32(from_dtype);
    for (int64_t i = 0; i < n; i += 512) {
        size_t some_n = (size_t)extent_least(512, n - i);
        if (narrow) num_load_f32(some.f32, from + i * from_bytes, (int)from_dtype, some_n);
        else num_load(some.f64, from + i * from_bytes, (int)from_dtype, some_n);
        if (narrow) num_store_f32(to + i * to_bytes, (int)to_dtype, some.f32, some_n);
        else num_store(to + i * to_bytes, (int)to_dtype, some.f64, some_n);
    }
}

static void convert_elements(const struct work *w, const struct tile *t)
{
    bool dense = t->column[TO] == 1 && t->column[FROM] == 1;
    for (int64_t i = 0; i < t->rows; i++)
        for (int64_t j = 0; j < t->columns; j += dense ? t->columns : 1)
            convert(w->k, t->to + (i * t->row[TO] + j * t->column[TO]) * w->to_bytes, w->to_dtype,
                    t->from + (i * t->row[FROM] + j * t->column[FROM]) * w->from_bytes, w->from_dtype, dense ? t->columns : 1);
}

static void move_tile(const struct work *w, const struct tile *t)
{
    if (w->to_dtype != w->from_dtype) {
        convert_elements(w, t);
    } else if (t->column[TO] == 1 && t->column[FROM] == 1) {
        for (int64_t i = 0; i < t->rows; i++) {
            char *to = t->to + i * t->row[TO] * w->to_bytes;
            const char *from = t->from + i * t->row[FROM] * w->to_bytes;
            if (to != from) memcpy(to, from, (size_t)(t->columns * w->to_bytes));
        }
    } else if (t->column[TO] == 1 && t->row[FROM] == 1 && w->to_bytes == 4) {
        w->k->transpose((float *)(void *)t->to, t->row[TO], (const float *)(const void *)t->from, t->column[FROM], t->rows, t->columns);
    } else {
        move_elements(t, w->to_bytes);
    }
}

static void task(void *arg, int64_t number, int worker)
{
    const struct work *w = arg;
    int last = w->rank - 1;
    (void)worker;
    for (int64_t i = number * w->per_task; i < extent_least((number + 1) * w->per_task, w->n_tiles); i++) {
        int64_t index[RK_MAX_RANK + 2], rest = i / w->tiles[1] / w->tiles[0], at[2] = { 0, 0 };
        index[last] = i % w->tiles[1] * w->columns;
        index[last - 1] = i / w->tiles[1] % w->tiles[0] * w->rows;
        for (int a = last - 2; a >= 0; a--) {
            index[a] = rest % w->size[a];
            rest /= w->size[a];
        }
        for (int side = 0; side < 2; side++)
            for (int a = 0; a <= last; a++) at[side] += index[a] * w->stride[side][a];
        const struct tile t = {
            w->to + at[TO] * w->to_bytes, w->from + at[FROM] * w->from_bytes,
            extent_least(w->rows, w->size[last - 1] - index[last - 1]), extent_least(w->columns, w->size[last] - index[last]),
            { w->stride[TO][last - 1], w->stride[FROM][last - 1] }, { w->stride[TO][last], w->stride[FROM][last] },
        };
        move_tile(w, &t);
    }
}

/* Loops from `loops`, at least two, with the one along which the source is dense last but one. */
static void take_loops(struct work *w, const struct loops *loops)
{
    int missing = loops->rank < 2 ? 2 - loops->rank : 0, chosen = -1;
    w->rank = loops->rank + missing;
    for (int a = 0; a < w->rank; a++) {
        w->size[a] = a < missing ? 1 : loops->size[a - missing];
        for (int side = 0; side < 2; side++) w->stride[side][a] = a < missing ? 0 : loops->stride[side][a - missing];
    }
    if (loops->rank == 0) w->stride[TO][1] = w->stride[FROM][1] = 1;
    for (int a = 0; a < w->rank - 2 && w->stride[FROM][w->rank - 1] != 1; a++)
        if (w->stride[FROM][a] == 1) chosen = a;
    if (chosen < 0 || w->stride[FROM][w->rank - 2] == 1) return;
    int64_t *all[] = { w->size, w->stride[TO], w->stride[FROM] };
    for (int i = 0; i < 3; i++) {
        int64_t moved = all[i][chosen];
        memmove(all[i] + chosen, all[i] + chosen + 1, (size_t)(w->rank - 2 - chosen) * sizeof moved);
        all[i][w->rank - 2] = moved;
    }
}

void copy_move(rk_ctx *ctx, const struct move *m, const struct copy_kernels *k)
{
    const struct layout *const both[] = { &m->to_layout, &m->from_layout };
    struct work w = { .k = k, .to_dtype = m->to_dtype, .from_dtype = m->from_dtype };
    struct loops loops;
    w.to_bytes = (int64_t)rk_dtype_bytes(m->to_dtype);
    w.from_bytes = (int64_t)rk_dtype_bytes(m->from_dtype);
    w.to = (char *)m->to + m->to_layout.offset * w.to_bytes;
    w.from = (const char *)m->from + m->from_layout.offset * w.from_bytes;
    loops_over(&loops, &m->to_layout, both, 2);
    take_loops(&w, &loops);
    if (layout_elements(&m->to_layout) == 0) return;
    int64_t n = w.size[w.rank - 1], rows = w.size[w.rank - 2];
    bool square = w.stride[TO][w.rank - 1] == 1 && w.stride[FROM][w.rank - 1] != 1 && w.stride[FROM][w.rank - 2] == 1;
    w.columns = extent_least(n, square ? SQUARE : TILE_ELEMENTS);
    w.rows = extent_least(rows, square ? SQUARE : TILE_ELEMENTS / w.columns);
    w.tiles[0] = extent_parts(rows, w.rows);
    w.tiles[1] = extent_parts(n, w.columns);
    w.n_tiles = w.tiles[0] * w.tiles[1];
    for (int a = 0; a < w.rank - 2; a++) w.n_tiles *= w.size[a];
    w.per_task = extent_parts(TASK_ELEMENTS, w.rows * w.columns);
    par_for(ctx, extent_parts(w.n_tiles, w.per_task), task, &w);
}

/* --- the kernels --- */

/* A state updated with another view of itself would change while it is read: the reference takes that. */
static bool apart(const struct problem *p, int in)
{
    rk_ref to, from;
    (void)layout_of(p->g, p->out[0].ref, &to);
    (void)layout_of(p->g, p->in[in].ref, &from);
    return to != from || layout_same(&p->in[in].at, &p->out[0].at);
}

static rk_status prepare_nothing(struct prepared *out)
{
    memset(out, 0, sizeof *out);
    return RK_OK;
}

bool copy_accepts(const struct problem *p)
{
    return p->n_in == 1 && p->n_out == 1 && !p->accumulate && p->in[0].dtype == p->out[0].dtype && apart(p, 0);
}

bool cast_accepts(const struct problem *p) { return p->n_in == 1 && p->n_out == 1 && !p->accumulate && apart(p, 0); }
bool place_accepts(const struct problem *p) { return copy_accepts(p); }

bool append_accepts(const struct problem *p)
{
    bool places = p->n_in == 3 && p->in[2].dtype == RK_i32;
    return (p->n_in == 2 || places) && p->n_out == 1 && p->in[1].dtype == p->out[0].dtype && apart(p, 1);
}

rk_status copy_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)   { (void)ctx, (void)p; return prepare_nothing(out); }
rk_status cast_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)   { (void)ctx, (void)p; return prepare_nothing(out); }
rk_status place_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)  { (void)ctx, (void)p; return prepare_nothing(out); }
rk_status append_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { (void)ctx, (void)p; return prepare_nothing(out); }

static struct move move_of(const struct call *c, int in)
{
    const struct operand *x = &c->problem->in[in], *y = &c->problem->out[0];
    return (struct move){ c->out[0], c->in[in], y->dtype, x->dtype, y->at, x->at };
}

rk_status copy_run(rk_ctx *ctx, const struct call *c, const struct copy_kernels *k)
{
    struct move m = move_of(c, 0);
    copy_move(ctx, &m, k);
    return RK_OK;
}

/* The stretch of `length` indices of axis from `start` on. */
static struct layout stretch_of(struct layout l, int axis, int64_t start, int64_t length)
{
    l.offset += start * l.stride[axis];
    l.size[axis] = length;
    return l;
}

rk_status place_run(rk_ctx *ctx, const struct call *c, const struct copy_kernels *k)
{
    static const uint64_t zero = 0;
    const struct attributes *at = &c->problem->node->at;
    const struct move m = move_of(c, 0);
    struct move hole = m, before = m, after = m;
    int axis = layout_axis(&m.to_layout, (rk_dim)at->i[0]), part = layout_axis(&m.from_layout, (rk_dim)at->i[1]);
    int64_t start = at->i[2], length = part < 0 ? 1 : m.from_layout.size[part], end = start + length;
    hole.to_layout = stretch_of(m.to_layout, axis, start, length);
    if (part >= 0) hole.to_layout.dim[axis] = (rk_dim)at->i[1];
    copy_move(ctx, &hole, k);
    before.from = after.from = &zero;
    before.from_layout = after.from_layout = (struct layout){ .rank = 0 };
    before.to_layout = stretch_of(m.to_layout, axis, 0, extent_least(start, m.to_layout.size[axis]));
    after.to_layout = stretch_of(m.to_layout, axis, end, m.to_layout.size[axis] > end ? m.to_layout.size[axis] - end : 0);
    copy_move(ctx, &before, k);
    copy_move(ctx, &after, k);
    return RK_OK;
}

/* One piece of what is new, from its place on. */
static rk_status append_piece(rk_ctx *ctx, const struct call *c, const struct copy_kernels *k, struct move m, int64_t from)
{
    rk_dim dim = (rk_dim)c->problem->node->at.i[0];
    int axis = layout_axis(&m.to_layout, dim);
    int64_t n = m.from_layout.size[axis], room = dim_size(c->problem->g, dim);
    if (from < 0 || n > room - from)
        return FAIL(RK_E_LIMIT, "append at %lld of %s: %lld more do not fit into %lld", (long long)from, dim_name(c->problem->g, dim), (long long)n, (long long)room);
    for (int i = 0; i < m.to_layout.rank; i++) m.to_layout.dim[i] = m.from_layout.dim[i];
    memcpy(m.to_layout.size, m.from_layout.size, sizeof m.to_layout.size);
    m.to_layout.offset += from * m.to_layout.stride[axis];
    copy_move(ctx, &m, k);
    return RK_OK;
}

/* Rows that grow at one place, as the beams of equal prompts do, are one piece. */
rk_status append_run(rk_ctx *ctx, const struct call *c, const struct copy_kernels *k)
{
    const struct problem *p = c->problem;
    const struct move m = move_of(c, 1);
    if (p->n_in == 2) return append_piece(ctx, c, k, m, c->live->extent[p->node->at.i[1]]);
    const struct layout *places = &p->in[2].at;
    const int32_t *place = (const int32_t *)c->in[2] + places->offset;
    int64_t step = places->stride[0], rows = places->size[0];
    int from_axis = layout_axis(&m.from_layout, places->dim[0]), to_axis = layout_axis(&m.to_layout, places->dim[0]);
    for (int64_t i = 0, n; i < rows; i += n) {
        struct move some = m;
        for (n = 1; i + n < rows && place[(i + n) * step] == place[i * step];) n++;
        some.from_layout = stretch_of(m.from_layout, from_axis, i, n);
        some.to_layout = stretch_of(m.to_layout, to_axis, i, n);
        TRY(append_piece(ctx, c, k, some, place[i * step]));
    }
    return RK_OK;
}
