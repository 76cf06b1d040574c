/* receipt.c: what was predicted beside what was measured, row by row: see train.h.
 *
 * Predicted comes from the bill (meaning) and from the plans (what this program issues and allocates); measured from the
 * store, the counts that kernels keep, the clock and the operating system. Where both differ, a row says why. */
#include "base/pages.h"
#include "train/training.h"
#include <math.h>
#include <stdio.h>

/* The system's high-water mark, which Linux lets a process put back to where it stands: what was measured before (races,
 * ceilings) must not hide what the run takes. */
void train_resident_begin(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "we");
    if (f == NULL) return;
    (void)fputs("5", f);
    (void)fclose(f);
}

int64_t train_resident(void)
{
    FILE *f = fopen("/proc/self/status", "re");
    char line[256];
    long long kib = -1;
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "VmHWM: %lld kB", &kib) == 1) break;
    if (f != NULL) (void)fclose(f);
    return kib < 0 ? -1 : kib * 1024;
}

/* --- the bill --- */

static rk_status number(rk_ctx *ctx, const rk_bill *bill, const char *name, uint64_t *out)
{
    *out = 0;
    return rk_bill_has(bill, name) ? rk_bill_number(bill, name, out) : FAIL(RK_E_BUG, "the bill does not say %s", name);
}

rk_status train_price(rk_ctx *ctx, rk_train *t)
{
    const rk_train_options *o = &t->options;
    const rk_bill_settings settings = { .batch = o->batch, .seq = o->seq, .source_seq = o->source_seq, .padded = true, .dropout = !o->no_dropout, .totals = true, .optimizer = (rk_optimizer)o->optimizer, .no_momentum = o->momentum == 0, .policy = o->policy };
    uint64_t forward, backward;
    rk_bill *bill;
    rk_status status;
    TRY(rk_bill_of(t->model, &settings, &bill));
    GO(number(ctx, bill, "flops.forward", &forward));
    GO(number(ctx, bill, "flops.backward", &backward));
    GO(number(ctx, bill, "bytes.parameters", &t->meaning_bytes[RK_PARAMETER]));
    GO(number(ctx, bill, "bytes.gradients", &t->meaning_bytes[RK_GRADIENT]));
    if (rk_bill_has(bill, "bytes.optimizer")) GO(number(ctx, bill, "bytes.optimizer", &t->meaning_bytes[RK_OPTIMIZER]));      /* SGD may keep nothing */
    if (rk_bill_has(bill, "bytes.master")) GO(number(ctx, bill, "bytes.master", &t->meaning_bytes[RK_MASTER]));                  /* of narrow parameters */
    if (rk_bill_has(bill, "bytes.constants")) GO(number(ctx, bill, "bytes.constants", &t->meaning_bytes[RK_CONSTANT]));        /* sinusoids */
    t->model_flops = (uint64_t)o->accumulate * (forward + backward);
out:
    rk_bill_free(bill);
    return status;
}

/* --- what rows ask for --- */

/* How often a stage runs in a step. */
static double times(const rk_train *t, int stage)
{
    return stage == STAGE_MORE ? (double)(t->options.accumulate - 1) : stage == STAGE_SCORE ? 0 : 1;
}

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
    int64_t now = train_resident();
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

static double products_meaning(const rk_train *t) { return (double)t->model_flops; }

static double products_planned(const rk_train *t)
{
    double flops = 0;
    for (int i = 0; i < STAGES; i++)
        for (int k = 0; t->stage[i].plan != NULL && k < t->stage[i].plan->n_steps; k++) flops += times(t, i) * (double)t->stage[i].plan->steps[k].prepared.product_flops;
    return flops;
}

static double products_issued(const rk_train *t)
{
    double flops = 0;
    for (int i = 0; i < STAGES; i++) {
        const struct run *r = t->stage[i].run;
        if (r == NULL || times(t, i) == 0) continue;
        if (r->runs == 0) return NAN;
        for (int k = 0; k < r->plan->n_steps; k++) flops += times(t, i) * (double)r->issued[k] / (double)r->runs;
    }
    return flops;
}

static double products_saved_predicted(const rk_train *t) { return products_planned(t) - products_meaning(t); }
static double products_saved_measured(const rk_train *t) { return products_issued(t) - products_meaning(t); }

static double elements_bytes(const rk_train *t, const struct operand *o)
{
    double bytes = (double)t->backend->bytes_of(o->dtype);
    for (int i = 0; i < o->at.rank; i++)
        if (o->at.stride[i] != 0) bytes *= (double)o->at.size[i];
    return bytes;
}

/* What steps without products read and write, every operand once. */
static double traffic(const rk_train *t)
{
    double bytes = 0;
    for (int i = 0; i < STAGES; i++)
        for (int k = 0; t->stage[i].plan != NULL && k < t->stage[i].plan->n_steps; k++) {
            const struct step *s = &t->stage[i].plan->steps[k];
            if (s->prepared.product_flops > 0) continue;
            for (int n = 0; n < s->problem.n_in; n++)
                if (s->in[n].kind != IN_NOTHING) bytes += times(t, i) * elements_bytes(t, &s->problem.in[n]);
            for (int n = 0; n < s->problem.n_out; n++) bytes += times(t, i) * elements_bytes(t, &s->problem.out[n]);
        }
    return bytes;
}

/* Products per second, at best, of the dtype that they read; `wide` where no units of that dtype were measured. */
static double best_rate(const rk_train *t, rk_dtype dtype, double wide)
{
    const rk_ceilings *c = &t->ceilings;
    double narrow = dtype == RK_bf16 ? c->bf16_flops : dtype == RK_f16 ? c->f16_flops : 0;
    return narrow > 0 ? narrow : wide;
}

static double product_seconds(const rk_train *t)
{
    double seconds = 0;
    for (int i = 0; i < STAGES; i++)
        for (int k = 0; t->stage[i].plan != NULL && k < t->stage[i].plan->n_steps; k++) {
            const struct step *s = &t->stage[i].plan->steps[k];
            if (s->prepared.product_flops > 0) seconds += times(t, i) * (double)s->prepared.product_flops / best_rate(t, s->problem.in[0].dtype, t->ceilings.gemm_flops);
        }
    return seconds;
}

static double seconds_predicted(const rk_train *t)
{
    const rk_ceilings *c = &t->ceilings;
    return c->gemm_flops > 0 && c->copy_bytes > 0 ? product_seconds(t) + traffic(t) / c->copy_bytes : NAN;
}

/* Most products of a step are made in one dtype; what the machine reaches in that is what utilization is told against. */
double train_peak(const rk_train *t)
{
    const struct plan *plan = t->stage[STAGE_MICRO].plan;
    uint64_t most = 0;
    rk_dtype dtype = RK_f32;
    for (int k = 0; k < plan->n_steps; k++)
        if (plan->steps[k].prepared.product_flops > most) most = plan->steps[k].prepared.product_flops, dtype = plan->steps[k].problem.in[0].dtype;
    return best_rate(t, dtype, t->ceilings.fma_flops);
}

static double seconds_measured(const rk_train *t) { return t->timed_steps > 0 ? t->timed_seconds / (double)t->timed_steps : t->first_seconds > 0 ? t->first_seconds : NAN; }
int64_t train_tokens(const rk_train *t) { return t->options.accumulate * t->options.batch * (t->options.seq + t->options.source_seq); }
static double rate_predicted(const rk_train *t) { return (double)train_tokens(t) / seconds_predicted(t); }
static double rate_measured(const rk_train *t) { return (double)train_tokens(t) / seconds_measured(t); }
static double share(double flops, double seconds, double peak) { return peak > 0 ? flops / seconds / peak : NAN; }
static double mfu_predicted(const rk_train *t) { return share((double)t->model_flops, seconds_predicted(t), train_peak(t)); }
static double mfu_measured(const rk_train *t) { return share((double)t->model_flops, seconds_measured(t), train_peak(t)); }
static double hfu_measured(const rk_train *t) { return share(products_issued(t), seconds_measured(t), train_peak(t)); }
static double hfu_predicted(const rk_train *t) { return share(products_planned(t), seconds_predicted(t), train_peak(t)); }
static double promised_predicted(const rk_train *t) { return share((double)t->model_flops, seconds_predicted(t), t->promised_flops); }
static double promised_measured(const rk_train *t) { return share((double)t->model_flops, seconds_measured(t), t->promised_flops); }
static double unknown(const rk_train *t)
{
    (void)t;
    return NAN;
}

/* --- rows --- */

typedef double ask(const rk_train *t);
static const struct { const char *name, *entry, *unit; ask *predicted, *measured; const char *note; } rows[] = {
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
    { " context",              "bytes.device.context",   "bytes",    unknown,              device_context,      "taken before the first tensor: the driver's, kernels' code" },
    { " libraries",            "bytes.device.libraries", "bytes",    unknown,              device_libraries,    "workspace of cuBLASLt" },
    { " graphs, kernels",      "bytes.device.rest",      "bytes",    unknown,              device_rest,         "recorded runs, code of kernels made at run time, rounding of what was asked for" },
    { "resident memory",       "bytes.resident",         "bytes",    resident_predicted,   memory_measured,     "all of the above; growth of the process's peak" },
    { " descriptions",         "bytes.descriptions",     "bytes",    described,            unknown,             "graphs, plans, buffers of batches: part of what the process itself takes" },
    { " the process itself",   "bytes.process",          "bytes",    unknown,              process_measured,    "descriptions, stacks, libraries' own memory; less the pages that were never touched" },
    { "products per step",     "flops.step",             "FLOP",     products_planned,     products_issued,     "the plan; counted by the kernels" },
    { " against the meaning",  "flops.against_meaning",  "FLOP",     products_saved_predicted, products_saved_measured, "tiles behind the causal mask are left out, weights of attention are made again" },
    { "model FLOPs per step",  "flops.model",            "FLOP",     products_meaning,     unknown,             "products as the graph says them: full attention, nothing made again" },
    { "time per step",         "seconds.step",           "s",        seconds_predicted,    seconds_measured,    "predicted: products at the best rate of a product here, everything else at the rate of a copy; measured: mean without the first step" },
    { "tokens per second",     "tokens_per_second",      "tokens/s", rate_predicted,       rate_measured,       "of pairs: targets and sources, padding too" },
    { "MFU",                   "mfu",                    "1",        mfu_predicted,        mfu_measured,        "model FLOPs per second over the measured peak of the dtype that products are made in (of a processor in f32: multiply-adds)" },
    { "HFU",                   "hfu",                    "1",        hfu_predicted,        hfu_measured,        "issued products per second over the same" },
    { "MFU, promised peak",    "mfu.promised",           "1",        promised_predicted,   promised_measured,   "model FLOPs per second over the device's data sheet" },
};

int rk_receipt_rows(const rk_train *t)
{
    (void)t;
    return (int)(sizeof rows / sizeof *rows);
}

rk_receipt_row rk_receipt_at(const rk_train *t, int i)
{
    if (i < 0 || i >= rk_receipt_rows(t)) return (rk_receipt_row){ "", "", NAN, NAN, "", "" };
    return (rk_receipt_row){ rows[i].name, rows[i].unit, rows[i].predicted(t), rows[i].measured(t), rows[i].note, rows[i].entry };
}
