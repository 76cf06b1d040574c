/* norm.h: what an instruction set brings to layer norm and RMS norm: one row at a time, its n elements side by side. */
#ifndef CPU_NORM_H
#define CPU_NORM_H
#include "core/problem.h"

/* What is NULL is not there: a weight is then 1, a bias 0, a gradient not wanted. */
struct norm_row {
    int64_t n;
    bool    centred;                                    /* layer norm: the mean is taken off */
    double  over, eps;                                  /* what sums are divided by; what is added under the root */
    const float *x, *weight, *bias, *dy;
    float   *y, *dx;                                    /* y may be x; dx may be x or dy */
    float   *dweight, *dbias;                           /* added to */
};
typedef void norm_row_fn(const struct norm_row *r);
struct norm_kernels { norm_row_fn *forward, *adjoint; };

rk_status norm_run(rk_ctx *ctx, const struct call *c, const struct norm_kernels *k);
rk_status norm_adjoint_run(rk_ctx *ctx, const struct call *c, const struct norm_kernels *k);

#endif
