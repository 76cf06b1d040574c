/* hand_fused.h: a fused operation and its gradients, on every instruction set or on another back end, beside its expansion evaluated
 * in f64.
 *
 * A case builds the forward graph, with floating inputs of any dtype and one output "loss"; every other output is compared too. */
#ifndef HAND_FUSED_H
#define HAND_FUSED_H
#include "reckon/graph.h"

enum { FUSED_SOURCES = 6 };

struct backend;

struct fused_case {
    rk_graph *g;                            /* the case's: forward, not sealed */
    rk_ref source[FUSED_SOURCES];           /* inputs, in order */
    int n, gradients;                       /* how many; by the first so many of them gradients are wanted */
    bool unit_seed;                         /* gradients of the loss itself, not of an input times it */
    double most_id;                         /* integers are drawn from -1 .. most_id */
    double spread;                          /* of normal numbers; 0: 1 */
    double least;                           /* errors are relative to the largest of a value, and at least to this */
    bool any_loss;                          /* the loss is there for its gradients: a sum whose terms, rounded to 16 bits, cancel */
    const char *live;                       /* a live dimension and its extent, or NULL */
    int64_t extent;
    const char *kernel, *adjoint;           /* names that the plan must have, before the instruction set or back end; NULL: not asked */
    const char *untouched;                  /* a dimension, last of its values, that no elementwise step has; NULL: not asked */
    const struct backend *backend;          /* NULL: the processor, every instruction set, with one thread and two */
};

/* Where a case is tried, in which dtype, how closely; backend NULL: the processor. */
struct fused_on { const struct backend *backend; rk_dtype dtype; double tolerance; };

/* Fails the running test where they disagree by more than `tolerance` of the largest, or two threads give other bits. */
void fused_try(rk_ctx *one, struct fused_case *c, double tolerance);

#endif
