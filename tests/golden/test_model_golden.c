/* Models against what others say of them: published counts, the library's config files, its lists of tensors. */
#include "backend/ref/ref.h"
#include "base/file.h"
#include "core/graph.h"
#include "model/bind.h"
#include "test.h"
#include <stdlib.h>

/* Parameters and forward FLOPs of matrix products (full attention, one sequence of `seq` tokens). Sources: the models' cards
 * and handouts, and the closed formulas V·D + P·D + L·(12·D² + 13·D) + 2·D and so on. 0: not published. */
static const struct { const char *spec; uint64_t parameters; int64_t seq; uint64_t forward; } counts[] = {
    { "gpt2",                          124439808,  1024,  291648307200 },
    { "gpt2-medium",                   354823168,  1024,  0 },
    { "gpt2-large",                    774030080,  1024,  0 },
    { "gpt2-xl",                       1557611200, 1024,  3506703564800 },
    { "gpt2:bias=false",               124337664,  1024,  291648307200 },
    { "gpt2-medium:bias=false",        354551808,  1024,  0 },
    { "gpt2-large:bias=false",         773521920,  1024,  0 },
    { "gpt2-xl:bias=false",            1556764800, 1024,  0 },
    { "gpt2:vocab_size=50304",         124475904,  1024,  0 },
    { "gpt2-medium:vocab_size=50304",  354871296,  1024,  0 },
    { "gpt2-large:vocab_size=50304",   774090240,  1024,  0 },
    { "gpt2-xl:vocab_size=50304",      1557686400, 1024,  0 },
    { "cs336-small",                   190460160,  1024,  349630365696 },
    { "cs336-medium",                  505629696,  1024,  1033109504000 },
    { "cs336-large",                   1072469760, 1024,  2257754521600 },
    { "cs336-xl",                      2127057600, 1024,  4513336524800 },
    { "cs336-xl:context_length=16384", 2127057600, 16384, 149522795724800 },
    { "cs336-small-2026",              162148608,  1024,  291648307200 },
    { "cs336-medium-2026",             406539264,  1024,  830172299264 },
    { "cs336-large-2026",              833591040,  1024,  1768530903040 },
    { "cs336-xl-2026",                 1640452800, 1024,  3516769894400 },
    { "cs336-xl-2026:context_length=16384", 1640452800, 16384, 133577729638400 },
    { "cs336-small-2024",              162935040,  1024,  291648307200 },
    { "cs336-medium-2024",             406014976,  1024,  826951073792 },
    { "cs336-large-2024",              837850880,  1024,  1774570700800 },
    { "cs336-xl-2024",                 1637176000, 1024,  3506703564800 },
    { "nanogpt:vocab_size=50257",      124337664,  1024,  291648307200 },
    { "nanogpt-char:n_layer=1,n_embd=12,n_head=2,vocab_size=7,block_size=5,bias=true", 2052, 5, 0 },
    { "cs336-17m",                     22696448,   256,   9533652992 },
    { "cs336-17m:vocab_size=32000",    45224448,   256,   15300820992 },
    { "gpt3",                          174604259328, 2048, 0 },
    { "gpt-j-6b",                      6050882784, 2048,  0 },
    { "gpt-neox-20b",                  20554567680, 2048, 0 },
    { "pythia-14m",                    14067712,   2048,  0 },
    { "pythia-31m",                    30494720,   2048,  0 },
    { "pythia-70m",                    70426624,   2048,  0 },
    { "pythia-160m",                   162322944,  2048,  0 },
    { "pythia-410m",                   405334016,  2048,  0 },
    { "pythia-1b",                     1011781632, 2048,  0 },
    { "pythia-1.4b",                   1414647808, 2048,  0 },
    { "pythia-2.8b",                   2775208960, 2048,  0 },
    { "pythia-6.9b",                   6857302016, 2048,  0 },
    { "pythia-12b",                    11846072320, 2048, 0 },
};

static uint64_t number(rk_ctx *ctx, const rk_bill *bill, const char *name)
{
    uint64_t n = 0;
    OK(ctx, rk_bill_number(bill, name, &n));
    return n;
}

TEST(published_counts)
{
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        rk_model *m;
        rk_bill *bill;
        uint64_t parameters;
        OK(ctx, rk_model_open(ctx, counts[i].spec, &m));
        OK(ctx, rk_bill_of(m, &(rk_bill_settings){ .seq = counts[i].seq }, &bill));
        OK(ctx, rk_model_parameters(m, &parameters));
        EXPECT_INT(number(ctx, bill, "parameters"), counts[i].parameters);
        EXPECT_INT(parameters, counts[i].parameters);
        if (counts[i].forward != 0) EXPECT_INT(number(ctx, bill, "flops.forward"), counts[i].forward);
        EXPECT_INT(number(ctx, bill, "flops.backward"), 2 * number(ctx, bill, "flops.forward"));
        EXPECT_INT(number(ctx, bill, "bytes.parameters"), 4 * counts[i].parameters);
        EXPECT_INT(number(ctx, bill, "bytes.gradients"), 4 * counts[i].parameters);
        EXPECT_INT(number(ctx, bill, "bytes.optimizer"), 8 * counts[i].parameters);
        EXPECT_INT(number(ctx, bill, "flops.update"), 2 * counts[i].parameters);               /* the global norm */
        double layers, hidden;
        OK(ctx, rk_model_number(m, "layer", &layers));
        OK(ctx, rk_model_number(m, "hidden", &hidden));
        EXPECT_INT(number(ctx, bill, "bytes.cache_per_token"), 2 * 4 * layers * hidden);
        rk_bill_free(bill);
        rk_model_close(m);
    }
}

/* Batches: everything that is computed per token goes with them; what is per model does not. */
TEST(a_batch_is_that_many_sequences)
{
    rk_ctx *ctx = test_ctx();
    rk_model *m;
    rk_bill *one, *five;
    OK(ctx, rk_model_open(ctx, "cs336-17m", &m));
    OK(ctx, rk_bill_of(m, &(rk_bill_settings){ .seq = 64 }, &one));
    OK(ctx, rk_bill_of(m, &(rk_bill_settings){ .batch = 5, .seq = 64, .dtype = RK_bf16 }, &five));
    EXPECT_INT(number(ctx, five, "flops.forward"), 5 * number(ctx, one, "flops.forward"));
    EXPECT_INT(number(ctx, five, "flops.backward"), 5 * number(ctx, one, "flops.backward"));
    EXPECT_INT(number(ctx, five, "parameters"), number(ctx, one, "parameters"));
    EXPECT_INT(2 * number(ctx, five, "bytes.parameters"), number(ctx, one, "bytes.parameters"));
    EXPECT_INT(number(ctx, five, "bytes.optimizer"), number(ctx, one, "bytes.optimizer"));
    EXPECT_INT(2 * number(ctx, five, "bytes.cache_per_token"), number(ctx, one, "bytes.cache_per_token"));
    rk_bill_free(one);
    rk_bill_free(five);
    FAILS(ctx, rk_bill_of(m, &(rk_bill_settings){ .dtype = RK_bf16, .plan = true }, &one), RK_E_DECLINED, "f32");
    rk_model_close(m);
}

/* A plan leaves out what the meaning has in full (masked scores), and allocates states to the alignment. */
TEST(a_plan_is_the_program)
{
    rk_ctx *ctx = test_ctx();
    static const char *const specs[] = { "gpt2:n_layer=2", "cs336-17m" };
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        rk_model *m;
        rk_bill *bill;
        OK(ctx, rk_model_open(ctx, specs[i], &m));
        OK(ctx, rk_bill_of(m, &(rk_bill_settings){ .seq = 96, .batch = 2, .plan = true }, &bill));
        uint64_t meant = number(ctx, bill, "flops.forward") + number(ctx, bill, "flops.backward"), done = number(ctx, bill, "flops.plan.step");
        EXPECT(done > meant / 2 && done <= meant);
        EXPECT_INT(number(ctx, bill, "flops.plan.update"), number(ctx, bill, "flops.update"));
        EXPECT(number(ctx, bill, "flops.plan.elementwise.step") > 0 && number(ctx, bill, "flops.plan.elementwise.update") <= number(ctx, bill, "flops.elementwise.update"));
        uint64_t parameters = number(ctx, bill, "bytes.parameters"), planned = number(ctx, bill, "bytes.plan.parameters");
        EXPECT(planned >= parameters && planned < parameters + 64 * 200);
        EXPECT(number(ctx, bill, "bytes.plan.gradients") == planned && number(ctx, bill, "bytes.plan.optimizer") == 2 * planned);
        EXPECT(number(ctx, bill, "bytes.plan.activations") > 0);
        rk_bill_free(bill);
        rk_model_close(m);
    }
}

/* What the cards of Pythia and GPT-NeoX call non-embedding parameters: without both tables. */
TEST(parameters_without_tables)
{
    static const struct { const char *spec; uint64_t inside; } cards[] = {
        { "pythia-14m", 1189888 },      { "pythia-31m", 4739072 },       { "pythia-70m", 18915328 },    { "pythia-160m", 85056000 },
        { "pythia-410m", 302311424 },   { "pythia-1b", 805736448 },      { "pythia-1.4b", 1208602624 }, { "pythia-2.8b", 2517652480 },
        { "pythia-6.9b", 6444163072 },  { "pythia-12b", 11327027200 },   { "gpt-neox-20b", 19934859264 },
    };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cards / sizeof *cards; i++) {
        rk_model *m;
        uint64_t parameters;
        double vocab, hidden;
        OK(ctx, rk_model_open(ctx, cards[i].spec, &m));
        OK(ctx, rk_model_parameters(m, &parameters));
        OK(ctx, rk_model_number(m, "vocab", &vocab));
        OK(ctx, rk_model_number(m, "hidden", &hidden));
        EXPECT_INT(parameters - 2 * (uint64_t)vocab * (uint64_t)hidden, cards[i].inside);
        rk_model_close(m);
    }
}

TEST(formulas_are_what_people_write)
{
    rk_ctx *ctx = test_ctx();
    static const struct { const char *spec, *name, *formula; } known[] = {
        { "gpt2",      "parameters",            "V·D + P·D + L·(12·D² + 13·D) + 2·D" },
        { "gpt2",      "bytes.cache_per_token", "8·L·D" },
        { "cs336-17m", "parameters",            "2·V·D + L·(4·D² + 3·D·F + 2·D) + D" },
        { "gpt-j-6b",  "parameters",            "2·V·D + L·(12·D² + 7·D) + V + 2·D" },
        { "pythia-1b", "parameters",            "2·V·D + L·(12·D² + 13·D) + 2·D" },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        rk_model *m;
        rk_bill *bill;
        const char *formula;
        OK(ctx, rk_model_open(ctx, known[i].spec, &m));
        OK(ctx, rk_bill_of(m, NULL, &bill));
        OK(ctx, rk_bill_formula(bill, known[i].name, &formula));
        EXPECT_TEXT(formula, known[i].formula);
        rk_bill_free(bill);
        rk_model_close(m);
    }
}

/* --- the library's files --- */

static const char *const files[][2] = {
    { "openai-community--gpt2", "gpt2" }, { "openai-community--gpt2-medium", "gpt2-medium" }, { "openai-community--gpt2-large", "gpt2-large" },
    { "openai-community--gpt2-xl", "gpt2-xl" }, { "distilbert--distilgpt2", "distilgpt2" },
    { "EleutherAI--gpt-j-6b", "gpt-j-6b" }, { "EleutherAI--gpt-neox-20b", "gpt-neox-20b" }, { "EleutherAI--pythia-14m", "pythia-14m" },
    { "EleutherAI--pythia-31m", "pythia-31m" }, { "EleutherAI--pythia-70m", "pythia-70m" }, { "EleutherAI--pythia-160m", "pythia-160m" },
    { "EleutherAI--pythia-410m", "pythia-410m" }, { "EleutherAI--pythia-1b", "pythia-1b" }, { "EleutherAI--pythia-1.4b", "pythia-1.4b" },
    { "EleutherAI--pythia-2.8b", "pythia-2.8b" }, { "EleutherAI--pythia-6.9b", "pythia-6.9b" }, { "EleutherAI--pythia-12b", "pythia-12b" },
    { "google-bert--bert-base-uncased", "bert-base-uncased" }, { "google-bert--bert-base-cased", "bert-base-cased" }, { "google-bert--bert-base-chinese", "bert-base-chinese" },
    { "google-bert--bert-base-multilingual-cased", "bert-base-multilingual-cased" }, { "google-bert--bert-large-uncased", "bert-large-uncased" },
    { "google-bert--bert-large-cased", "bert-large-cased" }, { "google-bert--bert-base-chinese+model", "bert-base-chinese+model" },
    { "google-bert--bert-base-chinese+pretraining", "google-bert/bert-base-chinese+pretraining" }, { "Helsinki-NLP--opus-mt-en-de", "Helsinki-NLP/opus-mt-en-de" },
    { "torch.nn.Transformer+base", "torch.nn.Transformer+base" }, { "torch.nn.Transformer+big", "torch.nn.Transformer+big" },      /* which have no config file */
};

TEST(config_files_are_their_presets)
{
    const char *shared = test_shared();
    rk_ctx *ctx = test_ctx();
    if (shared == NULL) SKIP("no reference data here");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[1024];
        rk_model *m, *preset;
        if (strncmp(files[i][0], "torch", 5) == 0) continue;
        (void)snprintf(path, sizeof path, "%s/golden/configs/%s.json", shared, files[i][0]);
        OK(ctx, rk_model_open(ctx, path, &m));
        OK(ctx, rk_model_open(ctx, files[i][1], &preset));
        EXPECT(m->config.arch == preset->config.arch);
        for (int k = 0; m->config.arch->fields[k].name != NULL; k++) {
            EXPECT(m->config.value[k] == preset->config.value[k]);
            EXPECT_TEXT(m->config.text[k], preset->config.text[k]);
        }
        rk_model_close(m);
        rk_model_close(preset);
    }
}

/* The line of a tensor in NAME.tsv: name, parameter, shape with x, dtype. */
static bool listed(const char *text, const char *name, const char *as, const struct stored *s)
{
    char line[512];
    int n = snprintf(line, sizeof line, "%s\t%s\t", name, as);
    for (int i = 0; i < s->rank; i++) n += snprintf(line + n, sizeof line - (size_t)n, "%s%lld", i > 0 ? "x" : "", (long long)s->shape[i]);
    (void)snprintf(line + n, sizeof line - (size_t)n, "\t");
    return strstr(text, line) != NULL;
}

TEST(tensors_are_those_that_the_library_lists)
{
    const char *shared = test_shared();
    rk_ctx *ctx = test_ctx();
    if (shared == NULL) SKIP("no reference data here");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[1024];
        struct str text = { 0 }, name = { 0 };
        rk_model *m;
        struct built b;
        int lines = 0, tables = 0;
        (void)snprintf(path, sizeof path, "%s/golden/tensors/%s.tsv", shared, files[i][0]);
        OK(ctx, file_read(ctx, path, 1 << 24, &text));
        OK(ctx, rk_model_open(ctx, files[i][1], &m));
        OK(ctx, model_build(ctx, m, &(struct build_options){ .purpose = FOR_SCORING, .seq = 1 }, &b));
        for (const char *s = str_c(&text); (s = strstr(s, "\tparameter\t")) != NULL; s++) lines++;
        for (int k = 0; k < built_stored(&b); k++) {
            struct stored stored;
            OK(ctx, bind_written(ctx, &m->config, &b, k, &name));
            OK(ctx, bind_stored(ctx, m->config.arch, &b, k, &stored));
            bool constant = k >= b.parameters.n, parameter = listed(str_c(&text), str_c(&name), "parameter", &stored);
            tables += constant && parameter;                        /* torch makes parameters of them, too */
            if (!parameter && !(constant && listed(str_c(&text), str_c(&name), "buffer", &stored))) test_fail(__FILE__, __LINE__, "%s has no %s of this shape", files[i][0], str_c(&name));
        }
        EXPECT_INT(b.parameters.n + tables, lines);
        built_close(&b);
        rk_model_close(m);
        str_free(ctx, &text);
        str_free(ctx, &name);
    }
}

static const char *const checkpoints[] = { "gpt2", "gpt2-bf16-sharded", "gpt2-inner-erf", "gpt2-relu-one-head-size-5", "gpt2-scale-by-layer",
                                           "gpt2-unscaled-untied", "cs336", "cs336-2024", "cs336-odd", "cs336-tied", "gptj", "gptj-rotary-full", "gptj-two-heads",
                                           "neox-parallel", "neox-serial", "neox-no-attention-bias-tied", "neox-rotary-full-fast-gelu",
                                           "bert-mlm", "bert-gelu-new-eps", "bert-pretraining+pretraining", "marian", "marian-relu-unscaled", "transformer-paper", "transformer-pre-norm" };

/* They load whole, and saving them gives the same numbers under the same names. */
TEST(checkpoints_load_and_save)
{
    const char *shared = test_shared();
    rk_ctx *ctx = test_ctx();
    if (shared == NULL) SKIP("no reference data here");
    for (size_t i = 0; i < sizeof checkpoints / sizeof *checkpoints; i++) {
        char path[1024];
        rk_model *m;
        struct built b;
        struct store *s;
        struct bundle file, saved;
        struct bind_report report;
        (void)snprintf(path, sizeof path, "%s/golden/models/%s", shared, checkpoints[i]);
        OK(ctx, rk_model_open(ctx, path, &m));
        OK(ctx, model_build(ctx, m, &(struct build_options){ .purpose = FOR_SCORING }, &b));
        OK(ctx, store_open(ctx, backend_truth(), &s));
        OK(ctx, store_declare(ctx, s, b.g));
        OK(ctx, store_allocate(ctx, s));
        OK(ctx, bundle_open(ctx, m->weights, &file));
        OK(ctx, bind_load(ctx, m->config.arch, &b, &file, s, &report));
        EXPECT_INT(report.used, file.entries.n);
        OK(ctx, bind_save(ctx, m, &b, s, test_temporary(), file.entries.at[0].dtype));
        OK(ctx, bundle_open(ctx, test_temporary(), &saved));
        EXPECT_INT(saved.entries.n, file.entries.n);
        for (int k = 0; k < file.entries.n; k++) {
            const struct bundle_entry *e = &file.entries.at[k], *other = bundle_find(&saved, e->name.at);
            REQUIRE(other != NULL);
            EXPECT(other->dtype == e->dtype && other->bytes == e->bytes && memcmp(other->data, e->data, e->bytes) == 0);
        }
        bind_report_clear(ctx, &report);
        bundle_close(ctx, &saved);
        bundle_close(ctx, &file);
        store_close(s);
        built_close(&b);
        rk_model_close(m);
    }
}

/* Every reference checkpoint of a family that is here is explained to the byte; of PyTorch files, too. */
TEST(every_reference_checkpoint_is_explained)
{
    rk_ctx *ctx = test_ctx();
    struct file_names names = { 0 };
    struct str models = { 0 }, path = { 0 };
    int checked = 0;
    if (test_shared() == NULL) SKIP("the reference models are not here");
    OK(ctx, str_format(ctx, &models, "%s/golden/models", test_shared()));
    OK(ctx, file_list(ctx, str_c(&models), &names));
    for (int i = 0; i < 2 * names.n; i++) {
        rk_model *m;
        rk_checked c;
        bool there = true;
        OK(ctx, file_join(ctx, &path, str_c(&models), names.at[i / 2]));
        if (i % 2 == 1) OK(ctx, file_join(ctx, &path, str_c(&path), "pytorch_model.bin"));
        OK(ctx, file_exists(ctx, str_c(&path), &there));
        if (!there || rk_model_open(ctx, str_c(&path), &m) != RK_OK) continue;              /* no such file, or a family that is not here */
        OK(ctx, rk_model_check(m, NULL, NULL, &c));
        if (c.troubles != 0 || c.found != c.described) test_fail(__FILE__, __LINE__, "%s: %d troubles", str_c(&path), c.troubles);
        EXPECT_INT(c.file_bytes, c.header_bytes + c.parameter_bytes + c.tie_bytes + c.buffer_bytes + c.left_bytes);
        rk_model_close(m);
        checked++;
    }
    EXPECT(checked >= 18);
    file_names_free(ctx, &names);
    str_free(ctx, &models);
    str_free(ctx, &path);
}
