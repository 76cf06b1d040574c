/* What is made of whole texts, against transformers: words for masks, pooled vectors, perplexity in overlapping windows.
 *
 * Weights are by a formula that make_words.py has, too; words.def holds what transformers made of them, in f64. Each model is
 * written as a checkpoint and loaded from there. */
#include "base/file.h"
#include "infer/session.h"
#include "io/bundle.h"
#include "model/bind.h"
#include "reckon/encoding.h"
#include "reckon/read.h"
#include "test.h"
#include <stdlib.h>

static const char vocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n.\n,\nthe\na\nan\ncat\ndog\nsat\nran\non\nunder\nmat\ntree\nin\nsun\n##s\n##ing\nwas\nis\nold\nnew\n";
static const char bert[] = "\"vocab_size\":26,\"hidden_size\":24,\"num_hidden_layers\":2,\"num_attention_heads\":3,\"intermediate_size\":40,\"max_position_embeddings\":32,\"model_type\":\"bert\"";
static const char gpt2[] = "\"vocab_size\":97,\"n_embd\":24,\"n_layer\":2,\"n_head\":3,\"n_positions\":16,\"model_type\":\"gpt2\"";

static double number(const char *name, uint32_t i)
{
    uint32_t h = 2166136261u;
    for (const char *s = name; *s != '\0'; s++) h = (h ^ (unsigned char)*s) * 16777619u;
    h += i * 2654435761u;
    h ^= h >> 15;
    h *= 0x85EBCA6Bu;
    h ^= h >> 13;
    h *= 0xC2B2AE35u;
    h ^= h >> 16;
    return (h >> 8) / 16777216.0 - 0.5;
}

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    REQUIRE(f != NULL && fputs(text, f) >= 0);
    fclose(f);
}

static void write_weights(rk_ctx *ctx, const rk_model *m, const char *path)
{
    struct built b;
    struct bundle_writer w = { 0 };
    struct str name = { 0 };
    OK(ctx, model_build(ctx, m, &(struct build_options){ .purpose = FOR_LOGITS }, &b));
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < built_stored(&b); i++) {
            struct stored s;
            size_t n = (size_t)parameter_elements(b.g, &b.parameters.at[i]);
            OK(ctx, bind_written(ctx, &m->config, &b, i, &name));
            OK(ctx, bind_stored(ctx, m->config.arch, &b, i, &s));
            if (pass == 0) {
                OK(ctx, bundle_declare(ctx, &w, str_c(&name), RK_f32, s.rank, s.shape));
                continue;
            }
            float *values = malloc(n * sizeof *values);
            REQUIRE(values != NULL);
            bool norm = s.rank == 1 && strcmp(str_c(&name) + name.n - 6, "weight") == 0;
            for (size_t k = 0; k < n; k++) values[k] = (float)((norm ? 1 : 0) + number(str_c(&name), (uint32_t)k) * 0.8);
            OK(ctx, bundle_write(ctx, &w, str_c(&name), values, n * sizeof *values));
            free(values);
        }
        if (pass == 0) OK(ctx, bundle_begin(ctx, &w, path));
    }
    OK(ctx, bundle_commit(ctx, &w));
    str_free(ctx, &name);
    built_close(&b);
}

/* A model that was written, and opened again, on a device. */
struct opened { rk_ctx *ctx; rk_device *device; rk_model *model; rk_weights *weights; rk_tok *tok; rk_reader *reader; };

static void open_model(struct opened *o, rk_ctx *ctx, const char *fields, const char *class, const char *device, rk_reading what)
{
    const char *folder = test_temporary();
    char text[1024], path[4096];
    rk_model *described;
    *o = (struct opened){ .ctx = ctx };
    (void)snprintf(text, sizeof text, "{%s,\"architectures\":[\"%s\"]}", fields, class);
    (void)snprintf(path, sizeof path, "%s/model.safetensors", folder);
    write_text(folder, "config.json", text);
    write_text(folder, "vocab.txt", vocabulary);
    (void)remove(path);
    OK(ctx, rk_model_open(ctx, folder, &described));
    write_weights(ctx, described, path);
    rk_model_close(described);
    OK(ctx, rk_model_open(ctx, folder, &o->model));
    OK(ctx, rk_device_open(ctx, device, strcmp(device, "cpu") == 0 ? &(rk_device_options){ .blas = "own" } : NULL, &o->device));
    OK(ctx, rk_weights_open(ctx, o->model, o->device, &o->weights));
    OK(ctx, rk_reader_open(o->weights, what, &o->reader));
    (void)snprintf(path, sizeof path, "%s/vocab.txt", folder);
    OK(ctx, rk_tok_open_as(ctx, path, &(rk_tok_opening){ .lowercase = true }, &o->tok));
}

static void close_model(struct opened *o)
{
    rk_reader_close(o->reader);
    rk_weights_close(o->weights);
    rk_device_close(o->device);
    rk_tok_close(o->ctx, o->tok);
    rk_model_close(o->model);
}

static int read_numbers(const char *text, double *to, int room)
{
    int n = 0;
    for (char *end; *text != '\0'; text = end + (*end == ' ')) {
        REQUIRE(n < room);
        to[n++] = strtod(text, &end);
        REQUIRE(end != text);
    }
    return n;
}

/* --- fill --- */

static void check_fill(struct opened *o, const char *text, int mask, const char *words, const char *scores)
{
    rk_ctx *ctx = o->ctx;
    rk_encoding e = { 0 };
    int64_t picks[8], n = 0;
    rk_guess guesses[32];
    double expected[8];
    uint32_t id;
    char said[256] = "";
    REQUIRE(rk_tok_find(o->tok, "[MASK]", 6, &id));
    OK(ctx, rk_encoding_make(ctx, o->tok, &(rk_encoding_rules){ 0 }, (rk_text){ text, strlen(text) }, NULL, &e));
    for (size_t i = 0; i < e.n; i++)
        if (e.ids[i] == id) picks[n++] = (int64_t)i;
    REQUIRE(mask < n);
    const rk_row row = { .ids = e.ids, .segments = e.types, .n = (int64_t)e.n, .picks = picks, .n_picks = n };
    OK(ctx, rk_fill(o->reader, &row, o->tok, 4, guesses));
    EXPECT_INT(read_numbers(scores, expected, 8), 4);
    for (int i = 0; i < 4; i++) {
        rk_text word = rk_tok_bytes(o->tok, guesses[mask * 4 + i].id);
        EXPECT_NEAR(guesses[mask * 4 + i].probability, expected[i], 2e-6);
        (void)snprintf(said + strlen(said), sizeof said - strlen(said), "%s%.*s", i > 0 ? " " : "", (int)word.n, word.at);
    }
    EXPECT_TEXT(said, words);
    rk_encoding_free(ctx, &e);
}

static void check_fills(const char *device)
{
    struct opened o;
    open_model(&o, test_ctx(), bert, "BertForMaskedLM", device, RK_READ_LOGITS);
#define FILL(text, mask, words, scores) check_fill(&o, text, mask, words, scores);
#define EMBED(family, pooling, text, vector)
#define SCORE(window, stride, ids, recipe, scores)
#include "golden/words.def"
#undef FILL
#undef EMBED
    close_model(&o);
}

TEST(words_for_masks)        { check_fills("cpu"); }
TEST(words_for_masks_on_ref)
{
    if (TEST_SANITIZED) SKIP("references under a sanitizer");
    check_fills("ref");
}

TEST(what_cannot_be_filled_in)
{
    rk_ctx *ctx = test_ctx();
    struct opened o;
    rk_guess guesses[64];
    const rk_row row = { .ids = (uint32_t[]){ 2, 4, 3 }, .n = 3, .picks = (int64_t[]){ 1 }, .n_picks = 1 };
    open_model(&o, ctx, bert, "BertForMaskedLM", "cpu", RK_READ_LOGITS);
    FAILS(ctx, rk_fill(o.reader, &(rk_row){ .ids = (uint32_t[]){ 2, 26 }, .n = 2, .picks = row.picks, .n_picks = 1 }, o.tok, 1, guesses), RK_E_ARG, "the model has 26");
    FAILS(ctx, rk_fill(o.reader, &(rk_row){ .ids = row.ids, .n = 1, .picks = row.picks, .n_picks = 1 }, o.tok, 1, guesses), RK_E_ARG, "position 1 of 1");
    FAILS(ctx, rk_fill(o.reader, &(rk_row){ .ids = row.ids, .segments = (uint8_t[]){ 0, 2, 0 }, .n = 3, .picks = row.picks, .n_picks = 1 }, o.tok, 1, guesses), RK_E_ARG, "segment 2");
    FAILS(ctx, rk_fill(o.reader, &row, o.tok, 27, guesses), RK_E_ARG, "27 likeliest of 26");
    OK(ctx, rk_fill(o.reader, &row, o.tok, 26, guesses));
    double sum = 0;
    for (int i = 0; i < 26; i++) sum += guesses[i].probability;
    EXPECT_NEAR(sum, 1, 1e-6);
    close_model(&o);
    open_model(&o, ctx, gpt2, "GPT2LMHeadModel", "cpu", RK_READ_LOGITS);
    FAILS(ctx, rk_fill(o.reader, &row, NULL, 1, guesses), RK_E_DECLINED, "forwards only");
    close_model(&o);
}

/* --- embed --- */

enum pooling_word { MEAN = RK_POOL_MEAN, CLS = RK_POOL_CLS, LAST = RK_POOL_LAST, POOLER = RK_POOL_POOLER };
static const struct expected { bool is_bert; rk_pooling how; const char *text, *vector; } vectors[] = {
#define bert true
#define gpt2 false
#define FILL(text, mask, words, scores)
#define EMBED(family, pooling, text, vector) { family, (rk_pooling)pooling, text, vector },
#include "golden/words.def"
#undef bert
#undef gpt2
#undef FILL
#undef EMBED
#undef SCORE
};
enum { VECTORS = sizeof vectors / sizeof *vectors, WIDTH = 24 };

/* A row of the table as ids: of BERT encoded, of GPT-2 read. */
static void lay(struct opened *o, const struct expected *v, rk_encoding *e, uint32_t ids[64], rk_row *row)
{
    double numbers[64];
    if (v->is_bert) {
        OK(o->ctx, rk_encoding_make(o->ctx, o->tok, &(rk_encoding_rules){ 0 }, (rk_text){ v->text, strlen(v->text) }, NULL, e));
        *row = (rk_row){ .ids = e->ids, .segments = e->types, .n = (int64_t)e->n };
        return;
    }
    *row = (rk_row){ .ids = ids, .n = read_numbers(v->text, numbers, 64) };
    for (int64_t i = 0; i < row->n; i++) ids[i] = (uint32_t)numbers[i];
}

/* All texts of one family and pooling at once, and each alone. */
static void check_vectors(const char *device, bool is_bert, rk_pooling how)
{
    struct opened o;
    rk_encoding e[8] = { { 0 } };
    static uint32_t ids[8][64];
    rk_row rows[8];
    float together[8 * WIDTH], alone[WIDTH];
    double expected[WIDTH];
    int n = 0, which[8];
    open_model(&o, test_ctx(), is_bert ? bert : gpt2, is_bert ? "BertModel" : "GPT2Model", device, how == RK_POOL_POOLER ? RK_READ_POOLED : RK_READ_HIDDEN);
    for (int i = 0; i < VECTORS; i++) {
        if (vectors[i].is_bert != is_bert || vectors[i].how != how) continue;
        lay(&o, &vectors[i], &e[n], ids[n], &rows[n]);
        which[n++] = i;
    }
    REQUIRE(n == 3);
    OK(o.ctx, rk_embed(o.reader, rows, n, how, together));
    for (int k = 0; k < n; k++) {
        OK(o.ctx, rk_embed(o.reader, &rows[k], 1, how, alone));
        EXPECT_INT(read_numbers(vectors[which[k]].vector, expected, WIDTH), WIDTH);
        for (int i = 0; i < WIDTH; i++) {
            EXPECT_NEAR((double)together[k * WIDTH + i], expected[i], 1e-5);
            EXPECT_NEAR((double)together[k * WIDTH + i], (double)alone[i], 5e-6);
        }
        rk_encoding_free(o.ctx, &e[k]);
    }
    close_model(&o);
}

TEST(vectors_of_lines)
{
    for (int i = 0; i < (TEST_SANITIZED ? 1 : 2); i++) {
        const char *device = i == 0 ? "cpu" : "ref";
        check_vectors(device, true, RK_POOL_MEAN);
        check_vectors(device, true, RK_POOL_CLS);
        check_vectors(device, true, RK_POOL_POOLER);
        check_vectors(device, false, RK_POOL_MEAN);
        check_vectors(device, false, RK_POOL_LAST);
    }
}

/* Many lines of many lengths: whatever batches they come into, a line is what it is alone. */
TEST(no_line_sees_another)
{
    enum { LINES = 70 };
    static uint32_t ids[LINES][32];
    static float together[LINES * WIDTH], alone[WIDTH];
    rk_row rows[LINES];
    struct opened o;
    for (int family = 0; family < 2; family++) {
        open_model(&o, test_ctx(), family == 0 ? bert : gpt2, family == 0 ? "BertModel" : "GPT2Model", "cpu", RK_READ_HIDDEN);
        for (int i = 0; i < LINES; i++) {
            rows[i] = (rk_row){ .ids = ids[i], .n = 1 + (int64_t)test_random(family == 0 ? 32 : 16) };
            for (int k = 0; k < rows[i].n; k++) ids[i][k] = (uint32_t)test_random(26);
        }
        OK(o.ctx, rk_embed(o.reader, rows, LINES, RK_POOL_MEAN, together));
        for (int i = 0; i < LINES; i += TEST_SANITIZED ? 23 : 7) {
            OK(o.ctx, rk_embed(o.reader, &rows[i], 1, RK_POOL_MEAN, alone));
            for (int k = 0; k < WIDTH; k++) EXPECT_NEAR((double)together[i * WIDTH + k], (double)alone[k], 5e-6);
        }
        close_model(&o);
    }
}

TEST(vectors_that_there_are_not)
{
    rk_ctx *ctx = test_ctx();
    struct opened o;
    float v[WIDTH];
    rk_reader *reader;
    const rk_row row = { .ids = (uint32_t[]){ 1, 2, 3 }, .n = 3 };
    static uint32_t many[33];
    open_model(&o, ctx, gpt2, "GPT2Model", "cpu", RK_READ_HIDDEN);
    FAILS(ctx, rk_embed(o.reader, &row, 1, RK_POOL_CLS, v), RK_E_DECLINED, "seen nothing but itself");
    FAILS(ctx, rk_embed(o.reader, &row, 1, RK_POOL_POOLER, v), RK_E_ARG, "something else");
    FAILS(ctx, rk_embed(o.reader, &(rk_row){ .ids = many, .n = 17 }, 1, RK_POOL_MEAN, v), RK_E_LIMIT, "17 tokens; the context of the model is 16");
    FAILS(ctx, rk_reader_open(o.weights, RK_READ_LOGITS, &reader), RK_E_DECLINED, "without a head");
    FAILS(ctx, rk_reader_open(o.weights, RK_READ_POOLED, &reader), RK_E_DECLINED, "no pooler");
    close_model(&o);
    open_model(&o, ctx, bert, "BertForMaskedLM", "cpu", RK_READ_HIDDEN);
    FAILS(ctx, rk_reader_open(o.weights, RK_READ_POOLED, &reader), RK_E_DECLINED, "these weights have no pooler");
    OK(ctx, rk_embed(o.reader, &row, 1, RK_POOL_CLS, v));
    close_model(&o);
}

/* --- score --- */

static void check_score(struct opened *o, int64_t window, int64_t stride, const char *text, double recipe, const char *scores)
{
    double numbers[128], expected[128], ours[128], sum = 0;
    uint32_t ids[128];
    rk_scored result;
    int n = read_numbers(text, numbers, 128), scored = 0;
    for (int i = 0; i < n; i++) ids[i] = (uint32_t)numbers[i];
    EXPECT_INT(read_numbers(scores, expected, 128), n);
    OK(o->ctx, rk_score_text(o->reader, ids, n, &(rk_scoring){ .window = window, .stride = stride }, ours, &result));
    for (int i = 0; i < n; i++) {
        EXPECT_INT(isnan(ours[i]), isnan(expected[i]));
        if (isnan(expected[i])) continue;
        EXPECT_NEAR(ours[i], expected[i], 1e-5);
        sum += expected[i];
        scored++;
    }
    EXPECT_INT(result.tokens, scored);
    EXPECT_NEAR(result.sum, sum, 1e-4);
    EXPECT_NEAR(result.recipe, recipe, 2e-6 * recipe);
}

static void check_scores(const char *device)
{
    struct opened o;
    open_model(&o, test_ctx(), gpt2, "GPT2LMHeadModel", device, RK_READ_LOGITS);
#define FILL(text, mask, words, scores)
#define EMBED(family, pooling, text, vector)
#define SCORE(window, stride, ids, recipe, scores) check_score(&o, window, stride, ids, recipe, scores);
#include "golden/words.def"
#undef SCORE
    close_model(&o);
}

TEST(perplexity_in_windows)        { check_scores("cpu"); }
TEST(perplexity_in_windows_on_ref)
{
    if (TEST_SANITIZED) SKIP("references under a sanitizer");
    check_scores("ref");
}

/* Law: one window equals what a session says, token by token. */
TEST(one_window_is_token_by_token)
{
    rk_ctx *ctx = test_ctx();
    struct opened o;
    rk_session *s;
    uint32_t ids[16];
    double whole[16], one[15], sum;
    rk_scored result;
    open_model(&o, ctx, gpt2, "GPT2LMHeadModel", "cpu", RK_READ_LOGITS);
    for (int i = 0; i < 16; i++) ids[i] = (uint32_t)test_random(97);
    OK(ctx, rk_session_open(o.weights, NULL, &s));
    OK(ctx, rk_score(s, ids, 16, one, &sum));
    OK(ctx, rk_score_text(o.reader, ids, 16, NULL, whole, &result));
    EXPECT_INT(result.windows, 1);
    EXPECT_NEAR(result.sum, sum, 1e-5 * fabs(sum));
    EXPECT_NEAR(result.recipe, -sum / 15, 1e-5);
    for (int i = 0; i < 15; i++) EXPECT_NEAR(whole[i + 1], one[i], 1e-5);
    rk_session_close(s);
    close_model(&o);
}

/* KL of two readers' predictions of one window, by its definition. */
static double divergence_of(struct opened *a, struct opened *b, const uint32_t *ids, int64_t n)
{
    int64_t vocab = rk_reader_width(a->reader), picks[16];
    float *x = calloc((size_t)vocab, sizeof *x), *y = calloc((size_t)vocab, sizeof *y);
    double sum = 0;
    REQUIRE(x != NULL && y != NULL && n <= 17);
    for (int64_t i = 0; i + 1 < n; i++) picks[i] = i;
    const rk_row row = { .ids = ids, .n = n, .picks = picks, .n_picks = n - 1 };
    OK(a->ctx, rk_reader_read(a->reader, &row, 1));
    OK(b->ctx, rk_reader_read(b->reader, &row, 1));
    for (int64_t i = 0; i + 1 < n; i++) {
        double p = 0, q = 0;
        OK(a->ctx, rk_reader_row(a->reader, 0, i, x));
        OK(b->ctx, rk_reader_row(b->reader, 0, i, y));
        for (int64_t k = 0; k < vocab; k++) p += exp((double)x[k]), q += exp((double)y[k]);
        for (int64_t k = 0; k < vocab; k++) sum += exp((double)x[k]) / p * log(exp((double)x[k]) / p / (exp((double)y[k]) / q));
    }
    free(x);
    free(y);
    return sum;
}

/* Laws: each model's sum is what it has alone; a model is no way off from itself; KL is its definition's, window by window. */
TEST(two_models_of_one_text)
{
    rk_ctx *ctx = test_ctx();
    const rk_scoring windows = { .window = 8, .stride = 8 };
    struct opened a, b;
    uint32_t ids[16];
    rk_scored alone;
    rk_compared both;
    open_model(&a, ctx, gpt2, "GPT2LMHeadModel", "cpu", RK_READ_LOGITS);
    open_model(&b, ctx, gpt2, "GPT2LMHeadModel", "ref", RK_READ_LOGITS);      /* whose weights are its own to write */
    for (int i = 0; i < 16; i++) ids[i] = (uint32_t)test_random(97);
    OK(ctx, rk_compare_text(a.reader, a.reader, ids, 16, NULL, &both));
    EXPECT(both.kl == 0 && both.sum == both.other_sum);
    EXPECT_INT(both.tokens, 15);
    OK(ctx, rk_compare_text(a.reader, b.reader, ids, 16, NULL, &both));
    EXPECT_NEAR(both.kl, 0, 1e-9);
    struct store *store = b.weights->store;
    int at = store_find(store, RK_PARAMETER, "h.1.mlp.up.weight");
    REQUIRE(at >= 0);
    int64_t n = store->entries.at[at].elements;
    float *values = calloc((size_t)n, sizeof *values);
    REQUIRE(values != NULL);
    OK(ctx, store_write(ctx, store, at, values, RK_f32));                     /* a layer that says nothing */
    free(values);
    OK(ctx, rk_compare_text(a.reader, b.reader, ids, 16, &windows, &both));
    double kl = divergence_of(&a, &b, ids, 8) + divergence_of(&a, &b, ids + 8, 8);
    EXPECT(kl > 1e-3);
    EXPECT_NEAR(both.kl, kl, 1e-6 * kl);
    OK(ctx, rk_score_text(a.reader, ids, 16, &windows, NULL, &alone));
    EXPECT(both.sum == alone.sum && both.tokens == alone.tokens);
    OK(ctx, rk_score_text(b.reader, ids, 16, &windows, NULL, &alone));
    EXPECT(both.other_sum == alone.sum);
    close_model(&b);
    open_model(&b, ctx, bert, "BertForMaskedLM", "cpu", RK_READ_LOGITS);
    FAILS(ctx, rk_compare_text(a.reader, b.reader, ids, 16, NULL, &both), RK_E_ARG, "97 words with those of");
    close_model(&b);
    close_model(&a);
}

TEST(what_has_no_score)
{
    rk_ctx *ctx = test_ctx();
    struct opened o;
    rk_scored result;
    const uint32_t ids[] = { 1, 2, 3 };
    open_model(&o, ctx, bert, "BertForMaskedLM", "cpu", RK_READ_LOGITS);
    FAILS(ctx, rk_score_text(o.reader, ids, 3, NULL, NULL, &result), RK_E_DECLINED, "both ways");
    close_model(&o);
    open_model(&o, ctx, gpt2, "GPT2LMHeadModel", "cpu", RK_READ_LOGITS);
    FAILS(ctx, rk_score_text(o.reader, ids, 3, &(rk_scoring){ .window = 17 }, NULL, &result), RK_E_ARG, "2 to 16");
    FAILS(ctx, rk_score_text(o.reader, ids, 3, &(rk_scoring){ .window = 4, .stride = 5 }, NULL, &result), RK_E_ARG, "left out");
    FAILS(ctx, rk_score_text(o.reader, ids, 0, NULL, NULL, &result), RK_E_ARG, "no tokens");
    FAILS(ctx, rk_score_text(o.reader, &(uint32_t){ 1u << 20 }, 1, NULL, NULL, &result), RK_E_ARG, "token 0 has the id 1048576");
    OK(ctx, rk_score_text(o.reader, ids, 1, NULL, NULL, &result));
    EXPECT_INT(result.tokens, 0);
    EXPECT(isnan(result.recipe));
    close_model(&o);
}

/* Weights that are no numbers are told of by name, not scored. */
TEST(weights_that_are_no_numbers)
{
    rk_ctx *ctx = test_ctx();
    struct opened o;
    rk_scored result;
    float *values = calloc(24 * 24 * 4, sizeof *values), v[WIDTH];
    const uint32_t ids[] = { 1, 2, 3 };
    open_model(&o, ctx, gpt2, "GPT2LMHeadModel", "ref", RK_READ_LOGITS);     /* whose weights are its own to write */
    struct store *store = o.weights->store;
    int at = store_find(store, RK_PARAMETER, "h.1.mlp.up.weight");
    REQUIRE(at >= 0 && values != NULL && store->entries.at[at].elements == 24 * 24 * 4);
    values[7] = values[100] = NAN;
    OK(ctx, store_write(ctx, store, at, values, RK_f32));
    FAILS(ctx, rk_score_text(o.reader, ids, 3, NULL, NULL, &result), RK_E_FORMAT, "not all numbers");
    EXPECT(strstr(rk_error_hint(ctx), "h.1.mlp.up.weight holds 2") != NULL);
    rk_reader_close(o.reader);
    OK(ctx, rk_reader_open(o.weights, RK_READ_HIDDEN, &o.reader));
    FAILS(ctx, rk_embed(o.reader, &(rk_row){ .ids = ids, .n = 3 }, 1, RK_POOL_LAST, v), RK_E_FORMAT, "not all numbers");
    free(values);
    close_model(&o);
}
