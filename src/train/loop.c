/* loop.c: what happens over steps. Nothing is allocated here: data, graphs and memory are ready. */
#include "base/clock.h"
#include "train/training.h"
#include <math.h>
#include <string.h>

/* --- a step --- */

static const char *const input_names[] = {
#define ROW(name, width) [DATA_##name] = #name,
#include "train/input.def"
#undef ROW
};

/* What counts in a step or a validation, whose loss is mean over targets + mean over judged pairs: a sum over both, the second
 * times next_weight, over the targets. */
struct counts { int64_t targets, judged; };
static double inverse_of(const struct counts *c) { return c->targets > 0 ? 1 / (double)c->targets : 0; }
static double next_weight(const struct counts *c) { return c->judged > 0 ? (double)c->targets / (double)c->judged : 0; }

/* Where sample i of the batches goes. */
static struct sample sample_at(const rk_train *t, int64_t i)
{
    struct sample s = { .targets = 0 };
    for (int k = 0; k < DATA_INPUTS; k++)
        if (t->batch[k] != NULL) s.at[k] = t->batch[k] + i * data_width(&t->data, (enum data_input)k);
    return s;
}

static struct counts fill_step(rk_train *t)
{
    struct counts c = { 0, 0 };
    int64_t samples = t->options.accumulate * t->options.batch;
    for (int64_t i = 0; i < samples; i++) {
        struct sample s = sample_at(t, i);
        data_sample(&t->data, (uint64_t)(t->step * samples + i), &s);
        c.targets += s.targets;
        c.judged += s.judged;
    }
    return c;
}

/* Runs a micro-batch, or a batch of the validation: adds the loss of what counts in it to *sum. Gradients are of the scaled loss. */
static rk_status run_batch(rk_ctx *ctx, rk_train *t, struct stage *s, int64_t batch, const struct counts *c, uint64_t draw, double *sum)
{
    double loss, seed = inverse_of(c) * t->scale.now, weight = next_weight(c);
    for (int k = 0; k < DATA_INPUTS; k++) {
        int64_t at = batch * t->options.batch * data_width(&t->data, (enum data_input)k);
        if (t->batch[k] != NULL) TRY(run_input(ctx, s->run, input_names[k], t->batch[k] + at, RK_i32));
    }
    TRY(run_input(ctx, s->run, "next_weight", &weight, RK_f64));
    TRY(run_input(ctx, s->run, "inverse_tokens", &seed, RK_f64));
    TRY(run_go(ctx, s->run, (uint64_t)t->options.seed, draw));
    TRY(run_output(ctx, s->run, "loss", &loss, RK_f64));
    *sum += loss;
    return RK_OK;
}

static rk_status update(rk_ctx *ctx, rk_train *t, rk_train_report *r)
{
    const rk_train_options *o = &t->options;
    struct stage *s = &t->stage[STAGE_UPDATE];
    double now = (double)t->step + 1, taken = now - (double)t->scale.skipped, inverse = 1 / t->scale.now;
    r->learning_rate = rk_schedule_rate((rk_schedule)o->schedule, now, o->lr, o->min_lr, (double)o->warmup, (double)o->cycle);
    TRY(train_feed(ctx, s->run, &t->rule, r->learning_rate, taken));
    TRY(run_input(ctx, s->run, "inverse_loss_scale", &inverse, RK_f64));
    TRY(run_go(ctx, s->run, 0, 0));
    return run_output(ctx, s->run, "gradient_norm", &r->gradient_norm, RK_f64);
}

static rk_status not_finite(rk_ctx *ctx, const rk_train *t, const char *what, double value)
{
    (void)FAIL(RK_E_LIMIT, "step %lld: the %s is %g", (long long)t->step + 1, what, value);
    return ctx_hint(ctx, "a smaller --lr, a longer --warmup or a smaller --clip; checkpoints of earlier steps are intact");
}

/* Doubled after so many good steps, halved after a bad one, which changed nothing but the scale. */
static rk_status scale_next(rk_ctx *ctx, rk_train *t, rk_train_report *r)
{
    struct loss_scale *s = &t->scale;
    const double most = 1e30;
    r->loss_scale = s->now;
    r->skipped = !isfinite(r->gradient_norm);
    if (r->skipped && s->now <= 1) return not_finite(ctx, t, "norm of the gradient", r->gradient_norm);
    if (r->skipped) {
        *s = (struct loss_scale){ .now = fmax(1, s->now / 2), .skipped = s->skipped + 1 };
        ctx_log(ctx, RK_INFO, "step %lld is skipped: its gradients overflow; the loss scale is %g from now on", (long long)t->step + 1, s->now);
    } else if (t->rule.scaled && ++s->good == t->options.scale_steps) {
        if (s->now < most) s->now *= 2;
        s->good = 0;
    }
    return RK_OK;
}

static void note_loss(rk_train *t, double loss, double validation)
{
    if (t->n_history == HISTORY) memmove(t->history, t->history + 1, (HISTORY - 1) * sizeof *t->history);
    else t->n_history++;
    t->history[t->n_history - 1] = (struct past){ t->step, loss, validation };
}

static void note_time(rk_train *t, rk_train_report *r, double seconds)
{
    const rk_train_options *o = &t->options;
    if (t->first_seconds == 0) t->first_seconds = seconds;                  /* pages are touched for the first time */
    else {
        t->timed_steps++;
        t->timed_seconds += seconds;
    }
    double mean = t->timed_steps > 0 ? t->timed_seconds / (double)t->timed_steps : seconds;
    r->seconds = seconds;
    r->tokens_per_second = (double)train_tokens(t) / seconds;
    double peak = train_peak(t);
    if (peak > 0) r->mfu = (double)t->model_flops / seconds / peak;
    if (t->promised_flops > 0) r->promised_mfu = (double)t->model_flops / seconds / t->promised_flops;
    r->seconds_left = mean * (double)(o->steps > t->step ? o->steps - t->step : 0);
}

rk_status rk_train_step(rk_train *t, rk_train_report *r)
{
    rk_ctx *ctx = t->ctx;
    double began = clock_seconds(), sum = 0;
    int64_t parts = t->options.accumulate;
    struct counts c = fill_step(t);
    *r = (rk_train_report){ .validation_loss = NAN };
    for (int64_t i = 0; i < parts; i++)
        TRY(run_batch(ctx, t, &t->stage[i == 0 ? STAGE_MICRO : STAGE_MORE], i, &c, (uint64_t)(t->step * parts + i), &sum));
    r->loss = sum * inverse_of(&c);
    if (!isfinite(r->loss)) return not_finite(ctx, t, "loss", r->loss);
    TRY(update(ctx, t, r));
    TRY(scale_next(ctx, t, r));
    t->step++;
    note_time(t, r, clock_seconds() - began);
    r->step = t->step;
    r->steps = t->options.steps;
    note_loss(t, r->loss, NAN);
    return RK_OK;
}

int64_t rk_train_steps_done(const rk_train *t) { return t->step; }

/* --- validation --- */

/* A batch from the first-th on of `used` windows, evenly over all there are; adds what counts in it. */
static void fill_validation(rk_train *t, int64_t first, int64_t used, struct counts *c)
{
    int64_t all = data_validation_windows(&t->data);
    for (int64_t i = 0; i < t->options.batch; i++) {
        struct sample s = sample_at(t, i);
        data_validation_sample(&t->data, first + i < used ? (int64_t)((__int128)(first + i) * all / used) : all, &s);
        c->targets += s.targets;
        c->judged += s.judged;
    }
}

rk_status rk_train_validate(rk_train *t, double *loss)
{
    rk_ctx *ctx = t->ctx;
    const rk_train_options *o = &t->options;
    int64_t windows = data_validation_windows(&t->data), limit;
    struct counts all = { 0, 0 }, own = { 0, 0 };
    double sum = 0;
    if (o->eval_batches > 0 && extent_mul(o->eval_batches, o->batch, &limit) && limit < windows) windows = limit;
    for (int64_t first = 0; first < windows; first += o->batch) fill_validation(t, first, windows, &all);       /* what one counts for depends on all */
    for (int64_t first = 0; first < windows; first += o->batch) {
        fill_validation(t, first, windows, &own);
        TRY(run_batch(ctx, t, &t->stage[STAGE_SCORE], 0, &all, 0, &sum));
    }
    *loss = all.targets > 0 ? sum * inverse_of(&all) : NAN;
    return RK_OK;
}

/* --- a run --- */

static bool is_due(int64_t every, const rk_train *t) { return (every > 0 && t->step % every == 0) || t->step == t->options.steps; }

static rk_status after_step(rk_ctx *ctx, rk_train *t, rk_train_report *r)
{
    if (is_due(t->options.eval_every, t)) {
        TRY(rk_train_validate(t, &r->validation_loss));
        t->history[t->n_history - 1].validation = r->validation_loss;
    }
    if (t->output == NULL || !is_due(t->options.save_every, t)) return RK_OK;
    r->saved = true;
    return rk_train_save(t);
}

rk_status rk_train_run(rk_train *t, rk_train_fn *each, void *user)
{
    rk_ctx *ctx = t->ctx;
    while (t->step < t->options.steps) {
        rk_train_report r;
        TRY(rk_train_step(t, &r));
        TRY(after_step(ctx, t, &r));
        if (each == NULL || each(user, &r)) continue;
        if (t->output != NULL) TRY(rk_train_save(t));
        return FAIL(RK_E_CANCELLED, "training was stopped after step %lld of %lld", (long long)t->step, (long long)t->options.steps);
    }
    return RK_OK;
}

rk_status rk_train_read(rk_train *t, rk_kind kind, const char *name, float *to, size_t elements)
{
    rk_ctx *ctx = t->ctx;
    int entry = (unsigned)kind < RK_KIND_COUNT ? store_find(t->store, kind, name) : -1;
    if (entry < 0) return FAIL(RK_E_UNKNOWN, "there is no %s %s", (unsigned)kind < RK_KIND_COUNT ? rk_kind_words(kind) : "state", name);
    if ((int64_t)elements != t->store->entries.at[entry].elements)
        return FAIL(RK_E_SHAPE, "%s has %lld elements, not %zu", name, (long long)t->store->entries.at[entry].elements, elements);
    return store_read(ctx, t->store, entry, to, RK_f32);
}
