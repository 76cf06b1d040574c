/* receipt_memory.c: bytes that were predicted beside bytes that are held: by the bill and the plans; by the store, by what the
 * system says of pages, by what a device says is taken. Not here: work and time (receipt_work.c). */
#include "base/pages.h"
#include "train/receipt.h"

static double meaning(const rk_train *t, rk_kind k) { return (double)t->meaning_bytes[k]; }
static double stored(const rk_train *t, rk_kind k) { return (double)t->store->bytes[k]; }
static double parameters_predicted(const rk_train *t) { return meaning(t, RK_PARAMETER); }
static double parameters_measured(const rk_train *t) { return stored(t, RK_PARAMETER); }
static double gradients_predicted(const rk_train *t) { return meaning(t, RK_GRADIENT); }
static double gradients_measured(const rk_train *t) { return stored(t, RK_GRADIENT); }
static double moments_predicted(const rk_train *t) { return meaning(t, RK_OPTIMIZER); }
static double moments_measured(const rk_train *t) { return stored(t, RK_OPTIMIZER); }

/* Of narrow parameters alone. */
static double masters_predicted(const rk_train *t) { return meaning(t, RK_MASTER) > 0 ? meaning(t, RK_MASTER) : NAN; }
static double masters_measured(const rk_train *t) { return stored(t, RK_MASTER) > 0 ? stored(t, RK_MASTER) : NAN; }

/* Tables that are not trained; most models have none. */
static double constants_predicted(const rk_train *t) { return meaning(t, RK_CONSTANT) > 0 ? meaning(t, RK_CONSTANT) : NAN; }
static double constants_measured(const rk_train *t) { return stored(t, RK_CONSTANT) > 0 ? stored(t, RK_CONSTANT) : NAN; }

/* What rounding the address of every state costs, counted state by state. */
static double rounding_predicted(const rk_train *t)
{
    int64_t lost = 0;
    for (int i = 0; i < t->store->entries.n; i++) {
        int64_t bytes = t->store->entries.at[i].elements * (int64_t)t->backend->bytes_of(t->store->entries.at[i].dtype);
        lost += (PLAN_ALIGNMENT - bytes % PLAN_ALIGNMENT) % PLAN_ALIGNMENT;
    }
    return (double)lost;
}

static double rounding_measured(const rk_train *t)
{
    double lost = 0;
    for (int k = 0; k < RK_KIND_COUNT; k++) lost += stored(t, (rk_kind)k) - meaning(t, (rk_kind)k);
    return lost;
}

static double arena_predicted(const rk_train *t) { return (double)train_arena_bytes(t); }
static double inputs_predicted(const rk_train *t) { return (double)train_input_bytes(t); }

/* What the system says of the pages of the arena: not what was asked for, but what was touched. */
static bool arena_pages(const rk_train *t, size_t *bytes, size_t *reach)
{
    for (int i = 0; i < STAGES; i++)
        if (t->stage[i].run != NULL && t->stage[i].run->host == NULL)
            return t->step > 0 && t->backend->memory == NULL && pages_touched(t->stage[i].run->arena, (size_t)t->stage[i].run->plan->bytes, bytes, reach);
    return false;
}

/* Of an accelerator: what was asked of it, but for states and inputs. */
static double arena_measured(const rk_train *t)
{
    size_t bytes, reach;
    if (t->backend->memory != NULL) return (double)t->ctx->device_bytes - (double)train_states_bytes(t) - (double)train_input_bytes(t);
    return arena_pages(t, &bytes, &reach) ? (double)reach : NAN;
}

static double arena_untouched(const rk_train *t)
{
    size_t bytes, reach;
    return arena_pages(t, &bytes, &reach) ? (double)(reach - bytes) : NAN;
}

static double inputs_measured(const rk_train *t)
{
    int64_t bytes = 0;
    for (int i = 0; i < STAGES; i++)
        if (t->stage[i].run != NULL) bytes += t->stage[i].run->input_bytes;
    return (double)bytes;
}

static double lost_between(const rk_train *t)
{
    for (int i = 0; i < STAGES; i++)
        if (t->stage[i].run != NULL && t->stage[i].run->host == NULL) return (double)(t->stage[i].plan->bytes - t->stage[i].plan->peak_bytes);
    return NAN;
}

static bool on_host(const rk_train *t) { return t->backend->memory == NULL; }
static double memory_predicted(const rk_train *t) { return (double)(train_states_bytes(t) + train_arena_bytes(t) + train_input_bytes(t)); }
/* What the context gave since the run was opened, but for the memory above, which comes from it too. */
static double described(const rk_train *t) { return (double)rk_ctx_bytes(t->ctx) - (double)t->described_before - (on_host(t) ? memory_predicted(t) : 0); }
static double memory_measured(const rk_train *t)
{
    int64_t now = rk_process_peak_bytes();
    return t->step == 0 || now < 0 || t->resident_before < 0 ? NAN : (double)(now - t->resident_before);
}
static double resident_predicted(const rk_train *t) { return on_host(t) ? memory_predicted(t) : NAN; }
static double process_measured(const rk_train *t) { return memory_measured(t) - (on_host(t) ? memory_predicted(t) : 0); }

/* Of an accelerator: its own word for what is taken, and what of it has a name. */
static bool device_memory(const rk_train *t, struct device_memory *m)
{
    if (on_host(t) || t->step == 0) return false;
    if (t->backend->memory(t->ctx, t->backend, m) == RK_OK) return true;
    rk_error_clear(t->ctx);
    return false;
}

static double device_predicted(const rk_train *t)
{
    struct device_memory m;
    return device_memory(t, &m) ? memory_predicted(t) + (double)m.context + (double)m.libraries : NAN;
}

static double device_measured(const rk_train *t)
{
    struct device_memory m;
    return device_memory(t, &m) ? (double)m.used : NAN;
}

static double device_context(const rk_train *t)
{
    struct device_memory m;
    return device_memory(t, &m) ? (double)m.context : NAN;
}

static double device_libraries(const rk_train *t)
{
    struct device_memory m;
    return device_memory(t, &m) ? (double)m.libraries : NAN;
}

static double device_rest(const rk_train *t) { return device_measured(t) - device_predicted(t); }

/* What was asked of the device for tensors, and is not given back. */
static double tensors_predicted(const rk_train *t) { return on_host(t) ? NAN : memory_predicted(t); }
static double tensors_measured(const rk_train *t) { return on_host(t) ? NAN : (double)t->ctx->device_bytes; }

static const struct receipt_ask rows[] = {
    { "parameters",            "bytes.plan.parameters",  "bytes",    parameters_predicted, parameters_measured, "the bill; the store" },
    { "gradients",             "bytes.plan.gradients",   "bytes",    gradients_predicted,  gradients_measured,  "the bill; the store" },
    { "optimizer state",       "bytes.plan.optimizer",   "bytes",    moments_predicted,    moments_measured,    "what the optimizer keeps; the store" },
    { "master copies",         "bytes.plan.master",      "bytes",    masters_predicted,    masters_measured,    "of narrow parameters, in f32; the store" },
    { "constants",             "bytes.plan.constants",   "bytes",    constants_predicted,  constants_measured,  "the bill; the store" },
    { " rounding of addresses", "bytes.rounding",         "bytes",   rounding_predicted,   rounding_measured,   "every state begins at a multiple of 64 bytes; ref keeps f32 as f64" },
    { "activations, workspace", "bytes.plan.arena",       "bytes",   arena_predicted,      arena_measured,      "the plan's arena, one for all graphs; up to its last page that was touched, of a device what was asked of it" },
    { " lost between lifetimes", "bytes.lost",             "bytes",  lost_between,         arena_untouched,     "the arena beyond what is alive at its fullest step; its pages that were never touched" },
    { "inputs",                "bytes.plan.inputs",      "bytes",    inputs_predicted,     inputs_measured,     "tokens, labels, lengths, scalars" },
    { "device memory of tensors", "bytes.device.tensors", "bytes",    tensors_predicted,    tensors_measured,    "all of the above; what was asked of the device" },
    { "device memory",         "bytes.device",           "bytes",    device_predicted,     device_measured,     "that, its context, its libraries' workspace; what the device says is taken, by anybody" },
    { " context",              "bytes.device.context",   "bytes",    receipt_unknown,              device_context,      "taken before the first tensor: the driver's, kernels' code" },
    { " libraries",            "bytes.device.libraries", "bytes",    receipt_unknown,              device_libraries,    "workspace of cuBLASLt" },
    { " graphs, kernels",      "bytes.device.rest",      "bytes",    receipt_unknown,              device_rest,         "recorded runs, code of kernels made at run time, rounding of what was asked for" },
    { "resident memory",       "bytes.resident",         "bytes",    resident_predicted,   memory_measured,     "all of the above; growth of the process's peak" },
    { " descriptions",         "bytes.descriptions",     "bytes",    described,            receipt_unknown,             "graphs, plans, buffers of batches: part of what the process itself takes" },
    { " the process itself",   "bytes.process",          "bytes",    receipt_unknown,              process_measured,    "descriptions, stacks, libraries' own memory; less the pages that were never touched" },
};

const struct receipt_part receipt_memory = { rows, sizeof rows / sizeof *rows };
