/* same_plan.h: in which field two graphs, or two plans without addresses or with them, differ; NULL: in none. */
#ifndef SAME_PLAN_H
#define SAME_PLAN_H
#include "core/plan.h"

const char *graph_difference(const rk_graph *a, const rk_graph *b);
const char *plan_difference(const struct plan *a, const struct plan *b);

#endif
