/* Bills of whole models against counts that others made: torch's FlopCounterMode over transformers' GPT-2 (reference data),
 * and published or hand-made counts, each named below. All integers, 0 off. */
#include "io/json.h"
#include "reckon/model.h"
#include "test.h"

static rk_bill *bill_at(rk_ctx *ctx, const char *spec, const rk_bill_settings *settings)
{
    rk_model *model;
    rk_bill *bill;
    OK(ctx, rk_model_open(ctx, spec, &model));
    OK(ctx, rk_bill_of(model, settings, &bill));
    rk_model_close(model);
    return bill;
}

static rk_bill *bill_of(rk_ctx *ctx, const char *spec, int64_t seq) { return bill_at(ctx, spec, &(rk_bill_settings){ .batch = 1, .seq = seq }); }

static void has(rk_bill *bill, const char *spec, const char *name, int64_t expected)
{
    uint64_t number = 0;
    if (rk_bill_number(bill, name, &number) != RK_OK || number != (uint64_t)expected)
        test_fail(__FILE__, __LINE__, "%s: %s is %llu, expected %lld", spec, name, (unsigned long long)number, (long long)expected);
}

/* GPT-2: OpenAI's sizes as everybody counts them (keras-hub, transformers); without biases and with a padded vocabulary as
 * nanoGPT and llm.c do. CS336: assignment 1, editions 2024, 2025 and 2026. BERT: keras-hub, DeepSpeed's README, the shapes that
 * transformers lists; with and without its heads. The Transformer of 2017: closed formulas over the paper's sizes. FLOPs: matrix products, one sequence, full attention. */
static const struct { const char *spec; int64_t parameters, forward; const char *formula; } counts[] = {
    { "gpt2",               124439808,  291648307200,   "V·D + P·D + L·(12·D² + 13·D) + 2·D" },
    { "gpt2-medium",        354823168,  826951073792,   NULL },
    { "gpt2-large",         774030080,  1774570700800,  NULL },
    { "gpt2-xl",            1557611200, 3506703564800,  NULL },
    { "gpt2:bias=false",    124337664,  291648307200,   "V·D + P·D + L·(12·D² + 2·D) + D" },
    { "gpt2-medium:bias=false", 354551808, 826951073792, NULL },
    { "gpt2-large:bias=false",  773521920, 1774570700800, NULL },
    { "gpt2-xl:bias=false",     1556764800, 3506703564800, NULL },
    { "gpt2:vocab_size=50304",        124475904,  0, NULL },
    { "gpt2-medium:vocab_size=50304", 354871296,  0, NULL },
    { "gpt2-large:vocab_size=50304",  774090240,  0, NULL },
    { "gpt2-xl:vocab_size=50304",     1557686400, 0, NULL },
    { "cs336-small",        190460160,  349630365696,   NULL },
    { "cs336-medium",       505629696,  1033109504000,  NULL },
    { "cs336-large",        1072469760, 2257754521600,  NULL },
    { "cs336-xl",           2127057600, 4513336524800,  NULL },
    { "cs336-small-2026",   162148608,  291648307200,   NULL },
    { "cs336-medium-2026",  406539264,  830172299264,   NULL },
    { "cs336-large-2026",   833591040,  1768530903040,  NULL },
    { "cs336-xl-2026",      1640452800, 3516769894400,  NULL },
    { "cs336-small-2024",   162935040,  291648307200,   NULL },
    { "cs336-medium-2024",  406014976,  826951073792,   NULL },
    { "cs336-large-2024",   837850880,  1774570700800,  NULL },
    { "cs336-xl-2024",      1637176000, 3506703564800,  NULL },
    { "cs336-17m",          22696448,   9533652992,     NULL },
    { "cs336-17m:vocab_size=32000", 45224448, 15300820992, NULL },
    { "gpt3",               174604259328, 0,          "V·D + P·D + L·(12·D² + 13·D) + 2·D" },
    { "gpt-j-6b",           6050882784, 0,            "2·V·D + L·(12·D² + 7·D) + V + 2·D" },
    { "gpt-neox-20b",       20554567680, 0,           "2·V·D + L·(12·D² + 13·D) + 2·D" },
    { "bert-base-chinese",              102290312, 113856479232, "V·D + P·D + 7·D + L·(12·D² + 13·D) + D² + V" },
    { "bert-base-chinese+model",        102267648, 96637943808,  NULL },
    { "bert-base-chinese+pretraining",  102882442, 113857661952, NULL },
    { "bert-base-chinese:tie_word_embeddings=false", 118516616, 113856479232, NULL },
    { "bert-base-uncased+model",        109482240, 0, NULL },
    { "bert-base-cased+model",          108310272, 0, NULL },
    { "bert-base-multilingual-cased+model", 177853440, 0, NULL },
    { "bert-large-uncased+model",       335141888, 0, NULL },
    { "bert-large-cased+model",         333579264, 0, NULL },
    { "bert-tiny+model",                4385920,   0, NULL },
    { "bert-small+model",               28763648,  0, NULL },
    { "bert-medium+model",              41373184,  0, NULL },
    { "bert-base-uncased",              109514298, 0, NULL },
    { "bert-base-uncased+pretraining",  110106428, 0, NULL },
    { "bert-large-uncased",             335174458, 0, NULL },
    { "bert-large-uncased+pretraining", 336226108, 0, NULL },
    { "gpt2+model",                     124439808, 212600881152, NULL },
    { "gpt2:tie_word_embeddings=false", 163037184, 291648307200, NULL },
    { "gpt2+model:tie_word_embeddings=false", 124439808, 0, NULL },
    { "cs336-17m+model",                17576448,  0, NULL },
    { "transformer-base",               63082496,  0, "V·D + L·(28·D² + 32·D)" },
    { "transformer-big",                214245376, 0, NULL },
    { "transformer-base:vocab_size=32768", 60915712, 0, NULL },
    { "transformer-big:vocab_size=32768", 209911808, 0, NULL },
    { "torch.nn.Transformer+base",      44140544,  0, "L·(28·D² + 32·D) + 4·D" },       /* and its norms behind the towers: 2,048 */
    { "torch.nn.Transformer+big",       176361472, 0, NULL },
    { "torch.nn.Transformer+base:final_norm=false", 44138496, 0, NULL },
    { "torch.nn.Transformer+big:final_norm=false", 176357376, 0, NULL },
    { "opus-mt-en-de",                  73886208,  0, "V·D + L·(28·D² + 32·D)" },
};

TEST(counts_that_others_made)
{
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const char *formula;
        rk_bill *bill = bill_of(ctx, counts[i].spec, 0);
        has(bill, counts[i].spec, "parameters", counts[i].parameters);
        has(bill, counts[i].spec, "bytes.parameters", 4 * counts[i].parameters);
        has(bill, counts[i].spec, "bytes.gradients", 4 * counts[i].parameters);
        has(bill, counts[i].spec, "bytes.optimizer", 8 * counts[i].parameters);
        if (counts[i].forward > 0) {
            has(bill, counts[i].spec, "flops.forward", counts[i].forward);
            has(bill, counts[i].spec, "flops.backward", 2 * counts[i].forward);
        }
        OK(ctx, rk_bill_formula(bill, "parameters", &formula));
        if (counts[i].formula != NULL) EXPECT_TEXT(formula, counts[i].formula);
        rk_bill_free(bill);
    }
}

/* Assignment 1, transformer_accounting (e): the XL shape at 16,384 tokens. */
TEST(a_longer_context)
{
    static const struct { const char *spec; int64_t forward; } at_16k[] = {
        { "cs336-xl", 149522795724800 }, { "cs336-xl-2026", 133577729638400 }, { "cs336-xl-2024", 133416668364800 },
    };
    for (int i = 0; i < 3; i++) {
        char spec[64];
        (void)snprintf(spec, sizeof spec, "%s:context_length=16384", at_16k[i].spec);
        rk_bill *bill = bill_of(test_ctx(), spec, 0);
        has(bill, spec, "flops.forward", at_16k[i].forward);
        rk_bill_free(bill);
    }
}

/* Keys and values per token, f32: 2 · L · D · 4 bytes; GPT-2's 36,864 in f16. */
TEST(what_decoding_keeps_per_token)
{
    rk_bill *bill = bill_of(test_ctx(), "gpt2", 0);
    has(bill, "gpt2", "bytes.cache_per_token", 2 * 36864);
    REQUIRE(rk_bill_reasons(bill, "bytes.cache_per_token") == 2);
    for (int i = 0; i < 2; i++) {
        rk_bill_reason why = rk_bill_reason_at(bill, "bytes.cache_per_token", i);
        EXPECT_TEXT(why.module, "h.*.attn");
        EXPECT_TEXT(why.label, i == 0 ? "k" : "v");
        EXPECT_TEXT(why.formula, "4·D");
        EXPECT(why.times == 12 && why.each == 3072 && why.number == 36864);
    }
    rk_bill_free(bill);
}

/* Marian's sinusoids are parameters to torch, and never learn. */
static int64_t untrained(const char *name) { return strstr(name, "opus-mt") != NULL ? 2 * 512 * 512 : 0; }

static void compare(rk_ctx *ctx, const struct json *preset, const char *name)
{
    const struct json *eager;
    int64_t parameters, batch, seq, source, forward, backward;
    OK(ctx, json_get_int(ctx, preset, "parameters", 0, INT64_MAX, &parameters));
    OK(ctx, json_get_int(ctx, preset, "B", 1, 1 << 20, &batch));
    OK(ctx, json_get_int(ctx, preset, "T", 1, 1 << 20, &seq));
    OK(ctx, json_get_int(ctx, preset, "S", 0, 1 << 20, &source));
    OK(ctx, json_get_object(ctx, preset, "eager", &eager));
    OK(ctx, json_get_int(ctx, eager, "forward_total", 0, INT64_MAX, &forward));
    OK(ctx, json_get_int(ctx, eager, "backward_total", 0, INT64_MAX, &backward));
    rk_bill *bill = bill_at(ctx, name, &(rk_bill_settings){ .batch = batch, .seq = seq, .source_seq = source });
    has(bill, name, "parameters", parameters - untrained(name));
    has(bill, name, "flops.forward", forward);
    has(bill, name, "flops.backward", backward);
    rk_bill_free(bill);
}

TEST(torch_counts_the_same_flops)
{
    rk_ctx *ctx = test_ctx();
    int known = 0;
    struct json_doc doc = { .root = NULL };
    const struct json *presets;
    char path[4096];
    if (test_shared() == NULL) SKIP("no reference data here");
    (void)snprintf(path, sizeof path, "%s/golden/flops.json", test_shared());
    OK(ctx, json_load(ctx, &doc, path, 0));
    OK(ctx, json_get_object(ctx, doc.root, "presets", &presets));
    for (uint32_t i = 0; i < presets->n; i++) {
        rk_model *model;
        if (rk_model_open(ctx, presets->at[i].key.at, &model) == RK_OK) {
            rk_model_close(model);
            compare(ctx, &presets->at[i], presets->at[i].key.at);
            known++;
        } else rk_error_clear(ctx);
    }
    EXPECT_INT(known, presets->n);
    json_clear(ctx, &doc);
}

static rk_bill *bill_in_mode(rk_ctx *ctx, const char *spec, rk_bill_mode mode, int64_t batch, int64_t seq)
{
    rk_model *model;
    rk_bill *bill;
    const rk_bill_settings settings = { .mode = mode, .batch = batch, .seq = seq };
    OK(ctx, rk_model_open(ctx, spec, &model));
    OK(ctx, rk_bill_of(model, &settings, &bill));
    rk_model_close(model);
    return bill;
}

/* Scoring and prefill make the forward products of training, decoding L·(8·D² + 4·c·D + 2·n·D·F) + 2·D·V of them for a token
 * at context length c (Kaplan et al. 2020 with the context written out). */
TEST(other_modes_than_training)
{
    static const struct { const char *spec; int64_t forward, layers, hidden, ff, matrices, vocab; } rows[] = {
        { "gpt2", 291648307200, 12, 768, 3072, 2, 50257 }, { "cs336-xl", 4513336524800, 48, 1600, 6400, 3, 50257 },
    };
    rk_ctx *ctx = test_ctx();
    for (int i = 0; i < 2; i++) {
        for (rk_bill_mode mode = RK_MODE_EVAL; mode <= RK_MODE_PREFILL; mode++) {
            rk_bill *bill = bill_in_mode(ctx, rows[i].spec, mode, 1, 0);
            has(bill, rows[i].spec, "flops.forward", rows[i].forward);
            EXPECT(!rk_bill_has(bill, "flops.backward") && !rk_bill_has(bill, "bytes.gradients") && !rk_bill_has(bill, "bytes.optimizer"));
            EXPECT(rk_bill_has(bill, "bytes.cache_per_token") && rk_bill_has(bill, "bytes.parameters"));
            rk_bill_free(bill);
        }
        for (int64_t context = 1; context <= 1024; context = 4 * context) {
            int64_t d = rows[i].hidden, each = rows[i].layers * (8 * d * d + 4 * context * d + 2 * rows[i].matrices * d * rows[i].ff) + 2 * d * rows[i].vocab;
            rk_bill *bill = bill_in_mode(ctx, rows[i].spec, RK_MODE_DECODE, 3, context);
            has(bill, rows[i].spec, "flops.forward", 3 * each);
            rk_bill_free(bill);
        }
    }
}
