/* Beams of a file that are not ours: a tie where a difference below rounding decided what our search kept, else another model. */
#include "base/rng.h"
#include "io/bundle.h"
#include "reckon/verify.h"
#include "saved.h"
#include "test.h"

enum { SEQ = 3, NEW = 12 };             /* as many as beam4 of a file has */

static double normal(const void *user, const char *name, int entry, int64_t i) { return (void)user, (void)name, rng_normal(1, (uint64_t)entry, (uint64_t)i); }
static double zero(const void *user, const char *name, int entry, int64_t i) { return (void)user, (void)name, (void)entry, (void)i, 0.0; }

/* A search that nobody made, and what it would be worth. */
static void write_beams(rk_ctx *ctx)
{
    static const int64_t ids[SEQ] = { 0, 1, 2 }, beams[SEQ + NEW] = { 0, 1, 2, 3, 3, 5, 3, 5, 5, 6, 3, 4, 3, 6, 5 }, one = 1;
    static const float worth = -1;
    const int64_t row[] = { 1, SEQ }, made[] = { 1, SEQ + NEW };
    struct bundle_writer w = { 0 };
    OK(ctx, bundle_declare(ctx, &w, "input_ids", RK_i64, 2, row));
    OK(ctx, bundle_declare(ctx, &w, "beam4", RK_i64, 2, made));
    OK(ctx, bundle_declare(ctx, &w, "beam4.scores", RK_f32, 1, &one));
    OK(ctx, bundle_begin(ctx, &w, test_path("io.safetensors")));
    OK(ctx, bundle_write(ctx, &w, "input_ids", ids, sizeof ids));
    OK(ctx, bundle_write(ctx, &w, "beam4", beams, sizeof beams));
    OK(ctx, bundle_write(ctx, &w, "beam4.scores", &worth, sizeof worth));
    OK(ctx, bundle_commit(ctx, &w));
}

static rk_verified verify_with(rk_ctx *ctx, double (*value)(const void *user, const char *name, int entry, int64_t i))
{
    rk_device *device;
    rk_verified result = { 0 };
    saved_model(ctx, "gpt2:n_layer=1,n_embd=4,n_head=1,vocab_size=9,n_positions=16", test_temporary(), RK_f32, value, NULL);
    write_beams(ctx);
    OK(ctx, rk_device_open(ctx, "ref", NULL, &device));
    OK(ctx, rk_verify(ctx, test_temporary(), NULL, &(rk_verify_options){ .device = device }, NULL, NULL, &result));
    rk_device_close(device);
    return result;
}

TEST(beams_that_nothing_decided_are_ties)
{
    const rk_verified r = verify_with(test_ctx(), zero);
    EXPECT_INT(r.ties, 1);
    EXPECT_INT(r.beyond, 0);
}

TEST(beams_that_something_decided_are_not)
{
    const rk_verified r = verify_with(test_ctx(), normal);
    EXPECT_INT(r.ties, 0);
    EXPECT_INT(r.beyond, 2);
}
