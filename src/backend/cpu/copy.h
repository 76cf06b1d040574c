/* copy.h: moving elements between layouts, and what an instruction set brings to it. */
#ifndef CPU_COPY_H
#define CPU_COPY_H
#include "backend/cpu/isa.h"
#include "core/problem.h"

/* to[j][i] = from[i][j], elements of four bytes: `rows` x `columns` of the result, whose rows lie to_row apart; in `from`
 * elements of one column of the result are neighbours and columns lie from_column apart. */
typedef void copy_transpose_fn(float *to, int64_t to_row, const float *from, int64_t from_column, int64_t rows, int64_t columns);
/* n neighbours between f32 and 16 bits, each rounded once; false: other dtypes. */
typedef bool copy_convert_fn(void *to, rk_dtype to_dtype, const void *from, rk_dtype from_dtype, int64_t n);
struct copy_kernels { copy_transpose_fn *transpose; copy_convert_fn *convert; };

#define X(isa) extern const struct copy_kernels copy_kernels_##isa; bool copy_convert_##isa(void *to, rk_dtype to_dtype, const void *from, rk_dtype from_dtype, int64_t n);
FOR_EVERY_ISA(X)
#undef X
const struct copy_kernels *copy_kernels(enum isa isa);

/* to[x] = from[x] over the dims of `to`; dims that `from` lacks repeat. The addresses are those of element offset 0. */
struct move { void *to; const void *from; rk_dtype to_dtype, from_dtype; struct layout to_layout, from_layout; };
void copy_move(rk_ctx *ctx, const struct move *m, const struct copy_kernels *k);

rk_status copy_run(rk_ctx *ctx, const struct call *c, const struct copy_kernels *k);         /* also casts */
rk_status place_run(rk_ctx *ctx, const struct call *c, const struct copy_kernels *k);
rk_status append_run(rk_ctx *ctx, const struct call *c, const struct copy_kernels *k);

#endif
