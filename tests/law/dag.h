/* dag.h: random graphs of many operations: shared operands, views of views, states that are read and updated, outputs. */
#ifndef LAW_DAG_H
#define LAW_DAG_H
#include "sample.h"

enum { MOST_DAG = 96, MOST_DAG_DIMS = 24 };

/* live: one dimension has a current extent below its bound.
 * smooth: no comparison that rounding could tip over; differentiable: nor a largest or smallest, whose slope could. */
struct dag_options { rk_dtype dtype; int steps; bool fused, smooth, differentiable, live; };

/* Fills s->g and its leaves; what is kept are the outputs "out0" ... and the states. */
void draw_dag(struct sample *s, const struct dag_options *options);

#endif
