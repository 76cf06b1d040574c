/* price.h: what the parts of a bill share: by meaning (reckon.c, of few blocks price_blocks.c), what decoding keeps (price_cache.c), and as the plan of a program
 * (price_plan.c; of one graph price_cost.c, in the bill price_rows.c). */
#ifndef PRICE_H
#define PRICE_H
#include "model/model.h"
#include "pass/policy.h"
#include "train/graphs.h"

struct pricing { rk_ctx *ctx; const rk_model *model; const rk_bill_settings *settings; rk_bill *bill; struct policy policy; };

/* The graph of a purpose, of the sizes that are asked for, with the casts of the policy. */
struct build_options price_options(const rk_bill_settings *s, enum purpose purpose);
rk_status price_build(rk_ctx *ctx, const struct pricing *p, const struct build_options *options, struct built *built) RK_CHECK;

/* Adds bytes.cache_per_token and bytes.cache_per_source_token of a model that decodes. */
rk_status price_cache(rk_ctx *ctx, const struct pricing *p) RK_CHECK;

/* What optimizers are priced with; no price depends on the values, only on clipping, decay and momentum being there. */
struct train_rule price_rule(const rk_bill_settings *settings, const struct policy *policy);

static inline bool price_is_single(const rk_bill_settings *s) { return s->dtype == RK_f32 || (s->dtype == RK_f64 && !s->zero_dtype_is_f64); }

/* Parameters alone, those of alike blocks once, each standing for all of them: an optimizer takes every parameter by itself.
 * together: those of a block that differ in name alone are one. Call built_close(one) in any case. */
rk_status price_one_block(rk_ctx *ctx, const struct built *all, bool together, struct built *one) RK_CHECK;
/* The towers of a model, whose blocks may be left out; deep: one has more than `most` (0: nothing is left out). */
struct price_towers { struct tower at[MOST_STRETCHES]; int n; bool deep; };      /* ends with pattern NULL */
struct price_towers price_towers(const rk_model *model, int64_t most);
/* A model of few blocks, or of all where few do not tell as much; used is one of the two, fewer.g NULL where it is the other. Call priced_close(x) in any case. */
struct priced { struct built built, fewer; struct shortened how; const struct built *used; };
rk_status price_short(rk_ctx *ctx, const struct pricing *p, const struct build_options *options, struct priced *x) RK_CHECK;
void priced_close(struct priced *x);

/* What a program allocates and issues; seed: of the inputs. */
struct program_cost { uint64_t activations, workspace, inputs, seed, products, elementwise; };
/* Of a plan without addresses, of few blocks or all. turn: see pass_lengthen. *alike false: few were not enough. */
rk_status price_program(rk_ctx *ctx, struct plan *plan, const struct price_towers *towers, rk_ref turn, struct program_cost *cost, bool *alike) RK_CHECK;
static inline uint64_t price_aligned(uint64_t bytes) { return (bytes + PLAN_ALIGNMENT - 1) & ~(uint64_t)(PLAN_ALIGNMENT - 1); }
/* What the graphs of a run take: a micro-batch, those after the first (zeros: there is one), the update. */
struct run_cost { struct program_cost step, more, update; };
/* The entries of a plan; states: bytes by kind. */
rk_status price_rows(rk_ctx *ctx, rk_bill *bill, const int64_t *states, const struct run_cost *c) RK_CHECK;

/* Adds bytes.plan.* and flops.plan.* of the trainer's graphs; options: of the graph of the loss. */
rk_status price_plan(rk_ctx *ctx, const rk_model *model, const rk_bill_settings *settings, const struct policy *policy, const struct build_options *options, rk_bill *bill) RK_CHECK;

#endif
