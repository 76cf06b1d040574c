/* weights.c: the parameters of a model on a device: mapped where the file lies as the kernels read it, else read once.
 *
 * A weight that is multiplied with is computed from as the file has it (model/forms.h), so it costs no memory of its own and no
 * time to load: its pages come when the first token needs them. What else there is (norms, biases) is converted and small.
 * The file stays open, and mapped, as long as the weights. */
#include "infer/session.h"
#include "model/bind.h"
#include "run/device.h"
#include <math.h>
#include <string.h>

void rk_weights_close(rk_weights *w)
{
    if (w == NULL) return;
    rk_ctx *ctx = w->ctx;
    store_close(w->store);
    forms_free(ctx, &w->forms);
    bundle_close(ctx, &w->bundle);
    FREE(w, 1);
}

rk_status weights_build(rk_ctx *ctx, const rk_weights *w, const struct build_options *options, struct built *built)
{
    struct build_options how = *options;
    how.forms = &w->forms;
    return model_build(ctx, w->model, &how, built);
}

/* Where the file has what the store wants. */
static const void *lend(const void *user, const struct store_entry *e)
{
    const rk_weights *w = user;
    const struct form *f = forms_get(&w->forms, e->name);
    size_t n = strlen(e->name);
    if (f != NULL) return f->entry->data;
    if (n < 6 || strcmp(e->name + n - 6, ".scale") != 0) return NULL;
    for (int i = 0; i < w->forms.n; i++)
        if (strlen(w->forms.at[i].name) == n - 6 && strncmp(w->forms.at[i].name, e->name, n - 6) == 0 && w->forms.at[i].scale != NULL) return w->forms.at[i].scale->data;
    return NULL;
}

/* The smallest graph that has all parameters and no cache: what is to be stored. */
static const struct build_options smallest = { .purpose = FOR_LOGITS, .batch = 1, .seq = 1 };

static rk_status fill(rk_ctx *ctx, rk_weights *w, const struct bundle_entry *const *found)
{
    struct built built;
    rk_status status;
    TRY(weights_build(ctx, w, &smallest, &built));
    GO(store_open(ctx, w->backend, &w->store));
    w->store->lend = lend;
    w->store->lender = w;
    GO(store_declare(ctx, w->store, built.g));
    GO(store_allocate(ctx, w->store));
    GO(bind_fill_store(ctx, w->model->config.arch, &built, &w->bundle, found, w->store));
out:
    built_close(&built);
    return status;
}

static rk_status find_and_fill(rk_ctx *ctx, rk_weights *w)
{
    struct built plain;
    struct bind_report report = { 0 };
    const struct bundle_entry **found = NULL;
    rk_status status;
    int n = 0;
    TRY(model_build(ctx, w->model, &smallest, &plain));
    n = built_stored(&plain);
    GO(NEW(found, n));
    GO(bind_match(ctx, w->model->config.arch, &plain, &w->bundle, found, &report));
    if (w->backend->maps) GO(forms_find(ctx, w->model->config.arch, &plain, &w->bundle, found, &w->forms));
    GO(fill(ctx, w, found));
out:
    FREE(found, n);
    bind_report_clear(ctx, &report);
    built_close(&plain);
    return status;
}

rk_status weights_open(rk_ctx *ctx, rk_model *model, const struct backend *backend, rk_weights **out)
{
    rk_weights *w = NULL;
    rk_status status;
    *out = NULL;
    if (!rk_model_has_weights(model)) {
        (void)FAIL(RK_E_MISSING, "%s is a description without weights", model->name);
        return ctx_hint(ctx, "name a folder that holds model.safetensors beside config.json");
    }
    GO(NEW(w, 1));
    w->ctx = ctx;
    w->model = model;
    w->backend = backend;
    GO(bundle_open(ctx, model->weights, &w->bundle));
    GO(find_and_fill(ctx, w));
    *out = w;
    w = NULL;
out:
    rk_weights_close(w);
    return status;
}

rk_status rk_weights_open(rk_ctx *ctx, rk_model *model, rk_device *device, rk_weights **weights)
{
    return weights_open(ctx, model, device_backend(device), weights);
}

uint64_t rk_weights_bytes(const rk_weights *w)
{
    const struct store *s = w->store;
    return (uint64_t)(s->bytes[RK_PARAMETER] + s->bytes[RK_CONSTANT]) + rk_weights_mapped(w);
}

uint64_t rk_weights_mapped(const rk_weights *w) { return (uint64_t)w->store->lent[RK_PARAMETER]; }

/* --- numbers that are none --- */

static rk_status count_sick(rk_ctx *ctx, const rk_weights *w, int entry, int64_t *sick)
{
    const struct store_entry *e = &w->store->entries.at[entry];
    float *x;
    TRY(NEW(x, e->elements));
    rk_status status = store_read(ctx, w->store, entry, x, RK_f32);
    for (int64_t i = 0; i < e->elements && status == RK_OK; i++) *sick += !isfinite(x[i]);
    FREE(x, e->elements);
    return status;
}

rk_status weights_find_sick(rk_ctx *ctx, const rk_weights *w, struct sick *sick)
{
    *sick = (struct sick){ 0 };
    for (int i = 0; i < w->store->entries.n && sick->n == 0; i++) {
        sick->parameter = w->store->entries.at[i].name;
        TRY(count_sick(ctx, w, i, &sick->n));
    }
    return RK_OK;
}

rk_status weights_hint_sick(rk_ctx *ctx, const struct sick *sick)
{
    if (sick->n > 0) return ctx_hint(ctx, "parameter %s holds %lld that are infinite or none (NaN)", sick->parameter, (long long)sick->n);
    return ctx_hint(ctx, "the weights are all numbers: sums of them went beyond what f32 holds");
}
