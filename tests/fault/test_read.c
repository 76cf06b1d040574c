/* Whole texts without memory: whichever allocation fails, the call ends with RK_E_NOMEM and nothing is lost. */
#include "infer/session.h"
#include "reckon/array.h"
#include "reckon/read.h"
#include "run/device.h"
#include "test.h"

struct opened { rk_model *m; rk_device *device; rk_weights w; rk_reader *reader; };

/* Weights that are all zero do: how likely anything is does not matter here. */
static rk_status open_zeros(rk_ctx *ctx, const char *spec, rk_reading what, struct opened *o)
{
    struct built built = { 0 };
    rk_status status;
    GO(rk_model_open(ctx, spec, &o->m));
    GO(rk_device_open(ctx, "ref", NULL, &o->device));
    o->w = (rk_weights){ .ctx = ctx, .model = o->m, .backend = device_backend(o->device) };
    GO(model_build(ctx, o->m, &(struct build_options){ .purpose = FOR_LOGITS, .seq = 1 }, &built));
    GO(store_open(ctx, o->w.backend, &o->w.store));
    GO(store_declare(ctx, o->w.store, built.g));
    GO(store_allocate(ctx, o->w.store));
    GO(rk_reader_open(&o->w, what, &o->reader));
out:
    built_close(&built);
    return status;
}

static void end(struct opened *o)
{
    rk_reader_close(o->reader);
    store_close(o->w.store);
    rk_device_close(o->device);
    rk_model_close(o->m);
}

static const uint32_t ids[] = { 1, 2, 3, 4, 5 };

static rk_status fill(rk_ctx *ctx)
{
    struct opened o = { 0 };
    rk_guess guesses[4];
    rk_status status;
    GO(open_zeros(ctx, "bert-tiny:layer=1,hidden=8,head=2,ff=8,vocab=11,position=8", RK_READ_LOGITS, &o));
    if (rk_reader_context(o.reader) != 8) test_fail(__FILE__, __LINE__, "a context of %lld", (long long)rk_reader_context(o.reader));
    GO(rk_fill(o.reader, &(rk_row){ .ids = ids, .n = 5, .picks = (int64_t[]){ 1, 3 }, .n_picks = 2 }, NULL, 2, guesses));
out:
    end(&o);
    return status;
}

static rk_status embed(rk_ctx *ctx)
{
    struct opened o = { 0 };
    float vectors[2 * 8];
    char path[4096];
    rk_status status;
    GO(open_zeros(ctx, "gpt2:layer=1,hidden=8,head=2,ff=8,vocab=11,position=8", RK_READ_HIDDEN, &o));
    GO(rk_embed(o.reader, (rk_row[]){ { .ids = ids, .n = 5 }, { .ids = ids, .n = 2 } }, 2, RK_POOL_MEAN, vectors));
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/v.%s", test_temporary(), i == 0 ? "npy" : "safetensors");
        GO(rk_array_write(ctx, path, "embeddings", RK_f32, 2, (const int64_t[]){ 2, 8 }, vectors));
    }
out:
    end(&o);
    return status;
}

static rk_status score(rk_ctx *ctx)
{
    struct opened o = { 0 };
    double scores[5];
    rk_scored result;
    rk_compared both;
    rk_status status;
    GO(open_zeros(ctx, "gpt2:layer=1,hidden=8,head=2,ff=8,vocab=11,position=8", RK_READ_LOGITS, &o));
    GO(rk_score_text(o.reader, ids, 5, &(rk_scoring){ .window = 3, .stride = 2 }, scores, &result));
    EXPECT_NEAR(result.sum, -4 * log(11), 1e-9);
    GO(rk_compare_text(o.reader, o.reader, ids, 5, &(rk_scoring){ .window = 3, .stride = 2 }, &both));
    EXPECT(both.kl == 0 && both.sum == result.sum);
out:
    end(&o);
    return status;
}

TEST(filling_in_without_memory) { FOR_EVERY_FAILED_ALLOCATION(fill); }
TEST(vectors_without_memory)    { FOR_EVERY_FAILED_ALLOCATION(embed); }
TEST(scores_without_memory)     { FOR_EVERY_FAILED_ALLOCATION(score); }

static bool stop(void *user, int64_t done, int64_t n)
{
    (void)user, (void)done, (void)n;
    return false;
}

TEST(a_score_may_be_stopped)
{
    rk_ctx *ctx = test_ctx();
    struct opened o = { 0 };
    rk_scored result;
    OK(ctx, open_zeros(ctx, "gpt2:layer=1,hidden=8,head=2,ff=8,vocab=11,position=8", RK_READ_LOGITS, &o));
    FAILS(ctx, rk_array_write(ctx, "v.txt", "v", RK_f32, 0, NULL, ""), RK_E_UNKNOWN, "says no format");
    FAILS(ctx, rk_score_text(o.reader, ids, 5, &(rk_scoring){ .window = 3, .stride = 2, .each = stop }, NULL, &result), RK_E_CANCELLED, "after 3 of 5");
    end(&o);
}
