/* master.c: f32 copies of narrow parameters: they are what is trained, loaded and saved; the parameters are their rounding.
 *
 * So a checkpoint holds every number once, in f32, and a resumed run has the bits of one that was not stopped: the update rounds the
 * same copy to the same parameter. Without such copies what is kept are the parameters themselves. */
#include "train/training.h"
#include <string.h>

enum { BLOCK = 1 << 14 };

rk_status master_keep(rk_ctx *ctx, rk_train *t)
{
    struct built *kept = &t->kept;
    const int n = t->built.parameters.n, stored = built_stored(&t->built);
    *kept = t->built;
    memset(&kept->parameters, 0, sizeof kept->parameters);
    TRY(VEC_ROOM(&kept->parameters, stored));
    for (int i = 0; i < stored; i++) {
        kept->parameters.at[i] = t->built.parameters.at[i];
        if (i < n && t->rule.master) kept->parameters.at[i].kind = RK_MASTER;
    }
    kept->parameters.n = n;
    kept->n_inputs = 0;
    return RK_OK;
}

static rk_status round_one(rk_ctx *ctx, rk_train *t, const char *name, unsigned char *block)
{
    int from = store_find(t->store, RK_MASTER, name), to = store_find(t->store, RK_PARAMETER, name);
    PROMISE(from >= 0 && to >= 0);
    const struct store_entry *master = &t->store->entries.at[from], *parameter = &t->store->entries.at[to];
    const struct backend *b = t->backend;
    for (int64_t at = 0; at < master->elements; at += BLOCK) {
        size_t n = (size_t)(master->elements - at < BLOCK ? master->elements - at : BLOCK);
        TRY(b->read(ctx, block, parameter->dtype, (const char *)master->address + (size_t)at * b->bytes_of(master->dtype), master->dtype, n));
        TRY(b->write(ctx, (char *)parameter->address + (size_t)at * b->bytes_of(parameter->dtype), parameter->dtype, block, parameter->dtype, n));
    }
    return RK_OK;
}

rk_status master_round(rk_ctx *ctx, rk_train *t)
{
    unsigned char *block;
    rk_status status = RK_OK;
    if (!t->rule.master) return RK_OK;
    TRY(NEW(block, BLOCK * sizeof(double)));
    for (int i = 0; i < t->built.parameters.n && status == RK_OK; i++) status = round_one(ctx, t, t->built.parameters.at[i].name, block);
    FREE(block, BLOCK * sizeof(double));
    return status;
}

void master_close(rk_train *t)
{
    rk_ctx *ctx = t->ctx;
    VEC_FREE(&t->kept.parameters);
}
