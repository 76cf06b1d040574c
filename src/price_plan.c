/* price_plan.c: the plan of a training step as the trainer makes it: lowered and placed, to the byte; nothing of a tensor's
 * size is allocated. Where nobody asks for it over time, four blocks are lowered, from which follows when values of all live
 * (pass/lengthen); addresses are given to all in any case. A bill may keep its program: the next, of another batch or of other
 * lengths, sizes it anew (pass/resize) instead of making its own, where nothing but sizes differs. Law: what `reckon train` says it will take, and takes (tests/cli/test_check_run.sh). */
#include "backend/cpu/cpu.h"
#include "backend/cpu/machine.h"
#include "pass/blocks.h"
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

/* A graph that the trainer makes, and the plan of it. */
struct planned { rk_graph *g; struct plan *plan; };

/* All of them, on a back end. towers: of which few blocks were built; alike: so far the plan of all followed. kept: they stay, to be
 * of other sizes for the next bill. */
struct planning {
    rk_ctx *ctx;
    struct built built;
    struct machine plain;                   /* no library: its races have not been run */
    struct backend cpu;
    const struct backend *backend;
    struct price_towers towers;
    bool alike, kept, timed;
    struct parameter *wanted;
    struct planned step, more;              /* a micro-batch, and those after the first */
    rk_graph *update;
    struct store *store;
    int64_t states[RK_KIND_COUNT];          /* bytes that micro-batches have; others are the update's */
    struct bill_update updating;
};

/* turn: the last node of the way forward. time: the bill that also takes the plan over time; NULL: none does. */
static rk_status cost_program(rk_ctx *ctx, struct planning *p, const struct planned *x, const char *turn, struct program_cost *cost, rk_bill *time)
{
    const rk_ref behind = graph_find_output(x->g, turn) + 1;
    TRY(price_program(ctx, x->plan, &p->towers, behind, cost, &p->alike));
    return time != NULL ? bill_add_time(time, x->plan, behind) : RK_OK;
}

static rk_status plan_micro(rk_ctx *ctx, struct planning *p, bool accumulate, struct planned *x, struct program_cost *cost, rk_bill *time)
{
    TRY(train_micro(ctx, p->backend, p->built.g, p->wanted, p->built.parameters.n + p->built.n_inputs, accumulate, &x->g));
    TRY((p->kept ? pass_lower_resizable : pass_lower)(ctx, x->g, p->backend, &x->plan));
    TRY(cost_program(ctx, p, x, "loss", cost, time));
    if (p->kept) return RK_OK;
    plan_free(x->plan);
    x->plan = NULL;
    return RK_OK;
}

/* A state of block 1 stands for those of the blocks that are missing. */
static int64_t times_of(const struct planning *p, const char *name)
{
    for (int i = 0; i < p->towers.n; i++) {
        const struct tower *t = &p->towers.at[i];
        for (const char *part = name; t->more > 0 && *part != '\0'; part += strcspn(part, "."), part += *part == '.')
            if (block_number(t->pattern, part) >= 0) return block_number(t->pattern, part) == 1 ? t->more + 1 : 1;
    }
    return 1;
}

/* What the store keeps from the entry `from` on, by kind. */
static rk_status add_states(rk_ctx *ctx, const struct planning *p, int from, int64_t *states)
{
    for (int i = from; i < p->store->entries.n; i++) {
        const struct store_entry *e = &p->store->entries.at[i];
        int64_t bytes = (int64_t)price_aligned((uint64_t)e->elements * p->backend->bytes_of(e->dtype)), all;
        if (!extent_mul(bytes, times_of(p, e->name), &all) || __builtin_add_overflow(states[e->kind], all, &states[e->kind])) return FAIL(RK_E_LIMIT, "states are beyond 2^63 bytes");
    }
    return RK_OK;
}

/* What it costs, and what it keeps beyond what is in the store already. */
static rk_status plan_update(rk_ctx *ctx, struct planning *p, const rk_bill_settings *settings, const struct policy *policy)
{
    const struct train_rule rule = price_rule(settings, policy);
    struct planned x = { .g = NULL };
    struct program_cost c = { 0 };
    const int known = p->store->entries.n;
    int64_t states[RK_KIND_COUNT] = { 0 };
    rk_status status;
    GO(train_update(ctx, p->built.g, p->built.parameters.at, p->built.parameters.n, &rule, &x.g));
    GO(pass_lower(ctx, x.g, p->backend, &x.plan));
    GO(cost_program(ctx, p, &x, "gradient_norm", &c, NULL));
    GO(store_declare(ctx, p->store, x.g));
    GO(add_states(ctx, p, known, states));
    p->updating = (struct bill_update){ p->alike, c.activations, c.workspace, c.inputs, c.products, c.elementwise, { 0 } };
    for (int kind = 0; kind < RK_KIND_COUNT; kind++) p->updating.states[kind] = (uint64_t)states[kind];
out:
    plan_free(x.plan);
    p->update = x.g;                                /* the store's names are its own */
    return status;
}

static bool is_timed(const rk_bill_settings *s) { return !s->plan_alone && !s->plan_untimed; }

static rk_status plan_all(rk_ctx *ctx, struct planning *p, const rk_bill_settings *settings, const struct policy *policy, struct run_cost *cost, rk_bill *bill)
{
    TRY(model_wanted(ctx, &p->built, &p->wanted));
    TRY(plan_micro(ctx, p, false, &p->step, &cost->step, p->timed ? bill : NULL));
    if (!p->alike) return RK_OK;
    if (settings->accumulate > 1) TRY(plan_micro(ctx, p, true, &p->more, &cost->more, NULL));
    TRY(store_open(ctx, p->backend, &p->store));
    TRY(store_declare(ctx, p->store, p->step.g));
    TRY(add_states(ctx, p, 0, p->states));
    if (settings->like != NULL && settings->like->update.known) p->updating = settings->like->update;
    else TRY(plan_update(ctx, p, settings, policy));
    return RK_OK;
}

/* The update and the store are the same for all sizes. */
static void close_update(struct planning *p)
{
    store_close(p->store);
    rk_graph_close(p->update);
    p->store = NULL;
    p->update = NULL;
}

static void planning_close(void *at)
{
    struct planning *p = at;
    if (p == NULL) return;
    rk_ctx *ctx = p->ctx;
    struct planned *programs[] = { &p->step, &p->more };
    close_update(p);
    for (int i = 0; i < 2; i++) {
        plan_free(programs[i]->plan);
        rk_graph_close(programs[i]->g);
    }
    FREE(p->wanted, p->built.parameters.n + p->built.n_inputs);
    built_close(&p->built);
    FREE(p, 1);
}

/* From so many blocks of each tower, 0: all; (*out)->alike false: that was too few. */
static rk_status plan_built(rk_ctx *ctx, const rk_model *model, const rk_bill_settings *settings, const struct policy *policy, const struct build_options *options,
                            bool kept, struct run_cost *cost, rk_bill *bill, struct planning **out)
{
    struct planning *p;
    rk_status status;
    TRY(NEW(p, 1));
    p->ctx = ctx;
    p->plain = (struct machine){ .isa = isa_best(), .tiles = isa_tiles() };
    p->cpu = *backend_cpu();
    p->cpu.machine = &p->plain;
    p->backend = settings->device != NULL ? device_backend(settings->device) : &p->cpu;
    p->towers = price_towers(model, options->most_blocks);
    p->alike = true;
    p->kept = kept;
    p->timed = is_timed(settings);
    GO(model_build(ctx, model, options, &p->built));
    GO(train_cast(ctx, policy, &p->built));
    GO(plan_all(ctx, p, settings, policy, cost, bill));
    close_update(p);
    *out = p;
    return RK_OK;
out:
    planning_close(p);
    return status;
}

static rk_status plan_anew(rk_ctx *ctx, const rk_model *model, const rk_bill_settings *settings, const struct policy *policy, const struct build_options *options,
                           bool kept, struct run_cost *cost, rk_bill *bill, struct planning **out)
{
    struct build_options few = *options;
    if (!is_timed(settings) && !policy_names_a_block(policy)) few.most_blocks = PLANNED_BLOCKS;
    TRY(plan_built(ctx, model, settings, policy, &few, kept, cost, bill, out));
    if ((*out)->alike) return RK_OK;
    planning_close(*out);
    *out = NULL;
    *cost = (struct run_cost){ .step = { 0 } };
    return plan_built(ctx, model, settings, policy, options, kept, cost, bill, out);
}

/* --- of other sizes --- */

/* Which fused operations stay in the trainer's graphs, where others are written out. */
static void find_taken(const struct planning *p, bool *taken)
{
    const rk_graph *g = p->built.g;
    for (rk_ref r = 1; r < g->nodes.n; r++) taken[r] = (node_of(g, r)->op->flags & OP_FUSED) != 0 && backend_takes(p->backend, g, r, true);
}

static rk_status size_model(rk_ctx *ctx, struct planning *p, const struct dim_extent *sizes, int n, bool *holds)
{
    const int nodes = p->built.g->nodes.n;
    bool *taken;
    rk_status status;
    TRY(NEW(taken, 2 * nodes));
    find_taken(p, taken);
    GO(pass_resize_graph(ctx, p->built.g, sizes, n, holds));
    if (!*holds) goto out;
    find_taken(p, taken + nodes);
    *holds = memcmp(taken, taken + nodes, (size_t)nodes * sizeof *taken) == 0;
out:
    FREE(taken, 2 * nodes);
    return status;
}

static rk_status size_program(rk_ctx *ctx, const struct planned *x, const struct dim_extent *sizes, int n, bool *holds)
{
    if (x->g == NULL || !*holds) return RK_OK;
    TRY(pass_resize_graph(ctx, x->g, sizes, n, holds));
    return *holds ? pass_resize(ctx, x->plan, holds) : RK_OK;
}

/* *holds false: it has to be made anew. */
static rk_status size_again(rk_ctx *ctx, const rk_model *model, const struct build_options *options, struct planning *p, struct run_cost *cost, rk_bill *bill, bool *holds)
{
    struct dim_extent sizes[MODEL_EXTENTS];
    int n;
    TRY(model_extents(ctx, model, options, sizes, &n));
    TRY(size_model(ctx, p, sizes, n, holds));
    TRY(size_program(ctx, &p->step, sizes, n, holds));
    TRY(size_program(ctx, &p->more, sizes, n, holds));
    if (!*holds) return RK_OK;
    TRY(cost_program(ctx, p, &p->step, "loss", &cost->step, p->timed ? bill : NULL));
    if (p->more.g != NULL && p->alike) TRY(cost_program(ctx, p, &p->more, "loss", &cost->more, NULL));
    *holds = p->alike;
    return RK_OK;
}

/* --- into the bill --- */

static rk_status add_plan(rk_ctx *ctx, const struct planning *p, struct run_cost *cost, rk_bill *bill)
{
    const struct bill_update *u = &p->updating;
    int64_t states[RK_KIND_COUNT];
    cost->update = (struct program_cost){ .activations = u->activations, .workspace = u->workspace, .inputs = u->inputs, .products = u->products, .elementwise = u->elementwise };
    for (int kind = 0; kind < RK_KIND_COUNT; kind++) states[kind] = p->states[kind] + (int64_t)u->states[kind];
    bill->update = *u;
    return price_rows(ctx, bill, states, cost);
}

rk_status price_plan(rk_ctx *ctx, const rk_model *model, const rk_bill_settings *settings, const struct policy *policy, const struct build_options *options, rk_bill *bill)
{
    struct bill_kept *keeper = settings->like != NULL ? &settings->like->planned : settings->plan_kept ? &bill->planned : NULL;
    struct planning *p = keeper != NULL ? keeper->at : NULL;
    struct run_cost cost = { .step = { 0 } };
    bool holds = p != NULL && p->timed == is_timed(settings);
    rk_status status = RK_OK;
    if (keeper != NULL) keeper->at = NULL;
    if (!price_is_single(settings)) status = FAIL(RK_E_DECLINED, "%s: training is planned in f32 only", model->name);
    GO(status);
    if (holds) GO(size_again(ctx, model, options, p, &cost, bill, &holds));
    if (!holds) {
        planning_close(p);
        p = NULL;
        cost = (struct run_cost){ .step = { 0 } };
        GO(plan_anew(ctx, model, settings, policy, options, keeper != NULL, &cost, bill, &p));
    }
    GO(add_plan(ctx, p, &cost, bill));
    if (keeper == NULL) goto out;
    *keeper = (struct bill_kept){ p, planning_close };
    p = NULL;
out:
    planning_close(p);
    return status;
}
