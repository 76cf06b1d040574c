/* bill.h: what a model costs: exact numbers, each with its formula, where it falls, and what is behind it.
 *
 * Entries have dotted names: parameters · flops.forward, flops.backward, flops.update (matrix products by meaning: attention
 * in full, one multiply-add is 2 FLOPs) · flops.elementwise.forward .. (everything else) · elements.read.forward,
 * elements.written.forward .. (distinct elements per operation, nothing fused) · bytes.parameters, bytes.gradients,
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
} rk_bill_reason;
RK_API int            rk_bill_reasons(const rk_bill *bill, const char *name);               /* 0 for a name that is not there */
RK_API rk_bill_reason rk_bill_reason_at(const rk_bill *bill, const char *name, int i);

/* The whole bill as JSON: entries nested by their names as exact integers, then "formulas", "modules" and "ops". */
RK_API RK_CHECK rk_status rk_bill_json(rk_bill *bill, const char **text);

#ifdef __cplusplus
}
#endif
#endif
