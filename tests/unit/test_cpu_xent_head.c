/* Projection and cross-entropy on this processor: loss and gradients equal the expansion in f64, on every instruction set, the
 * same bits on one thread and two: vocabularies around the width of tiles, more rows than a chunk, labels that do not count,
 * large logits, with and without a bias. */
#include "hand_xent_head.h"
#include "test.h"

static const struct fused_on on = { .backend = NULL, .dtype = RK_f32, .tolerance = 2e-5 };

static rk_ctx *open_one(void)
{
    rk_ctx *ctx;
    OK(NULL, rk_ctx_open(&(rk_options){ .threads = 1 }, &ctx));
    return ctx;
}

static void close_one(rk_ctx *ctx)
{
    EXPECT(rk_ctx_bytes(ctx) == 0);
    rk_ctx_close(ctx);
}

TEST(the_head_equals_its_expansion)
{
    static const int64_t vocabularies[] = { 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 65, 100, 127, 129, 255, 257, 511, 513, 545, 1000, 1537 };
    rk_ctx *ctx = open_one();
    for (size_t i = 0; i < 2 * sizeof vocabularies / sizeof *vocabularies; i++) {
        struct xent_head_shape s = { 1 + (int64_t)test_random(3), 1 + (int64_t)test_random(40), 1 + (int64_t)test_random(70), vocabularies[i / 2], i % 3 == 0, i % 4 != 1, 0.4, false };
        xent_head_try(ctx, &on, &s);
    }
    close_one(ctx);
}

TEST(many_rows_come_in_chunks)
{
    rk_ctx *ctx = open_one();
    xent_head_try(ctx, &on, &(struct xent_head_shape){ 1, 1030, 5, 40, false, true, 0.4, false });
    xent_head_try(ctx, &on, &(struct xent_head_shape){ 3, 701, 3, 11, true, true, 0.4, false });
    xent_head_try(ctx, &on, &(struct xent_head_shape){ 3, 701, 3, 11, false, false, 0.4, false });
    close_one(ctx);
}

TEST(large_logits_do_not_overflow)
{
    rk_ctx *ctx = open_one();
    xent_head_try(ctx, &on, &(struct xent_head_shape){ 2, 9, 16, 700, false, true, 9, false });
    xent_head_try(ctx, &on, &(struct xent_head_shape){ 2, 9, 16, 700, true, false, 30, false });
    close_one(ctx);
}

TEST(a_constant_seed_is_there_before_it_is_read)
{
    rk_ctx *ctx = open_one();
    xent_head_try(ctx, &on, &(struct xent_head_shape){ 2, 5, 16, 40, false, true, 0.4, true });
    close_one(ctx);
}

TEST(no_rows_give_no_loss)
{
    rk_ctx *ctx = open_one();
    xent_head_try(ctx, &on, &(struct xent_head_shape){ 0, 4, 3, 5, false, true, 1, false });
    xent_head_try(ctx, &on, &(struct xent_head_shape){ 2, 0, 3, 5, true, false, 1, false });
    close_one(ctx);
}
