/* Golden: ten steps of a training run on padded batches against PyTorch's: BERT with masked tokens, encoders and decoders. The runs
 * are the trainer's own, graphs, feeding, weighing and all; only the samples are those that the reference was given. */
#include "base/num.h"
#include "io/bundle.h"
#include "test.h"
#include "train/training.h"
#include <stdlib.h>

enum { MOST = 4096, BATCH_MOST = 8, STEPS = 10 };
/* tolerance: of losses, relative. In one of them a unit of a ReLU is on or off by a rounding: `reckon verify` finds the losses moved by
 * 1.1e-4 when weights change in their last bit; in f64 they agree. */
static const struct { const char *name; double tolerance; } models[] = {
    { "bert-mlm", 1e-4 }, { "bert-pretraining", 1e-4 }, { "bert-gelu-new-eps", 1e-4 }, { "marian", 1e-4 },
    { "marian-relu-unscaled", 4.5e-4 }, { "transformer-paper", 1e-4 }, { "transformer-pre-norm", 1e-4 },
};
enum { MODELS = sizeof models / sizeof *models, RELU = 4 };

/* What the reference was given, by row. */
static struct reference { struct bundle io; int64_t batch, seq, source; bool pairs; int32_t ids[MOST], mask[MOST], labels[MOST], target[MOST], types[MOST]; } given;

/* Ignored labels as -1. */
static int64_t read_rows(const char *name, int32_t *to, int32_t otherwise)
{
    const struct bundle_entry *e = bundle_find(&given.io, name);
    double values[MOST];
    int64_t n = e != NULL ? (int64_t)(e->bytes / rk_dtype_bytes(e->dtype)) : 0;
    REQUIRE(n <= MOST);
    for (int64_t i = 0; i < MOST; i++) to[i] = otherwise;
    if (e == NULL) return 0;
    REQUIRE(e->rank == 2 && e->aligned);
    num_load(values, e->data, (int)e->dtype, (size_t)n);
    for (int64_t i = 0; i < n; i++) to[i] = values[i] == -100 ? -1 : (int32_t)values[i];
    return e->shape[1];
}

static void read_reference(rk_ctx *ctx, const char *path)
{
    const struct bundle_entry *ids;
    OK(ctx, bundle_open(ctx, path, &given.io));
    OK(ctx, bundle_get(ctx, &given.io, "input_ids", &ids));
    given.batch = ids->shape[0];
    given.source = read_rows("input_ids", given.ids, 0);
    (void)read_rows("attention_mask", given.mask, 1);
    (void)read_rows("token_type_ids", given.types, 0);
    (void)read_rows("labels", given.labels, -1);
    given.seq = read_rows("decoder_input_ids", given.target, 0);
    given.pairs = given.seq > 0;
    if (!given.pairs) given.seq = given.source;
}

static int32_t length(int64_t row)
{
    int32_t n = 0;
    while (n < given.source && given.mask[row * given.source + n] == 1) n++;
    return n;
}

static void copy(int32_t *to, const int32_t *rows, int64_t row, int64_t n)
{
    if (to != NULL) memcpy(to, rows + row * n, (size_t)n * sizeof *to);
}

/* A row of the reference's batch; in a step every one of them once. */
static void fill(const struct data *d, const struct part *part, uint64_t place, struct draw draw, struct sample *to)
{
    int64_t row = (int64_t)(draw.index % (uint64_t)given.batch);
    (void)d, (void)part, (void)place;
    copy(to->at[DATA_tokens], given.pairs ? given.target : given.ids, row, given.seq);
    copy(to->at[DATA_labels], given.labels, row, given.seq);
    copy(to->at[DATA_segments], given.types, row, given.seq);
    copy(to->at[DATA_source], given.ids, row, given.source);
    to->at[given.pairs ? DATA_source_lengths : DATA_lengths][0] = length(row);
    for (int64_t t = 0; t < given.seq; t++) to->targets += given.labels[row * given.seq + t] >= 0;
}

static rk_train_options as_the_reference(void)
{
    rk_train_options o = rk_train_defaults();
    o.batch = given.batch;
    o.seq = given.seq;
    o.source_seq = given.pairs ? given.source : 0;
    o.steps = STEPS;
    o.lr = 1e-2;
    o.schedule = RK_SCHEDULE_constant;
    o.warmup = 0;
    o.clip = 0;
    o.no_dropout = true;
    o.validation = 0;
    o.eval_every = 0;
    return o;
}

/* Text enough for the run to open: what it learns from is `given`. */
static rk_train *open_run(rk_ctx *ctx, rk_model *model, rk_device *device, const rk_tok *tok, struct data_kind *kind)
{
    static uint16_t ids[2 * BATCH_MOST];
    rk_train *t;
    const rk_train_options o = as_the_reference();
    for (int i = 0; i < 2 * BATCH_MOST; i++) ids[i] = i % 2 == 0 ? 5 : 3;
    const rk_tokens tokens = { .at = (const unsigned char *)ids, .n = 2 * BATCH_MOST, .bytes_each = 2 };
    OK(ctx, rk_train_open(ctx, &(rk_train_setup){ .model = model, .device = device, .options = &o,
                                                   .data = { .tokens = &tokens, .source = given.pairs ? &tokens : NULL, .document_end = 3, .tok = tok } }, &t));
    *kind = *t->data.kind;
    kind->fill = fill;
    t->data.kind = kind;
    return t;
}

static void check(rk_ctx *ctx, const char *name, const char *device_name, const rk_tok *tok, double usual)
{
    char folder[600], path[700];
    struct data_kind kind;
    rk_model *model;
    rk_device *device;
    double losses[STEPS];
    (void)snprintf(folder, sizeof folder, "%s/golden/models/%s", test_shared(), name);
    (void)snprintf(path, sizeof path, "%s/io.safetensors", folder);
    read_reference(ctx, path);
    OK(ctx, rk_model_open(ctx, folder, &model));
    OK(ctx, rk_device_open(ctx, device_name, &(rk_device_options){ .blas = "own" }, &device));
    rk_train *t = open_run(ctx, model, device, tok, &kind);
    const struct bundle_entry *expected = bundle_find(&given.io, "adamw.losses");
    REQUIRE(expected != NULL && expected->shape[0] == STEPS && expected->aligned);
    num_load(losses, expected->data, (int)expected->dtype, STEPS);
    const char *noise = bundle_note(&given.io, "fp32_adamw_losses");
    double own = noise != NULL ? 4 * strtod(noise, NULL) : 0;
    for (int i = 0; i < STEPS; i++) {
        rk_train_report r;
        OK(ctx, rk_train_step(t, &r));
        if (!(fabs(r.loss - losses[i]) <= fmax(usual, own) * losses[i])) test_fail(__FILE__, __LINE__, "%s on %s: loss %d is %.9g, expected %.9g", name, device_name, i, r.loss, losses[i]);
    }
    rk_train_close(t);
    rk_device_close(device);
    rk_model_close(model);
    bundle_close(ctx, &given.io);
}

static rk_tok *tokenizer(rk_ctx *ctx)
{
    static const char *const specials[] = { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" };
    rk_tok *tok;
    if (test_shared() == NULL) SKIP("the reference models are not here");
    OK(ctx, rk_tok_train(ctx, &(rk_tok_training){ .vocab_size = 261, .specials = specials, .n_specials = 5 }, &(rk_text){ "a", 1 }, 1, &tok));
    return tok;
}

TEST(ten_steps_agree_on_cpu)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok = tokenizer(ctx);
    for (int i = 0; i < MODELS; i++) check(ctx, models[i].name, "cpu", tok, models[i].tolerance);
    rk_tok_close(ctx, tok);
}

TEST(ten_steps_agree_on_ref)
{
    rk_ctx *ctx = test_ctx();
    rk_tok *tok = tokenizer(ctx);
    if (!TEST_SANITIZED) check(ctx, models[RELU].name, "ref", tok, 1e-6);
    rk_tok_close(ctx, tok);
}
