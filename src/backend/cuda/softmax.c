/* softmax.c: softmax along a dimension whose elements are neighbours, and its gradient from its result: dx = y (dy - Σ y dy). */
#include "backend/cuda/softmax.h"
#include "backend/cuda/kernels.h"
#include <string.h>

static rk_dim dim_of(const struct problem *p) { return (rk_dim)problem_operation(p)->at.i[0]; }

static bool rows_of(const struct problem *p, const int *in, int n, struct cuda_outer *rows)
{
    const struct layout *layouts[3] = { &p->out[0].at };
    for (int i = 0; i < n; i++) layouts[1 + i] = &p->in[in[i]].at;
    return cuda_outer_over(rows, dim_of(p), layouts, 1 + n);
}

static const int forward_reads[] = { 0 }, backward_reads[] = { 1, 2 };

bool cuda_softmax_accepts(const struct problem *p)
{
    struct cuda_outer rows;
    return p->n_in == 1 && p->n_out == 1 && !p->accumulate && cuda_computes(p->in[0].dtype) && p->in[0].dtype == p->out[0].dtype && rows_of(p, forward_reads, 1, &rows);
}

bool cuda_softmax_adjoint_accepts(const struct problem *p)
{
    struct cuda_outer rows;
    rk_dtype dtype = p->out[0].dtype;
    return p->n_in == 3 && p->n_out == 1 && p->out_role[0] == 1 && !p->accumulate && cuda_computes(dtype) && p->in[1].dtype == dtype && p->in[2].dtype == dtype &&
           rows_of(p, backward_reads, 2, &rows);
}

static bool all_aligned(const struct softmax_args *a)
{
    bool aligned = (uintptr_t)a->to % 16 == 0 && (uintptr_t)a->x % 16 == 0 && (uintptr_t)a->dy % 16 == 0;
    for (int k = 0; k < CUDA_OUTER_OPERANDS; k++) aligned = aligned && cuda_outer_aligned(&a->rows, k, 16 / (int64_t)rk_dtype_bytes(a->dtype));
    return aligned;
}

static rk_status prepare(const struct problem *p, uint64_t flops, struct prepared *out)
{
    memset(out, 0, sizeof *out);
    out->elementwise_flops = flops * (uint64_t)layout_elements(&p->out[0].at);
    return RK_OK;
}

rk_status cuda_softmax_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return (void)ctx, prepare(p, 5, out); }
rk_status cuda_softmax_adjoint_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return (void)ctx, prepare(p, 4, out); }

rk_status cuda_softmax_run(rk_ctx *ctx, const struct call *c)
{
    const struct problem *p = c->problem;
    struct softmax_args a = { .dtype = p->out[0].dtype, .to = cuda_out(c, 0), .x = cuda_in(c, 0) };
    PROMISE(rows_of(p, forward_reads, 1, &a.rows));
    if (layout_elements(&p->out[0].at) == 0) return RK_OK;
    a.aligned = all_aligned(&a);
    softmax_launch(&a, cuda_of(p)->stream);
    return LAUNCHED("softmax");
}

rk_status cuda_softmax_adjoint_run(rk_ctx *ctx, const struct call *c)
{
    const struct problem *p = c->problem;
    struct softmax_args a = { .dtype = p->out[0].dtype, .to = cuda_out(c, 0), .x = cuda_in(c, 1), .dy = cuda_in(c, 2) };
    PROMISE(rows_of(p, backward_reads, 2, &a.rows));
    if (layout_elements(&p->out[0].at) == 0) return RK_OK;
    a.aligned = all_aligned(&a);
    softmax_adjoint_launch(&a, cuda_of(p)->stream);
    return LAUNCHED("the gradient of softmax");
}
