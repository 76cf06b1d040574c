/* test_train.c: training where memory or the disk runs out: a clear error, nothing leaked, what was saved before intact. */
#include "base/file.h"
#include "test.h"
#include "train/training.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define MODEL "cs336-17m:vocab_size=11,context_length=4,d_model=4,num_layers=1,num_heads=1,d_ff=4"
enum { TOKENS = 60 };
static unsigned char bytes[2 * TOKENS];
static int optimizer;
static const char *policy = "";

static rk_train_options small(void)
{
    rk_train_options o = rk_train_defaults();
    o.batch = 2;
    o.accumulate = 2;
    o.steps = 2;
    o.save_every = 1;
    o.optimizer = optimizer;
    (void)snprintf(o.policy, sizeof o.policy, "%s", policy);
    o.validation = 0.2;
    return o;
}

static rk_status open_and_run(rk_ctx *ctx, const char *output, bool resume, int64_t steps)
{
    rk_tokens tokens = { .at = bytes, .n = TOKENS, .bytes_each = 2 };
    rk_train_options o = small();
    rk_model *model = NULL;
    rk_device *device = NULL;
    rk_train *train = NULL;
    rk_status status;
    o.steps = steps;
    for (int i = 0; i < TOKENS; i++) bytes[2 * i] = (unsigned char)(i * 7 % 11);
    GO(rk_model_open(ctx, MODEL, &model));
    GO(rk_device_open(ctx, "cpu", &(rk_device_options){ .blas = "own" }, &device));
    rk_train_setup s = { .model = model, .device = device, .data = { .tokens = &tokens, .document_end = 0 }, .options = &o, .output = output, .resume = resume };
    GO(rk_train_open(ctx, &s, &train));
    GO(rk_train_run(train, NULL, NULL));
    double loss;
    GO(rk_train_bigram(train, &loss));
out:
    rk_train_close(train);
    rk_device_close(device);
    rk_model_close(model);
    return status;
}

static rk_status without_output(rk_ctx *ctx) { return open_and_run(ctx, NULL, false, 1); }
TEST(a_run_survives_every_failed_allocation) { FOR_EVERY_FAILED_ALLOCATION(without_output); }

TEST(the_updates_of_every_optimizer_survive_them)
{
    for (optimizer = 1; optimizer < RK_OPTIMIZERS; optimizer++) FOR_EVERY_FAILED_ALLOCATION(without_output);
    optimizer = RK_OPTIMIZER_adamw;
}

TEST(master_copies_survive_them)
{
    policy = "mixed";
    if (!TEST_SANITIZED) FOR_EVERY_FAILED_ALLOCATION(without_output);
    policy = "";
}

/* What other models learn from: their data alone, since the rest of a run is the same. */
static const struct data_kind *const kinds[] = { &data_masked, &data_sentences, &data_paired };
static const rk_tok *tok;
static int kind;

static rk_status open_kind(rk_ctx *ctx)
{
    rk_tokens tokens = { .at = bytes, .n = TOKENS, .bytes_each = 2 };
    const rk_train_options o = small();
    const struct data_wanted w = { .kind = kinds[kind], .seq = 8, .vocab = 300, .source_vocab = 300, .position = 8, .types = 2 };
    struct data d;
    rk_status status = data_open(ctx, &(rk_train_data){ .tokens = &tokens, .source = &tokens, .document_end = 0, .tok = tok }, &o, &w, &d);
    if (status == RK_OK) data_close(ctx, &d);
    return status;
}

TEST(data_of_every_kind_survive_them)
{
    static const char *const specials[] = { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" };
    rk_ctx *ctx = test_ctx();
    rk_tok *made;
    OK(ctx, rk_tok_train(ctx, &(rk_tok_training){ .vocab_size = 261, .specials = specials, .n_specials = 5 }, &(rk_text){ "a", 1 }, 1, &made));
    tok = made;
    for (int i = 0; i < TOKENS; i++) bytes[2 * i] = (unsigned char)(i % 4 == 3 ? 0 : 5 + i % 6);
    for (kind = 0; kind < 3; kind++) FOR_EVERY_FAILED_ALLOCATION(open_kind);
    rk_tok_close(ctx, made);
}

static rk_status with_output(rk_ctx *ctx) { return open_and_run(ctx, test_temporary(), true, 2); }
TEST(saving_and_resuming_survive_every_failed_allocation) { FOR_EVERY_FAILED_ALLOCATION(with_output); }

/* Files may grow to so many bytes and no further, as on a disk that is full. */
static void limit_files(rlim_t most)
{
    struct rlimit now;
    REQUIRE(getrlimit(RLIMIT_FSIZE, &now) == 0);
    now.rlim_cur = most;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &now) == 0);
    REQUIRE(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
}

TEST(a_full_disk_leaves_the_old_checkpoint)
{
    static const rlim_t limits[] = { 0, 100, 700, 1500, 2000 };
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char folder[600], newest[700];
        (void)snprintf(folder, sizeof folder, "%s/%zu", test_temporary(), i);
        OK(ctx, open_and_run(ctx, folder, false, 1));
        limit_files(limits[i]);
        rk_status status = open_and_run(ctx, folder, true, 2);
        limit_files(RLIM_INFINITY);
        EXPECT(status == RK_E_IO);
        EXPECT(strstr(rk_error_message(ctx), ".writing-step-000002") != NULL || strstr(rk_error_message(ctx), ".lock") != NULL);
        OK(ctx, rk_train_newest(ctx, folder, newest, sizeof newest));
        EXPECT(strstr(newest, "step-000001") != NULL);
        (void)snprintf(newest, sizeof newest, "%s/.writing-step-000002", folder);
        EXPECT(access(newest, F_OK) != 0 && errno == ENOENT);       /* nothing takes the place that is short */
        OK(ctx, file_make_folder(ctx, newest));                     /* as a run that was killed leaves it */
        OK(ctx, open_and_run(ctx, folder, true, 2));                 /* sweeps that, and goes on */
        OK(ctx, rk_train_newest(ctx, folder, newest, sizeof newest));
        EXPECT(strstr(newest, "step-000002") != NULL);
        (void)snprintf(newest, sizeof newest, "%s/.writing-step-000002", folder);
        EXPECT(access(newest, F_OK) != 0 && errno == ENOENT);
    }
}
