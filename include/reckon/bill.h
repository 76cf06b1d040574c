/* bill.h: what a model costs: exact numbers, each with its formula, where it falls, and what is behind it.
 *
 * Entries have dotted names: parameters · flops.forward, flops.backward, flops.update (matrix products by meaning: attention
 * in full, one multiply-add is 2 FLOPs) · flops.elementwise.forward .. (everything else) · elements.read.forward,
 * elements.written.forward .. (distinct elements per operation, nothing fused) · traffic.forward .. (bytes of both) · bytes.parameters, bytes.gradients,
 * bytes.optimizer, bytes.inputs .. · bytes.plan.activations .. where a plan was made.
 *
 *   uint64_t n;
 *   const char *why;
 *   if (rk_bill_number(bill, "parameters", &n) == RK_OK && rk_bill_formula(bill, "parameters", &why) == RK_OK)
 *       printf("%llu = %s\n", (unsigned long long)n, why);       124439808 = V·D + P·D + L·(12·D² + 13·D) + 2·D
 *
 * All texts live as long as the bill. */
#ifndef RECKON_BILL_H
#define RECKON_BILL_H
#include "reckon/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rk_bill rk_bill;
RK_API void rk_bill_free(rk_bill *bill);

/* The bill of a sealed graph of one's own, as it stands: fused operations are priced as what they are made of, numbered
 * modules (h.0, h.1 ..) stand once. A phase has the values below `end` that no earlier phase has, the last one all the rest;
 * n_phases 0: everything is "forward". E_DECLINED where gradients were taken of fused operations: those have no price yet. */
typedef struct rk_bill_phase { const char *name; rk_ref end; } rk_bill_phase;
RK_API RK_CHECK rk_status rk_bill_of_graph(const rk_graph *g, int n_phases, const rk_bill_phase *phases, rk_bill **bill);

typedef struct rk_bill_entry { const char *name; uint64_t number; const char *formula; } rk_bill_entry;
RK_API int           rk_bill_entries(const rk_bill *bill);
RK_API rk_bill_entry rk_bill_entry_at(const rk_bill *bill, int i);                          /* 0 <= i < entries; zeros beyond */
RK_API bool          rk_bill_has(const rk_bill *bill, const char *name);
/* E_UNKNOWN, with the names that there are as a hint. */
RK_API RK_CHECK rk_status rk_bill_number(const rk_bill *bill, const char *name, uint64_t *number);
RK_API RK_CHECK rk_status rk_bill_formula(const rk_bill *bill, const char *name, const char **formula);

/* The same entries by module and by operation. A module's number holds everything below it; repeated modules stand once,
 * h.*.attn, `times` over, and their number is that of all repetitions together. Group 0 of the modules is the whole. */
typedef enum rk_bill_by { RK_BY_MODULE, RK_BY_OP, RK_BY_COUNT } rk_bill_by;
typedef struct rk_bill_group { const char *name; int depth; int64_t times; } rk_bill_group;     /* op: "einsum", "map gelu_tanh" */
RK_API int           rk_bill_groups(const rk_bill *bill, rk_bill_by by);
RK_API rk_bill_group rk_bill_group_at(const rk_bill *bill, rk_bill_by by, int group);
/* What of an entry falls to a group; false, and zeros: nothing. */
RK_API bool          rk_bill_share(const rk_bill *bill, rk_bill_by by, int group, const char *name, rk_bill_entry *share);

/* What is behind an entry: operations or tensors that are alike. number = times · each; formula is that of one. */
typedef struct rk_bill_reason {
    const char *module, *op, *label;            /* "h.*.mlp", "einsum", "b t d, f d -> b t f"; for tensors op is the kind of memory */
    const char *formula;
    uint64_t each, number;
    int64_t times;
    rk_dtype dtype;                             /* of tensors; of operations what they are computed in, the widest they read */
} rk_bill_reason;
RK_API int            rk_bill_reasons(const rk_bill *bill, const char *name);               /* 0 for a name that is not there */
RK_API rk_bill_reason rk_bill_reason_at(const rk_bill *bill, const char *name, int i);

/* What the program of a training step does over time, where a plan was made: its steps in order, forward and then backward,
 * and the values in its arena, each alive from its first step to its last (== steps: to the end). bytes are of its place, a
 * multiple of 64; `alive` is their sum at a step, and the largest one is at most bytes.plan.activations + workspace: what
 * is missing lies between places. Not here: states, which live always, and the update, whose memory is bytes.plan.update.
 * Law: tests/law/test_timeline.c. */
typedef struct rk_bill_step {
    const char *module, *op, *label, *kernel;   /* modules with their numbers, h.0.mlp: steps do not repeat; zeros beyond the end */
    uint64_t product_flops, elementwise_flops, alive;
    bool backward;
} rk_bill_step;
typedef struct rk_bill_value {
    const char *module, *op, *label;            /* of what makes it; its place may pass to another when it dies */
    rk_kind kind;                               /* RK_ACTIVATION, RK_WORKSPACE */
    bool backward;                              /* made in the backward pass */
    int first, last;
    uint64_t bytes, at;
} rk_bill_value;
RK_API int           rk_bill_steps(const rk_bill *bill);                                    /* 0: no plan was made */
RK_API rk_bill_step  rk_bill_step_at(const rk_bill *bill, int step);
RK_API int           rk_bill_values(const rk_bill *bill);
RK_API rk_bill_value rk_bill_value_at(const rk_bill *bill, int value);

/* The whole bill as JSON: entries nested by their names as exact integers, then "formulas", "modules" and "ops". */
RK_API RK_CHECK rk_status rk_bill_json(rk_bill *bill, const char **text);

#ifdef __cplusplus
}
#endif
#endif
