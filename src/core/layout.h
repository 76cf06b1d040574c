/* layout.h: where the elements of a value lie: per dimension a size and a stride, in elements, from an offset.
 *
 * A value that is stored is dense, its last dimension fastest. A view's layout follows from its operand's. */
#ifndef CORE_LAYOUT_H
#define CORE_LAYOUT_H
#include "reckon/graph.h"

struct layout {
    int     rank;
    rk_dim  dim[RK_MAX_RANK];
    int64_t size[RK_MAX_RANK], stride[RK_MAX_RANK];
    int64_t offset;
};

/* Sizes are bounds for live dimensions. */
struct layout layout_dense(const rk_graph *g, int rank, const rk_dim *dim);
/* The layout of any value and the stored value (*base) whose memory it is in. */
struct layout layout_of(const rk_graph *g, rk_ref x, rk_ref *base);
bool    layout_is_dense(const struct layout *l);                    /* elements 0 .. n-1 in order, offset 0 allowed to differ */
int64_t layout_elements(const struct layout *l);
bool    layout_same(const struct layout *a, const struct layout *b);    /* of two values in one memory: the same elements in the same order */
int     layout_axis(const struct layout *l, rk_dim dim);            /* -1: not there */
int64_t layout_stride(const struct layout *l, rk_dim dim);          /* 0: not there */

/* The fewest loops that walk several layouts together: axes of `space` (sizes), with strides for each of n operands
 * (0 where an operand lacks the dim); neighbours that every operand walks as one are merged; size-1 axes vanish. */
struct loops { int rank; int64_t size[RK_MAX_RANK]; int64_t stride[24][RK_MAX_RANK]; };
void loops_over(struct loops *loops, const struct layout *space, const struct layout *const *operands, int n);

#endif
