/* count_class.h: a count while it is made: which nodes are alike, and what they cost. */
#ifndef PASS_COUNT_CLASS_H
#define PASS_COUNT_CLASS_H
#include "pass/count.h"
#include "pass/count_table.h"

struct counting {
    struct count *count;
    struct placing placing;
    struct table shapes, signatures, classes, rows;
    struct words key;
    VEC(int) class_of;                  /* signature -> class */
    int *shape, *place;                 /* of each node */
    int *place_of_path;                 /* -1: not asked yet */
    bool *needed;
    int n_nodes, n_paths;
};

static inline bool count_holds(const struct node *n) { return n->op == &op_state || n->op == &op_input; }
/* Of each node in the order of ids, before its class is asked for. */
RK_CHECK rk_status count_shape(rk_ctx *ctx, struct counting *c, rk_ref r);
/* Nodes of one class have one price; a new one is added to the count. E_DECLINED where an op has none. */
RK_CHECK rk_status count_class_of(rk_ctx *ctx, struct counting *c, rk_ref r, int *class);

#endif
