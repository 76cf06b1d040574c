/* softmax.h: what an instruction set brings to softmax: one row at a time, its n elements side by side. */
#ifndef CPU_SOFTMAX_H
#define CPU_SOFTMAX_H
#include "core/problem.h"

/* y = exp(x - max x) / its sum; y may be x. */
typedef void softmax_row_fn(float *y, const float *x, int64_t n);
/* dx = y (dy - y . dy); dx may be dy or y. */
typedef void softmax_adjoint_row_fn(float *dx, const float *y, const float *dy, int64_t n);
/* log Σ exp x; NaN where a number is none, or nothing is finite. */
typedef float softmax_log_sum_fn(const float *x, int64_t n);
struct softmax_kernels { softmax_row_fn *row; softmax_adjoint_row_fn *adjoint; softmax_log_sum_fn *log_sum; };

rk_status softmax_run(rk_ctx *ctx, const struct call *c, const struct softmax_kernels *k);
rk_status softmax_adjoint_run(rk_ctx *ctx, const struct call *c, const struct softmax_kernels *k);
rk_status log_sum_exp_run(rk_ctx *ctx, const struct call *c, const struct softmax_kernels *k);

#endif
