/* open.c: a run made ready: graphs, plans, a look at memory before any is taken, and the first weights. */
#include "base/pages.h"
#include "train/training.h"
#include "model/bind.h"
#include "run/device.h"
#include <string.h>
#include <unistd.h>

const char *const stage_names[STAGES] = { "micro", "more", "update", "score" };

/* --- options --- */

static rk_status fill_in(rk_ctx *ctx, rk_train *t, const rk_train_options *given)
{
    rk_train_options *o = &t->options;
    *o = given != NULL ? *given : rk_train_defaults();
    TRY(options_check(ctx, o));
    if (o->cycle == 0) o->cycle = o->steps;
    TRY(policy_read(ctx, o->policy, &t->policy));
    t->rule = train_rule_of(o);
    train_rule_under(&t->rule, &t->policy);
    t->scale.now = t->rule.scaled ? o->loss_scale : 1;
    return RK_OK;
}

/* The data, and the sizes that they and the model say. */
static rk_status open_data(rk_ctx *ctx, rk_train *t, const rk_train_data *from)
{
    rk_train_options *o = &t->options;
    struct data_wanted wanted;
    TRY(data_wants(ctx, t->model, o, &wanted));
    TRY(data_open(ctx, from, o, &wanted, &t->data));
    o->seq = t->data.seq;
    o->source_seq = t->data.source_seq;
    int64_t numbers, longer = o->source_seq > o->seq ? o->source_seq : o->seq;
    if (!extent_mul(o->batch, longer, &numbers) || !extent_mul(numbers, o->accumulate, &numbers) || numbers > INT32_MAX)
        return FAIL(RK_E_LIMIT, "a step of %lld x %lld sequences of %lld tokens is more than 2^31 tokens", (long long)o->accumulate, (long long)o->batch, (long long)longer);
    return RK_OK;
}

static rk_status keep_text(rk_ctx *ctx, rk_train *t, const char *text, const char **out)
{
    *out = NULL;
    return text == NULL ? RK_OK : arena_text(ctx, &t->arena, text, strlen(text), out);
}

/* --- graphs and plans --- */

static bool keep_forward(void *user, const rk_graph *g, rk_ref r)
{
    const rk_train *t = user;
    return backend_takes(t->backend, g, r, false);
}

static rk_status build_graphs(rk_ctx *ctx, rk_train *t)
{
    const rk_train_options *o = &t->options;
    struct build_options how = { .purpose = FOR_TRAINING, .batch = o->batch, .seq = o->seq, .source = o->source_seq, .dropout = !o->no_dropout };
    data_padding(t->model, &how);
    TRY(model_build(ctx, t->model, &how, &t->built));
    TRY(train_cast(ctx, &t->policy, &t->built));
    TRY(master_keep(ctx, t));
    how.purpose = FOR_SCORING;
    TRY(model_build(ctx, t->model, &how, &t->scored));
    TRY(train_cast(ctx, &t->policy, &t->scored));
    const struct parameter *p = t->built.parameters.at;
    int n = t->built.parameters.n;
    TRY(train_micro(ctx, t->backend, t->built.g, p, n, false, &t->stage[STAGE_MICRO].g));
    if (o->accumulate > 1) TRY(train_micro(ctx, t->backend, t->built.g, p, n, true, &t->stage[STAGE_MORE].g));
    TRY(train_update(ctx, t->built.g, p, n, &t->rule, &t->stage[STAGE_UPDATE].g));
    TRY(pass_expand(ctx, t->scored.g, keep_forward, t, &t->stage[STAGE_SCORE].g, NULL));
    return rk_graph_seal(t->stage[STAGE_SCORE].g);
}

static rk_status make_plans(rk_ctx *ctx, rk_train *t)
{
    TRY(store_open(ctx, t->backend, &t->store));
    for (int i = 0; i < STAGES; i++) {
        struct stage *s = &t->stage[i];
        if (s->g == NULL) continue;
        TRY(pass_lower(ctx, s->g, t->backend, &s->plan));
        TRY(pass_place(ctx, s->plan, &(struct plan_options){ .reuse = true }));
        TRY(store_declare(ctx, t->store, s->g));
    }
    return RK_OK;
}

/* --- memory --- */

int64_t train_states_bytes(const rk_train *t)
{
    int64_t bytes = 0;
    for (int k = 0; k < RK_KIND_COUNT; k++) bytes += t->store->bytes[k];
    return bytes;
}

static int largest_stage(const rk_train *t)
{
    int largest = STAGE_MICRO;
    for (int i = 0; i < STAGES; i++)
        if (t->stage[i].plan != NULL && t->stage[i].plan->bytes > t->stage[largest].plan->bytes) largest = i;
    return largest;
}

int64_t train_arena_bytes(const rk_train *t) { return t->stage[largest_stage(t)].plan->bytes; }

int64_t train_input_bytes(const rk_train *t)
{
    int64_t bytes = 0;
    for (int i = 0; i < STAGES; i++) {
        const struct plan *plan = t->stage[i].plan;
        for (int k = 0; plan != NULL && k < plan->n_inputs; k++) {
            int64_t own = plan->inputs[k].elements * (int64_t)t->backend->bytes_of(plan->inputs[k].dtype);
            bytes += (own + PLAN_ALIGNMENT - 1) & ~(int64_t)(PLAN_ALIGNMENT - 1);
        }
    }
    return bytes;
}

static rk_status check_memory(rk_ctx *ctx, const rk_train *t, uint64_t limit)
{
    const double mib = 1024.0 * 1024.0;
    const rk_train_options *o = &t->options;
    int64_t states = train_states_bytes(t), arena = train_arena_bytes(t), inputs = train_input_bytes(t);
    if (limit == 0 || (uint64_t)(states + arena + inputs) <= limit) return RK_OK;
    (void)FAIL(RK_E_NOMEM, "training %s needs %.1f MiB (parameters, gradients and what the optimizer keeps %.1f, activations and workspace %.1f), but only %.1f MiB may be used", t->model->name,
               (double)(states + arena + inputs) / mib, (double)states / mib, (double)arena / mib, (double)limit / mib);
    if (o->batch > 1 && (uint64_t)states < limit)
        return ctx_hint(ctx, "--batch %lld --accumulate %lld takes the same steps and saves about %.1f MiB; a shorter --seq saves more", (long long)o->batch / 2,
                        (long long)o->accumulate * 2, (double)arena / 2 / mib);
    if ((uint64_t)states < limit) return ctx_hint(ctx, "--seq %lld saves about %.1f MiB or more", (long long)o->seq / 2, (double)arena / 2 / mib);
    return ctx_hint(ctx, "the model itself is too large here: parameters, gradients and what the optimizer keeps take %.1f MiB; of the optimizers, adafactor keeps the least",
                    (double)states / mib);
}

static size_t batch_numbers(const rk_train *t, int input) { return (size_t)(t->options.accumulate * t->options.batch * data_width(&t->data, (enum data_input)input)); }

static rk_status take_memory(rk_ctx *ctx, rk_train *t)
{
    int host = largest_stage(t);
    TRY(store_allocate(ctx, t->store));
    TRY(run_open(ctx, t->stage[host].plan, t->store, &t->stage[host].run));
    for (int i = 0; i < STAGES; i++)
        if (t->stage[i].plan != NULL && i != host) TRY(run_open_in(ctx, t->stage[i].plan, t->store, t->stage[host].run, &t->stage[i].run));
    for (int k = 0; k < DATA_INPUTS; k++)
        if (data_width(&t->data, (enum data_input)k) > 0) TRY(NEW(t->batch[k], batch_numbers(t, k)));
    return RK_OK;
}

/* --- weights --- */

static rk_status weights_from_model(rk_ctx *ctx, rk_train *t)
{
    struct bundle b = { 0 };
    TRY(bundle_open(ctx, t->model->weights, &b));
    rk_status status = bind_load(ctx, t->model->config.arch, &t->kept, &b, t->store, NULL);
    bundle_close(ctx, &b);
    return status;
}

static rk_status first_state(rk_ctx *ctx, rk_train *t, const rk_train_setup *setup)
{
    struct str checkpoint = { 0 };
    rk_status status = RK_OK;
    if (t->output != NULL) GO(save_begin(ctx, t));
    if (t->output != NULL && setup->resume) GO(resume_find(ctx, t->output, &checkpoint));
    if (checkpoint.n > 0) GO(resume_load(ctx, t, str_c(&checkpoint), setup->any_kernels));
    else if (t->model->weights[0] != '\0') GO(weights_from_model(ctx, t));
    else GO(train_first_weights(ctx, t));
    GO(master_round(ctx, t));
out:
    str_free(ctx, &checkpoint);
    return status;
}

/* --- all of it --- */

static rk_status open_all(rk_ctx *ctx, rk_train *t, const rk_train_setup *setup)
{
    TRY(fill_in(ctx, t, setup->options));
    TRY(keep_text(ctx, t, setup->output, &t->output));
    TRY(keep_text(ctx, t, setup->data.tokenizer, &t->tokenizer));
    TRY(open_data(ctx, t, &setup->data));
    TRY(build_graphs(ctx, t));
    TRY(make_plans(ctx, t));
    TRY(check_memory(ctx, t, setup->memory_limit));
    TRY(take_memory(ctx, t));
    TRY(train_price(ctx, t));
    return first_state(ctx, t, setup);
}

rk_status train_open(rk_ctx *ctx, const rk_train_setup *setup, const struct backend *backend, rk_train **out)
{
    rk_train *t;
    *out = NULL;
    TRY(NEW(t, 1));
    t->ctx = ctx;
    t->model = setup->model;
    t->device = setup->device;
    t->backend = backend;
    t->saved = t->lock = -1;
    t->promised_flops = setup->promised_flops;
    if (setup->ceilings != NULL) t->ceilings = *setup->ceilings;
    pages_peak_reset();                         /* what was measured before (races, ceilings) must not hide what the run takes */
    t->resident_before = rk_process_peak_bytes();
    t->described_before = rk_ctx_bytes(ctx);
    rk_status status = open_all(ctx, t, setup);
    if (status == RK_OK) *out = t;
    else rk_train_close(t);
    return status;
}

rk_status rk_train_open(rk_ctx *ctx, const rk_train_setup *setup, rk_train **train)
{
    *train = NULL;
    if (setup->model == NULL || setup->device == NULL) return FAIL(RK_E_ARG, "training needs a model and a device");
    return train_open(ctx, setup, device_backend(setup->device), train);
}

const rk_train_options *rk_train_options_of(const rk_train *t) { return &t->options; }

void rk_train_close(rk_train *t)
{
    if (t == NULL) return;
    rk_ctx *ctx = t->ctx;
    int host = t->stage[STAGE_MICRO].plan != NULL && t->stage[STAGE_SCORE].plan != NULL ? largest_stage(t) : 0;
    for (int i = 0; i < STAGES; i++)
        if (i != host) run_close(t->stage[i].run);
    run_close(t->stage[host].run);
    for (int i = 0; i < STAGES; i++) {
        plan_free(t->stage[i].plan);
        rk_graph_close(t->stage[i].g);
    }
    store_close(t->store);
    master_close(t);
    built_close(&t->built);
    built_close(&t->scored);
    for (int k = 0; k < DATA_INPUTS; k++)
        if (t->batch[k] != NULL) FREE(t->batch[k], batch_numbers(t, k));
    data_close(ctx, &t->data);
    if (t->lock >= 0) (void)close(t->lock);
    arena_clear(ctx, &t->arena);
    FREE(t, 1);
}
