/* Attention and its gradients on this processor: equal to the expansion in f64, on every instruction set, the same bits on one
 * thread and two: any order of dims, parts of a joined q-k-v, queries and keys that are no multiple of a block, more keys than
 * queries, causal or not, live keys, dropout, sequences of different lengths. */
#include "backend/cpu/attend_inner.h"
#include "hand_attend.h"
#include "test.h"

enum { SHAPES = TEST_SANITIZED ? 12 : 40 };            /* random ones, for each law */

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

static int64_t draw(int64_t most) { return 1 + (int64_t)test_random((uint64_t)most); }

TEST(attention_equals_its_expansion)
{
    rk_ctx *ctx = open_one();
    for (int i = 0; i < SHAPES; i++) {
        struct attend_shape s = attend_draw(i);
        attend_try_apart(ctx, &on, &s, i % 4, false);
    }
    close_one(ctx);
}

/* One length for a sequence, for a head, for both or for all; 1, all keys, and everything between. */
TEST(padded_sequences)
{
    static const char *const dims[] = { "batch", "head", "head batch", "", "batch head" };
    rk_ctx *ctx = open_one();
    for (int i = 0; i < SHAPES; i++) {
        struct attend_shape s = attend_draw(i);
        s.lengths = dims[i % 5];
        if (i % 7 == 0) s.seq = draw(4), s.key = s.seq + draw(40);          /* few queries */
        if (i % 6 == 1) s.key = draw(140);                                  /* another sequence's keys: no mask */
        s.causal = s.causal && s.key >= s.seq;
        attend_try_apart(ctx, &on, &s, i % 4, i % 11 == 0 && s.keep == 1);
    }
    close_one(ctx);
}

TEST(padding_around_the_borders_of_blocks)
{
    static const int64_t keys[] = { 1, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 96, 129 };
    rk_ctx *ctx = open_one();
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i += TEST_SANITIZED ? 3 : 1)
        for (int causal = 0; causal < 2; causal++)
            attend_try_apart(ctx, &on, &(struct attend_shape){ 1 + 2 * (int64_t)(i % 2), 2, causal ? keys[i] : 5 + (int64_t)i, keys[i], 32, causal, 1, "batch" }, 1, false);
    close_one(ctx);
}

TEST(fewer_keys_than_queries_without_a_mask)
{
    rk_ctx *ctx = open_one();
    attend_try_apart(ctx, &on, &(struct attend_shape){ 2, 2, 70, 5, 32, false, 1, NULL }, 0, false);
    attend_try_apart(ctx, &on, &(struct attend_shape){ 1, 3, 9, 1, 64, false, 1, NULL }, 1, false);
    close_one(ctx);
}

TEST(around_the_borders_of_blocks)
{
    static const int64_t lengths[] = { 13, 14, 15, 16, 17, 28, 31, 32, 33, 48, 63, 64, 65, 96, 97, 127, 129, 193 };
    rk_ctx *ctx = open_one();
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i += TEST_SANITIZED ? 5 : 1)
        attend_try_apart(ctx, &on, &(struct attend_shape){ 1, 1, lengths[i], lengths[i] + (i % 3 == 0 ? 5 : 0), i % 2 == 0 ? 32 : 64, true, 1, NULL }, 1, false);
    close_one(ctx);
}

TEST(live_keys)
{
    rk_ctx *ctx = open_one();
    for (int i = 0; i < SHAPES / 2; i++) {
        struct attend_shape s = attend_draw(i);
        s.keep = 1;                             /* masks are drawn over the bound */
        attend_try_apart(ctx, &on, &s, i % 4, true);
    }
    close_one(ctx);
}

TEST(parts_of_one_value)
{
    rk_ctx *ctx = open_one();
    for (int i = 0; i < SHAPES / 2; i++) {
        struct attend_shape s = attend_draw(i);
        attend_try_joined(ctx, &on, &s);
    }
    close_one(ctx);
}

TEST(nothing_to_attend_to_is_no_crash)
{
    rk_ctx *ctx = open_one();
    attend_try_apart(ctx, &on, &(struct attend_shape){ 0, 2, 3, 3, 8, true, 1, NULL }, 0, false);
    attend_try_apart(ctx, &on, &(struct attend_shape){ 2, 2, 0, 4, 8, true, 1, NULL }, 0, false);
    attend_try_apart(ctx, &on, &(struct attend_shape){ 2, 2, 0, 4, 8, false, 1, "batch" }, 0, false);
    close_one(ctx);
}

/* The room that a plan keeps for live sizes is that of the bounds; no smaller sizes want more (attend.c, worker_bytes). */
TEST(few_queries_of_few_keys_fit_where_panels_do)
{
    static const int64_t widths[] = { 1, 5, 16, 64, 128 }, bounds[] = { 1, 7, 64, 300, 1024, 20000 };
    for (int i = 0; i < 5 * 6 * ISA_COUNT; i++) {
        struct attend a = { .width = widths[i % 5], .key = bounds[i / 5 % 6], .isa = (enum isa)(i / 30), .heads = 1, .seq = ATTEND_FEW };
        a.q.number = a.k.number = a.v.number = a.y.number = 1;
        a.q.row = a.k.row = a.v.row = a.y.row = a.width * (1 + i % 2);
        size_t few = attend_few_bytes(&a), panel = attend_panel_bytes(&a), room = few > panel ? few : panel;
        for (int64_t key = a.key; key > 0; key -= 1 + key / 20)
            for (int64_t seq = 1; seq <= ATTEND_FEW; seq++) {
                a.key = key, a.seq = seq;
                if (attend_few_bytes(&a) > room) test_fail(__FILE__, __LINE__, "%lld queries, %lld keys: %zu bytes, %zu kept", (long long)seq, (long long)key, attend_few_bytes(&a), room);
            }
    }
}
