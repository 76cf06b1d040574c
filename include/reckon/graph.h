/* graph.h: a computation said in names.
 *
 * Building is speaking: every builder returns an rk_ref, the first mistake is kept (with the equation and the two
 * dimensions that disagree), everything after it returns 0, and rk_graph_seal reports it once. Dimensions are given as
 * texts of names, "batch seq hidden"; every name was declared with rk_dim_new or rk_dim_live.
 *
 *   rk_ref x = rk_input(g, "x", RK_f32, "batch in"), w = rk_state(g, RK_PARAMETER, "w", RK_f32, "out in");
 *   rk_ref y = rk_einsum(g, "b i, o i -> b o", x, w);
 */
#ifndef RECKON_GRAPH_H
#define RECKON_GRAPH_H
#include "reckon/dim.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rk_graph rk_graph;
typedef int rk_ref;                            /* a value; 0 is the poison that a mistake leaves behind */

/* What memory is for: each kind has its own arena and its own line in the bill. */
typedef enum rk_kind {
#define ROW(name, words) RK_##name,
#include "reckon/kind.def"
#undef ROW
    RK_KIND_COUNT
} rk_kind;
RK_API const char *rk_kind_words(rk_kind kind);

RK_API RK_CHECK rk_status rk_graph_open(rk_ctx *ctx, rk_graph **graph);
RK_API void rk_graph_close(rk_graph *g);
RK_API RK_CHECK rk_status rk_graph_seal(rk_graph *g);          /* the first mistake, or RK_OK; nothing can be added afterwards */
RK_API bool rk_graph_ok(const rk_graph *g);                    /* no mistake so far */

/* Dimensions. The letter stands in formulas: B T D H ... A live dimension changes from run to run up to its bound. */
RK_API rk_dim rk_dim_new(rk_graph *g, const char *name, char letter, int64_t size);
RK_API rk_dim rk_dim_live(rk_graph *g, const char *name, char letter, int64_t bound);
/* Says how people see a product: rk_dim_relate(g, "head head_dim", 1, "hidden") lets formulas print D for H·K;
 * rk_dim_relate(g, "ff", 4, "hidden") lets them print 4·D for F. The sizes must agree. */
RK_API void   rk_dim_relate(rk_graph *g, const char *names, int64_t times, const char *names_of);

/* Where in the module tree the next nodes stand: "h", "3", "attn" make h.3.attn. */
RK_API void rk_enter(rk_graph *g, const char *module);
RK_API void rk_leave(rk_graph *g);

/* Sources. A state lives in a store between runs and is known there by kind and name. */
RK_API rk_ref rk_input(rk_graph *g, const char *name, rk_dtype dtype, const char *dims);
RK_API rk_ref rk_state(rk_graph *g, rk_kind kind, const char *name, rk_dtype dtype, const char *dims);
RK_API rk_ref rk_const(rk_graph *g, double value);                                  /* f32, no dimension */
RK_API rk_ref rk_iota(rk_graph *g, const char *dim, const char *past);              /* i32: 0, 1, 2 ... along dim, plus the extent of the live dimension `past` if not NULL */
RK_API rk_ref rk_rand(rk_graph *g, const char *site, double keep, const char *dims); /* f32: 1/keep with probability keep, else 0; from (seed, step, site, index) */

/* Contraction: the only one. A name that is in one operand and not in the result is refused: use rk_reduce. */
RK_API rk_ref rk_einsum(rk_graph *g, const char *equation, rk_ref a, rk_ref b);

/* Elementwise, by the names of core/map.def; operands broadcast by name, the result has the dimensions of the operand with
 * most of them (the first such), then those only others have. */
RK_API rk_ref rk_map(rk_graph *g, const char *function, rk_ref x);
RK_API rk_ref rk_map2(rk_graph *g, const char *function, rk_ref a, rk_ref b);
RK_API rk_ref rk_map3(rk_graph *g, const char *function, rk_ref a, rk_ref b, rk_ref c);
RK_API rk_ref rk_add(rk_graph *g, rk_ref a, rk_ref b);
RK_API rk_ref rk_sub(rk_graph *g, rk_ref a, rk_ref b);
RK_API rk_ref rk_mul(rk_graph *g, rk_ref a, rk_ref b);
RK_API rk_ref rk_scale(rk_graph *g, rk_ref x, double factor);
RK_API rk_ref rk_cast(rk_graph *g, rk_ref x, rk_dtype dtype);
RK_API rk_ref rk_detach(rk_graph *g, rk_ref x);                                     /* the same value; no gradient passes */

RK_API rk_ref rk_reduce(rk_graph *g, const char *function, rk_ref x, const char *dims);         /* "sum" | "max" */
/* y[I, R] = x[v = ids[I]][R], names that x and ids share are walked together; ids outside x read 0. */
RK_API rk_ref rk_gather(rk_graph *g, rk_ref x, const char *dim, rk_ref ids);
/* The adjoint: z of dims `like`, zero but for z[v = ids[I]] += y[I, R]. */
RK_API rk_ref rk_scatter(rk_graph *g, rk_ref y, const char *dim, rk_ref ids, const char *like);

/* Views: they share storage and cost nothing. */
RK_API rk_ref rk_rename(rk_graph *g, rk_ref x, const char *from, const char *to);               /* equal sizes */
RK_API rk_ref rk_split(rk_graph *g, rk_ref x, const char *dim, const char *into);               /* "hidden" -> "head head_dim" */
RK_API rk_ref rk_merge(rk_graph *g, rk_ref x, const char *dims, const char *into);              /* neighbours in memory */
RK_API rk_ref rk_slice(rk_graph *g, rk_ref x, const char *dim, int64_t start, const char *into); /* as many as `into` has */
RK_API rk_ref rk_select(rk_graph *g, rk_ref x, const char *dim, int64_t index);                 /* drops the dimension */
RK_API rk_ref rk_order(rk_graph *g, rk_ref x, const char *dims);                                /* all names, another order */
RK_API rk_ref rk_spread(rk_graph *g, rk_ref x, const char *dims);                               /* repeated along those of `dims` that x lacks */
/* Not views. */
RK_API rk_ref rk_copy(rk_graph *g, rk_ref x);                                                   /* dense, in the order of its dims */
RK_API rk_ref rk_join(rk_graph *g, const char *dim, const rk_ref *parts, int n, const char *dims); /* stacks n values along a new dimension of size n; dims: the result's order */
/* Zeros of the dimensions `dims`, but for x at `start` of dim, along which x has `part` (NULL: x lacks it, one index). */
RK_API rk_ref rk_place(rk_graph *g, rk_ref x, const char *part, const char *dim, int64_t start, const char *dims);

/* Fused operations: defined by their expansion into the above (op/NAME.c), so that a fast kernel can match them. */
RK_API rk_ref rk_softmax(rk_graph *g, rk_ref x, const char *dim);
RK_API rk_ref rk_log_sum_exp(rk_graph *g, rk_ref x, const char *dim);                          /* log Σ exp(x): without `dim` */
RK_API rk_ref rk_layer_norm(rk_graph *g, rk_ref x, const char *dim, rk_ref weight, rk_ref bias, double eps);  /* weight, bias may be 0: none */
/* (x - mean) / (deviation + eps), the deviation over n - 1: The Annotated Transformer's. */
RK_API rk_ref rk_deviation_norm(rk_graph *g, rk_ref x, const char *dim, rk_ref weight, rk_ref bias, double eps);
RK_API rk_ref rk_rms_norm(rk_graph *g, rk_ref x, const char *dim, rk_ref weight, double eps);
typedef enum rk_rope_style { RK_ROPE_INTERLEAVED, RK_ROPE_HALVES } rk_rope_style;
RK_API rk_ref rk_rope(rk_graph *g, rk_ref x, const char *position_dim, const char *past, const char *dim,
                      rk_rope_style style, int64_t rotary, double theta);
/* The same, each row turned by its own position: positions, integers over some dimensions of x (not `dim`). */
RK_API rk_ref rk_rope_at(rk_graph *g, rk_ref x, const char *position_dim, rk_ref positions, const char *dim,
                         rk_rope_style style, int64_t rotary, double theta);
typedef struct rk_attend_options { bool causal; double scale; double keep; const char *site; rk_ref lengths; } rk_attend_options;
/* q [.. seq .. head_dim], k and v [.. key .. head_dim], other names shared: softmax(q·k · scale) · v over "key".
 * Causal: query t sees the keys up to t + (keys - queries). keep < 1: dropout of the weights at `site`.
 * lengths (0: none), i32 over some of the shared names: of a sequence only so many keys are seen, the first in any case. */
RK_API rk_ref rk_attend(rk_graph *g, rk_ref q, rk_ref k, rk_ref v, const char *seq, const char *key, const char *head_dim,
                        const rk_attend_options *options);
/* Sum of -log softmax(x·w + bias)[label] over labels >= 0: no dimension left. x [.. hidden], w [vocab hidden], bias [vocab]
 * or 0, labels [..] i32. */
RK_API rk_ref rk_xent_head(rk_graph *g, rk_ref x, rk_ref w, rk_ref bias, rk_ref labels, const char *hidden, const char *vocab);
/* A contraction with a matrix stored in fewer bits: einsum of x and rk_widen(w, scale). The result has x's dtype. */
RK_API rk_ref rk_einsum_stored(rk_graph *g, const char *equation, rk_ref x, rk_ref w, rk_ref scale);
/* The same with integers of i8 in panels (docs/formats.md): panels [o i 16 32 4] and scale [o i 32] of a matrix that has at most 32 o rows of
 * 64 i numbers; of floats: panels [o i 16 4 16] of at most 16 o rows, scale 0. The equation speaks of it in rows, of which `dims` are the dims: those of the result, then those of the sum, four at most. */
RK_API rk_ref rk_einsum_panels(rk_graph *g, const char *equation, rk_ref x, rk_ref panels, rk_ref scale, const char *dims);
/* w in this dtype; times scale, unless that is 0: w's dims, but for the last, where it has one number per block of neighbours. */
RK_API rk_ref rk_widen(rk_graph *g, rk_ref w, rk_ref scale, rk_dtype dtype);
/* Rows of such a matrix by their numbers: dims are its two, of which ids choose from the first. */
RK_API rk_ref rk_gather_panels(rk_graph *g, rk_ref panels, rk_ref scale, const char *dims, rk_ref ids);
/* Such panels in rows: a value of these dims in this dtype. */
RK_API rk_ref rk_widen_panels(rk_graph *g, rk_ref panels, rk_ref scale, rk_dtype dtype, const char *dims);

/* Sinks. update: the state takes the value when everything that reads its old value has run. */
RK_API void rk_update(rk_graph *g, rk_ref state, rk_ref value);
/* Writes value into the state along `dim`, from the current extent of the live dimension `past` on (a KV cache); returns
 * the state as it is afterwards. */
RK_API rk_ref rk_append(rk_graph *g, rk_ref state, rk_ref value, const char *dim, const char *past);
/* The same, each row from a place of its own on: places, integers over one other dimension of the state. */
RK_API rk_ref rk_append_at(rk_graph *g, rk_ref state, rk_ref value, const char *dim, rk_ref places);
RK_API void rk_output(rk_graph *g, const char *name, rk_ref value);

/* Gradients of the scalar `loss` times `seed` (a scalar, or 0 for 1) by the n values in `by`; 0 where there is none. */
RK_API void rk_grad(rk_graph *g, rk_ref loss, rk_ref seed, const rk_ref *by, int n, rk_ref *gradients);

/* What there is: every operation, and every elementwise function with what it costs per element (slope: of its derivative
 * times what comes from above; -1 where that is said with other functions). False past the last. */
typedef struct rk_op_info { const char *name, *kind; bool gradient; } rk_op_info;         /* kind: "source", "view", "elementwise" ... */
typedef struct rk_function_info { const char *name; int operands, flops, slope_flops; } rk_function_info;
RK_API bool rk_op_at(int i, rk_op_info *info);
RK_API bool rk_function_at(int i, rk_function_info *info);

#ifdef __cplusplus
}
#endif
#endif
