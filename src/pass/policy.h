/* policy.h: which module computes in which dtype: "amp-bf16,head=f32" read into rows. What a row does to a graph: pass/cast.c. */
#ifndef PASS_POLICY_H
#define PASS_POLICY_H
#include "core/opdef.h"

enum { MOST_ROLES = 32, LONGEST_ROLE = 64 };

/* role: module names by dots, "attn", "h.3.mlp"; "*": everywhere, but only the dtype of products. */
struct policy_role { char role[LONGEST_ROLE]; rk_dtype dtype; bool asked; };       /* asked: by name, not a row of a policy */
struct policy {
    int n;
    struct policy_role at[MOST_ROLES];
    rk_dtype stored;                        /* of parameters */
    bool scaled;                            /* the loss is */
};

/* "fp32", "amp-bf16,head=f32", "attn=f32,mlp=bf16" (on fp32); NULL or "": fp32. Later ones count. Errors: RK_E_UNKNOWN for a
 * policy or a dtype that is none, with those there are; RK_E_ARG for what cannot be read. */
rk_status policy_read(rk_ctx *ctx, const char *text, struct policy *policy) RK_CHECK;
/* Nothing is cast: the graph is what it was. */
static inline bool policy_is_plain(const struct policy *p) { return p->n == 0 && p->stored == RK_f32; }
/* Some row speaks of one block alone: blocks are not alike. */
bool policy_names_a_block(const struct policy *p);
/* The last row that speaks of a module path; NULL: none. */
const struct policy_role *policy_of(const struct policy *p, const char *path);
/* What products are computed in where no module is named: f32 without such a row. */
rk_dtype policy_products(const struct policy *p);

/* Copies `from`, the sealed graph of a forward pass, with casts where the policy wants other dtypes; gradients are taken
 * afterwards, so that they are cast back by the same nodes. map: room for from's nodes. Errors: RK_E_UNKNOWN for a role that no
 * module has, with the modules there are. */
rk_status pass_cast(rk_ctx *ctx, const rk_graph *from, const struct policy *policy, rk_graph **to, rk_ref *map) RK_CHECK;

#endif
