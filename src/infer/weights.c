/* weights.c: the parameters of a model on a device, read once. */
#include "infer/session.h"
#include "model/bind.h"
#include "run/device.h"

void rk_weights_close(rk_weights *w)
{
    if (w == NULL) return;
    rk_ctx *ctx = w->ctx;
    store_close(w->store);
    FREE(w, 1);
}

/* The smallest graph that has all parameters and no cache: what is to be stored. */
static rk_status fill(rk_ctx *ctx, rk_weights *w, const struct bundle *b)
{
    struct built built;
    struct build_options how = { .purpose = FOR_LOGITS, .batch = 1, .seq = 1 };
    rk_status status;
    TRY(model_build(ctx, w->model, &how, &built));
    GO(store_open(ctx, w->backend, &w->store));
    GO(store_declare(ctx, w->store, built.g));
    GO(store_allocate(ctx, w->store));
    GO(bind_load(ctx, w->model->config.arch, &built, b, w->store, NULL));
out:
    built_close(&built);
    return status;
}

rk_status weights_open(rk_ctx *ctx, rk_model *model, const struct backend *backend, rk_weights **out)
{
    struct bundle b = { 0 };
    rk_weights *w = NULL;
    rk_status status;
    *out = NULL;
    if (!rk_model_has_weights(model)) {
        (void)FAIL(RK_E_MISSING, "%s is a description without weights", model->name);
        return ctx_hint(ctx, "name a folder that holds model.safetensors beside config.json");
    }
    GO(bundle_open(ctx, model->weights, &b));
    GO(NEW(w, 1));
    w->ctx = ctx;
    w->model = model;
    w->backend = backend;
    GO(fill(ctx, w, &b));
    *out = w;
    w = NULL;
out:
    rk_weights_close(w);
    bundle_close(ctx, &b);
    return status;
}

rk_status rk_weights_open(rk_ctx *ctx, rk_model *model, rk_device *device, rk_weights **weights)
{
    return weights_open(ctx, model, device_backend(device), weights);
}

uint64_t rk_weights_bytes(const rk_weights *w) { return (uint64_t)(w->store->bytes[RK_PARAMETER] + w->store->bytes[RK_CONSTANT]); }
