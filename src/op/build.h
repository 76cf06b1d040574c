/* build.h: what builders of this room share: names of dims as text, and gradients of broadcasting. */
#ifndef OP_BUILD_H
#define OP_BUILD_H
#include "core/arith.h"
#include "core/bill.h"
#include "core/opdef.h"

enum { DIMS_TEXT = 512 };
struct dims_text { char at[DIMS_TEXT]; };

#define NODE(op_, ...) (struct node) { .op = &op_, __VA_ARGS__ }

struct dims_text dims_text(const rk_graph *g, int rank, const rk_dim *dim);
struct dims_text dims_text_but(const rk_graph *g, const struct node *n, rk_dim without);
rk_dim dim_named(rk_graph *g, const char *what, const char *name);                  /* one name; 0 and a mistake if unknown */
rk_dim dim_derived(rk_graph *g, const char *of, const char *suffix, char letter, int64_t size);   /* "of_suffix", made if it is not there */
void   build_mistake(rk_graph *g, rk_status status, const char *format, ...) RK_PRINTF(3, 4);

rk_ref build_map(rk_graph *g, int fn, const rk_ref *in);
rk_ref build_iota(rk_graph *g, rk_dim dim, rk_dim plus, rk_dim minus);
rk_ref build_reduce_to(rk_graph *g, rk_ref x, const struct node *like);             /* sums the dims `like` lacks, and takes its order */
rk_ref build_einsum_names(rk_graph *g, const struct node *a, rk_ref ra, const struct node *b, rk_ref rb, int n, const rk_dim *out);
rk_ref build_einsum_as(rk_graph *g, const struct node *a, rk_ref ra, const struct node *b, rk_ref rb, int n, const rk_dim *out, int64_t dtype);   /* its attribute */
static inline int64_t build_at_least_f32(rk_dtype dtype) { return rk_dtype_bytes(dtype) < 4 ? 1 + (int64_t)RK_f32 : 0; }                 /* such an attribute */

/* Operand `first` is a matrix of out x in, in panels (core/panel.h): of integers, with the one after it as their scales, or, in an operation of two operands, of floats: panels.c. */
rk_status panels_check(rk_ctx *ctx, const rk_graph *g, const struct node *n, int first, int64_t out, int64_t in) RK_CHECK;

void node_like(struct node *n, const struct node *like);                            /* dims and dtype */
rk_status node_order(rk_ctx *ctx, const rk_graph *g, struct node *n, const char *names) RK_CHECK;     /* dims from text */
bool view_same(const rk_graph *g, rk_ref y, const struct layout *x, struct layout *out);
rk_status bill_nothing(rk_ctx *ctx, const rk_graph *g, rk_ref y, struct bill_line *line);
rk_status bill_move(rk_ctx *ctx, const rk_graph *g, rk_ref y, struct bill_line *line);      /* reads operands, writes the result */
rk_status bill_write(rk_ctx *ctx, const rk_graph *g, rk_ref y, struct bill_line *line);     /* writes the result */

#endif
