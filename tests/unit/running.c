/* running.c: see running.h. */
#include "running.h"
#include "test.h"
#include <stdlib.h>

rk_status running_open(rk_ctx *ctx, struct running *w, const char *model, const char *device, const rk_train_data *data, const rk_train_options *o, const char *output, bool resume)
{
    rk_device_options how = { .blas = "own" };
    rk_status status;
    *w = (struct running){ .ctx = ctx };
    GO(rk_model_open(ctx, model, &w->model));
    GO(rk_device_open(ctx, device, &how, &w->device));
    rk_train_setup s = { .model = w->model, .device = w->device, .data = *data, .options = o, .output = output, .resume = resume };
    GO(rk_train_open(ctx, &s, &w->train));
out:
    return status;
}

void running_close(struct running *w)
{
    rk_train_close(w->train);
    rk_device_close(w->device);
    rk_model_close(w->model);
}

struct bits running_bits(const rk_train *t)
{
    struct bits b = { NULL, 0 };
    for (int k = 0; k < RK_KIND_COUNT; k++) b.n += (size_t)t->store->bytes[k];
    b.at = malloc(b.n);
    REQUIRE(b.at != NULL);
    for (size_t k = 0, at = 0; k < RK_KIND_COUNT; at += (size_t)t->store->bytes[k++])
        if (t->store->bytes[k] > 0) memcpy(b.at + at, t->store->base[k], (size_t)t->store->bytes[k]);
    return b;
}

struct bits running_whole(int threads, const char *model, const char *device, const rk_train_data *data, const rk_train_options *o)
{
    rk_ctx *ctx;
    struct running w;
    rk_options options = { .threads = threads };
    REQUIRE(rk_ctx_open(&options, &ctx) == RK_OK);
    OK(ctx, running_open(ctx, &w, model, device, data, o, NULL, false));
    OK(ctx, rk_train_run(w.train, NULL, NULL));
    struct bits b = running_bits(w.train);
    running_close(&w);
    rk_ctx_close(ctx);
    return b;
}

void running_same(struct bits a, struct bits b)
{
    EXPECT_INT(a.n, b.n);
    EXPECT(a.n == b.n && memcmp(a.at, b.at, a.n) == 0);
}

enum { TOKENS = 2000 };

struct text running_text(void)
{
    struct text t = { .bytes = malloc(2 * TOKENS) };
    REQUIRE(t.bytes != NULL);
    unsigned id = 1;
    for (size_t i = 0; i < TOKENS; i++) {
        id = test_random(8) == 0 ? (unsigned)test_random(37) : (id * 5 + 3) % 37;
        t.bytes[2 * i] = (unsigned char)id;
        t.bytes[2 * i + 1] = 0;
    }
    t.tokens = (rk_tokens){ .at = t.bytes, .n = TOKENS, .bytes_each = 2 };
    return t;
}

rk_train_options running_small(void)
{
    rk_train_options o = rk_train_defaults();
    o.batch = 4;
    o.steps = 6;
    o.warmup = 2;
    o.lr = 1e-2;
    o.eval_every = 3;
    o.validation = 0.1;
    return o;
}
