/* evaluate.h: the naive meaning of a graph, against which everything that computes is held.
 *
 * Nodes are visited in id order; every stored value is a dense array of doubles; an op's own reference is called for it; a
 * view is an index computation. Not here: plans, kernels, dtypes of storage, reuse of memory. Fused operations must have been
 * written out (pass_expand) before. */
#ifndef LAW_EVALUATE_H
#define LAW_EVALUATE_H
#include "core/arith.h"
#include "core/opdef.h"

struct values {
    rk_ctx *ctx;
    const rk_graph *g;
    int n;                      /* nodes when it was opened: nodes added later are not known */
    double **own;               /* per node: its elements, if it is stored */
    int64_t *extent;            /* per dim: its bound until said otherwise */
    uint64_t seed, step;
};

void values_open(struct values *v, rk_ctx *ctx, const rk_graph *g);          /* everything zero */
void values_close(struct values *v);
int64_t values_count(const struct values *v, rk_ref r);                     /* elements at the bounds */
double *values_own(const struct values *v, rk_ref r);                       /* of a stored value: sources are filled here */
double  values_at(const struct values *v, rk_ref r, const int64_t *index);  /* index[dim], any value */
double  values_scalar(const struct values *v, rk_ref r);
/* All elements of any value at the current extents, its last dimension fastest; returns how many. */
int64_t values_read(const struct values *v, rk_ref r, double *out);
struct layout values_layout(const struct values *v, rk_ref r, rk_ref *base);         /* sizes are the current extents */

void evaluate(struct values *v, bool update);               /* update: states take their new values at the end */
/* One node with another table of ops (meter_list), counting into t, whose bitmaps are made here. */
void evaluate_node(struct values *v, rk_ref r, struct tally *t);

#endif
