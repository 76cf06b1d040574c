/* Hyper-parameters: what stands in config.json is what the model has; what does not fit is refused by file and key. */
#include "core/graph.h"
#include "core/opdef.h"
#include "model/model.h"
#include "test.h"
#include "torch_made.h"
#include "tiny.h"
#include <sys/stat.h>

static char place[600];

static const char *write_config(const char *text)
{
    (void)snprintf(place, sizeof place, "%s/config.json", test_temporary());
    FILE *f = fopen(place, "wb");
    REQUIRE(f != NULL && fwrite(text, 1, strlen(text), f) == strlen(text) && fclose(f) == 0);
    return place;
}

static rk_model *opened(rk_ctx *ctx, const char *spec)
{
    rk_model *m;
    OK(ctx, rk_model_open(ctx, spec, &m));
    return m;
}

static double number(rk_model *m, const char *field)
{
    double value = -1;
    EXPECT(rk_model_number(m, field, &value) == RK_OK);
    return value;
}

TEST(presets_are_what_they_are_called)
{
    rk_ctx *ctx = test_ctx();
    rk_model *m = opened(ctx, "gpt2-xl");
    EXPECT_TEXT(rk_model_family(m), "gpt2");
    EXPECT_TEXT(rk_model_name(m), "gpt2-xl");
    EXPECT_TEXT(rk_model_folder(m), "");
    EXPECT(!rk_model_has_weights(m));
    EXPECT(number(m, "hidden") == 1600 && number(m, "layer") == 48 && number(m, "head") == 25 && number(m, "ff") == 6400);
    EXPECT(number(m, "vocab") == 50257 && number(m, "position") == 1024 && number(m, "eps") == 1e-5 && number(m, "tied") == 1);
    EXPECT_TEXT(rk_model_text(m, "act"), "gelu_tanh");
    EXPECT_TEXT(rk_model_text(m, "nonsense"), "");
    double value;
    FAILS(ctx, rk_model_number(m, "nonsense", &value), RK_E_UNKNOWN, "nonsense");
    FAILS(ctx, rk_model_number(m, "act", &value), RK_E_ARG, "act");
    rk_model_close(m);
    for (int i = 0; rk_model_preset(i) != NULL; i++) rk_model_close(opened(ctx, rk_model_preset(i)));
    rk_model_close(opened(ctx, "openai-community/gpt2-medium"));
    EXPECT(rk_model_preset(-1) == NULL && rk_model_preset(10000) == NULL);
}

TEST(overrides_in_both_spellings)
{
    rk_ctx *ctx = test_ctx();
    rk_model *m = opened(ctx, "gpt2:n_layer=3,hidden=36,n_head=6,activation_function=relu,bias=false,eps=1e-6");
    EXPECT(number(m, "layer") == 3 && number(m, "hidden") == 36 && number(m, "head") == 6 && number(m, "bias") == 0 && number(m, "eps") == 1e-6);
    EXPECT(number(m, "ff") == 144);                         /* a default follows what it is made of */
    EXPECT_TEXT(rk_model_text(m, "act"), "relu");
    rk_model_close(m);
    m = opened(ctx, "cs336-small:d_model=384");
    EXPECT(number(m, "ff") == 3072);                        /* a number that was given stays */
    rk_model_close(m);
    m = opened(ctx, "cs336-small:d_model=384,d_ff=null");
    EXPECT(number(m, "ff") == 1536);
    rk_model_close(m);
    m = opened(ctx, "gpt2:n_inner=100,act=gelu");
    EXPECT(number(m, "ff") == 100);
    EXPECT_TEXT(rk_model_text(m, "act"), "gelu_erf");
    rk_model_close(m);
}

static const struct { const char *spec; rk_status status; const char *words; } wrong_specs[] = {
    { "",                        RK_E_ARG,     "empty" },
    { "gpt5",                    RK_E_MISSING, "gpt5" },
    { "/nowhere/at/all",         RK_E_MISSING, "/nowhere/at/all" },
    { "gpt2:n_layers=3",         RK_E_UNKNOWN, "n_layers" },
    { "gpt2:n_layer",            RK_E_MISSING, "gpt2:n_layer" },
    { "gpt2:=3",                 RK_E_ARG,     "=3" },
    { "gpt2:n_layer=three",      RK_E_ARG,     "n_layer" },
    { "gpt2:n_layer=",           RK_E_ARG,     "n_layer" },
    { "gpt2:n_layer=0",          RK_E_ARG,     "n_layer" },
    { "gpt2:n_layer=1.5",        RK_E_ARG,     "n_layer" },
    { "gpt2:n_layer=99999999999999999999", RK_E_ARG,    "n_layer" },
    { "gpt2:n_embd=-768",        RK_E_ARG,     "n_embd" },
    { "gpt2:n_head=7",           RK_E_ARG,     "n_head" },
    { "gpt2:layer_norm_epsilon=2", RK_E_ARG,   "layer_norm_epsilon" },
    { "gpt2:bias=1",             RK_E_ARG,     "bias" },
    { "gpt2:act=nonsense",       RK_E_UNKNOWN, "nonsense" },
    { "gpt2:add_cross_attention=true", RK_E_DECLINED, "add_cross_attention" },
    { "gpt2:n_layer=null",       RK_E_ARG,     "n_layer" },
    { "gpt2+mlm",                RK_E_UNKNOWN, "GPT-2 has no head \"mlm\"" },
    { "bert-tiny+lm:layer=1",    RK_E_UNKNOWN, "BERT has no head \"lm\"" },
    { "gpt2+",                   RK_E_MISSING, "gpt2+" },
    { "+model",                  RK_E_MISSING, "+model" },
    { "gpt4+model",              RK_E_MISSING, "gpt4+model" },
    { "bert-tiny:is_decoder=true", RK_E_DECLINED, "is_decoder" },
    { "bert-tiny:add_cross_attention=true", RK_E_DECLINED, "add_cross_attention" },
    { "bert-tiny:position_embedding_type=relative_key", RK_E_UNKNOWN, "relative_key" },
    { "cs336-17m:num_heads=512", RK_E_ARG,     "rotary" },
    { "gpt-j-6b:rotary_dim=7",   RK_E_ARG,     "pairs" },
    { "gpt-j-6b:rotary_dim=0",   RK_E_ARG,     "rotary_dim" },
    { "gpt-j-6b:rotary_dim=258", RK_E_ARG,     "a head (n_embd / n_head) has 256" },
    { "gpt-j-6b:rotary_dim=null", RK_E_ARG,    "rotary_dim is 4096" },
    { "gpt-j-6b:n_embd=512",     RK_E_ARG,     "rotary_dim is 64" },
    { "gpt-j-6b:scale_attn_weights=false", RK_E_DECLINED, "scale_attn_weights" },
    { "gpt-j-6b:n_head=3",       RK_E_ARG,     "n_embd 4096 is no multiple of n_head 3" },
    { "pythia-14m:rotary_pct=1.5", RK_E_ARG,   "rotary_pct" },
    { "pythia-14m:hidden=12,rotary_pct=1", RK_E_ARG,   "would turn 4" },
    { "pythia-14m:rope_parameters.rope_type=yarn", RK_E_UNKNOWN, "yarn" },
    { "pythia-14m:rope_parameters=4", RK_E_UNKNOWN, "rope_parameters" },
    { "pythia-14m:num_attention_heads=3", RK_E_ARG,   "hidden_size 128 is no multiple of num_attention_heads 3" },
    { "cs336-17m:use_post_norm=true,remove_rmsnorm=true", RK_E_ARG, "exclude" },
};

TEST(specs_that_make_no_sense)
{
    rk_ctx *ctx = test_ctx();
    rk_model *m;
    for (size_t i = 0; i < sizeof wrong_specs / sizeof *wrong_specs; i++) {
        FAILS(ctx, rk_model_open(ctx, wrong_specs[i].spec, &m), wrong_specs[i].status, wrong_specs[i].words);
        EXPECT(m == NULL);
    }
}

#define GPT2 "\"n_embd\": 24, \"n_layer\": 2, \"n_head\": 3, \"vocab_size\": 97, \"n_positions\": 40"
#define GPTJ "\"model_type\": \"gptj\", \"rotary_dim\": 4, " GPT2
#define SIZES "\"hidden_size\": 24, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"intermediate_size\": 40, \"vocab_size\": 97, \"max_position_embeddings\": 40"
#define NEOX "\"model_type\": \"gpt_neox\", " SIZES
static const struct { const char *text; rk_status status; const char *words; } wrong_files[] = {
    { "",                                                   RK_E_FORMAT,  "config.json" },
    { "[]",                                                 RK_E_FORMAT,  "object" },
    { "{}",                                                 RK_E_DECLINED, "model_type" },
    { "{\"vocab_size\": 10, \"tie_word_embeddings\": true}", RK_E_DECLINED, "no family" },
    { "{\"reorder_and_upcast_attn\": true, \"block_size\": 24}", RK_E_DECLINED, "several" },
    { "{\"model_type\": \"llama\", " GPT2 "}",              RK_E_DECLINED, "llama" },
    { "{\"model_type\": 3, " GPT2 "}",                      RK_E_FORMAT,  "model_type" },
    { "{\"model_type\": \"gpt2\", \"n_embd\": 24}",         RK_E_MISSING, "vocab_size" },
    { "{\"model_type\": \"gpt2\", \"n_embd\": \"24\", \"n_layer\": 2}", RK_E_FORMAT, "n_embd" },
    { "{\"model_type\": \"gpt2\", " GPT2 ", \"rotary_dim\": 4}", RK_E_DECLINED, "rotary_dim" },
    { "{" GPT2 ", \"n_ctx\": 41}",                          RK_E_FORMAT,  "n_ctx" },
    { "{" GPT2 ", \"n_inner\": -1}",                        RK_E_FORMAT,  "n_inner" },
    { "{" GPT2 ", \"n_inner\": 1e300}",                     RK_E_FORMAT,  "n_inner" },
    { "{" GPT2 ", \"layer_norm_epsilon\": NaN}",            RK_E_FORMAT,  "NaN" },
    { "{" GPT2 ", \"layer_norm_epsilon\": [1e-5]}",         RK_E_FORMAT,  "layer_norm_epsilon" },
    { "{" GPT2 ", \"tie_word_embeddings\": \"yes\"}",       RK_E_FORMAT,  "tie_word_embeddings" },
    { "{" GPT2 ", \"activation_function\": \"gelu_11\"}",   RK_E_DECLINED, "gelu_11" },
    { "{" GPT2 ", \"n_embd\": 24}",                         RK_E_FORMAT,  "n_embd" },
    { "{" GPT2 ", \"add_cross_attention\": true}",          RK_E_DECLINED, "add_cross_attention" },
    { "{" GPTJ ", \"scale_attn_weights\": false}",          RK_E_DECLINED, "scale_attn_weights" },
    { "{" GPTJ ", \"reorder_and_upcast_attn\": true}",      RK_E_DECLINED, "reorder_and_upcast_attn" },
    { "{\"model_type\": \"gptj\", " GPT2 "}",               RK_E_SHAPE,   "rotary_dim is 64" },
    { "{\"model_type\": \"gpt_neo\", " GPT2 ", \"rotary_dim\": 64}", RK_E_DECLINED, "gpt_neo" },
    { "{" NEOX ", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.0}}",          RK_E_DECLINED, "rope_scaling.type: \"linear\"" },
    { "{" NEOX ", \"rope_scaling\": {\"factor\": 2.0, \"rope_type\": \"dynamic\"}}",     RK_E_DECLINED, "rope_scaling.rope_type: \"dynamic\"" },
    { "{" NEOX ", \"rope_scaling\": {\"factor\": 2.0, \"rope_type\": \"default\"}}",     RK_E_DECLINED, "rope_scaling.factor" },
    { "{" NEOX ", \"rope_scaling\": 2}",                    RK_E_FORMAT,  "rope_scaling" },
    { "{" NEOX ", \"rope_parameters\": {\"rope_theta\": 10000, \"mscale\": 1.0}}",        RK_E_DECLINED, "rope_parameters.mscale" },
    { "{" NEOX ", \"rope_parameters\": {\"rope_type\": \"llama3\"}}",                     RK_E_DECLINED, "llama3" },
    { "{" NEOX ", \"rope_parameters\": {\"rope_theta\": \"10000\"}}",                     RK_E_FORMAT,  "rope_parameters.rope_theta" },
    { "{" NEOX ", \"rope_parameters\": {\"partial_rotary_factor\": 0.5}, \"rotary_pct\": 0.25}", RK_E_FORMAT, "rotary_pct: says another value than" },
    { "{" NEOX ", \"rotary_emb_base\": 5000, \"rope_parameters\": {\"rope_theta\": 10000.0}}",   RK_E_FORMAT, "rope_parameters.rope_theta: says another value" },
    { "{" NEOX ", \"rope_parameters.rope_theta\": 5000}",   RK_E_DECLINED, "rope_parameters.rope_theta" },
    { "{" NEOX ", \"rope_theta\": 5000}",                   RK_E_DECLINED, "rope_theta" },
    { "{" NEOX ", \"rotary_pct\": 0.25, \"partial_rotary_factor\": 0.5}", RK_E_DECLINED, "partial_rotary_factor: 0.5, while rotary_pct is 0.25" },
    { "{" NEOX ", \"hidden_dropout\": 0.1, \"hidden_dropout_prob\": 0.2}",                  RK_E_FORMAT,  "hidden_dropout_prob" },
    { "{" NEOX ", \"hidden_act\": \"gelu_11\"}",            RK_E_DECLINED, "gelu_11" },
};

TEST(files_that_make_no_sense)
{
    rk_ctx *ctx = test_ctx();
    rk_model *m;
    for (size_t i = 0; i < sizeof wrong_files / sizeof *wrong_files; i++) {
        const char *path = write_config(wrong_files[i].text);
        FAILS(ctx, rk_model_open(ctx, path, &m), wrong_files[i].status, wrong_files[i].words);
        EXPECT(strstr(rk_error_message(ctx), "config.json") != NULL);
        EXPECT(m == NULL);
    }
}

/* A file is blamed for what it says itself, not for what was typed behind its name; and what was typed may mend it. */
TEST(whose_mistake_it_is)
{
    static const char alone[] = "{\"model_type\": \"gpt2\", \"n_embd\": 24, \"n_layer\": 2, \"n_head\": 5, \"vocab_size\": 97, \"n_positions\": 40}";
    rk_ctx *ctx = test_ctx();
    rk_model *m;
    char spec[700];
    (void)snprintf(spec, sizeof spec, "%s:n_head=5", write_config("{\"model_type\": \"gpt2\", " GPT2 "}"));
    FAILS(ctx, rk_model_open(ctx, spec, &m), RK_E_ARG, "n_embd 24 is no multiple of n_head 5");
    (void)snprintf(spec, sizeof spec, "%s:n_layer=1", write_config(alone));
    FAILS(ctx, rk_model_open(ctx, spec, &m), RK_E_SHAPE, "n_embd 24 is no multiple of n_head 5");
    (void)snprintf(spec, sizeof spec, "%s:n_layer=1.5", place);
    FAILS(ctx, rk_model_open(ctx, spec, &m), RK_E_ARG, "n_layer");
    (void)snprintf(spec, sizeof spec, "%s:n_head=4", place);
    m = opened(ctx, spec);
    EXPECT_TEXT(rk_error_message(ctx), "");
    rk_model_close(m);
}

#define BERT "\"model_type\": \"bert\", \"vocab_size\": 50, \"hidden_size\": 8, \"num_hidden_layers\": 1, \"num_attention_heads\": 2, \"max_position_embeddings\": 9"
static const struct { const char *text, *behind, *head; } headed[] = {
    { "{" BERT "}",                                                     "",                    "mlm" },
    { "{" BERT ", \"architectures\": []}",                              "",                    "mlm" },
    { "{" BERT ", \"architectures\": null}",                            "",                    "mlm" },
    { "{" BERT ", \"architectures\": [\"BertModel\"]}",                 "",                    "model" },
    { "{" BERT ", \"architectures\": [\"BertForPreTraining\"]}",        "",                    "pretraining" },
    { "{" BERT ", \"architectures\": [\"BertForPreTraining\"]}",        "+model",              "model" },
    { "{" BERT ", \"architectures\": [\"BertForTokenClassification\"]}", "+model:num_hidden_layers=2", "model" },
    { "{" GPT2 ", \"architectures\": [\"GPT2Model\"]}",                 "",                    "model" },
    { "{" GPT2 "}",                                                     ":n_layer=1",          "lm" },
};

/* architectures says which head a folder's model has, a + says it more loudly; what is saved says it again. */
TEST(heads_are_chosen)
{
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof headed / sizeof *headed; i++) {
        char spec[700];
        (void)write_config(headed[i].text);
        (void)snprintf(spec, sizeof spec, "%s%s", i % 2 == 0 ? test_temporary() : place, headed[i].behind);
        rk_model *m = opened(ctx, spec);
        EXPECT_TEXT(rk_model_head(m), headed[i].head);
        EXPECT_TEXT(rk_model_folder(m), test_temporary());
        OK(ctx, rk_model_save_config(m, test_temporary()));
        rk_model *again = opened(ctx, test_temporary());
        EXPECT_TEXT(rk_model_head(again), headed[i].head);
        rk_model_close(again);
        rk_model_close(m);
    }
    rk_model *m;
    FAILS(ctx, rk_model_open(ctx, write_config("{" BERT ", \"architectures\": [\"BertForTokenClassification\"]}"), &m), RK_E_DECLINED, "BertForTokenClassification");
    EXPECT(strstr(rk_error_hint(ctx), "+model (BertModel)") != NULL);
}

/* A folder that is called like a head is a folder. */
TEST(a_plus_in_a_name_is_no_head)
{
    rk_ctx *ctx = test_ctx();
    char folder[600], path[640];
    (void)snprintf(folder, sizeof folder, "%s/a+model", test_temporary());
    (void)snprintf(path, sizeof path, "%s/config.json", folder);
    REQUIRE(mkdir(folder, 0700) == 0);
    FILE *f = fopen(path, "wb");
    REQUIRE(f != NULL && fputs("{" BERT "}", f) >= 0 && fclose(f) == 0);
    rk_model *m = opened(ctx, folder);
    EXPECT_TEXT(rk_model_head(m), "mlm");
    rk_model_close(m);
    (void)snprintf(path, sizeof path, "%s+pretraining", folder);
    m = opened(ctx, path);
    EXPECT_TEXT(rk_model_head(m), "pretraining");
    EXPECT_TEXT(rk_model_folder(m), folder);
    rk_model_close(m);
}

TEST(spellings_nulls_and_bookkeeping)
{
    rk_ctx *ctx = test_ctx();
    rk_model *m = opened(ctx, write_config("{" GPT2 ", \"n_ctx\": 40, \"n_inner\": null, \"quantization_config\": null, \"hidden_size\": 24, \"use_cache\": true,"
                                           " \"force_bos_token_to_be_generated\": false, \"pruned_heads\": {}, \"task_specific_params\": {\"a\": [1, 2]}, \"_name_or_path\": \"x\", \"summary_type\": \"cls_index\", \"bias\": false}"));
    EXPECT_TEXT(rk_model_family(m), "gpt2");
    EXPECT(number(m, "ff") == 96 && number(m, "bias") == 0 && number(m, "position") == 40);
    EXPECT_TEXT(rk_model_folder(m), test_temporary());
    rk_model_close(m);
    char spec[700];
    (void)snprintf(spec, sizeof spec, "%s:n_layer=5", test_temporary());        /* the folder, and an override */
    m = opened(ctx, spec);
    EXPECT(number(m, "layer") == 5 && number(m, "head") == 3);
    EXPECT(!rk_model_has_weights(m));
    rk_model_close(m);
    (void)snprintf(spec, sizeof spec, "%s/below", test_temporary());
    FAILS(ctx, rk_model_open(ctx, spec, &m), RK_E_MISSING, "below");
}

/* What somebody may have meant; whole names, however many there are. */
TEST(a_name_that_is_nearly_a_preset)
{
    static const struct { const char *spec, *hint; } cases[] = {
        { "gptj", "did you mean gpt-j-6b?" },                 { "GPT-3", "did you mean gpt3?" },
        { "gpt2-meduim:n_layer=2", "did you mean gpt2-medium?" }, { "EleutherAI--gpt-j-6b+model", "did you mean gpt-j-6b?" },
        { "pythia2.8b", "did you mean pythia-2.8b?" },        { "bert_large", "did you mean bert-large-uncased, bert-large-cased?" },
    };
    rk_ctx *ctx = test_ctx();
    rk_model *m;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FAILS(ctx, rk_model_open(ctx, cases[i].spec, &m), RK_E_MISSING, "is neither a preset nor a file");
        EXPECT_TEXT(rk_error_hint(ctx), cases[i].hint);
    }
    FAILS(ctx, rk_model_open(ctx, "llama", &m), RK_E_MISSING, "\"llama\" is neither a preset nor a file");
    const char *hint = rk_error_hint(ctx), *last = strrchr(hint, ',');
    char name[64];
    EXPECT(strncmp(hint, "presets: gpt2, gpt2-medium, ", 28) == 0);
    REQUIRE(last != NULL && strcmp(hint + strlen(hint) - 4, " ...") == 0);
    (void)snprintf(name, sizeof name, "%.*s", (int)(strlen(last) - 6), last + 2);
    OK(ctx, rk_model_open(ctx, name, &m));
    rk_model_close(m);
}

/* What transformers 4 and 5 write for one GPT-NeoX, what is missing, and what is null. */
TEST(spellings_of_rotary_positions)
{
    static const struct { const char *text; double rotary, theta; } neox[] = {
        { "{" NEOX "}",                                                                                        0.25, 10000 },
        { "{" NEOX ", \"rotary_pct\": 1.0, \"rotary_emb_base\": 5000, \"rope_scaling\": null}",             1,    5000 },
        { "{" NEOX ", \"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 5000.0, \"partial_rotary_factor\": 0.5}}", 0.5, 5000 },
        { "{" NEOX ", \"rope_parameters\": {\"rope_type\": \"default\"}, \"rotary_pct\": 0.5}",            0.5,  10000 },
        { "{" NEOX ", \"rope_parameters\": {\"rope_theta\": 500}, \"rotary_emb_base\": 500.0}",             0.25, 500 },
        { "{" NEOX ", \"rope_parameters\": {\"rope_theta\": null}, \"rope_scaling\": {\"type\": \"default\"}}", 0.25, 10000 },
        { "{" NEOX ", \"rope_parameters\": null, \"attention_probs_dropout_prob\": 0, \"hidden_dropout_prob\": 0}", 0.25, 10000 },
        { "{" NEOX ", \"rotary_pct\": 0.5, \"partial_rotary_factor\": 0.5, \"rotary_emb_base\": 500, \"rope_theta\": 500}",  0.5,  500 },       /* from 4.43 on */
        { "{" SIZES ", \"rotary_pct\": 0.75, \"use_parallel_residual\": false}",                             0.75, 10000 },      /* no model_type */
    };
    static const struct { const char *text; double rotary; } gptj[] = {
        { "{" GPTJ ", \"rotary\": true, \"scale_attn_weights\": true, \"summary_type\": \"cls_index\"}", 4 },
        { "{\"model_type\": \"gptj\", " GPT2 ", \"n_inner\": 7, \"rotary_dim\": 8}",                     8 },
        { "{\"model_type\": \"gptj\", \"n_embd\": 80, \"n_layer\": 2, \"n_head\": 1, \"vocab_size\": 9, \"n_positions\": 40}", 64 },
        { "{\"model_type\": \"gptj\", \"n_embd\": 80, \"n_layer\": 2, \"n_head\": 1, \"vocab_size\": 9, \"n_positions\": 40, \"rotary_dim\": null}", 80 },
        { "{" GPT2 ", \"rotary_dim\": 2}",                                                                   2 },                /* no model_type */
    };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof neox / sizeof *neox; i++) {
        rk_model *m = opened(ctx, write_config(neox[i].text));
        EXPECT_TEXT(rk_model_family(m), "neox");
        EXPECT(number(m, "rotary") == neox[i].rotary && number(m, "theta") == neox[i].theta);
        EXPECT_TEXT(rk_model_text(m, "act"), "gelu_erf");
        rk_model_close(m);
    }
    for (size_t i = 0; i < sizeof gptj / sizeof *gptj; i++) {
        rk_model *m = opened(ctx, write_config(gptj[i].text));
        EXPECT_TEXT(rk_model_family(m), "gptj");
        EXPECT(number(m, "rotary") == gptj[i].rotary && number(m, "tied") == 0);
        rk_model_close(m);
    }
    rk_model *m;
    FAILS(ctx, rk_model_open(ctx, write_config("{\"model_type\": \"gpt_neo\", " GPT2 ", \"rotary_dim\": 64}"), &m), RK_E_DECLINED, "gpt_neo");
    EXPECT(strstr(rk_error_hint(ctx), "early config.json of GPT-J") != NULL);
    FAILS(ctx, rk_model_open(ctx, write_config("{\"model_type\": \"gpt_neo\", " GPT2 "}"), &m), RK_E_DECLINED, "gpt_neo");
    EXPECT(strstr(rk_error_hint(ctx), "gpt_neox") != NULL);
}

/* How many numbers of a head turn, and by which theta: transformers makes ceil(n/2) frequencies of n = int(K · rotary_pct). */
TEST(how_much_of_a_head_turns)
{
    static const struct { const char *spec; int turned; double theta; } heads[] = {
        { "pythia-14m:layer=1,hidden=8,head=1", 2, 10000 },                             /* n 2 of 8 */
        { "pythia-14m:layer=1,hidden=6,head=1", 2, 1e8 },                               /* n 1: theta² at 2 */
        { "pythia-14m:layer=1,hidden=10,head=1,rotary_pct=0.5", 6, 63095.734448019 },   /* n 5: theta^(6/5) */
        { "pythia-14m:layer=1,hidden=10,head=1,rotary_pct=1", 10, 10000 },
        { "pythia-14m:layer=1,hidden=6,head=2", 0, 0 },                                 /* n 0: nothing turns */
        { "gpt-j-6b:layer=1,hidden=8,head=1,rotary=6", 6, 10000 },
    };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        rk_model *m = opened(ctx, heads[i].spec);
        struct built b;
        int turned = 0;
        double theta = 0;
        OK(ctx, model_build(ctx, m, &(struct build_options){ .purpose = FOR_SCORING, .seq = 4 }, &b));
        for (rk_ref r = 1; r < b.g->nodes.n; r++)
            if (node_of(b.g, r)->op == &op_rope) turned = (int)(node_of(b.g, r)->at.i[3] & INT32_MAX), theta = node_of(b.g, r)->at.f[0];
        EXPECT_INT(turned, heads[i].turned);
        EXPECT_NEAR(theta, heads[i].theta, 1e-9 * heads[i].theta);
        built_close(&b);
        rk_model_close(m);
    }
}

TEST(a_file_of_weights_needs_its_config)
{
    rk_ctx *ctx = test_ctx();
    rk_model *m;
    char path[700];
    (void)snprintf(path, sizeof path, "%s/model.safetensors", test_temporary());
    FILE *f = fopen(path, "wb");
    REQUIRE(f != NULL && fputs("x", f) >= 0 && fclose(f) == 0);
    FAILS(ctx, rk_model_open(ctx, path, &m), RK_E_MISSING, "config.json");
    FAILS(ctx, rk_model_open(ctx, test_temporary(), &m), RK_E_MISSING, "config.json");
    (void)write_config("{" GPT2 "}");
    m = opened(ctx, path);
    EXPECT(rk_model_has_weights(m));
    rk_model_close(m);
    m = opened(ctx, test_temporary());
    EXPECT(rk_model_has_weights(m));
    rk_model_close(m);
}

/* A training checkpoint says itself what it is, alone or as ckpt.pt of a folder; what it says is held against the family. */
TEST(a_training_checkpoint_is_a_model)
{
    static const struct made_tensor tensor = { .dtype = RK_f32, .key = "0", .elements = 1, .rank = 1, .shape = { 1 }, .stride = { 1 } };
    static const struct { const char *last; rk_status status; const char *words; } fields[] = {
        { "vocab_size", RK_OK, "" }, { "d_vocab", RK_E_DECLINED, "model_args" }, { "n_head", RK_E_FORMAT, "model_args" },
    };
    static const char *const first[] = { "n_layer", "n_head", "n_embd", "block_size" };
    static const int sizes[] = { 3, 2, 6, 9 };
    rk_ctx *ctx = test_ctx();
    rk_model *m;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct made pickle = { 0 };
        struct made_zip z = { .lie = MADE_PLAIN };
        char path[600];
        made_add(&pickle, "\x80\2}(", 4);
        made_text(&pickle, "w");
        made_tensor(&pickle, &tensor);
        made_text(&pickle, "model_args");
        made_add(&pickle, "}(", 2);
        for (int k = 0; k < 4; k++) {
            made_text(&pickle, first[k]);
            made_int(&pickle, sizes[k]);
        }
        made_text(&pickle, fields[i].last);
        made_int(&pickle, 11);
        made_text(&pickle, "bias");
        made_add(&pickle, "\x89uu.", 4);
        made_file(&z, &pickle, 1, &(size_t){ 4 });
        (void)snprintf(path, sizeof path, "%s/ckpt.pt", test_temporary());
        FILE *f = fopen(path, "wb");
        REQUIRE(f != NULL && fwrite(z.out.at, 1, z.out.n, f) == z.out.n && fclose(f) == 0);
        for (int folder = 0; folder < 2; folder++) {
            const char *spec = folder ? test_temporary() : path;
            if (fields[i].status != RK_OK) {
                FAILS(ctx, rk_model_open(ctx, spec, &m), fields[i].status, fields[i].words);
                continue;
            }
            m = opened(ctx, spec);
            EXPECT_TEXT(rk_model_family(m), "nanogpt");
            EXPECT(config_int(&m->config, "layer") == 3 && config_int(&m->config, "head") == 2 && config_int(&m->config, "hidden") == 6 && config_int(&m->config, "position") == 9);
            EXPECT(!config_flag(&m->config, "bias") && config_real(&m->config, "attn_pdrop") == 0 && rk_model_has_weights(m));
            EXPECT_TEXT(config_text(&m->config, "act"), "gelu_erf");
            rk_model_close(m);
        }
        made_free(&pickle);
        made_free(&z.out);
    }
}

/* Law: what is saved and opened again is the same, for every field at random. */
TEST(save_and_open_is_the_identity)
{
    rk_ctx *ctx = test_ctx();
    int families = 0;
    while (arch_list[families] != NULL) families++;
    for (int round = 0; round < 30 * families; round++) {
        const struct arch *arch = arch_list[round % families];
        char spec[2000];
        int presets = 0;
        while (arch->presets[presets].name != NULL) presets++;
        int n = snprintf(spec, sizeof spec, "%s", arch->presets[test_random((uint64_t)presets)].name);
        char sign = ':';
        for (const struct field *f = arch->fields; f->name != NULL; f++) {
            const char *name = f->name;
            if (test_random(2) == 0 || strcmp(name, "head") == 0 || strcmp(name, "hidden") == 0 || strcmp(name, "rotary") == 0 || strcmp(name, "post") == 0) continue;
            if (arch->objective == LEARNS_TARGET && (strstr(name, "vocab") != NULL || strstr(name, "head") != NULL || strcmp(name, "embedded") == 0)) continue;
            if (f->kind == FIELD_FLAG) n += snprintf(spec + n, sizeof spec - (size_t)n, "%c%s=%s", sign, name, f->least + (double)test_random(2) >= 1 && f->most > 0 ? "true" : "false");
            else if (f->kind == FIELD_REAL) n += snprintf(spec + n, sizeof spec - (size_t)n, "%c%s=%.17g", sign, name, f->least + (double)test_random(1000) / 1001 * (f->most < 1 ? f->most : 1));
            else if (f->kind == FIELD_INT) n += snprintf(spec + n, sizeof spec - (size_t)n, "%c%s=%lld", sign, name, (long long)f->least + (long long)test_random(2));
            else continue;
            sign = ',';
        }
        rk_model *m = opened(ctx, spec);
        OK(ctx, rk_model_save_config(m, test_temporary()));
        rk_model *again = opened(ctx, test_temporary());
        EXPECT(again->config.arch == arch);
        for (int i = 0; arch->fields[i].name != NULL; i++) {
            EXPECT(m->config.value[i] == again->config.value[i]);
            EXPECT_TEXT(again->config.text[i], m->config.text[i]);
        }
        rk_model_close(m);
        rk_model_close(again);
    }
}

/* The tables of the tests know every family. */
TEST(every_family_has_tiny_models)
{
    rk_ctx *ctx = test_ctx();
    for (int a = 0; arch_list[a] != NULL; a++) {
        int some = 0;
        for (int i = 0; i < TINY_MODELS; i++) {
            char spec[TINY_ROOM];
            rk_model *m = opened(ctx, tiny_model(i, 11, 8, spec));
            some += m->config.arch == arch_list[a];
            rk_model_close(m);
        }
        if (some == 0) test_fail(__FILE__, __LINE__, "tests/tiny.c has no model of %s", arch_list[a]->title);
    }
}

/* What a family's tables promise: room for every field, and words that are functions here. */
TEST(every_choice_of_every_family)
{
    rk_ctx *ctx = test_ctx();
    for (int a = 0; arch_list[a] != NULL; a++) {
        int fields = 0;
        for (const struct field *f = arch_list[a]->fields; f->name != NULL; f++, fields++) {
            const char *rest = f->choices != NULL ? f->choices : "";
            for (struct word w; word_next(&rest, &w);) {
                char spec[300];
                const char *equals = memchr(w.at, '=', w.n);
                (void)snprintf(spec, sizeof spec, "%s:%s=%.*s", arch_list[a]->presets[0].name, f->name, (int)(equals != NULL ? equals - w.at : (long)w.n), w.at);
                rk_model *m = opened(ctx, spec);
                struct built b;
                size_t ours = equals != NULL ? w.n - (size_t)(equals + 1 - w.at) : w.n;
                EXPECT(strlen(rk_model_text(m, f->name)) == ours && memcmp(rk_model_text(m, f->name), equals != NULL ? equals + 1 : w.at, ours) == 0);
                OK(ctx, model_build(ctx, m, &(struct build_options){ .purpose = FOR_SCORING, .seq = 4 }, &b));
                built_close(&b);
                rk_model_close(m);
            }
        }
        EXPECT(fields < MOST_FIELDS);
    }
}

/* Every purpose builds, in every dtype, with and without dropout; what is built has the outputs it promises. */
TEST(every_purpose_builds)
{
    static const struct { enum purpose purpose; const char *output; } purposes[] = {
        { FOR_TRAINING, "loss" }, { FOR_SCORING, "loss" }, { FOR_LOGITS, "logits" }, { FOR_DECODING, "logits" },
    };
    rk_ctx *ctx = test_ctx();
    for (int i = 0; i < TINY_MODELS * 8; i++) {
        char spec[TINY_ROOM];
        rk_model *m = opened(ctx, tiny_model(i / 8, 11, 8, spec));
        struct built b;
        struct build_options o = { .purpose = purposes[i % 4].purpose, .batch = 3, .seq = 5, .dropout = i % 8 > 3, .hidden_states = i % 8 > 3, .dtype = i % 8 > 3 ? RK_bf16 : RK_f64 };
        if (o.purpose == FOR_DECODING && !model_decodes(m)) {
            FAILS(ctx, model_build(ctx, m, &o, &b), RK_E_DECLINED, "does not continue a text");
            rk_model_close(m);
            continue;
        }
        OK(ctx, model_build(ctx, m, &o, &b));
        EXPECT(graph_find_output(b.g, purposes[i % 4].output) != 0);
        EXPECT((graph_find_output(b.g, "hidden.2") != 0) == o.hidden_states);
        for (int k = 0; k < b.parameters.n; k++) EXPECT(node_of(b.g, b.parameters.at[k].ref)->dtype == (i % 8 > 3 ? RK_bf16 : RK_f32));
        built_close(&b);
        rk_model_close(m);
    }
}

TEST(sizes_that_cannot_be_built)
{
    rk_ctx *ctx = test_ctx();
    rk_model *m = opened(ctx, "gpt2:n_layer=1");
    struct built b;
    FAILS(ctx, model_build(ctx, m, &(struct build_options){ .purpose = FOR_SCORING, .seq = 1025 }, &b), RK_E_ARG, "1025");
    FAILS(ctx, model_build(ctx, m, &(struct build_options){ .purpose = FOR_DECODING, .positions = 2000, .seq = 1 }, &b), RK_E_ARG, "2000");
    FAILS(ctx, model_build(ctx, m, &(struct build_options){ .purpose = FOR_SCORING, .batch = -1 }, &b), RK_E_ARG, "batch");
    FAILS(ctx, model_build(ctx, m, &(struct build_options){ .purpose = FOR_SCORING, .seq = -1 }, &b), RK_E_ARG, "tokens");
    FAILS(ctx, model_build(ctx, m, &(struct build_options){ .purpose = FOR_SCORING, .dtype = RK_i8 }, &b), RK_E_DTYPE, "i8");
    FAILS(ctx, model_build(ctx, m, &(struct build_options){ .purpose = FOR_SCORING, .batch = (int64_t)1 << 47 }, &b), RK_E_LIMIT, "");
    rk_model_close(m);
}

/* How many nodes of a module below `path` go along the tokens of a sequence. */
static int along_tokens(const rk_graph *g, const char *path)
{
    int n = 0;
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *x = node_of(g, r);
        bool along = false;
        for (int i = 0; i < x->rank; i++) along = along || strcmp(dim_name(g, x->dim[i]), "seq") == 0;
        n += along && strncmp(g->paths.at[x->path], path, strlen(path)) == 0;
    }
    return n;
}

/* The last block goes on with the last position of each sequence, or with those that were picked; the one before with all. */
TEST(the_last_block_makes_what_is_asked_for)
{
    static const struct { const char *spec; enum purpose purpose; int64_t picks; bool ragged, few; } cases[] = {
        { "gpt2:n_layer=2", FOR_DECODING, 0, false, true },    { "gpt2:n_layer=2", FOR_DECODING, 0, true, true },  { "gpt2:n_layer=2", FOR_LOGITS, 0, false, false },
        { "gpt-j-6b:n_layer=2", FOR_DECODING, 0, false, true }, { "pythia-70m:num_hidden_layers=2", FOR_DECODING, 0, true, true },
        { "bert:num_hidden_layers=2", FOR_LOGITS, 3, false, true }, { "bert:num_hidden_layers=2", FOR_LOGITS, 0, false, false },
        { "bert+pretraining:num_hidden_layers=2", FOR_LOGITS, 3, false, false }, { "gpt2:n_layer=2", FOR_LOGITS, 3, false, false },
    };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rk_model *m = opened(ctx, cases[i].spec);
        struct built b;
        OK(ctx, model_build(ctx, m, &(struct build_options){ .purpose = cases[i].purpose, .batch = 2, .seq = 5, .picks = cases[i].picks, .ragged = cases[i].ragged }, &b));
        EXPECT(along_tokens(b.g, "h.0.mlp") > 0 && along_tokens(b.g, "h.1.attn") > 0);
        EXPECT((along_tokens(b.g, "h.1.mlp") == 0) == cases[i].few);
        EXPECT(graph_find_output(b.g, "logits") != 0);
        built_close(&b);
        rk_model_close(m);
    }
}
