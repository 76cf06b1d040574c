/* price_plan.c: the plan of a training step as the trainer makes it: lowered and placed, to the byte; nothing of a tensor's
 * size is allocated. Law: what `reckon train` says it will take, and takes (tests/cli/test_check_run.sh). */
#include "backend/cpu/cpu.h"
#include "backend/cpu/machine.h"
#include "pass/count_bill.h"
#include "pass/pass.h"
#include "price.h"
#include "run/device.h"
#include "run/store.h"
#include <string.h>

struct train_rule price_rule(const rk_bill_settings *s, const struct policy *policy)
{
    const rk_train_options usual = rk_train_defaults();
    struct train_rule rule = train_rule_of(&usual);
    rule.optimizer = s->optimizer;
    if (s->no_momentum) rule.momentum = 0;
    train_rule_under(&rule, policy);
    return rule;
}

struct program_cost { uint64_t activations, workspace, inputs, seed, products, elementwise; };

static uint64_t aligned(uint64_t bytes) { return (bytes + PLAN_ALIGNMENT - 1) & ~(uint64_t)(PLAN_ALIGNMENT - 1); }

/* Seed: of the input that only a graph with gradients has. */
static void add_inputs(const struct plan *plan, const struct backend *backend, struct program_cost *c)
{
    for (int i = 0; i < plan->n_inputs; i++) {
        uint64_t bytes = aligned((uint64_t)plan->inputs[i].elements * backend->bytes_of(plan->inputs[i].dtype));
        c->inputs += bytes;
        if (strcmp(plan->inputs[i].name, "inverse_tokens") == 0) c->seed += bytes;
    }
}

/* Addresses are shared over time: activations reach up to the first number, workspace goes on above it. */
static struct program_cost cost_of(const struct plan *plan)
{
    struct program_cost c = { 0 };
    for (int i = 0; i < plan->n_values; i++) {
        const struct plan_value *v = &plan->values[i];
        if (v->tag != RK_WORKSPACE && (uint64_t)(v->at + v->bytes) > c.activations) c.activations = (uint64_t)(v->at + v->bytes);
    }
    for (int i = 0; i < plan->n_steps; i++) {
        c.products += plan->steps[i].prepared.product_flops;
        c.elementwise += plan->steps[i].prepared.elementwise_flops;
    }
    c.activations = aligned(c.activations);
    c.workspace = (uint64_t)plan->bytes > c.activations ? (uint64_t)plan->bytes - c.activations : 0;
    return c;
}

/* time: the bill that also takes the plan over time; NULL: none does. */
static rk_status plan_of(rk_ctx *ctx, const rk_graph *g, const struct backend *backend, struct program_cost *cost, rk_bill *time)
{
    struct plan *plan;
    TRY(pass_lower(ctx, g, backend, &plan));
    rk_status status = pass_place(ctx, plan, &(struct plan_options){ .reuse = true });
    if (status == RK_OK) *cost = cost_of(plan);
    if (status == RK_OK) add_inputs(plan, backend, cost);
    if (status == RK_OK && time != NULL) status = bill_add_time(time, plan, graph_find_output(g, "loss") + 1);
    plan_free(plan);
    return status;
}

/* What the graphs of a run take: a micro-batch, those after the first (zeros: there is one), the update. */
struct run_cost { struct program_cost step, more, update; };

static uint64_t arena_of(const struct run_cost *c)
{
    const struct program_cost *all[] = { &c->step, &c->more, &c->update };
    uint64_t most = 0;
    for (int i = 0; i < 3; i++)
        if (all[i]->activations + all[i]->workspace > most) most = all[i]->activations + all[i]->workspace;
    return most;
}

/* States that most programs do not have, and then do not speak of. */
static const struct { const char *name; rk_kind kind; } rare[] = { { "bytes.plan.master", RK_MASTER }, { "bytes.plan.constants", RK_CONSTANT } };

static rk_status set_plan(rk_ctx *ctx, rk_bill *bill, const int64_t *states, const struct run_cost *c)
{
    const uint64_t score = c->step.inputs - c->step.seed;               /* scoring reads the same but for the seed of gradients */
    uint64_t inputs = c->step.inputs + c->more.inputs + c->update.inputs + score, total = arena_of(c) + inputs;
    for (int kind = 0; kind < RK_KIND_COUNT; kind++) total += (uint64_t)states[kind];
    const struct { const char *name; uint64_t number; } rows[] = {
        { "bytes.plan.parameters", (uint64_t)states[RK_PARAMETER] }, { "bytes.plan.gradients", (uint64_t)states[RK_GRADIENT] },
        { "bytes.plan.optimizer", (uint64_t)states[RK_OPTIMIZER] },  { "bytes.plan.activations", c->step.activations },
        { "bytes.plan.workspace", c->step.workspace },                     { "bytes.plan.update", c->update.activations + c->update.workspace },
        { "bytes.plan.arena", arena_of(c) },                               { "bytes.plan.inputs", inputs },
        { "bytes.plan.total", total },
        { "flops.plan.step", c->step.products },                           { "flops.plan.update", c->update.products },
        { "flops.plan.elementwise.step", c->step.elementwise },            { "flops.plan.elementwise.update", c->update.elementwise },
    };
    for (int i = 0; i < 2; i++)
        if (states[rare[i].kind] > 0) TRY(bill_set(bill, rare[i].name, (uint64_t)states[rare[i].kind], ""));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) TRY(bill_set(bill, rows[i].name, rows[i].number, ""));
    return RK_OK;
}

/* The graphs that the trainer makes, on a back end. */
struct planning { const struct built *built; const struct backend *backend; struct parameter *wanted; rk_graph *step, *more, *update; struct store *store; };

static rk_status plan_micro(rk_ctx *ctx, struct planning *p, bool accumulate, rk_graph **g, struct program_cost *cost, rk_bill *time)
{
    TRY(train_micro(ctx, p->backend, p->built->g, p->wanted, p->built->parameters.n + p->built->n_inputs, accumulate, g));
    return plan_of(ctx, *g, p->backend, cost, time);
}

/* What it costs, and what it keeps beyond what is in the store already. */
static rk_status plan_update(rk_ctx *ctx, struct planning *p, const rk_bill_settings *settings, const struct policy *policy, struct bill_update *update)
{
    const struct train_rule rule = price_rule(settings, policy);
    struct program_cost c = { 0 };
    TRY(train_update(ctx, p->built->g, p->built->parameters.at, p->built->parameters.n, &rule, &p->update));
    TRY(plan_of(ctx, p->update, p->backend, &c, NULL));
    *update = (struct bill_update){ true, c.activations, c.workspace, c.inputs, c.products, c.elementwise, { 0 } };
    for (int kind = 0; kind < RK_KIND_COUNT; kind++) update->states[kind] -= (uint64_t)p->store->bytes[kind];
    TRY(store_declare(ctx, p->store, p->update));
    for (int kind = 0; kind < RK_KIND_COUNT; kind++) update->states[kind] += (uint64_t)p->store->bytes[kind];
    return RK_OK;
}

static rk_status plan_all(rk_ctx *ctx, struct planning *p, const rk_bill_settings *settings, const struct policy *policy, struct run_cost *cost, rk_bill *bill)
{
    int64_t states[RK_KIND_COUNT];
    TRY(model_wanted(ctx, p->built, &p->wanted));
    TRY(plan_micro(ctx, p, false, &p->step, &cost->step, settings->plan_alone ? NULL : bill));
    if (settings->accumulate > 1) TRY(plan_micro(ctx, p, true, &p->more, &cost->more, NULL));
    TRY(store_open(ctx, p->backend, &p->store));
    TRY(store_declare(ctx, p->store, p->step));
    memcpy(states, p->store->bytes, sizeof states);
    if (settings->like != NULL && settings->like->update.known) bill->update = settings->like->update;
    else TRY(plan_update(ctx, p, settings, policy, &bill->update));
    const struct bill_update *u = &bill->update;
    cost->update = (struct program_cost){ .activations = u->activations, .workspace = u->workspace, .inputs = u->inputs, .products = u->products, .elementwise = u->elementwise };
    for (int kind = 0; kind < RK_KIND_COUNT; kind++) states[kind] += (int64_t)u->states[kind];
    return set_plan(ctx, bill, states, cost);
}

rk_status price_plan(rk_ctx *ctx, const rk_model *model, const rk_bill_settings *settings, const struct policy *policy, const struct built *built, rk_bill *bill)
{
    const struct machine plain = { .isa = isa_best(), .tiles = isa_tiles() };         /* no library: its races have not been run */
    struct backend cpu = *backend_cpu();
    cpu.machine = &plain;
    struct planning p = { .built = built, .backend = settings->device != NULL ? device_backend(settings->device) : &cpu };
    struct run_cost cost = { .step = { 0 } };
    if (!price_is_single(settings)) return FAIL(RK_E_DECLINED, "%s: training is planned in f32 only", model->name);
    rk_status status = plan_all(ctx, &p, settings, policy, &cost, bill);
    FREE(p.wanted, built->parameters.n + built->n_inputs);
    store_close(p.store);
    rk_graph_close(p.step);
    rk_graph_close(p.more);
    rk_graph_close(p.update);
    return status;
}
