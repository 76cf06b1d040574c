/* stored.c: a contraction with a matrix that is stored in fewer bits than is computed in, which is widened where it is read (thin.h). */
#include "backend/cpu/einsum.h"
#include "backend/cuda/kernels.h"
#include "backend/cuda/thin.h"
#include <string.h>

/* The result is taken with X's names as rows. Batches and further sums are left to others: no model has them beside stored weights. */
static bool args_of(const struct problem *p, struct thin_args *a)
{
    struct contraction c;
    memset(a, 0, sizeof *a);
    if ((p->n_in != 2 && p->n_in != 3) || p->accumulate || !contraction_of(p, &c)) return false;
    const struct gemm_problem *g = &c.product;
    if (c.n_extra > 0 || g->batch[0] != 1 || g->batch[1] != 1) return false;
    *a = (struct thin_args){ .m = g->m, .n = g->n, .k = g->k, .x_m = g->a_m, .x_k = g->a_k, .w_k = g->b_k, .w_n = g->b_n, .y_m = g->c_m, .y_n = g->c_n,
                             .x_dtype = p->in[0].dtype, .w_dtype = p->in[1].dtype, .y_dtype = p->out[0].dtype };
    return true;
}

/* Scales lie over the matrix's other names as it does, and along its last dimension by blocks. */
static bool add_scales(const struct problem *p, struct thin_args *a)
{
    if (p->n_in < 3) return a->w_dtype != RK_i8;
    const struct layout *q = &p->in[1].at, *s = &p->in[2].at;
    int64_t blocks = s->size[s->rank - 1];
    if (a->w_dtype != RK_i8 || p->in[2].dtype != RK_f32 || a->w_k != 1 || !layout_is_dense(q) || !layout_is_dense(s) || q->size[q->rank - 1] != a->k || blocks == 0) return false;
    a->block = a->k / blocks;
    a->scale_k = 1;
    a->scale_n = blocks;
    return true;
}

bool cuda_stored_accepts(const struct problem *p)
{
    struct thin_args a;
    return args_of(p, &a) && p->in[0].dtype == RK_f32 && p->out[0].dtype == RK_f32 && add_scales(p, &a) && thin_takes(&a);
}

rk_status cuda_stored_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    struct thin_args a;
    (void)ctx;
    memset(out, 0, sizeof *out);
    if (args_of(p, &a)) out->product_flops = 2 * (uint64_t)a.m * (uint64_t)a.n * (uint64_t)a.k;
    return RK_OK;
}

rk_status cuda_stored_run(rk_ctx *ctx, const struct call *c)
{
    const struct problem *p = c->problem;
    struct thin_args a;
    if (layout_elements(&p->out[0].at) == 0) return RK_OK;
    PROMISE(args_of(p, &a) && add_scales(p, &a));
    a.x = cuda_in(c, 0);
    a.w = cuda_in(c, 1);
    a.scale = p->n_in > 2 ? cuda_in(c, 2) : NULL;
    a.y = cuda_out(c, 0);
    thin_launch(&a, cuda_of(p)->stream);
    if (c->issued != NULL) *c->issued += c->prepared->product_flops;
    return LAUNCHED("a product of few rows");
}
