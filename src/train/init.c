/* init.c: first weights from the seed. Number i of a parameter is a function of (seed, name, i): neither threads nor the order
 * of parameters change it. What distribution each has, the model says. */
#include "base/par.h"
#include "base/rng.h"
#include "train/training.h"
#include <math.h>
#include <string.h>

enum { TASK = 1 << 16, BLOCK = 1024 };

struct filling { rk_ctx *ctx; const rk_train *t; const struct store_entry *e; struct init init; int64_t width; uint64_t stream; rk_status *status; };

/* A normal number cut at three deviations: those beyond are drawn anew, from far behind any index. */
static double truncated(uint64_t seed, uint64_t stream, uint64_t i)
{
    double x = rng_normal(seed, stream, i);
    while (fabs(x) > 3) x = rng_normal(seed, stream, i += UINT64_C(1) << 48);
    return x;
}

static double first_value(const struct filling *f, uint64_t i)
{
    uint64_t seed = (uint64_t)f->t->options.seed;
    switch (f->init.kind) {
    case INIT_ZEROS:
    case INIT_ONES:
    case INIT_SINUSOID_PAIRS:
    case INIT_SINUSOID_HALVES: return init_known(f->init.kind, i, f->width);
    case INIT_UNIFORM:   return f->init.deviation * (2 * rng_uniform(seed, f->stream, i) - 1);
    case INIT_NORMAL:    return f->init.deviation * rng_normal(seed, f->stream, i);
    case INIT_TRUNCATED: return f->init.deviation * truncated(seed, f->stream, i);
    }
    return 0;
}

static void fill_task(void *arg, int64_t task, int worker)
{
    const struct filling *f = arg;
    const struct store *s = f->t->store;
    float block[BLOCK];
    (void)worker;
    int64_t end = (task + 1) * TASK < f->e->elements ? (task + 1) * TASK : f->e->elements;
    for (int64_t at = task * TASK; at < end; at += BLOCK) {
        int64_t n = end - at < BLOCK ? end - at : BLOCK;
        for (int64_t i = 0; i < n; i++) block[i] = (float)first_value(f, (uint64_t)(at + i));
        void *to = (char *)f->e->address + (size_t)at * s->backend->bytes_of(f->e->dtype);
        f->status[task] = s->backend->write(f->ctx, to, f->e->dtype, block, RK_f32, (size_t)n);
        if (f->status[task] != RK_OK) return;
    }
}

static rk_status fill(rk_ctx *ctx, rk_train *t, const struct parameter *p)
{
    int entry = store_find(t->store, p->kind, p->name);
    PROMISE(entry >= 0);
    const struct store_entry *e = &t->store->entries.at[entry];
    struct filling f = { ctx, t, e, p->init, e->rank > 0 ? e->shape[e->rank - 1] : 1, hash_bytes(p->name, strlen(p->name)), NULL };
    int64_t tasks = (f.e->elements + TASK - 1) / TASK;
    rk_status status = RK_OK;
    TRY(NEW(f.status, tasks));
    par_for(ctx, tasks, fill_task, &f);
    for (int64_t i = 0; i < tasks && status == RK_OK; i++) status = f.status[i];
    FREE(f.status, tasks);
    return status;
}

rk_status train_first_weights(rk_ctx *ctx, rk_train *t)
{
    for (int i = 0; i < built_stored(&t->kept); i++) TRY(fill(ctx, t, &t->kept.parameters.at[i]));
    return RK_OK;
}
