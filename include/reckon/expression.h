/* expression.h: one contraction or one rearrangement, said in names and sizes: what it costs, and what it moves.
 *
 *   const rk_size sizes[] = { { "b", 4 }, { "s", 8 }, { "u", 8 }, { "h", 16 } };
 *   rk_expression *e;
 *   rk_expression_open(ctx, "b s h, b u h -> b s u", sizes, 4, RK_bf16, &e);
 *   rk_expression_cost_of(e).flops;                                        8192 = 2·b·s·h·u
 *
 * Two operands: rk_einsum. One operand: what can be done to it without a product: another order, a name for another one of
 * the same size, names taken apart or together, "b s (h k) -> b h s k"; a name that is gone is summed over. Without an
 * arrow: the operand as it stands. It is a graph of the public builders, so that shapes, views, prices and mistakes are
 * theirs. */
#ifndef RECKON_EXPRESSION_H
#define RECKON_EXPRESSION_H
#include "reckon/dim.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rk_size { const char *name; int64_t size; } rk_size;
typedef struct rk_expression rk_expression;

/* Every name needs its size, once. E_UNKNOWN for a name without one, a size without a name, a result's name that no operand
 * has: with the operand it stands in and what may have been meant. E_SHAPE and E_ARG as the builders say. */
RK_API RK_CHECK rk_status rk_expression_open(rk_ctx *ctx, const char *text, const rk_size *sizes, int n_sizes, rk_dtype dtype, rk_expression **expression);
RK_API void rk_expression_close(rk_expression *expression);

/* The operands, then the result if there is an arrow. Groups in parentheses are one dimension of the shape. */
typedef struct rk_expression_value {
    const char *names;                  /* "b s (h k)" */
    int rank;
    int64_t shape[RK_MAX_RANK], stride[RK_MAX_RANK];      /* strides in elements */
    uint64_t elements, bytes;           /* bytes: of the elements, whoever owns them */
    bool view;                          /* shares the memory of an operand: owns nothing */
} rk_expression_value;
RK_API int                 rk_expression_values(const rk_expression *expression);
RK_API rk_expression_value rk_expression_value_at(const rk_expression *expression, int i);     /* zeros beyond */

/* What is done, in order: "einsum", "split", "copy" ...; a view moves nothing, anything else writes its bytes. */
typedef struct rk_expression_step { const char *op; const char *result; bool view; uint64_t bytes; } rk_expression_step;      /* result: "[b s h k]" */
RK_API int                rk_expression_steps(const rk_expression *expression);
RK_API rk_expression_step rk_expression_step_at(const rk_expression *expression, int i);

/* flops: of products, by meaning; formula: "2·b·s·h·u", or "" where there is none. Bytes: distinct elements of every step. */
typedef struct rk_expression_cost { uint64_t flops, elementwise, read, written; const char *formula; } rk_expression_cost;
RK_API rk_expression_cost rk_expression_cost_of(const rk_expression *expression);

#ifdef __cplusplus
}
#endif
#endif
