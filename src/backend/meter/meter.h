/* meter.h: the reference back end with counting arithmetic: what was really multiplied, read and written.
 *
 * Hand a meter to run as its watch; after any number of runs it knows, per node, what they did together. An operand that
 * stands twice in an operation is one operand. Copies that a plan inserts are no part of the meaning: they are kept apart. */
#ifndef METER_METER_H
#define METER_METER_H
#include "core/arith.h"
#include "core/problem.h"

struct meter {
    rk_ctx *ctx;
    int n;                      /* nodes of the graph */
    struct tally *node;         /* per node; `seen` is not used */
    struct tally total;
    uint64_t moved;             /* elements that the plan copied from place to place */
};

const struct backend *backend_meter(void);
rk_status meter_open(rk_ctx *ctx, const rk_graph *g, struct meter **meter) RK_CHECK;
void      meter_close(struct meter *m);

#endif
