/* saved.c: see saved.h. */
#include "saved.h"
#include "backend/ref/ref.h"
#include "model/bind.h"
#include "run/store.h"
#include "test.h"
#include <stdlib.h>

void saved_model(rk_ctx *ctx, const char *spec, const char *folder, rk_dtype dtype, saved_value *value, const void *user)
{
    rk_model *model;
    struct built built;
    struct store *store;
    OK(ctx, rk_model_open(ctx, spec, &model));
    OK(ctx, model_build(ctx, model, &(struct build_options){ .purpose = FOR_LOGITS, .batch = 1, .seq = 1 }, &built));
    OK(ctx, store_open(ctx, backend_ref(), &store));
    OK(ctx, store_declare(ctx, store, built.g));
    OK(ctx, store_allocate(ctx, store));
    for (int e = 0; e < store->entries.n; e++) {
        const int64_t n = store->entries.at[e].elements;
        double *values = malloc((size_t)n * sizeof *values);
        REQUIRE(values != NULL);
        for (int64_t i = 0; i < n; i++) values[i] = value(user, store->entries.at[e].name, e, i);
        OK(ctx, store_write(ctx, store, e, values, RK_f64));
        free(values);
    }
    OK(ctx, bind_save(ctx, model, &built, store, folder, dtype));
    store_close(store);
    built_close(&built);
    rk_model_close(model);
}
