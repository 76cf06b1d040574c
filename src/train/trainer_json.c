/* trainer_json.c: what trainer.json says of a run: where it stands, by which options, on which data, by which kernels.
 * Read back by resume.c. Format: docs/formats.md. */
#include "train/training.h"

static rk_status write_kernels(rk_ctx *ctx, const rk_train *t, struct json_out *o)
{
    TRY(json_open_object(ctx, o, "kernels"));
    for (int i = 0; i < STAGES; i++) {
        const struct plan *plan = t->stage[i].plan;
        if (plan == NULL) continue;
        TRY(json_open_array(ctx, o, stage_names[i]));
        for (int k = 0; k < plan->n_steps; k++) TRY(json_put_text(ctx, o, NULL, plan->steps[k].kernel->name));
        TRY(json_close(ctx, o));
    }
    return json_close(ctx, o);
}

static rk_status write_history(rk_ctx *ctx, const rk_train *t, struct json_out *o)
{
    TRY(json_open_array(ctx, o, "loss"));
    for (int i = 0; i < t->n_history; i++) {
        const struct past *p = &t->history[i];
        TRY(json_open_object(ctx, o, NULL));
        TRY(json_put_int(ctx, o, "step", p->step));
        TRY(json_put_double(ctx, o, "loss", p->loss));
        if (p->validation == p->validation) TRY(json_put_double(ctx, o, "validation", p->validation));
        TRY(json_close(ctx, o));
    }
    return json_close(ctx, o);
}

static rk_status write_scale(rk_ctx *ctx, const rk_train *t, struct json_out *o)
{
    if (!t->rule.scaled) return RK_OK;
    TRY(json_open_object(ctx, o, "loss_scale"));
    TRY(json_put_double(ctx, o, "now", t->scale.now));
    TRY(json_put_int(ctx, o, "good_steps", t->scale.good));
    TRY(json_put_int(ctx, o, "skipped_steps", t->scale.skipped));
    return json_close(ctx, o);
}

const char *train_device_text(const rk_train *t) { return t->device != NULL ? rk_device_text(t->device) : t->backend->name; }

rk_status trainer_text(rk_ctx *ctx, const rk_train *t, struct str *text)
{
    struct json_out o = { .to = text, .indent = 1 };
    TRY(json_open_object(ctx, &o, NULL));
    TRY(json_put_text(ctx, &o, "reckon", RK_VERSION));
    TRY(json_put_int(ctx, &o, "step", t->step));
    TRY(options_write(ctx, &t->options, &o, "options"));
    TRY(json_open_object(ctx, &o, "data"));
    TRY(json_put_uint(ctx, &o, "training_tokens", t->data.train.n));
    TRY(json_put_uint(ctx, &o, "validation_tokens", t->data.validation.n));
    TRY(json_put_uint(ctx, &o, "fingerprint", t->data.fingerprint));
    TRY(json_put_int(ctx, &o, "next_sample", t->step * t->options.accumulate * t->options.batch));
    TRY(json_close(ctx, &o));
    TRY(write_history(ctx, t, &o));
    TRY(write_scale(ctx, t, &o));
    TRY(json_put_text(ctx, &o, "device", train_device_text(t)));
    TRY(json_put_int(ctx, &o, "threads", rk_ctx_threads(ctx)));
    TRY(write_kernels(ctx, t, &o));
    TRY(json_close(ctx, &o));
    return str_text(ctx, text, "\n");
}
