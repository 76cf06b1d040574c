/* copy.c: elements moved from one layout to another, and the kernels that are nothing else: copies of views and updates, and casts.
 *
 * A state updated by another view of itself would change while it is read: it goes through the workspace. */
#include "backend/cuda/copy.h"
#include "backend/cuda/kernels.h"
#include <string.h>

enum { LARGEST_UNIT = 16, LEAST_TILE = 8 };

static const void *at_element(const void *address, const struct layout *l, rk_dtype dtype)
{
    return address == NULL ? NULL : (const char *)address + l->offset * (int64_t)rk_dtype_bytes(dtype);
}

/* The loop along which the source's elements are neighbours, where that is not the innermost one; -1: none, or too short. */
static int tile_loop(const struct cuda_walk *w)
{
    int last = w->rank - 1, found = -1;
    if (w->rank < 2 || w->stride[COPY_TO][last] != 1 || w->stride[COPY_FROM][last] <= 1 || w->size[last] < LEAST_TILE) return -1;
    for (int a = 0; a < last; a++)
        if (w->stride[COPY_FROM][a] == 1 && w->size[a] >= LEAST_TILE) found = a;
    return found;
}

static bool move_in_tiles(const struct cuda_walk *w, const struct copy_args *plain, cudaStream_t stream)
{
    int along = tile_loop(w), last = w->rank - 1;
    if (along < 0 || plain->from == NULL) return false;
    struct tile_args a = { .element = plain->element, .rows = w->size[along], .columns = w->size[last], .to_row = w->stride[COPY_TO][along],
                           .from_column = w->stride[COPY_FROM][last], .to = plain->to, .from = plain->from, .rest = { .count = 1 } };
    a.tiles[0] = cuda_parts(a.rows, COPY_TILE);
    a.tiles[1] = cuda_parts(a.columns, COPY_TILE);
    for (int k = 0; k < last; k++) {
        if (k == along) continue;
        int to = a.rest.rank++;
        a.rest.count *= a.rest.size[to] = w->size[k];
        for (int side = 0; side < 2; side++) a.rest.stride[side][to] = w->stride[side][k];
    }
    tile_launch(&a, stream);
    return true;
}

static void move_same(const struct cuda_walk *w, const struct cuda_move *m, void *to, const void *from, cudaStream_t stream)
{
    int element = (int)rk_dtype_bytes(m->to_dtype);
    struct copy_args a = { .walk = *w, .element = element, .to = to, .from = from };
    unsigned moved = from == NULL ? 1u << COPY_TO : 1u << COPY_TO | 1u << COPY_FROM;
    if (move_in_tiles(w, &a, stream)) return;
    for (a.unit = LARGEST_UNIT; a.unit > element; a.unit /= 2) {
        bool whole = cuda_is_at(to, (size_t)a.unit) && cuda_is_at(from, (size_t)a.unit);
        if (whole && cuda_walk_in_units(&a.walk, moved, a.unit / element)) break;
    }
    copy_launch(&a, stream);
}

static bool is_small_float(rk_dtype d) { return d > RK_f64 && d <= RK_f8e5m2; }

static void move_cast(const struct cuda_walk *w, const struct cuda_move *m, void *to, const void *from, cudaStream_t stream)
{
    struct cast_args a = { .walk = *w, .each = 1, .to_dtype = m->to_dtype, .from_dtype = m->from_dtype, .to = to, .from = from };
    bool whole = is_small_float(m->to_dtype) && is_small_float(m->from_dtype) && cuda_is_at(to, 16) && cuda_is_at(from, 16);
    if (whole && cuda_walk_in_units(&a.walk, 1u << COPY_TO | 1u << COPY_FROM, CAST_EACH)) a.each = CAST_EACH;
    cast_launch(&a, stream);
}

rk_status cuda_move(rk_ctx *ctx, cudaStream_t stream, const struct cuda_move *m)
{
    const struct layout *const both[] = { &m->to_layout, &m->from_layout };
    void *to = (char *)m->to + m->to_layout.offset * (int64_t)rk_dtype_bytes(m->to_dtype);
    const void *from = at_element(m->from, &m->from_layout, m->from_dtype);
    struct cuda_walk walk;
    if (layout_elements(&m->to_layout) == 0) return RK_OK;
    cuda_walk_over(&walk, &m->to_layout, both, m->from == NULL ? 1 : 2);
    if (m->from != NULL && m->to_dtype != m->from_dtype) move_cast(&walk, m, to, from, stream);
    else move_same(&walk, m, to, from, stream);
    return LAUNCHED("a copy");
}

struct cuda_move cuda_move_of(const struct call *c, int in)
{
    const struct operand *x = &c->problem->in[in], *y = &c->problem->out[0];
    return (struct cuda_move){ c->out[0], c->in[in], y->dtype, x->dtype, y->at, x->at };
}

/* --- copy and cast --- */

static bool overlaps(const struct problem *p)
{
    rk_ref to, from;
    (void)layout_of(p->g, p->out[0].ref, &to);
    (void)layout_of(p->g, p->in[0].ref, &from);
    return to == from && !(layout_same(&p->in[0].at, &p->out[0].at) && p->in[0].dtype == p->out[0].dtype);
}

static rk_status prepare(const struct problem *p, struct prepared *out)
{
    memset(out, 0, sizeof *out);
    if (overlaps(p)) out->scratch = (size_t)layout_elements(&p->out[0].at) * rk_dtype_bytes(p->out[0].dtype);
    return RK_OK;
}

/* The result's dims, one behind the other. */
static struct layout dense(const struct layout *l)
{
    struct layout out = *l;
    int64_t stride = 1;
    out.offset = 0;
    for (int i = l->rank - 1; i >= 0; i--) {
        out.stride[i] = stride;
        stride *= l->size[i];
    }
    return out;
}

static rk_status run(rk_ctx *ctx, const struct call *c)
{
    cudaStream_t stream = cuda_of(c->problem)->stream;
    struct cuda_move all = cuda_move_of(c, 0), first = all, then = all;
    if (!overlaps(c->problem)) return cuda_move(ctx, stream, &all);
    first.to = c->scratch;
    then.from = c->scratch;
    then.from_dtype = first.to_dtype;
    first.to_layout = then.from_layout = dense(&all.to_layout);
    TRY(cuda_move(ctx, stream, &first));
    return cuda_move(ctx, stream, &then);
}

bool cuda_copy_accepts(const struct problem *p) { return p->n_in == 1 && p->n_out == 1 && !p->accumulate && p->in[0].dtype == p->out[0].dtype; }
bool cuda_cast_accepts(const struct problem *p) { return p->n_in == 1 && p->n_out == 1 && !p->accumulate; }
rk_status cuda_copy_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return (void)ctx, prepare(p, out); }
rk_status cuda_cast_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return (void)ctx, prepare(p, out); }
rk_status cuda_copy_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c); }
rk_status cuda_cast_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c); }
