/* reference.c: one operation by its own reference: operands become doubles, the reference runs, the result is rounded.
 *
 * An operand that is kept as doubles is used where it lies; any other is loaded, with its gaps, into the workspace. A result
 * is computed in the workspace where it must be rounded, is added to what is there, or lies in the memory of an operand. */
#include "backend/ref/ref.h"
#include "base/num.h"
#include "core/bill.h"
#include "core/opdef.h"
#include <string.h>

enum { ALIGNED = 64 };

struct own { bool apart; };                                     /* what prepare keeps: the result is computed in the workspace */

static bool is_double(rk_dtype dtype, bool doubles) { return doubles || dtype == RK_f64; }

int64_t reference_span(const struct layout *l)
{
    int64_t span = 1;
    for (int i = 0; i < l->rank; i++) {
        if (l->size[i] == 0) return 0;
        span += (l->size[i] - 1) * l->stride[i];
    }
    return span;
}

static size_t room(const struct layout *l) { return ((size_t)reference_span(l) * sizeof(double) + ALIGNED - 1) & ~(size_t)(ALIGNED - 1); }

bool reference_accepts(const struct problem *p)
{
    return p->op->ref != NULL && p->program == NULL && p->n_out == 1 && p->n_in <= MOST_OPERANDS;
}

/* An operand in the memory of the result (an update by a view of the same state) would change while it is read. */
static bool overlaps(const struct problem *p)
{
    if ((p->op->flags & OP_SINK) != 0) return false;
    rk_ref to, from;
    (void)layout_of(p->g, p->out[0].ref, &to);
    for (int i = 0; i < p->n_in; i++) {
        (void)layout_of(p->g, p->in[i].ref, &from);
        if (from == to) return true;
    }
    return false;
}

/* What it will issue is what the bill says at the sizes of the problem. */
static rk_status price(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    struct arena arena = { 0 };
    struct polys polys = { .ctx = ctx, .arena = &arena };
    struct bill_line line = { .polys = &polys, .products = poly_zero(), .elementwise = poly_zero(), .read = poly_zero(), .written = poly_zero(), .moved = poly_zero() };
    int64_t *extent;
    rk_status status;
    if (p->op->bill == NULL || p->op != p->node->op) return RK_OK;      /* a copy that a plan inserted moves, and computes nothing */
    TRY(NEW(extent, p->g->dims.n));
    for (rk_dim d = 1; d < p->g->dims.n; d++) extent[d] = dim_size(p->g, d);
    for (int i = 0; i < p->n_in + p->n_out; i++) {
        const struct layout *l = i < p->n_in ? &p->in[i].at : &p->out[i - p->n_in].at;
        for (int k = 0; k < l->rank; k++) extent[l->dim[k]] = l->size[k];
    }
    GO(p->op->bill(ctx, p->g, p->first, &line));
    GO(poly_value(ctx, p->g, line.products, extent, &out->product_flops));
    GO(poly_value(ctx, p->g, line.elementwise, extent, &out->elementwise_flops));
out:
    arena_clear(ctx, &arena);
    FREE(extent, p->g->dims.n);
    return status;
}

rk_status reference_prepare(rk_ctx *ctx, const struct problem *p, bool doubles, struct prepared *out)
{
    struct own own = { p->accumulate || !is_double(p->out[0].dtype, doubles) || overlaps(p) };
    memset(out, 0, sizeof *out);
    for (int i = 0; i < p->n_in; i++)
        if (!is_double(p->in[i].dtype, doubles)) out->scratch += room(&p->in[i].at);
    if (own.apart) out->scratch += room(&p->out[0].at);
    out->tasks = 1;
    memcpy(out->own, &own, sizeof own);
    return price(ctx, p, out);
}

/* The elements of l, a row (the last dimension) at a time: calls move(arg, first element, stride, how many). */
static void for_rows(const struct layout *l, void (*move)(void *arg, int64_t at, int64_t stride, int64_t n), void *arg)
{
    struct layout outer = *l;
    int64_t n = 1, stride = 1;
    if (l->rank > 0) {
        outer.rank--;
        n = l->size[outer.rank];
        stride = l->stride[outer.rank];
    }
    struct walk w;
    for (walk_along(&w, &outer); w.valid; walk_next(&w)) move(arg, w.at[0], stride, n);
}

struct result { char *to; const double *from; int64_t offset; size_t bytes; rk_dtype dtype; bool add; };

static void store_row(void *arg, int64_t at, int64_t stride, int64_t n)
{
    const struct result *r = arg;
    for (int64_t i = 0; i < n; i++) {
        char *to = r->to + (size_t)(at + i * stride) * r->bytes;
        double x = r->from[at - r->offset + i * stride], old = 0;
        if (r->add) num_load(&old, to, (int)r->dtype, 1);
        x += old;
        num_store(to, (int)r->dtype, &x, 1);
    }
}

static char *bytes_at(void *address, const struct operand *o, size_t bytes)
{
    return (char *)address + (size_t)o->at.offset * bytes;
}

void reference_run(const struct call *c, bool doubles, const struct opdef *op, struct tally *t, size_t skip)
{
    const struct problem *p = c->problem;
    const struct operand *y = &p->out[0];
    struct refcall r = { .g = p->g, .y = p->first, .n = p->node, .arity = p->n_in, .live = c->live, .tally = t };
    struct own own;
    char *scratch = skip > 0 ? (char *)c->scratch + skip : c->scratch;     /* NULL where none is needed */
    memcpy(&own, c->prepared->own, sizeof own);
    for (int i = 0; i < p->n_in; i++) {
        const struct operand *x = &p->in[i];
        bool here = is_double(x->dtype, doubles);
        char *from = bytes_at(c->in[i], x, here ? sizeof(double) : rk_dtype_bytes(x->dtype));
        r.in[i] = (struct refarray){ (double *)(void *)(here ? from : scratch), x->at };
        r.in[i].l.offset = 0;
        if (here) continue;
        num_load((double *)(void *)scratch, from, (int)x->dtype, (size_t)reference_span(&x->at));
        if (room(&x->at) > 0) scratch += room(&x->at);
    }
    size_t bytes = is_double(y->dtype, doubles) ? sizeof(double) : rk_dtype_bytes(y->dtype);
    rk_dtype dtype = is_double(y->dtype, doubles) ? RK_f64 : y->dtype;
    char *to = bytes_at(c->out[0], y, bytes);
    r.out = (struct refarray){ (double *)(void *)(own.apart ? scratch : to), y->at };
    r.out.l.offset = 0;
    bool keeps = (op->flags & OP_SINK) != 0;                    /* writes a part of what is there */
    if (own.apart && keeps) num_load(r.out.at, to, (int)dtype, (size_t)reference_span(&y->at));
    op->ref(&r);
    if (!own.apart) return;
    struct result result = { c->out[0], r.out.at, y->at.offset, bytes, dtype, p->accumulate };
    for_rows(&y->at, store_row, &result);
}
