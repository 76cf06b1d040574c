/* show.h: the module tree of a graph, for people and for programs: what stands where, how large it is, what it computes. */
#ifndef PASS_SHOW_H
#define PASS_SHOW_H
#include "pass/count.h"

/* What is worth a line and is no node: a tensor that is another one under a second name, or one that others keep and this graph
 * computes where it is used. A tie whose module is not in the graph is not shown; a buffer then stands in the one above. */
struct show_mark {
    const char *module, *name;          /* "h.*.attn", "positions" */
    rk_ref tied;                        /* the state that it is; 0: a buffer */
    const char *dtype;                  /* of a buffer, in whose words it is */
    int rank;
    int64_t shape[RK_MAX_RANK];
};
struct show_marks { struct show_mark *at; int n, room; };

/* Parameters and einsums of the first phase (terms->phases[0]; NULL terms: of everything, every numbered module a
 * repetition). Fused operations are shown as what they are made of. marks may be NULL. */
rk_status pass_show(rk_ctx *ctx, const rk_graph *g, const struct bill_terms *terms, const struct show_marks *marks, struct str *out) RK_CHECK;
rk_status pass_show_json(rk_ctx *ctx, const rk_graph *g, const struct bill_terms *terms, const struct show_marks *marks, struct str *out) RK_CHECK;

/* What both are written from. */
struct show {
    struct count count;
    struct bill_terms terms;
    rk_bill_phase phases[2];            /* the one that is shown, and the rest */
    const rk_graph *given;                  /* the graph before it was written out: that of the marks */
    rk_graph *own;                          /* the graph written out, if it had to be */
    struct show_marks marks;                /* borrowed */
    int n_modules, n_rows, n_order;         /* sizes of the arrays below */
    int *order;                             /* modules in the order of the tree */
    int *first, *next;                      /* rows of a module, each + 1; 0: no more */
    int *marked;                            /* the module of each mark; -1: none */
    uint64_t *parameters, *bytes, *constants, *flops;       /* of a module and all below, over all repetitions; constants: elements */
};
rk_status show_begin(rk_ctx *ctx, const rk_graph *g, const struct bill_terms *terms, const struct show_marks *marks, struct show *show) RK_CHECK;
void show_end(rk_ctx *ctx, struct show *show);                              /* in any case */
bool show_is_tensor(const struct show *show, const struct count_row *row);
bool show_is_constant(const struct show *show, const struct count_row *row);        /* a table that is not trained */
bool show_is_product(const struct show *show, const struct count_row *row);
bool show_has(const struct show *show, int module);                         /* a parameter, a constant or a product, in it or below; the root in any case */
/* The value of one of a row's nodes. */
rk_status show_each(rk_ctx *ctx, const struct show *show, const struct count_row *row, enum quantity q, uint64_t *each) RK_CHECK;

#endif
