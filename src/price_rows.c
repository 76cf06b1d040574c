/* price_rows.c: what a plan costs, written into the bill: bytes.plan.* and flops.plan.*, each with its reason. */
#include "pass/count_bill.h"
#include "price.h"
#include <stdio.h>

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

rk_status price_rows(rk_ctx *ctx, rk_bill *bill, const int64_t *states, const struct run_cost *c)
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
