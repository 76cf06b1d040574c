/* Verification of a tiny model with every allocation failing in turn: nothing is lost, nothing stays behind. */
#include "base/rng.h"
#include "io/bundle.h"
#include "reckon/verify.h"
#include "saved.h"
#include "test.h"

enum { VOCAB = 3, SEQ = 2 };

static double normal(const void *user, const char *name, int entry, int64_t i)
{
    (void)user;
    (void)name;
    return rng_normal(1, (uint64_t)entry, (uint64_t)i);
}

/* of: 1 for a decoder alone, 2 with an encoder. */
static void write_expectations(rk_ctx *ctx, int of)
{
    static const int64_t ids[] = { 0, 1 }, greedy[] = { 0, 1, 2 }, mask[] = { 1, 0 };
    static const float logits[SEQ * VOCAB], loss = 1, losses[] = { 1, 1 }, bias[2];
    static const struct { const char *name; rk_dtype dtype; int rank; int64_t shape[3]; const void *data; size_t bytes; int of; } tensors[] = {
        { "input_ids",   RK_i64, 2, { 1, SEQ },        ids,    sizeof ids, 0 },
        { "labels",      RK_i64, 2, { 1, SEQ },        ids,    sizeof ids, 0 },
        { "greedy",      RK_i64, 2, { 1, SEQ + 1 },    greedy, sizeof greedy, 0 },
        { "logits",      RK_f32, 3, { 1, SEQ, VOCAB }, logits, sizeof logits, 0 },
        { "loss",        RK_f32, 0, { 0 },             &loss,  sizeof loss, 0 },
        { "grad.transformer.ln_f.bias", RK_f32, 1, { 2 }, bias, sizeof bias, 1 },
        { "adamw.losses", RK_f32, 1, { 2 },            losses, sizeof losses, 0 },
        { "adamw.transformer.ln_f.bias", RK_f32, 1, { 2 }, bias, sizeof bias, 1 },
        { "decoder_input_ids", RK_i64, 2, { 1, SEQ },  ids,    sizeof ids, 2 },
        { "attention_mask",    RK_i64, 2, { 1, SEQ },  mask,   sizeof mask, 2 },
        { "grad.transformer.decoder.norm.bias",  RK_f32, 1, { 2 }, bias, sizeof bias, 2 },
        { "adamw.transformer.decoder.norm.bias", RK_f32, 1, { 2 }, bias, sizeof bias, 2 },
    };
    struct bundle_writer w = { 0 };
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        if (tensors[i].of == 0 || tensors[i].of == of) OK(ctx, bundle_declare(ctx, &w, tensors[i].name, tensors[i].dtype, tensors[i].rank, tensors[i].shape));
    OK(ctx, bundle_begin(ctx, &w, test_path("io.safetensors")));
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        if (tensors[i].of == 0 || tensors[i].of == of) OK(ctx, bundle_write(ctx, &w, tensors[i].name, tensors[i].data, tensors[i].bytes));
    OK(ctx, bundle_commit(ctx, &w));
}

static rk_status verify_it(rk_ctx *ctx)
{
    rk_device *device;
    rk_verified result;
    rk_status status = rk_device_open(ctx, "ref", NULL, &device);
    if (status != RK_OK) return status;
    status = rk_verify(ctx, test_temporary(), NULL, &(rk_verify_options){ .device = device }, NULL, NULL, &result);
    if (status == RK_OK && (result.checked != 6 || result.not_checked != 0)) test_fail(__FILE__, __LINE__, "%d checked, %d not", result.checked, result.not_checked);
    rk_device_close(device);
    return status;
}

TEST(verification_survives_every_failed_allocation)
{
    rk_ctx *ctx = test_ctx();
    saved_model(ctx, "gpt2:n_layer=1,n_embd=2,n_head=1,vocab_size=3,n_positions=4", test_temporary(), RK_f32, normal, NULL);
    write_expectations(ctx, 1);
    FOR_EVERY_FAILED_ALLOCATION(verify_it);
}

TEST(so_does_that_of_an_encoder_and_a_decoder)
{
    rk_ctx *ctx = test_ctx();
    saved_model(ctx, "transformer-base:layer=1,source_layer=1,hidden=2,head=1,ff=2,vocab=3,position=4,final_norm=true", test_temporary(), RK_f32, normal, NULL);
    write_expectations(ctx, 2);
    FOR_EVERY_FAILED_ALLOCATION(verify_it);
}
