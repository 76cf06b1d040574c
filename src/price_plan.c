/* price_plan.c: the plan of a training step as the trainer makes it: lowered and placed, to the byte; nothing of a tensor's
 * size is allocated. Where nobody asks for it over time, four blocks are lowered, from which follows when values of all live
 * (pass/lengthen); addresses are given to all in any case. Law: what `reckon train` says it will take, and takes (tests/cli/test_check_run.sh). */
#include "backend/cpu/cpu.h"
#include "backend/cpu/machine.h"
#include "pass/count_bill.h"
#include "pass/pass.h"
#include "price.h"
#include "run/device.h"
#include "run/store.h"
#include <stdio.h>
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
static void add_values(const struct plan_value *values, int n, int64_t bytes, struct program_cost *c)
{
    for (int i = 0; i < n; i++)
        if (values[i].tag != RK_WORKSPACE && (uint64_t)(values[i].at + values[i].bytes) > c->activations) c->activations = (uint64_t)(values[i].at + values[i].bytes);
    c->activations = aligned(c->activations);
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

/* The graphs that the trainer makes, on a back end. towers: of which few blocks were built; alike: so far the plan of all followed. */
struct planning {
    const struct built *built;
    const struct backend *backend;
    struct price_towers towers;
    bool alike;
    struct parameter *wanted;
    rk_graph *step, *more, *update;
    struct store *store;
};

/* The values of all blocks. */
static rk_status cost_longer(rk_ctx *ctx, struct planning *p, const struct plan *plan, rk_ref turn, struct program_cost *cost)
{
    struct longer longer;
    int64_t bytes = 0;
    rk_status status;
    GO(pass_lengthen(ctx, plan, p->towers.at, turn, &longer, &p->alike));
    if (!p->alike) goto out;
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

/* turn: the last node of the way forward. time: the bill that also takes the plan over time; NULL: none does. */
static rk_status plan_of(rk_ctx *ctx, struct planning *p, const rk_graph *g, const char *turn, struct program_cost *cost, rk_bill *time)
{
    const rk_ref behind = graph_find_output(g, turn) + 1;
    struct plan *plan;
    TRY(pass_lower(ctx, g, p->backend, &plan));
    *cost = (struct program_cost){ 0 };
    rk_status status = p->towers.deep ? cost_longer(ctx, p, plan, behind, cost) : cost_of(ctx, plan, cost);
    if (status == RK_OK) add_inputs(plan, p->backend, cost);
    if (status == RK_OK && time != NULL) status = bill_add_time(time, plan, behind);
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

static rk_status add_words(rk_bill *bill, const char *name, uint64_t number, const char *words)
{
    return bill_reason(bill, name, &(rk_bill_reason){ .module = "", .op = "plan", .label = words, .formula = "", .each = number, .number = number, .times = 1 });
}

/* The parts of bytes.plan.total that there are. */
static rk_status add_parts(rk_ctx *ctx, rk_bill *bill)
{
    static const char *const parts[] = { "parameters", "gradients", "optimizer", "master", "constants", "arena", "inputs" };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char name[64];
        uint64_t number;
        (void)snprintf(name, sizeof name, "bytes.plan.%s", parts[i]);
        if (!rk_bill_has(bill, name)) continue;
        TRY(rk_bill_number(bill, name, &number));
        TRY(add_words(bill, "bytes.plan.total", number, parts[i]));
    }
    return RK_OK;
}

/* An entry with one reason: what it is in words; NULL: of its parts. */
static rk_status set_entry(rk_ctx *ctx, rk_bill *bill, const char *name, uint64_t number, const char *formula, const char *words)
{
    TRY(bill_set(bill, name, number, formula));
    return words == NULL ? add_parts(ctx, bill) : add_words(bill, name, number, words);
}

static rk_status set_plan(rk_ctx *ctx, rk_bill *bill, const int64_t *states, const struct run_cost *c)
{
    static const char placed[] = "each tensor from a multiple of 64 bytes on", issued[] = "what kernels issue: nothing behind a mask, weights of attention made again",
                      programs[] = "operations of kernels and of elementwise programs", update[] = "of clipping and the optimizer";
    const uint64_t score = c->step.inputs - c->step.seed;               /* scoring reads the same but for the seed of gradients */
    uint64_t inputs = c->step.inputs + c->more.inputs + c->update.inputs + score, total = arena_of(c) + inputs;
    for (int kind = 0; kind < RK_KIND_COUNT; kind++) total += (uint64_t)states[kind];
    const struct { const char *name; uint64_t number; const char *formula, *words; } rows[] = {
        { "bytes.plan.parameters", (uint64_t)states[RK_PARAMETER], "", placed },
        { "bytes.plan.gradients", (uint64_t)states[RK_GRADIENT], "", placed },
        { "bytes.plan.optimizer", (uint64_t)states[RK_OPTIMIZER], "", placed },
        { "bytes.plan.activations", c->step.activations, "", "up to the highest place that a value of the step has" },
        { "bytes.plan.workspace", c->step.workspace, "", "what kernels need beyond that" },
        { "bytes.plan.update", c->update.activations + c->update.workspace, "", update },
        { "bytes.plan.arena", arena_of(c), "max(activations + workspace, update)", "one memory for the step and the update, in turn" },
        { "bytes.plan.inputs", inputs, "", "tokens, labels, lengths, scalars, of every graph its own" },
        { "bytes.plan.total", total, states[RK_MASTER] + states[RK_CONSTANT] > 0 ? "parameters + gradients + optimizer + master + constants + arena + inputs"
                                                                                 : "parameters + gradients + optimizer + arena + inputs", NULL },
        { "flops.plan.step", c->step.products, "", issued },
        { "flops.plan.update", c->update.products, "", update },
        { "flops.plan.elementwise.step", c->step.elementwise, "", programs },
        { "flops.plan.elementwise.update", c->update.elementwise, "", update },
    };
    for (int i = 0; i < 2; i++)
        if (states[rare[i].kind] > 0) TRY(set_entry(ctx, bill, rare[i].name, (uint64_t)states[rare[i].kind], "", placed));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) TRY(set_entry(ctx, bill, rows[i].name, rows[i].number, rows[i].formula, rows[i].words));
    return RK_OK;
}

static rk_status plan_micro(rk_ctx *ctx, struct planning *p, bool accumulate, rk_graph **g, struct program_cost *cost, rk_bill *time)
{
    TRY(train_micro(ctx, p->backend, p->built->g, p->wanted, p->built->parameters.n + p->built->n_inputs, accumulate, g));
    return plan_of(ctx, p, *g, "loss", cost, time);
}

/* A state of block 1 stands for those of the blocks that are missing. */
static int64_t times_of(const struct planning *p, const char *name)
{
    for (int i = 0; i < p->towers.n; i++) {
        const struct tower *t = &p->towers.at[i];
        for (const char *part = name; t->more > 0 && *part != '\0'; part += strcspn(part, "."), part += *part == '.')
            if (shorten_number(t->pattern, part) >= 0) return shorten_number(t->pattern, part) == 1 ? t->more + 1 : 1;
    }
    return 1;
}

/* What the store keeps from the entry `from` on, by kind. */
static rk_status add_states(rk_ctx *ctx, const struct planning *p, int from, int64_t *states)
{
    for (int i = from; i < p->store->entries.n; i++) {
        const struct store_entry *e = &p->store->entries.at[i];
        int64_t bytes = (int64_t)aligned((uint64_t)e->elements * p->backend->bytes_of(e->dtype)), all;
        if (!extent_mul(bytes, times_of(p, e->name), &all) || __builtin_add_overflow(states[e->kind], all, &states[e->kind])) return FAIL(RK_E_LIMIT, "states are beyond 2^63 bytes");
    }
    return RK_OK;
}

/* What it costs, and what it keeps beyond what is in the store already. */
static rk_status plan_update(rk_ctx *ctx, struct planning *p, const rk_bill_settings *settings, const struct policy *policy, struct bill_update *update)
{
    const struct train_rule rule = price_rule(settings, policy);
    struct program_cost c = { 0 };
    const int known = p->store->entries.n;
    int64_t states[RK_KIND_COUNT] = { 0 };
    TRY(train_update(ctx, p->built->g, p->built->parameters.at, p->built->parameters.n, &rule, &p->update));
    TRY(plan_of(ctx, p, p->update, "gradient_norm", &c, NULL));
    TRY(store_declare(ctx, p->store, p->update));
    TRY(add_states(ctx, p, known, states));
    *update = (struct bill_update){ p->alike, c.activations, c.workspace, c.inputs, c.products, c.elementwise, { 0 } };
    for (int kind = 0; kind < RK_KIND_COUNT; kind++) update->states[kind] = (uint64_t)states[kind];
    return RK_OK;
}

static bool is_timed(const rk_bill_settings *s) { return !s->plan_alone && !s->plan_untimed; }

static rk_status plan_all(rk_ctx *ctx, struct planning *p, const rk_bill_settings *settings, const struct policy *policy, struct run_cost *cost, rk_bill *bill)
{
    int64_t states[RK_KIND_COUNT] = { 0 };
    TRY(model_wanted(ctx, p->built, &p->wanted));
    TRY(plan_micro(ctx, p, false, &p->step, &cost->step, is_timed(settings) ? bill : NULL));
    if (!p->alike) return RK_OK;
    if (settings->accumulate > 1) TRY(plan_micro(ctx, p, true, &p->more, &cost->more, NULL));
    TRY(store_open(ctx, p->backend, &p->store));
    TRY(store_declare(ctx, p->store, p->step));
    TRY(add_states(ctx, p, 0, states));
    if (settings->like != NULL && settings->like->update.known) bill->update = settings->like->update;
    else TRY(plan_update(ctx, p, settings, policy, &bill->update));
    const struct bill_update *u = &bill->update;
    cost->update = (struct program_cost){ .activations = u->activations, .workspace = u->workspace, .inputs = u->inputs, .products = u->products, .elementwise = u->elementwise };
    for (int kind = 0; kind < RK_KIND_COUNT; kind++) states[kind] += (int64_t)u->states[kind];
    return p->alike ? set_plan(ctx, bill, states, cost) : RK_OK;
}

static void planning_end(rk_ctx *ctx, struct planning *p)
{
    FREE(p->wanted, p->built->parameters.n + p->built->n_inputs);
    store_close(p->store);
    rk_graph_close(p->step);
    rk_graph_close(p->more);
    rk_graph_close(p->update);
}

/* From so many blocks of each tower, 0: all; *alike false: that was too few. */
static rk_status plan_built(rk_ctx *ctx, const rk_model *model, const rk_bill_settings *settings, const struct policy *policy, const struct backend *backend,
                            const struct build_options *options, rk_bill *bill, bool *alike)
{
    struct built built;
    struct planning p = { .built = &built, .backend = backend, .towers = price_towers(model, options->most_blocks), .alike = true };
    struct run_cost cost = { .step = { 0 } };
    rk_status status;
    GO(model_build(ctx, model, options, &built));
    GO(train_cast(ctx, policy, &built));
    GO(plan_all(ctx, &p, settings, policy, &cost, bill));
out:
    *alike = p.alike;
    planning_end(ctx, &p);
    built_close(&built);
    return status;
}

rk_status price_plan(rk_ctx *ctx, const rk_model *model, const rk_bill_settings *settings, const struct policy *policy, const struct build_options *options, rk_bill *bill)
{
    const struct machine plain = { .isa = isa_best(), .tiles = isa_tiles() };         /* no library: its races have not been run */
    struct backend cpu = *backend_cpu();
    const struct backend *backend = settings->device != NULL ? device_backend(settings->device) : &cpu;
    struct build_options few = *options;
    bool alike;
    cpu.machine = &plain;
    if (!price_is_single(settings)) return FAIL(RK_E_DECLINED, "%s: training is planned in f32 only", model->name);
    if (!is_timed(settings) && !policy_names_a_block(policy)) few.most_blocks = PLANNED_BLOCKS;
    TRY(plan_built(ctx, model, settings, policy, backend, &few, bill, &alike));
    return alike ? RK_OK : plan_built(ctx, model, settings, policy, backend, options, bill, &alike);
}
