/* The Annotated Transformer, of which no library has a model, against PyTorch: a tiny one with padded sources, written to a folder from
 * annotated.def (made by make_annotated.py, which is to be read beside this) and held to it by rk_verify: logits, loss, the losses of
 * ten steps of AdamW, which every gradient has a part in, and the likeliest continuation. On the references to 1e-9. */
#include "base/file.h"
#include "io/bundle.h"
#include "reckon/verify.h"
#include "test.h"

enum { MOST = 512, BATCH = 2, SOURCE = 5, TARGET = 4, VOCAB = 9, GREEDY = 4 };
static const char config[] = "{\"model_type\": \"annotated-transformer\", \"src_vocab\": 7, \"tgt_vocab\": 9, \"max_len\": 8, \"d_model\": 6, \"N\": 2, \"N_encoder\": 1, \"h\": 2, \"d_ff\": 10, \"eps\": 0.01}";

static const struct { const char *name; int64_t shape[2]; } tensors[] = {
#define TENSOR(name, ...) { name, { __VA_ARGS__ } },
#define VALUES(name, ...)
#include "annotated.def"
#undef TENSOR
#undef VALUES
};
enum { TENSORS = sizeof tensors / sizeof *tensors };

#define TENSOR(name, ...)
#define VALUES(name, ...) static const double name[] = { __VA_ARGS__ };
#include "annotated.def"
#undef TENSOR
#undef VALUES

/* n numbers within -1 and 1. */
static double sequence(int tensor, int i)
{
    uint64_t x = (uint64_t)(i + 1) * 7919 + (uint64_t)(tensor + 1) * 1299709;
    return (double)(x * x % 20011) / 10005.5 - 1;
}

static int rank_of(int i) { return tensors[i].shape[1] > 0 ? 2 : 1; }

static void write_weights(rk_ctx *ctx, const char *path)
{
    struct bundle_writer w = { .begun = false };
    double values[MOST];
    for (int i = 0; i < TENSORS; i++) OK(ctx, bundle_declare(ctx, &w, tensors[i].name, RK_f64, rank_of(i), tensors[i].shape));
    OK(ctx, bundle_begin(ctx, &w, path));
    for (int i = 0; i < TENSORS; i++) {
        int n = (int)(tensors[i].shape[0] * (rank_of(i) == 2 ? tensors[i].shape[1] : 1));
        REQUIRE(n <= MOST);
        for (int k = 0; k < n; k++) values[k] = (strstr(tensors[i].name, "a_2") != NULL) + 0.5 * sequence(i, k);
        OK(ctx, bundle_write(ctx, &w, tensors[i].name, values, (size_t)n * sizeof *values));
    }
    OK(ctx, bundle_commit(ctx, &w));
}

/* As make_annotated.py has them. */
struct batch { int64_t source[BATCH][SOURCE], mask[BATCH][SOURCE], target[BATCH][TARGET], labels[BATCH][TARGET], greedy[BATCH][GREEDY], prompt; };

static struct batch batch_made(void)
{
    static const int64_t lengths[BATCH] = { 5, 3 };
    struct batch b = { .prompt = 1 };
    for (int r = 0; r < BATCH; r++) {
        for (int s = 0; s < SOURCE; s++) {
            b.mask[r][s] = s < lengths[r];
            b.source[r][s] = s < lengths[r] ? (3 * s + 2 * r) % 7 : 0;
        }
        for (int t = 0; t < TARGET; t++) b.target[r][t] = (2 * t + 3 * r) % 9, b.labels[r][t] = (2 * (t + 1) + 3 * r) % 9;
        for (int t = 0; t < GREEDY; t++) b.greedy[r][t] = (int64_t)greedy[r * GREEDY + t];
    }
    return b;
}

static void write_expectations(rk_ctx *ctx, const char *path)
{
    const struct batch b = batch_made();
    const struct { const char *name; rk_dtype dtype; int rank; int64_t shape[3]; const void *data; size_t bytes; } rows[] = {
        { "logits64", RK_f64, 3, { BATCH, TARGET, VOCAB }, logits, sizeof logits },         { "loss", RK_f64, 0, { 0 }, loss, sizeof loss },
        { "adamw.losses", RK_f64, 1, { 10 }, losses, sizeof losses },                       { "input_ids", RK_i64, 2, { BATCH, SOURCE }, b.source, sizeof b.source },
        { "attention_mask", RK_i64, 2, { BATCH, SOURCE }, b.mask, sizeof b.mask },          { "decoder_input_ids", RK_i64, 2, { BATCH, TARGET }, b.target, sizeof b.target },
        { "labels", RK_i64, 2, { BATCH, TARGET }, b.labels, sizeof b.labels },              { "greedy", RK_i64, 2, { BATCH, GREEDY }, b.greedy, sizeof b.greedy },
        { "greedy.prompt", RK_i64, 0, { 0 }, &b.prompt, sizeof b.prompt },
    };
    struct bundle_writer w = { .begun = false };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) OK(ctx, bundle_declare(ctx, &w, rows[i].name, rows[i].dtype, rows[i].rank, rows[i].shape));
    OK(ctx, bundle_begin(ctx, &w, path));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) OK(ctx, bundle_write(ctx, &w, rows[i].name, rows[i].data, rows[i].bytes));
    OK(ctx, bundle_commit(ctx, &w));
}

static void write_folder(rk_ctx *ctx)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/config.json", test_temporary());
    FILE *f = fopen(path, "wb");
    REQUIRE(f != NULL && fputs(config, f) >= 0 && fclose(f) == 0);
    (void)snprintf(path, sizeof path, "%s/model.safetensors", test_temporary());
    write_weights(ctx, path);
    (void)snprintf(path, sizeof path, "%s/io.safetensors", test_temporary());
    write_expectations(ctx, path);
}

static bool must_be_near(void *user, const rk_verify_row *row)
{
    if (row->verdict == RK_VERDICT_BEYOND) test_fail(__FILE__, __LINE__, "%s on %s is off by %g, allowed are %g; %s", row->name, (const char *)user, row->error, row->tolerance, row->note);
    return true;
}

static void check(const char *device_name)
{
    rk_ctx *ctx = test_ctx();
    char device_word[8];
    rk_device *device;
    rk_verified r;
    write_folder(ctx);
    (void)snprintf(device_word, sizeof device_word, "%s", device_name);
    OK(ctx, rk_device_open(ctx, device_name, &(rk_device_options){ .blas = "own" }, &device));
    OK(ctx, rk_verify(ctx, test_temporary(), NULL, &(rk_verify_options){ .device = device }, must_be_near, device_word, &r));
    EXPECT_INT(r.checked, 4);
    EXPECT_INT(r.beyond, 0);
    EXPECT_INT(r.not_checked, 0);
    rk_device_close(device);
}

TEST(the_annotated_transformer_agrees_on_ref) { check("ref"); }
TEST(the_annotated_transformer_agrees_on_cpu) { check("cpu"); }
