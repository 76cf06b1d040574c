/* rope.h: what an instruction set brings to rotary embedding: one head at one position. */
#ifndef CPU_ROPE_H
#define CPU_ROPE_H
#include "core/problem.h"

/* y = x turned: n numbers, the first `rotary` of them in pairs; cos and sin as the style wants them (rope.c). y may be x. */
typedef void rope_row_fn(float *y, const float *x, const float *cos, const float *sin, int64_t rotary, int64_t n);
struct rope_kernels { rope_row_fn *halves, *interleaved; };

rk_status rope_run(rk_ctx *ctx, const struct call *c, const struct rope_kernels *k);

#endif
