/* reduce.c: sums and maxima over any dimensions. Price: one FLOP per element read. */
#include "backend/cuda/reduce.h"
#include "backend/cuda/kernels.h"
#include <string.h>

static struct fold_args fold_of(const struct problem *p)
{
    const struct layout *x = &p->in[0].at, *y = &p->out[0].at, *const both[] = { y, x };
    struct fold_args a = { .x_dtype = p->in[0].dtype, .y_dtype = p->out[0].dtype, .max = p->node->at.i[0] != 0, .accumulate = p->accumulate, .wide = 1 };
    struct layout gone = { 0 };
    for (int i = 0; i < x->rank; i++) {
        if (layout_axis(y, x->dim[i]) >= 0) continue;
        gone.dim[gone.rank] = x->dim[i];
        gone.size[gone.rank++] = x->size[i];
    }
    cuda_walk_over(&a.kept, y, both, 2);
    cuda_walk_over(&a.gone, &gone, both + 1, 1);
    fold_plan(&a, false);
    return a;
}

bool cuda_reduce_accepts(const struct problem *p) { return p->n_in == 1 && p->n_out == 1; }

rk_status cuda_reduce_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    const struct fold_args a = fold_of(p);
    (void)ctx;
    memset(out, 0, sizeof *out);
    out->scratch = fold_scratch(&a);
    out->elementwise_flops = (uint64_t)layout_elements(&p->in[0].at);
    return RK_OK;
}

rk_status cuda_reduce_run(rk_ctx *ctx, const struct call *c)
{
    const struct problem *p = c->problem;
    struct fold_args a = fold_of(p);
    a.x = cuda_in(c, 0);
    a.y = cuda_out(c, 0);
    a.partial = c->scratch;
    if (a.kept.count == 0) return RK_OK;
    a.wide = fold_wide(&a, false);
    reduce_launch(&a, cuda_of(p)->stream);
    return LAUNCHED("reduce");
}
