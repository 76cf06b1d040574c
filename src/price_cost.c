/* price_cost.c: what a plan takes and issues, from its values and steps, or from those of all blocks where it has few
 * (pass/lengthen). Addresses are given to all in any case. */
#include "price.h"
#include <string.h>

/* Seed: of the input that only a graph with gradients has. */
static void add_inputs(const struct plan *plan, const struct backend *backend, struct program_cost *c)
{
    for (int i = 0; i < plan->n_inputs; i++) {
        uint64_t bytes = price_aligned((uint64_t)plan->inputs[i].elements * backend->bytes_of(plan->inputs[i].dtype));
        c->inputs += bytes;
        if (strcmp(plan->inputs[i].name, "inverse_tokens") == 0) c->seed += bytes;
    }
}

/* Addresses are shared over time: activations reach up to the first number, workspace goes on above it. */
static void add_values(const struct plan_value *values, int n, int64_t bytes, struct program_cost *c)
{
    for (int i = 0; i < n; i++)
        if (values[i].tag != RK_WORKSPACE && (uint64_t)(values[i].at + values[i].bytes) > c->activations) c->activations = (uint64_t)(values[i].at + values[i].bytes);
    c->activations = price_aligned(c->activations);
    c->workspace = (uint64_t)bytes > c->activations ? (uint64_t)bytes - c->activations : 0;
}

/* times: for how many each step stands; NULL: for itself. */
static rk_status add_steps(rk_ctx *ctx, const struct plan *plan, const int64_t *times, struct program_cost *c)
{
    for (int i = 0; i < plan->n_steps; i++) {
        const struct prepared *p = &plan->steps[i].prepared;
        uint64_t n = times != NULL ? (uint64_t)times[i] : 1, products, elementwise;
        bool beyond = __builtin_mul_overflow(n, p->product_flops, &products) || __builtin_mul_overflow(n, p->elementwise_flops, &elementwise);
        beyond = beyond || __builtin_add_overflow(c->products, products, &c->products) || __builtin_add_overflow(c->elementwise, elementwise, &c->elementwise);
        if (beyond) return FAIL(RK_E_LIMIT, "a plan's FLOPs are beyond 2^64");
    }
    return RK_OK;
}

/* The values of all blocks. */
static rk_status cost_longer(rk_ctx *ctx, const struct plan *plan, const struct tower *towers, rk_ref turn, struct program_cost *cost, bool *alike)
{
    struct longer longer;
    int64_t bytes = 0;
    rk_status status;
    GO(pass_lengthen(ctx, plan, towers, turn, &longer, alike));
    if (!*alike) goto out;
    GO(place_values(ctx, longer.values, longer.n_values, true, &bytes));
    add_values(longer.values, longer.n_values, bytes, cost);
    GO(add_steps(ctx, plan, longer.times, cost));
out:
    longer_free(ctx, &longer);
    return status;
}

static rk_status cost_of(rk_ctx *ctx, struct plan *plan, struct program_cost *cost)
{
    TRY(pass_place(ctx, plan, &(struct plan_options){ .reuse = true }));
    add_values(plan->values, plan->n_values, plan->bytes, cost);
    return add_steps(ctx, plan, NULL, cost);
}

rk_status price_program(rk_ctx *ctx, struct plan *plan, const struct price_towers *towers, rk_ref turn, struct program_cost *cost, bool *alike)
{
    *cost = (struct program_cost){ 0 };
    if (towers->deep) TRY(cost_longer(ctx, plan, towers->at, turn, cost, alike));
    else TRY(cost_of(ctx, plan, cost));
    add_inputs(plan, plan->backend, cost);
    return RK_OK;
}
