/* A tolerance of verify is widened where rounding alone breaks it, in f32 and in f64, no further than rounding explains, and nowhere else.
 *
 * The model has units of ReLU one last bit above the kink: ln_2 gives ones, four weights of a quarter make one, and the bias is -1 but for
 * that bit. Whoever rounds otherwise has units that are off, and AdamW, which divides gradients by their size, walks elsewhere. */
#include "backend/cpu/cpu.h"
#include "backend/ref/ref.h"
#include "base/file.h"
#include "base/rng.h"
#include "saved.h"
#include "test.h"
#include "verify/learn.h"

enum { STEPS = 3, HIDDEN = 4, SEQ = 4 };
#define BIAS "transformer.h.0.mlp.c_fc.bias"
static const int64_t ids[] = { 0, 1, 2, 3 };

static double value_of(const void *bias, const char *name, int entry, int64_t i)
{
    if (strstr(name, "norm2.weight") != NULL) return 0;
    if (strstr(name, "norm2.bias") != NULL) return 1;
    if (strstr(name, "mlp.up.weight") != NULL) return 0.25;
    if (strstr(name, "mlp.up.bias") != NULL) return *(const double *)bias;
    return 0.5 * rng_normal(1, (uint64_t)entry, (uint64_t)i);
}

/* The model with such a bias, in a folder of this name. */
static const char *save_model(rk_ctx *ctx, const char *name, double bias)
{
    const char *folder = test_path(name);
    OK(ctx, file_make_folder(ctx, folder));
    saved_model(ctx, "gpt2:n_layer=1,n_embd=4,n_inner=4,n_head=1,vocab_size=5,n_positions=4,activation_function=relu", folder, RK_f64, value_of, &bias);
    return folder;
}

/* Inputs, and with losses and bias what came of STEPS steps. */
static void write_io(rk_ctx *ctx, const char *path, const double *losses, const double *bias)
{
    const int64_t shape[] = { 1, SEQ }, steps[] = { STEPS }, hidden[] = { HIDDEN };
    struct bundle_writer w = { 0 };
    OK(ctx, bundle_declare(ctx, &w, "input_ids", RK_i64, 2, shape));
    OK(ctx, bundle_declare(ctx, &w, "labels", RK_i64, 2, shape));
    if (losses != NULL) OK(ctx, bundle_declare(ctx, &w, "adamw.losses", RK_f64, 1, steps));
    if (bias != NULL) OK(ctx, bundle_declare(ctx, &w, "adamw." BIAS, RK_f64, 1, hidden));
    OK(ctx, bundle_begin(ctx, &w, path));
    OK(ctx, bundle_write(ctx, &w, "input_ids", ids, sizeof ids));
    OK(ctx, bundle_write(ctx, &w, "labels", ids, sizeof ids));
    if (losses != NULL) OK(ctx, bundle_write(ctx, &w, "adamw.losses", losses, STEPS * sizeof *losses));
    if (bias != NULL) OK(ctx, bundle_write(ctx, &w, "adamw." BIAS, bias, HIDDEN * sizeof *bias));
    OK(ctx, bundle_commit(ctx, &w));
}

/* What somebody finds whose bias is another. */
static void somebody_learns(rk_ctx *ctx, double bias, double losses[STEPS], double after[HIDDEN])
{
    const char *folder = save_model(ctx, "theirs", bias), *path = test_path("theirs/io.safetensors");
    rk_verified nothing;
    struct verify v = { .ctx = ctx, .backend = backend_ref(), .loosen = 1, .result = &nothing };
    struct learning l;
    int at;
    write_io(ctx, path, NULL, NULL);
    OK(ctx, rk_model_open(ctx, folder, &v.model));
    v.vocab = config_int(&v.model->config, "vocab");
    OK(ctx, bundle_open(ctx, path, &v.io));
    OK(ctx, NEW(v.checked, v.io.entries.n));
    OK(ctx, verify_inputs(ctx, &v));
    OK(ctx, learn_open(ctx, &l, &v, STEPS));
    OK(ctx, learn_steps(ctx, &l));
    OK(ctx, bind_find(ctx, v.model->config.arch, &l.built, BIAS, strlen(BIAS), &at));
    REQUIRE(at >= 0 && learn_elements(&l, at) == HIDDEN);
    memcpy(losses, l.losses, STEPS * sizeof *losses);
    memcpy(after, l.last[at], HIDDEN * sizeof *after);
    learn_close(ctx, &l);
    verify_inputs_free(ctx, &v);
    FREE(v.checked, v.io.entries.n);
    bundle_close(ctx, &v.io);
    rk_model_close(v.model);
}

struct row { double error, tolerance; rk_verdict verdict; bool widened; };
struct rows { struct row losses, bias; };

static bool keep(void *user, const rk_verify_row *r)
{
    struct rows *rows = user;
    const struct row row = { r->error, r->tolerance, r->verdict, strstr(r->note, "widened: rounding alone moves it by") != NULL };
    if (strcmp(r->name, "adamw.losses") == 0) rows->losses = row;
    if (strcmp(r->name, "adamw." BIAS) == 0) rows->bias = row;
    return true;
}

/* Ours has one bias, theirs another, and what theirs became is written down with so much added. */
static struct rows compare(rk_ctx *ctx, const struct backend *backend, double ours, double theirs, double added)
{
    struct rows rows = { 0 };
    double losses[STEPS], after[HIDDEN];
    somebody_learns(ctx, theirs, losses, after);
    for (int i = 0; i < HIDDEN; i++) after[i] += added;
    losses[STEPS - 1] += added;
    const char *folder = save_model(ctx, "ours", ours);
    write_io(ctx, test_path("ours/io.safetensors"), losses, after);
    OK(ctx, verify_run(ctx, folder, NULL, backend, 1, keep, &rows, NULL));
    return rows;
}

static void widens(const struct backend *backend, double bit, double losses_usual, double weights_usual)
{
    rk_ctx *ctx = test_ctx();
    const double kink = -1 + bit;
    struct rows at_kink = compare(ctx, backend, kink, -1 - 1e-6, 0), beyond = compare(ctx, backend, kink, -1 - 1e-6, 1), smooth = compare(ctx, backend, -0.5, -0.5, 0.02);
    EXPECT(at_kink.bias.error > weights_usual && at_kink.losses.error > losses_usual);           /* or nothing was tried */
    EXPECT(at_kink.bias.verdict == RK_VERDICT_SAME && at_kink.bias.widened && at_kink.bias.tolerance > at_kink.bias.error);
    EXPECT(at_kink.losses.verdict == RK_VERDICT_SAME && at_kink.losses.widened && at_kink.losses.tolerance > at_kink.losses.error);
    EXPECT(beyond.bias.verdict == RK_VERDICT_BEYOND && beyond.bias.widened && beyond.bias.tolerance < 0.5);
    EXPECT(beyond.losses.verdict == RK_VERDICT_BEYOND && beyond.losses.widened);
    EXPECT(smooth.bias.verdict == RK_VERDICT_BEYOND && !smooth.bias.widened && smooth.bias.tolerance == weights_usual);
    EXPECT(smooth.losses.verdict == RK_VERDICT_BEYOND && !smooth.losses.widened && smooth.losses.tolerance == losses_usual);
}

TEST(a_tolerance_is_widened_by_what_rounding_does_in_f32) { widens(backend_cpu(), 0x1p-24, 1e-4, 1e-3); }
TEST(and_in_f64)                                          { widens(backend_ref(), 0x1p-53, 1e-9, 1e-9); }
