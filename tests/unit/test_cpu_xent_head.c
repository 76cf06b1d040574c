/* Projection and cross-entropy on this processor: loss and gradients equal the expansion in f64, on every instruction set, the
 * same bits on one thread and two: vocabularies around the width of tiles, more rows than a chunk, labels that do not count,
 * large logits, with and without a bias. */
#include "hand_fused.h"
#include "test.h"

struct shape { int64_t batch, seq, hidden, vocab; bool bias, gradients; double spread; bool unit_seed; };

static void try_shape(rk_ctx *ctx, const struct shape *s)
{
    struct fused_case c = { .n = s->bias ? 4 : 3, .gradients = s->gradients ? 2 : 0, .most_id = (double)s->vocab - 1, .spread = s->spread, .unit_seed = s->unit_seed };
    if (s->gradients) c.adjoint = "xent_head_adjoint";
    else c.kernel = "xent_head";
    OK(ctx, rk_graph_open(ctx, &c.g));
    (void)rk_dim_new(c.g, "batch", 0, s->batch), (void)rk_dim_new(c.g, "seq", 0, s->seq);
    (void)rk_dim_new(c.g, "hidden", 0, s->hidden), (void)rk_dim_new(c.g, "vocab", 0, s->vocab);
    c.source[0] = rk_input(c.g, "x", RK_f32, "batch seq hidden");
    c.source[1] = rk_input(c.g, "w", RK_f32, "vocab hidden");
    rk_ref labels = c.source[c.n - 1] = rk_input(c.g, "labels", RK_i32, "batch seq"), bias = 0;
    if (s->bias) {
        bias = c.source[2] = rk_input(c.g, "bias", RK_f32, "vocab");
        if (s->gradients) c.gradients = 3;
    }
    rk_output(c.g, "loss", rk_xent_head(c.g, c.source[0], c.source[1], bias, labels, "hidden", "vocab"));
    fused_try(ctx, &c, 2e-5);
    rk_graph_close(c.g);
}

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
        struct shape s = { 1 + (int64_t)test_random(3), 1 + (int64_t)test_random(40), 1 + (int64_t)test_random(70), vocabularies[i / 2], i % 3 == 0, i % 4 != 1, 0.4, false };
        try_shape(ctx, &s);
    }
    close_one(ctx);
}

TEST(many_rows_come_in_chunks)
{
    rk_ctx *ctx = open_one();
    try_shape(ctx, &(struct shape){ 1, 1030, 5, 40, false, true, 0.4, false });
    try_shape(ctx, &(struct shape){ 3, 701, 3, 11, true, true, 0.4, false });
    try_shape(ctx, &(struct shape){ 3, 701, 3, 11, false, false, 0.4, false });
    close_one(ctx);
}

TEST(large_logits_do_not_overflow)
{
    rk_ctx *ctx = open_one();
    try_shape(ctx, &(struct shape){ 2, 9, 16, 700, false, true, 9, false });
    try_shape(ctx, &(struct shape){ 2, 9, 16, 700, true, false, 30, false });
    close_one(ctx);
}

TEST(a_constant_seed_is_there_before_it_is_read)
{
    rk_ctx *ctx = open_one();
    try_shape(ctx, &(struct shape){ 2, 5, 16, 40, false, true, 0.4, true });
    close_one(ctx);
}

TEST(no_rows_give_no_loss)
{
    rk_ctx *ctx = open_one();
    try_shape(ctx, &(struct shape){ 0, 4, 3, 5, false, true, 1, false });
    try_shape(ctx, &(struct shape){ 2, 0, 3, 5, true, false, 1, false });
    close_one(ctx);
}
