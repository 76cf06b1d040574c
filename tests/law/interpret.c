/* interpret.c: see interpret.h. */
#include "interpret.h"
#include "backend/ref/ref.h"
#include "base/num.h"
#include <string.h>

static bool accepts(const struct problem *p) { return p->program != NULL && p->n_out > 0; }

static rk_status prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    (void)p;
    memset(out, 0, sizeof *out);
    for (int i = 1; i < p->n_out; i++) PROMISE(layout_elements(&p->out[i].at) == layout_elements(&p->out[0].at));
    return RK_OK;
}

/* The element of l at a position, by definition. */
static int64_t element(const struct walk *w, const struct layout *l)
{
    int64_t at = l->offset;
    for (int i = 0; i < w->rank; i++) {
        int axis = layout_axis(l, w->dim[i]);
        at += axis < 0 ? 0 : w->index[i] * l->stride[axis];
    }
    return at;
}

static uint64_t position(const struct instruction *i, const struct walk *w, const int64_t *extent)
{
    uint64_t at = 0;
    for (int k = 0; k < i->rank; k++) {
        at *= (uint64_t)extent[i->dim[k]];
        for (int d = 0; d < w->rank; d++)
            if (w->dim[d] == i->dim[k]) at += (uint64_t)w->index[d];
    }
    return at;
}

static double iota(const struct instruction *i, const struct walk *w, const int64_t *extent)
{
    int64_t x = (i->b != 0 ? extent[i->b] : 0) - (i->c != 0 ? extent[i->c] : 0);
    for (int d = 0; d < w->rank; d++)
        if (w->dim[d] == i->a) x += w->index[d];
    return (double)x;
}

static double rounded(double x, rk_dtype dtype)
{
    uint64_t bits;
    num_store(&bits, (int)dtype, &x, 1);
    num_load(&x, &bits, (int)dtype, 1);
    return x;
}

static double computed(const struct call *c, const struct instruction *i, const struct walk *w, const double *v)
{
    const struct operand *x;
    double loaded, args[3];
    switch (i->kind) {
    case I_CONST: return i->value;
    case I_IOTA: return iota(i, w, c->live->extent);
    case I_RAND: return rand_value(c->live->seed, c->live->step, i->site, position(i, w, c->live->extent), i->value);
    case I_MAP:
        args[0] = v[i->a], args[1] = v[i->b], args[2] = v[i->c];
        return mapfn_eval(i->fn, args);
    case I_CAST: return v[i->a];
    case I_LOAD: break;
    }
    x = &c->problem->in[i->a];
    num_load(&loaded, (const char *)c->in[i->a] + element(w, &x->at) * (int64_t)rk_dtype_bytes(x->dtype), (int)x->dtype, 1);
    return loaded;
}

static rk_status run(rk_ctx *ctx, const struct call *c)
{
    const struct problem *p = c->problem;
    struct walk w;
    (void)ctx;
    for (walk_begin(&w, &p->out[0].at); w.valid; walk_next(&w)) {
        double v[MOST_PROGRAM];
        for (int i = 0; i < p->program->n; i++) v[i] = rounded(computed(c, &p->program->at[i], &w, v), p->program->at[i].dtype);
        for (int i = 0; i < p->program->n; i++) {
            int store = p->program->at[i].store;
            if (store < 0) continue;
            const struct operand *y = &p->out[store];
            num_store((char *)c->out[store] + element(&w, &y->at) * (int64_t)rk_dtype_bytes(y->dtype), (int)y->dtype, &v[i], 1);
        }
    }
    return RK_OK;
}

const struct backend *backend_interpreter(void)
{
    static const struct kernel kernels[] = { { .op = "map", .name = "interpreted", .accepts = accepts, .prepare = prepare, .run = run }, { .op = NULL } };
    static struct backend b;
    b = *backend_truth();
    b.name = "interpreter";
    b.next = backend_truth();
    b.kernels = kernels;
    b.groups = ~0u;
    b.casts = true;
    return &b;
}
