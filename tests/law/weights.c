/* weights.c: see weights.h. */
#include "weights.h"
#include "base/rng.h"
#include "tiny.h"

rk_status random_weights_of(rk_ctx *ctx, const char *spec, const struct backend *backend, rk_weights *w)
{
    struct built built = { 0 };
    struct build_options how = { .purpose = FOR_LOGITS, .batch = 1, .seq = 1 };
    rk_status status;
    *w = (rk_weights){ .ctx = ctx, .backend = backend };
    GO(rk_model_open(ctx, spec, &w->model));
    GO(model_build(ctx, w->model, &how, &built));
    GO(store_open(ctx, backend, &w->store));
    GO(store_declare(ctx, w->store, built.g));
    GO(store_allocate(ctx, w->store));
    for (int e = 0; e < w->store->entries.n; e++) {
        int64_t n = w->store->entries.at[e].elements;
        double *values;
        GO(NEW(values, n));
        for (int64_t i = 0; i < n; i++) values[i] = 0.2 * rng_normal(7, (uint64_t)e, (uint64_t)i);
        status = store_write(ctx, w->store, e, values, RK_f64);
        FREE(values, n);
        GO(status);
    }
out:
    built_close(&built);
    return status;
}

rk_status random_weights(rk_ctx *ctx, int tiny, const struct backend *backend, rk_weights *w)
{
    char spec[TINY_ROOM];
    return random_weights_of(ctx, tiny_model(tiny, WEIGHTS_VOCAB, WEIGHTS_CONTEXT, spec), backend, w);
}

void weights_end(rk_weights *w)
{
    store_close(w->store);
    rk_model_close(w->model);
}
