/* test_train_run.c: runs of small models: the same bits however they are cut, batches that add up, losses that fall.
 * labels: threads */
#include "base/file.h"
#include "running.h"
#include "test.h"
#include <stdlib.h>
#include <unistd.h>

#define MODEL "cs336-17m:vocab_size=37,context_length=16,d_model=24,num_layers=2,num_heads=2,d_ff=40"
#define DROPOUT MODEL ",residual_pdrop=0.2,attn_pdrop=0.2"
enum { END = 0 };

static rk_train_data data_of(const struct text *text) { return (rk_train_data){ .tokens = &text->tokens, .document_end = END }; }

static rk_status with_open(rk_ctx *ctx, struct running *w, const char *model, const char *device, const struct text *text, const rk_train_options *o, const char *output, bool resume)
{
    const rk_train_data data = data_of(text);
    return running_open(ctx, w, model, device, &data, o, output, resume);
}

static struct bits whole_run(int threads, const char *model, const char *device, const struct text *text, const rk_train_options *o)
{
    const rk_train_data data = data_of(text);
    return running_whole(threads, model, device, &data, o);
}

TEST(threads_change_no_bit)
{
    struct text text = running_text();
    rk_train_options o = running_small();
    o.accumulate = 2;
    for (o.optimizer = 0; o.optimizer < RK_OPTIMIZERS; o.optimizer++) {
        struct bits one = whole_run(1, DROPOUT, "cpu", &text, &o), two = whole_run(2, DROPOUT, "cpu", &text, &o);      /* threads = 2 */
        running_same(one, two);
        free(one.at);
        free(two.at);
    }
    free(text.bytes);
}

struct losses { double at[200], validation; int n; };

static bool keep_loss(void *user, const rk_train_report *r)
{
    struct losses *l = user;
    l->at[l->n++] = r->loss;
    if (isfinite(r->validation_loss)) l->validation = r->validation_loss;
    return true;
}

TEST(the_loss_falls_below_a_bigram)
{
    if (TEST_RACES) SKIP("numbers");
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    struct running w;
    struct losses l = { .n = 0 };
    double first, bigram;
    rk_train_options o = running_small();
    o.steps = 150;
    o.order = RK_ORDER_RANDOM;
    OK(ctx, with_open(ctx, &w, MODEL, "cpu", &text, &o, NULL, false));
    OK(ctx, rk_train_validate(w.train, &first));
    OK(ctx, rk_train_bigram(w.train, &bigram));
    OK(ctx, rk_train_run(w.train, keep_loss, &l));
    EXPECT_INT(l.n, 150);
    EXPECT_NEAR(first, log(37), 0.5);
    EXPECT(l.validation < 0.6 * first);
    EXPECT(l.validation < 1.15 * bigram);                   /* 150 steps on a text that a bigram explains */
    for (int i = 0; i < l.n; i++) EXPECT(isfinite(l.at[i]));
    running_close(&w);
    free(text.bytes);
}

/* The loss of an untrained step is the mean over its tokens, whatever it is cut into. */
static void check_accumulation(const char *device, double near)
{
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    struct running w;
    float *gradient[3] = { NULL, NULL, NULL };
    rk_train_report r[3];
    static const int64_t batch[] = { 8, 4, 2 };
    enum { N = 37 * 24 };
    for (int i = 0; i < 3; i++) {
        rk_train_options o = running_small();
        o.batch = batch[i];
        o.accumulate = 8 / batch[i];
        o.mask_ends = true;
        OK(ctx, with_open(ctx, &w, MODEL, device, &text, &o, NULL, false));
        OK(ctx, rk_train_step(w.train, &r[i]));
        gradient[i] = malloc(N * sizeof(float));
        REQUIRE(gradient[i] != NULL);
        OK(ctx, rk_train_read(w.train, RK_GRADIENT, "embed.weight", gradient[i], N));
        running_close(&w);
    }
    for (int i = 1; i < 3; i++) {
        EXPECT_NEAR(r[i].loss, r[0].loss, near * r[0].loss);
        EXPECT_NEAR(r[i].gradient_norm, r[0].gradient_norm, near * r[0].gradient_norm);
        for (int k = 0; k < N; k++) EXPECT_NEAR(gradient[i][k], gradient[0][k], near);
    }
    for (int i = 0; i < 3; i++) free(gradient[i]);
    free(text.bytes);
}

TEST(micro_batches_are_one_batch_in_f64) { check_accumulation("ref", 1e-7); }
TEST(micro_batches_are_one_batch_on_the_cpu) { check_accumulation("cpu", 2e-6); }

TEST(the_cpu_follows_the_reference)
{
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    struct losses l[2] = { { .n = 0 }, { .n = 0 } };
    rk_train_options o = running_small();
    for (int i = 0; i < 2; i++) {
        struct running w;
        OK(ctx, with_open(ctx, &w, DROPOUT, i == 0 ? "ref" : "cpu", &text, &o, NULL, false));
        OK(ctx, rk_train_run(w.train, keep_loss, &l[i]));
        running_close(&w);
    }
    for (int i = 0; i < l[0].n; i++) EXPECT_NEAR(l[1].at[i], l[0].at[i], 1e-4);
    EXPECT_NEAR(l[1].validation, l[0].validation, 1e-4);
    free(text.bytes);
}

/* --- checkpoints --- */

static bool stop_at(void *user, const rk_train_report *r) { return r->step != *(const int64_t *)user; }

/* Cut after every step (under a sanitizer after every third), in a fresh context each time: the same bits as in one go. */
static void check_resume(const char *device, rk_optimizer optimizer)
{
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    rk_train_options o = running_small();
    o.optimizer = (int)optimizer;
    struct bits expected = whole_run(1, DROPOUT, device, &text, &o);
    for (int64_t cut = 1; cut < o.steps; cut += TEST_SANITIZED ? 3 : 1) {
        struct running w;
        char folder[600];
        (void)snprintf(folder, sizeof folder, "%s/%s-%lld", test_temporary(), rk_optimizer_title(optimizer), (long long)cut);
        OK(ctx, with_open(ctx, &w, DROPOUT, device, &text, &o, folder, false));
        FAILS(ctx, rk_train_run(w.train, stop_at, &cut), RK_E_CANCELLED, "stopped after step");
        running_close(&w);
        OK(ctx, with_open(ctx, &w, DROPOUT, device, &text, &o, folder, true));
        EXPECT_INT(rk_train_steps_done(w.train), cut);
        OK(ctx, rk_train_run(w.train, NULL, NULL));
        struct bits b = running_bits(w.train);
        running_same(b, expected);
        free(b.at);
        running_close(&w);
    }
    free(expected.at);
    free(text.bytes);
}

TEST(a_run_that_was_cut_ends_with_the_same_bits) { check_resume("cpu", RK_OPTIMIZER_adamw); }
TEST(so_does_one_in_f64)
{
    if (TEST_RACES) SKIP("one thread");
    check_resume("ref", RK_OPTIMIZER_adamw);
}

TEST(so_does_one_of_every_optimizer)
{
    if (TEST_RACES) SKIP("one thread");
    for (rk_optimizer o = RK_OPTIMIZER_adamw + 1; o < RK_OPTIMIZERS; o++) check_resume("cpu", o);
}

static void damage(const char *path)
{
    FILE *f = fopen(path, "r+b");
    REQUIRE(f != NULL);
    REQUIRE(fseek(f, 100, SEEK_SET) == 0);
    int c = fgetc(f);
    REQUIRE(fseek(f, 100, SEEK_SET) == 0 && fputc(c ^ 1, f) != EOF && fclose(f) == 0);
}

TEST(a_damaged_checkpoint_is_skipped_for_the_one_before)
{
    static const char *const files[] = { "model.safetensors", "optimizer.safetensors", "trainer.json", "config.json", "checksums.txt" };
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    rk_train_options o = running_small();
    o.save_every = 2;
    o.keep = 2;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct running w;
        char folder[600], path[700];
        (void)snprintf(folder, sizeof folder, "%s/%zu", test_temporary(), i);
        OK(ctx, with_open(ctx, &w, MODEL, "cpu", &text, &o, folder, false));
        OK(ctx, rk_train_run(w.train, NULL, NULL));
        running_close(&w);
        (void)snprintf(path, sizeof path, "%s/step-000002", folder);
        EXPECT(!file_is_folder(path));                              /* two are kept: 4 and 6 */
        (void)snprintf(path, sizeof path, "%s/step-000006/%s", folder, files[i]);
        damage(path);
        char newest[700];
        OK(ctx, rk_train_newest(ctx, folder, newest, sizeof newest));
        EXPECT(strstr(newest, "step-000004") != NULL);
        OK(ctx, with_open(ctx, &w, MODEL, "cpu", &text, &o, folder, true));
        EXPECT_INT(rk_train_steps_done(w.train), 4);
        OK(ctx, rk_train_run(w.train, NULL, NULL));                 /* saves step 6 in the damaged one's place */
        running_close(&w);
        OK(ctx, rk_train_newest(ctx, folder, newest, sizeof newest));
        EXPECT(strstr(newest, "step-000006") != NULL);
    }
    free(text.bytes);
}

TEST(another_run_is_not_resumed)
{
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    struct running w;
    const char *folder = test_temporary();
    rk_train_options o = running_small();
    o.steps = 2;
    OK(ctx, with_open(ctx, &w, MODEL, "cpu", &text, &o, folder, false));
    OK(ctx, rk_train_run(w.train, NULL, NULL));
    running_close(&w);
    rk_train_options other = o;
    other.seed = 2;
    FAILS(ctx, with_open(ctx, &w, MODEL, "cpu", &text, &other, folder, true), RK_E_DIFFERS, "another seed");
    running_close(&w);
    other = o;
    other.optimizer = RK_OPTIMIZER_sgd;
    FAILS(ctx, with_open(ctx, &w, MODEL, "cpu", &text, &other, folder, true), RK_E_DIFFERS, "another optimizer: what it keeps");
    running_close(&w);
    other = o;
    other.batch = 2;
    FAILS(ctx, with_open(ctx, &w, MODEL, "cpu", &text, &other, folder, true), RK_E_DIFFERS, "another batch");
    running_close(&w);
    FAILS(ctx, with_open(ctx, &w, MODEL, "ref", &text, &o, folder, true), RK_E_DIFFERS, "the bits would differ");
    running_close(&w);
    text.bytes[100] ^= 1;
    FAILS(ctx, with_open(ctx, &w, MODEL, "cpu", &text, &o, folder, true), RK_E_DIFFERS, "other tokens");
    running_close(&w);
    text.bytes[100] ^= 1;
    other = o;
    other.steps = 4;
    other.lr = 1e-3;
    OK(ctx, with_open(ctx, &w, MODEL, "cpu", &text, &other, folder, true));
    EXPECT_INT(rk_train_steps_done(w.train), 2);
    running_close(&w);
    free(text.bytes);
}

TEST(one_run_at_a_time_writes_to_a_folder)
{
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    struct running w, second;
    rk_train_options o = running_small();
    OK(ctx, with_open(ctx, &w, MODEL, "cpu", &text, &o, test_temporary(), false));
    FAILS(ctx, with_open(ctx, &second, MODEL, "cpu", &text, &o, test_temporary(), false), RK_E_IO, "another run");
    running_close(&second);
    running_close(&w);
    free(text.bytes);
}

TEST(what_is_exported_is_the_model)
{
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    struct running w;
    double before, after;
    char folder[600];
    rk_train_options o = running_small();
    (void)snprintf(folder, sizeof folder, "%s/model", test_temporary());
    OK(ctx, with_open(ctx, &w, MODEL, "cpu", &text, &o, NULL, false));
    OK(ctx, rk_train_run(w.train, NULL, NULL));
    OK(ctx, rk_train_validate(w.train, &before));
    OK(ctx, rk_train_export(w.train, folder));
    running_close(&w);
    OK(ctx, with_open(ctx, &w, folder, "cpu", &text, &o, NULL, false));       /* begins with the weights that are there */
    OK(ctx, rk_train_validate(w.train, &after));
    EXPECT(before == after);
    running_close(&w);
    free(text.bytes);
}

/* --- memory, options, receipt --- */

TEST(too_little_memory_is_said_before_any_is_taken)
{
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    rk_train_options o = running_small();
    rk_model *model;
    rk_device *device;
    rk_train *train;
    OK(ctx, rk_model_open(ctx, MODEL, &model));
    OK(ctx, rk_device_open(ctx, "cpu", &(rk_device_options){ .blas = "own" }, &device));
    rk_train_setup s = { .model = model, .device = device, .data = { .tokens = &text.tokens, .document_end = -1 }, .options = &o, .memory_limit = 250000 };
    FAILS(ctx, rk_train_open(ctx, &s, &train), RK_E_NOMEM, "only 0.2 MiB may be used");
    EXPECT(strstr(rk_error_hint(ctx), "--batch 2 --accumulate 2") != NULL);
    s.memory_limit = 1000;
    FAILS(ctx, rk_train_open(ctx, &s, &train), RK_E_NOMEM, "needs");
    EXPECT(strstr(rk_error_hint(ctx), "too large") != NULL);
    rk_device_close(device);
    rk_model_close(model);
    free(text.bytes);
}

TEST(options_come_from_a_file_and_from_a_checkpoint)
{
    rk_ctx *ctx = test_ctx();
    rk_train_options o = rk_train_defaults(), read;
    char path[600];
    (void)snprintf(path, sizeof path, "%s/options.json", test_temporary());
    test_write_text(path, "{\"lr\": 0.5, \"min_lr\": 1e-3, \"weight-decay\": 0, \"schedule\": \"linear\", \"mask-ends\": true, \"steps\": 12, \"model\": \"gpt2\"}");
    OK(ctx, rk_train_options_read(ctx, path, &o));
    EXPECT(o.lr == 0.5 && o.min_lr == 1e-3 && o.decay == 0 && o.schedule == RK_SCHEDULE_linear && o.mask_ends && o.steps == 12);
    EXPECT_TEXT(o.model, "gpt2");
    static const struct { const char *text, *words; } wrong[] = {
        { "{\"lr\": \"1\"}", "lr" }, { "{\"lr\": -1}", "lr" }, { "{\"learning\": 1}", "learning" }, { "{\"steps\": 1.5}", "steps" }, { "[]", "object" },
        { "{\"schedule\": \"up\"}", "up" }, { "{\"batch\": 0}", "batch" }, { "{", "expected" }, { "{\"mask-ends\": 1}", "mask-ends" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        rk_train_options before = o;
        test_write_text(path, wrong[i].text);
        FAILS(ctx, rk_train_options_read(ctx, path, &o), RK_E_FORMAT, wrong[i].words);
        EXPECT(memcmp(&before, &o, sizeof o) == 0);
    }
    struct text text = running_text();
    struct running w;
    rk_train_options used = running_small();
    char folder[600], newest[700];
    (void)snprintf(folder, sizeof folder, "%s/run", test_temporary());
    used.steps = 1;
    OK(ctx, with_open(ctx, &w, MODEL, "cpu", &text, &used, folder, false));
    OK(ctx, rk_train_run(w.train, NULL, NULL));
    running_close(&w);
    OK(ctx, rk_train_newest(ctx, folder, newest, sizeof newest));
    read = rk_train_defaults();
    OK(ctx, rk_train_options_read(ctx, newest, &read));
    EXPECT(read.batch == used.batch && read.lr == used.lr && read.warmup == used.warmup && read.seq == 16 && read.cycle == 1);
    free(text.bytes);
}

static void check_receipt(rk_optimizer optimizer, double momentum)
{
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    struct running w;
    rk_train_options o = running_small();
    o.accumulate = 2;
    o.optimizer = (int)optimizer;
    o.momentum = momentum;
    OK(ctx, with_open(ctx, &w, MODEL, "cpu", &text, &o, NULL, false));
    OK(ctx, rk_train_run(w.train, NULL, NULL));
    int seen = 0;
    for (int i = 0; i < rk_receipt_rows(w.train); i++) {
        rk_receipt_row r = rk_receipt_at(w.train, i);
        if (strcmp(r.name, "products per step") == 0) EXPECT(r.predicted == r.measured && r.measured > 0 && ++seen);
        if (strcmp(r.name, " rounding of addresses") == 0) EXPECT(r.predicted == r.measured && ++seen);
        if (strcmp(r.name, "activations, workspace") == 0) EXPECT(r.predicted == r.measured && ++seen);
        if (strcmp(r.name, "inputs") == 0) EXPECT(r.predicted == r.measured && ++seen);
        if (strcmp(r.name, "parameters") == 0) EXPECT(r.measured >= r.predicted && r.measured < r.predicted + 64 * 40 && ++seen);
        if (strcmp(r.name, "optimizer state") == 0) EXPECT(r.measured >= r.predicted && r.measured < r.predicted + 64 * 80 && (r.predicted > 0) == (momentum > 0) && ++seen);
    }
    EXPECT_INT(seen, 6);
    EXPECT_TEXT(rk_receipt_at(w.train, -1).name, "");
    running_close(&w);
    free(text.bytes);
}

TEST(the_receipt_agrees_with_the_bill)
{
    for (rk_optimizer o = 0; o < RK_OPTIMIZERS; o++) check_receipt(o, 0.9);
    check_receipt(RK_OPTIMIZER_sgd, 0);
}

TEST(a_loss_that_is_no_number_ends_the_run)
{
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    struct running w;
    rk_train_options o = running_small();
    o.lr = 1000;
    o.warmup = 0;
    o.eps = 1e-30;
    o.steps = 400;
    OK(ctx, with_open(ctx, &w, MODEL, "cpu", &text, &o, NULL, false));
    int entry = store_find(w.train->store, RK_PARAMETER, "embed.weight");
    REQUIRE(entry >= 0);
    ((float *)w.train->store->entries.at[entry].address)[0] = (float)NAN;
    for (int i = 0; i < 24; i++) ((float *)w.train->store->entries.at[entry].address)[24 * 8 + i] = (float)NAN;
    FAILS(ctx, rk_train_run(w.train, NULL, NULL), RK_E_LIMIT, "the loss is");
    running_close(&w);
    free(text.bytes);
}

/* What 0 stands for is filled in, and nothing else is changed; the model's context is the sequence. */
TEST(options_of_a_run_say_what_zero_stands_for)
{
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    struct running w;
    rk_train_options o = running_small();
    o.seq = o.cycle = 0;
    OK(ctx, with_open(ctx, &w, MODEL, "cpu", &text, &o, NULL, false));
    const rk_train_options *filled = rk_train_options_of(w.train);
    EXPECT_INT(filled->seq, 16);
    EXPECT_INT(filled->cycle, o.steps);
    EXPECT(filled->batch == o.batch && filled->lr == o.lr && filled->warmup == o.warmup && o.cycle == 0);
    FAILS(ctx, rk_train_save(w.train), RK_E_ARG, "no folder");
    running_close(&w);
    free(text.bytes);
}

/* A checkpoint that the caller asks for is one like any: a run goes on from it to the same bits. */
TEST(what_is_saved_by_hand_is_resumed)
{
    rk_ctx *ctx = test_ctx();
    struct text text = running_text();
    struct running w;
    rk_train_report report;
    rk_train_options o = running_small();
    struct bits whole = whole_run(1, MODEL, "cpu", &text, &o);
    OK(ctx, with_open(ctx, &w, MODEL, "cpu", &text, &o, test_temporary(), false));
    for (int i = 0; i < 2; i++) OK(ctx, rk_train_step(w.train, &report));
    OK(ctx, rk_train_save(w.train));
    OK(ctx, rk_train_save(w.train));                                    /* it is there already */
    running_close(&w);
    EXPECT(file_is_folder(test_path("step-000002")));
    OK(ctx, with_open(ctx, &w, MODEL, "cpu", &text, &o, test_temporary(), true));
    EXPECT_INT(rk_train_steps_done(w.train), 2);
    OK(ctx, rk_train_run(w.train, NULL, NULL));
    struct bits parts = running_bits(w.train);
    running_same(whole, parts);
    running_close(&w);
    free(whole.at);
    free(parts.at);
    free(text.bytes);
}

#define RECEIPT "\"model\": \"gpt2\", \"device\": \"cpu\", \"batch\": 2, \"accumulate\": 1, \"seq\": 16, \"parameters\": 10, \"dropout\": false"
#define ROWS(rows) "{\"schema\": \"reckon.receipt/1\", " RECEIPT ", \"rows\": [" rows "]}"

TEST(receipts_are_read_and_doubted)
{
    static const struct { const char *text; rk_status status; const char *words; } wrong[] = {
        { "{\"schema\": \"reckon.receipt/2\", " RECEIPT ", \"rows\": []}",  RK_E_FORMAT,  "no receipt of a training run" },
        { "{\"schema\": \"reckon.receipt/1\", " RECEIPT "}",               RK_E_MISSING, "rows" },
        { ROWS("{\"entry\": \"a\", \"unit\": \"s\", \"predicted\": 1}"),  RK_E_MISSING, "measured" },
        { ROWS("{\"entry\": \"a\", \"unit\": \"s\", \"predicted\": \"1\", \"measured\": 1}"), RK_E_FORMAT, "predicted" },
        { ROWS("{\"entry\": \"a\", \"unit\": \"seconds of a whole day\", \"predicted\": 1, \"measured\": 1}"), RK_E_LIMIT, "unit" },
        { ROWS("3"),                                                         RK_E_FORMAT,  "object" },
        { "",                                                                RK_E_FORMAT,  "receipt.json" },
    };
    static rk_receipt r;
    rk_ctx *ctx = test_ctx();
    OK(ctx, rk_receipt_read(ctx, test_write_text("receipt.json", ROWS("{\"entry\": \"bytes\", \"unit\": \"bytes\", \"predicted\": 7, \"measured\": null}")), &r));
    EXPECT(r.n == 1 && r.row[0].predicted == 7 && isnan(r.row[0].measured) && r.batch == 2 && r.parameters == 10 && r.optimizer == RK_OPTIMIZER_adamw);
    EXPECT_TEXT(r.model, "gpt2");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        FAILS(ctx, rk_receipt_read(ctx, test_write_text("receipt.json", wrong[i].text), &r), wrong[i].status, wrong[i].words);
    FAILS(ctx, rk_receipt_read(ctx, test_path("nowhere.json"), &r), RK_E_MISSING, "nowhere.json");
}
