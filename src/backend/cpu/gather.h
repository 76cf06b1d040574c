/* gather.h: what an instruction set brings to scatter: a row added to a row. (Gathering is copying.) */
#ifndef CPU_GATHER_H
#define CPU_GATHER_H
#include "core/problem.h"

typedef void gather_add_fn(float *to, const float *x, int64_t n);               /* to += x */

rk_status gather_run(rk_ctx *ctx, const struct call *c);
rk_status scatter_run(rk_ctx *ctx, const struct call *c, gather_add_fn *add);

#endif
