/* reduce.h: what an instruction set brings to sums and maxima: a stretch folded into a number, rows folded into a row. */
#ifndef CPU_REDUCE_H
#define CPU_REDUCE_H
#include "core/problem.h"

enum { REDUCE_ROWS = 4 };

typedef double reduce_stretch_fn(const float *x, int64_t n);
typedef void reduce_rows_fn(float *to, const float *const *row, int64_t n);     /* to[i] takes REDUCE_ROWS rows */
struct reduce_kernels { reduce_stretch_fn *stretch[2]; reduce_rows_fn *rows[2]; };   /* sum, max */

rk_status reduce_run(rk_ctx *ctx, const struct call *c, const struct reduce_kernels *k);

#endif
