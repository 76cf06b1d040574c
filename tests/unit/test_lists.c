/* What programs are told of what there is: operations, functions, optimizers, policies, rates; and which options of training nobody reads. */
#include "core/opdef.h"
#include "reckon/books.h"
#include "reckon/infer.h"
#include "reckon/model.h"
#include "reckon/train.h"
#include "test.h"

/* The kind of an operation by its flags, which is what all others go by. */
TEST(operations_are_listed_once_with_their_kind)
{
    rk_op_info info, before;
    int n = 0;
    for (; rk_op_at(n, &info); n++) {
        const struct opdef *op = op_list[n];
        EXPECT_TEXT(info.name, op->name);
        EXPECT(info.gradient == (op->grad != NULL || op->expand != NULL));
        EXPECT((strcmp(info.kind, "source") == 0) == ((op->flags & OP_SOURCE) != 0) && (strcmp(info.kind, "fused") == 0) == ((op->flags & OP_FUSED) != 0));
        for (int k = 0; k < n; k++) EXPECT(rk_op_at(k, &before) && strcmp(before.name, info.name) != 0);
    }
    EXPECT(n > 30 && op_list[n] == NULL);
    EXPECT(info.name[0] == '\0' && !rk_op_at(-1, &info));
}

/* docs/numerics.md prints these: rows of map.def, looked up by what builders call them. */
TEST(functions_say_what_they_cost)
{
    static const struct { const char *name; int operands, flops; } known[] = { { "add", 2, 1 }, { "gelu_tanh", 1, 0 }, { "where", 3, 0 } };
    rk_function_info f;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        int at = 0;
        while (rk_function_at(at, &f) && strcmp(f.name, known[i].name) != 0) at++;
        EXPECT_TEXT(f.name, known[i].name);
        EXPECT_INT(f.operands, known[i].operands);
        EXPECT(f.flops >= known[i].flops && f.slope_flops >= -1);
    }
    int n = 0;
    while (rk_function_at(n, &f)) n++;
    EXPECT(n > 20 && !rk_function_at(n, &f) && !rk_function_at(-1, &f));
}

TEST(policies_say_in_what_they_multiply)
{
    static const struct { const char *policy; rk_dtype dtype; } known[] = {
        { "fp32", RK_f32 }, { "amp-bf16", RK_bf16 }, { "amp-fp16", RK_f16 }, { "mixed", RK_bf16 }, { "fp8", RK_f8e4m3 }, { "amp-bf16,head=f32", RK_bf16 },
    };
    rk_ctx *ctx = test_ctx();
    rk_dtype dtype;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        OK(ctx, rk_policy_products(ctx, known[i].policy, &dtype));
        EXPECT_TEXT(rk_dtype_name(dtype), rk_dtype_name(known[i].dtype));
    }
    FAILS(ctx, rk_policy_products(ctx, "amp", &dtype), RK_E_UNKNOWN, "\"amp\"");
    FAILS(ctx, rk_policy_products(ctx, "fp32,head=f99", &dtype), RK_E_UNKNOWN, "f99");
    int n = 0, scaled = 0;
    for (; rk_policy_at(n).word != NULL; n++) {
        OK(ctx, rk_policy_check(ctx, rk_policy_at(n).word));            /* what is listed is known */
        scaled += rk_policy_at(n).scaled;
        EXPECT(rk_policy_at(n).scaled == (strcmp(rk_policy_at(n).word, "amp-fp16") == 0));
    }
    EXPECT_INT(n, 5);
    EXPECT(scaled == 1 && rk_policy_at(-1).word == NULL);
}

TEST(words_of_enums_are_told_apart)
{
    for (int i = 0; i < RK_OPTIMIZERS; i++)
        for (int k = 0; k < i; k++) EXPECT(strcmp(rk_optimizer_word((rk_optimizer)i), rk_optimizer_word((rk_optimizer)k)) != 0);
    EXPECT_TEXT(rk_optimizer_word(RK_OPTIMIZER_adafactor), "adafactor");
    EXPECT_TEXT(rk_optimizer_word(RK_OPTIMIZERS), "");
    for (int i = 0; i < RK_RATES; i++)
        for (int k = 0; k < i; k++) EXPECT(strcmp(rk_rate_name((rk_rate)i), rk_rate_name((rk_rate)k)) != 0);
    EXPECT_TEXT(rk_rate_name(RK_RATE_BF16), "bf16");
    EXPECT_TEXT(rk_rate_name(RK_RATES), "");
    for (int i = RK_STOP_LENGTH; i <= RK_STOP_CALLER; i++)
        for (int k = RK_STOP_LENGTH; k < i; k++) EXPECT(strcmp(rk_stop_words((rk_stop)i), rk_stop_words((rk_stop)k)) != 0);
    EXPECT_TEXT(rk_stop_words(RK_STOP_CONTEXT), "context");
    EXPECT_TEXT(rk_stop_words((rk_stop)(RK_STOP_CALLER + 1)), "?");
}

TEST(what_a_model_is_for)
{
    static const struct { const char *spec, *title; bool fills; } known[] = { { "gpt2", "GPT-2", false }, { "bert-tiny", "BERT", true }, { "bert-tiny+model", "BERT", true }, { "transformer-base", "Transformer", false } };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        rk_model *m;
        OK(ctx, rk_model_open(ctx, known[i].spec, &m));
        EXPECT(strncmp(rk_model_title(m), known[i].title, strlen(known[i].title)) == 0);
        EXPECT(rk_model_fills(m) == known[i].fills);
        rk_model_close(m);
    }
}

/* --- options that nobody reads --- */

/* NULL where somebody reads it. */
static rk_train_unread unread(const rk_train_options *o, const char *key)
{
    int i = 0;
    while (rk_train_unread_at(o, i).key != NULL && strcmp(rk_train_unread_at(o, i).key, key) != 0) i++;
    return rk_train_unread_at(o, i);
}

TEST(options_are_read_by_whoever_their_table_says)
{
    static const struct { rk_optimizer optimizer; const char *key; bool reads; } rows[] = {
        { RK_OPTIMIZER_adamw, "beta1", true },     { RK_OPTIMIZER_adamw, "momentum", false },   { RK_OPTIMIZER_adamw, "clip-update", false },
        { RK_OPTIMIZER_sgd, "momentum", true },    { RK_OPTIMIZER_sgd, "beta2", false },        { RK_OPTIMIZER_sgd, "muon-rate", false },
        { RK_OPTIMIZER_muon, "muon-rate", true },  { RK_OPTIMIZER_muon, "eps", true },          { RK_OPTIMIZER_muon, "eps1", false },
        { RK_OPTIMIZER_adafactor, "eps1", true },  { RK_OPTIMIZER_adafactor, "eps", false },    { RK_OPTIMIZER_adafactor, "plain-momentum", false },
        { RK_OPTIMIZER_adafactor, "lr", true },    { RK_OPTIMIZER_sgd, "weight-decay", true },
    };
    rk_train_options o = rk_train_defaults();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        o.optimizer = (int)rows[i].optimizer;
        rk_train_unread u = unread(&o, rows[i].key);
        EXPECT((u.key == NULL) == rows[i].reads);
        if (u.key != NULL) EXPECT(strcmp(u.by, "optimizer") == 0 && strstr(u.readers, rk_optimizer_word(rows[i].optimizer)) == NULL && u.readers[0] != '\0');
    }
    o = rk_train_defaults();
    EXPECT(unread(&o, "min-lr").key == NULL);
    o.schedule = RK_SCHEDULE_constant;
    EXPECT_TEXT(unread(&o, "min-lr").readers, "linear, cosine, inverse-sqrt");
    EXPECT_TEXT(unread(&o, "loss-scale").readers, "amp-fp16");
    EXPECT(unread(&o, "loss-scale").usual);
    o.loss_scale = 1024;
    EXPECT(!unread(&o, "loss-scale").usual);                            /* somebody meant something by it */
    (void)strcpy(o.policy, "amp-fp16,head=f32");
    EXPECT(unread(&o, "loss-scale").key == NULL && unread(&o, "scale-steps").key == NULL);
    EXPECT(rk_train_unread_at(&o, 1000).key == NULL);
}
