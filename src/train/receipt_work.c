/* receipt_work.c: products, time and rates that were predicted beside those that were: by the plans, and what this machine can do
 * at best; by the counts that kernels keep, and the clock. Not here: memory (receipt_memory.c). */
#include "train/receipt.h"

/* How often a stage runs in a step. */
static double times(const rk_train *t, int stage)
{
    return stage == STAGE_MORE ? (double)(t->options.accumulate - 1) : stage == STAGE_SCORE ? 0 : 1;
}

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

static const struct receipt_ask rows[] = {
    { "products per step",     "flops.step",             "FLOP",     products_planned,     products_issued,     "the plan; counted by the kernels" },
    { " against the meaning",  "flops.against_meaning",  "FLOP",     products_saved_predicted, products_saved_measured, "tiles behind the causal mask are left out, weights of attention are made again" },
    { "model FLOPs per step",  "flops.model",            "FLOP",     products_meaning,     receipt_unknown,             "products as the graph says them: full attention, nothing made again" },
    { "time per step",         "seconds.step",           "s",        seconds_predicted,    seconds_measured,    "predicted: products at the best rate of a product here, everything else at the rate of a copy; measured: mean without the first step" },
    { "tokens per second",     "tokens_per_second",      "tokens/s", rate_predicted,       rate_measured,       "of pairs: targets and sources, padding too" },
    { "MFU",                   "mfu",                    "1",        mfu_predicted,        mfu_measured,        "model FLOPs per second over the measured peak of the dtype that products are made in (of a processor in f32: multiply-adds)" },
    { "HFU",                   "hfu",                    "1",        hfu_predicted,        hfu_measured,        "issued products per second over the same" },
    { "MFU, promised peak",    "mfu.promised",           "1",        promised_predicted,   promised_measured,   "model FLOPs per second over the device's data sheet" },
};

const struct receipt_part receipt_work = { rows, sizeof rows / sizeof *rows };
