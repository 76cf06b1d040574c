/* einsum_any.c: any contraction, of any dtypes and layouts, by definition: every element of the result is a sum of products, added in
 * double in a fixed order. Where there are few results (the square of a norm), each is added up in parts. */
#include "backend/cuda/einsum_any.h"
#include "backend/cuda/kernels.h"
#include <string.h>

static void add_gone(struct layout *gone, const struct layout *y, const struct layout *x)
{
    for (int i = 0; i < x->rank; i++) {
        if (layout_axis(y, x->dim[i]) >= 0 || layout_axis(gone, x->dim[i]) >= 0) continue;
        gone->dim[gone->rank] = x->dim[i];
        gone->size[gone->rank++] = x->size[i];
    }
}

static struct fold_args fold_of(const struct problem *p)
{
    const struct layout *y = &p->out[0].at, *const all[] = { y, &p->in[0].at, &p->in[1].at };
    struct fold_args a = { .x_dtype = p->in[0].dtype, .w_dtype = p->in[1].dtype, .y_dtype = p->out[0].dtype, .accumulate = p->accumulate, .wide = 1 };
    struct layout gone = { 0 };
    add_gone(&gone, y, all[1]);                             /* a name that the result lacks is in both operands */
    add_gone(&gone, y, all[2]);
    cuda_walk_over(&a.kept, y, all, 3);
    cuda_walk_over(&a.gone, &gone, all + 1, 2);
    fold_plan(&a, true);
    return a;
}

bool cuda_einsum_any_accepts(const struct problem *p) { return p->n_in == 2 && p->n_out == 1; }

rk_status cuda_einsum_any_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    const struct fold_args a = fold_of(p);
    (void)ctx;
    memset(out, 0, sizeof *out);
    out->scratch = fold_scratch(&a);
    out->product_flops = 2 * (uint64_t)(a.kept.count * a.gone.count);
    return RK_OK;
}

rk_status cuda_einsum_any_run(rk_ctx *ctx, const struct call *c)
{
    const struct problem *p = c->problem;
    struct fold_args a = fold_of(p);
    a.x = cuda_in(c, 0);
    a.w = cuda_in(c, 1);
    a.y = cuda_out(c, 0);
    a.partial = c->scratch;
    if (c->issued != NULL) *c->issued += c->prepared->product_flops;
    if (a.kept.count == 0) return RK_OK;
    a.wide = fold_wide(&a, true);
    einsum_any_launch(&a, cuda_of(p)->stream);
    return LAUNCHED("einsum");
}
