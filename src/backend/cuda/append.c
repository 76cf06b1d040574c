/* append.c: what is new, written into a state from the current extent of a live dimension on, or each row from its own place on.
 *
 * Places are known to the device alone: what does not fit there goes nowhere. A value that is a view of the state itself goes through
 * the workspace. */
#include "backend/cuda/append.h"
#include "backend/cuda/kernels.h"
#include <string.h>

enum { VALUE = 1, PLACES = 2, LARGEST_UNIT = 16 };

bool cuda_append_accepts(const struct problem *p)
{
    bool places = p->n_in == 3 && p->in[PLACES].dtype > RK_f8e5m2;
    return (p->n_in == 2 || places) && p->n_out == 1 && p->in[VALUE].dtype == p->out[0].dtype;
}

static bool overlaps(const struct problem *p)
{
    rk_ref to, from;
    (void)layout_of(p->g, p->in[0].ref, &to);               /* the result lies where the state does */
    (void)layout_of(p->g, p->in[VALUE].ref, &from);
    return to == from;
}

rk_status cuda_append_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    (void)ctx;
    memset(out, 0, sizeof *out);
    if (overlaps(p)) out->scratch = (size_t)layout_elements(&p->in[VALUE].at) * rk_dtype_bytes(p->in[VALUE].dtype);
    return RK_OK;
}

/* The state, looked at with the dims and sizes of the value, which has the same axes in the same order. */
static void see_as_value(struct cuda_move *m)
{
    memcpy(m->to_layout.dim, m->from_layout.dim, sizeof m->to_layout.dim);
    memcpy(m->to_layout.size, m->from_layout.size, sizeof m->to_layout.size);
}

static rk_status append_at_extent(rk_ctx *ctx, const struct call *c, struct cuda_move m, int axis)
{
    const struct problem *p = c->problem;
    rk_dim dim = (rk_dim)p->node->at.i[0];
    int64_t from = c->live->extent[p->node->at.i[1]], n = m.from_layout.size[axis], room = dim_size(p->g, dim);
    if (from < 0 || n > room - from)
        return FAIL(RK_E_LIMIT, "append at %lld of %s: %lld more do not fit into %lld", (long long)from, dim_name(p->g, dim), (long long)n, (long long)room);
    see_as_value(&m);
    m.to_layout.offset += from * m.to_layout.stride[axis];
    return cuda_move(ctx, cuda_of(p)->stream, &m);
}

static rk_status append_at_places(rk_ctx *ctx, const struct call *c, struct cuda_move m, int axis)
{
    const struct problem *p = c->problem;
    int element = (int)rk_dtype_bytes(m.to_dtype);
    struct append_args a = { .places = cuda_in(c, PLACES), .dtype = p->in[PLACES].dtype, .step = m.to_layout.stride[axis] };
    a.most = dim_size(p->g, (rk_dim)p->node->at.i[0]) - m.from_layout.size[axis];
    see_as_value(&m);
    const struct layout *const all[] = { &m.to_layout, &m.from_layout, &p->in[PLACES].at };
    a.copy.element = element;
    a.copy.to = (char *)m.to + m.to_layout.offset * element;
    a.copy.from = (const char *)m.from + m.from_layout.offset * element;
    if (layout_elements(&m.from_layout) == 0) return RK_OK;
    cuda_walk_over(&a.copy.walk, &m.to_layout, all, 3);
    for (a.copy.unit = LARGEST_UNIT; a.copy.unit > element; a.copy.unit /= 2) {
        bool whole = cuda_is_at(a.copy.to, (size_t)a.copy.unit) && cuda_is_at(a.copy.from, (size_t)a.copy.unit) && a.step * element % a.copy.unit == 0;
        if (whole && cuda_walk_in_units(&a.copy.walk, 1u << COPY_TO | 1u << COPY_FROM, a.copy.unit / element)) break;
    }
    append_launch(&a, cuda_of(p)->stream);
    return LAUNCHED("append");
}

/* The value, one element behind the other, in the workspace. */
static rk_status set_aside(rk_ctx *ctx, const struct call *c, struct cuda_move *m)
{
    struct cuda_move aside = *m;
    int64_t stride = 1;
    aside.to = c->scratch;
    aside.to_layout = m->from_layout;
    aside.to_layout.offset = 0;
    for (int i = aside.to_layout.rank - 1; i >= 0; i--) {
        aside.to_layout.stride[i] = stride;
        stride *= aside.to_layout.size[i];
    }
    TRY(cuda_move(ctx, cuda_of(c->problem)->stream, &aside));
    m->from = c->scratch;
    m->from_layout = aside.to_layout;
    return RK_OK;
}

rk_status cuda_append_run(rk_ctx *ctx, const struct call *c)
{
    const struct problem *p = c->problem;
    struct cuda_move m = cuda_move_of(c, VALUE);
    int axis = layout_axis(&m.to_layout, (rk_dim)p->node->at.i[0]);
    if (overlaps(p)) TRY(set_aside(ctx, c, &m));
    return p->n_in == 2 ? append_at_extent(ctx, c, m, axis) : append_at_places(ctx, c, m, axis);
}
