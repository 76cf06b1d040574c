/* Laws of pass/lengthen: what a plan of four blocks of each tower says of all of them is what the plan of all says, to the byte:
 * for presets of every family, for towers of any height, under policies, optimizers and micro-batches. */
#include "model/model.h"
#include "test.h"
#include "tiny.h"
#include <stdio.h>
#include <string.h>

static void same_plan(rk_ctx *ctx, const char *spec, rk_bill_settings settings)
{
    rk_model *model;
    rk_bill *whole, *found;
    OK(ctx, rk_model_open(ctx, spec, &model));
    settings.plan = true;
    settings.totals = true;
    OK(ctx, rk_bill_of(model, &settings, &whole));
    settings.plan_untimed = true;
    OK(ctx, rk_bill_of(model, &settings, &found));
    EXPECT(rk_bill_steps(whole) > 0 && rk_bill_steps(found) == 0);
    EXPECT_INT(rk_bill_entries(found), rk_bill_entries(whole));
    for (int i = 0; i < rk_bill_entries(whole); i++) {
        rk_bill_entry a = rk_bill_entry_at(whole, i), b = rk_bill_entry_at(found, i);
        bool same = a.number == b.number && strcmp(a.name, b.name) == 0;
        if (!same) test_fail(__FILE__, __LINE__, "%s: %s is %llu, %s of all blocks %llu", spec, b.name, (unsigned long long)b.number, a.name, (unsigned long long)a.number);
    }
    rk_bill_free(whole);
    rk_bill_free(found);
    rk_model_close(model);
}

TEST(presets_are_planned_as_a_whole)
{
    rk_ctx *ctx = test_ctx();
    for (int i = 0; rk_model_preset(i) != NULL; i++)
        if (i % (2 * TEST_FEWER) == 0) same_plan(ctx, rk_model_preset(i), (rk_bill_settings){ .seq = 16, .batch = 1 + i % 3, .dropout = i % 2 == 1 });
}

TEST(towers_of_any_height_are_planned_as_a_whole)
{
    rk_ctx *ctx = test_ctx();
    static const char *const policies[] = { NULL, "amp-bf16", "amp-fp16,head=f32" };
    for (int i = 0; i < 4 * TINY_MODELS; i += TEST_FEWER) {
        char spec[TINY_ROOM];
        (void)tiny_model(i % TINY_MODELS, 11, 8, spec);
        (void)snprintf(spec + strlen(spec), sizeof spec - strlen(spec), ",layer=%d", 3 + i % 11);
        same_plan(ctx, spec, (rk_bill_settings){ .batch = 1 + i % 2, .policy = policies[i % 3], .optimizer = (rk_optimizer)(i % RK_OPTIMIZERS), .accumulate = 1 + i % 5 / 4, .padded = i % 2 == 1 });
    }
    same_plan(ctx, "transformer-base:num_encoder_layers=3,num_decoder_layers=12", (rk_bill_settings){ .seq = 9, .source_seq = 31 });
    same_plan(ctx, "gpt2:scale_attn_by_inverse_layer_idx=true", (rk_bill_settings){ .seq = 5 });
}

/* A shortcut that is never taken keeps every law. */
TEST(the_shortcut_is_taken)
{
    static const char *const specs[] = { "gpt3", "pythia-1b", "gpt-j-6b", "cs336-xl", "bert-large-cased", "transformer-big", "annotated-transformer", "opus-mt-en-de" };
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        size_t peak[2];
        for (int untimed = 0; untimed < 2; untimed++) {
            rk_ctx *ctx;
            rk_model *model;
            rk_bill *bill;
            REQUIRE(rk_ctx_open(NULL, &ctx) == RK_OK);
            OK(ctx, rk_model_open(ctx, specs[i], &model));
            OK(ctx, rk_bill_of(model, &(rk_bill_settings){ .plan = true, .plan_alone = untimed == 1, .plan_untimed = untimed == 1, .totals = true, .seq = 8 }, &bill));
            peak[untimed] = rk_ctx_peak_bytes(ctx);
            rk_bill_free(bill);
            rk_model_close(model);
            rk_ctx_close(ctx);
        }
        if (peak[1] > peak[0] * 9 / 10) test_fail(__FILE__, __LINE__, "%s: %zu bytes for a plan of few blocks, %zu for all", specs[i], peak[1], peak[0]);
    }
}

static rk_status plan_briefly(rk_ctx *ctx)
{
    rk_model *model;
    rk_bill *bill = NULL;
    rk_status status = rk_model_open(ctx, "gpt2:n_layer=7,n_embd=32,n_head=4,vocab_size=99", &model);
    if (status != RK_OK) return status;
    status = rk_bill_of(model, &(rk_bill_settings){ .batch = 1, .seq = 7, .plan = true, .plan_alone = true }, &bill);
    rk_bill_free(bill);
    rk_model_close(model);
    return status;
}

TEST(every_failed_allocation_ends_well) { FOR_EVERY_FAILED_ALLOCATION(plan_briefly); }
