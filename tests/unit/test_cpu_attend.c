/* Attention and its gradients on this processor: equal to the expansion in f64, on every instruction set, the same bits on one
 * thread and two: any order of dims, parts of a joined q-k-v, queries and keys that are no multiple of a block, more keys than
 * queries, causal or not, live keys, dropout, sequences of different lengths. */
#include "backend/cpu/attend_inner.h"
#include "hand_fused.h"
#include "test.h"

enum { SHAPES = TEST_SANITIZED ? 12 : 40 };            /* random ones, for each law */

struct shape { int64_t batch, head, seq, key, width; bool causal; double keep; const char *lengths; };     /* lengths: their dims; NULL: none */

static const char *const orders[][2] = {            /* of queries; of keys */
    { "batch head seq width", "batch head key width" }, { "batch seq head width", "batch key head width" },
    { "seq width batch head", "key head width batch" }, { "batch seq head width", "batch head key width" },
};

static void dims(rk_graph *g, const struct shape *s)
{
    (void)rk_dim_new(g, "batch", 0, s->batch), (void)rk_dim_new(g, "head", 0, s->head), (void)rk_dim_new(g, "seq", 0, s->seq);
    (void)rk_dim_new(g, "width", 0, s->width), (void)rk_dim_new(g, "three", 0, 3);
}

static rk_attend_options options_of(const struct shape *s)
{
    return (rk_attend_options){ .causal = s->causal, .scale = 1 / sqrt((double)s->width), .keep = s->keep, .site = "here" };
}

static void finish(rk_graph *g, rk_ref y, rk_ref weights)
{
    rk_output(g, "y", y);
    rk_output(g, "loss", rk_reduce(g, "sum", rk_mul(g, y, weights), "batch head seq width"));
}

static void try_apart(rk_ctx *ctx, const struct shape *s, int order, bool live)
{
    struct fused_case c = { .n = 4, .gradients = 3, .kernel = "attend", .adjoint = "attend_adjoint", .spread = 1.5 };
    rk_attend_options o = options_of(s);
    OK(ctx, rk_graph_open(ctx, &c.g));
    dims(c.g, s);
    if (live) {
        (void)rk_dim_live(c.g, "key", 0, s->key + 7);
        c.live = "key", c.extent = s->key;
    } else (void)rk_dim_new(c.g, "key", 0, s->key);
    c.source[0] = rk_input(c.g, "q", RK_f32, orders[order][0]);
    c.source[1] = rk_input(c.g, "k", RK_f32, orders[order][1]);
    c.source[2] = rk_input(c.g, "v", RK_f32, orders[(order + 1) % 4][1]);
    c.source[3] = rk_input(c.g, "weights", RK_f32, "batch head seq width");
    if (s->lengths != NULL) {
        c.source[c.n++] = o.lengths = rk_input(c.g, "lengths", RK_i32, s->lengths);
        c.most_id = (double)s->key + 2;             /* from -1 on: what is out of range is brought into it */
    }
    finish(c.g, rk_attend(c.g, c.source[0], c.source[1], c.source[2], "seq", "key", "width", &o), c.source[3]);
    fused_try(ctx, &c, 2e-5);
    rk_graph_close(c.g);
}

/* q, k and v side by side in one value, as projections make them; the gradients are born side by side too. */
static void try_joined(rk_ctx *ctx, const struct shape *s)
{
    struct fused_case c = { .n = 2, .gradients = 1, .kernel = "attend", .adjoint = "attend_adjoint", .spread = 1.5 };
    rk_attend_options o = options_of(s);
    OK(ctx, rk_graph_open(ctx, &c.g));
    dims(c.g, s);
    (void)rk_dim_new(c.g, "key", 0, s->seq);
    c.source[0] = rk_input(c.g, "qkv", RK_f32, "batch seq three head width");
    c.source[1] = rk_input(c.g, "weights", RK_f32, "batch seq head width");
    rk_ref q = rk_select(c.g, c.source[0], "three", 0), k = rk_rename(c.g, rk_select(c.g, c.source[0], "three", 1), "seq", "key");
    rk_ref v = rk_rename(c.g, rk_select(c.g, c.source[0], "three", 2), "seq", "key");
    finish(c.g, rk_attend(c.g, q, k, v, "seq", "key", "width", &o), c.source[1]);
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

static int64_t draw(int64_t most) { return 1 + (int64_t)test_random((uint64_t)most); }

static struct shape draw_shape(int i)
{
    static const int64_t widths[] = { 1, 3, 8, 16, 17, 32, 40, 64 };
    struct shape s = { .batch = draw(3), .head = draw(3), .width = widths[test_random(8)], .causal = i % 2 == 0, .keep = i % 5 == 0 ? 0.75 : 1 };
    s.seq = i % 3 == 0 ? draw(150) : draw(30);
    s.key = s.seq + (test_random(2) == 0 ? 0 : (int64_t)test_random(40));
    return s;
}

TEST(attention_equals_its_expansion)
{
    rk_ctx *ctx = open_one();
    for (int i = 0; i < SHAPES; i++) {
        struct shape s = draw_shape(i);
        try_apart(ctx, &s, i % 4, false);
    }
    close_one(ctx);
}

/* One length for a sequence, for a head, for both or for all; 1, all keys, and everything between. */
TEST(padded_sequences)
{
    static const char *const dims[] = { "batch", "head", "head batch", "", "batch head" };
    rk_ctx *ctx = open_one();
    for (int i = 0; i < SHAPES; i++) {
        struct shape s = draw_shape(i);
        s.lengths = dims[i % 5];
        if (i % 7 == 0) s.seq = draw(4), s.key = s.seq + draw(40);          /* few queries */
        if (i % 6 == 1) s.key = draw(140);                                  /* another sequence's keys: no mask */
        s.causal = s.causal && s.key >= s.seq;
        try_apart(ctx, &s, i % 4, i % 11 == 0 && s.keep == 1);
    }
    close_one(ctx);
}

TEST(padding_around_the_borders_of_blocks)
{
    static const int64_t keys[] = { 1, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 96, 129 };
    rk_ctx *ctx = open_one();
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        for (int causal = 0; causal < 2; causal++)
            try_apart(ctx, &(struct shape){ 1 + 2 * (int64_t)(i % 2), 2, causal ? keys[i] : 5 + (int64_t)i, keys[i], 32, causal, 1, "batch" }, 1, false);
    close_one(ctx);
}

TEST(fewer_keys_than_queries_without_a_mask)
{
    rk_ctx *ctx = open_one();
    try_apart(ctx, &(struct shape){ 2, 2, 70, 5, 32, false, 1, NULL }, 0, false);
    try_apart(ctx, &(struct shape){ 1, 3, 9, 1, 64, false, 1, NULL }, 1, false);
    close_one(ctx);
}

TEST(around_the_borders_of_blocks)
{
    static const int64_t lengths[] = { 13, 14, 15, 16, 17, 28, 31, 32, 33, 48, 63, 64, 65, 96, 97, 127, 129, 193 };
    rk_ctx *ctx = open_one();
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        try_apart(ctx, &(struct shape){ 1, 1, lengths[i], lengths[i] + (i % 3 == 0 ? 5 : 0), i % 2 == 0 ? 32 : 64, true, 1, NULL }, 1, false);
    close_one(ctx);
}

TEST(live_keys)
{
    rk_ctx *ctx = open_one();
    for (int i = 0; i < 20; i++) {
        struct shape s = draw_shape(i);
        s.keep = 1;                             /* masks are drawn over the bound */
        try_apart(ctx, &s, i % 4, true);
    }
    close_one(ctx);
}

TEST(parts_of_one_value)
{
    rk_ctx *ctx = open_one();
    for (int i = 0; i < 20; i++) {
        struct shape s = draw_shape(i);
        try_joined(ctx, &s);
    }
    close_one(ctx);
}

TEST(nothing_to_attend_to_is_no_crash)
{
    rk_ctx *ctx = open_one();
    try_apart(ctx, &(struct shape){ 0, 2, 3, 3, 8, true, 1, NULL }, 0, false);
    try_apart(ctx, &(struct shape){ 2, 2, 0, 4, 8, true, 1, NULL }, 0, false);
    try_apart(ctx, &(struct shape){ 2, 2, 0, 4, 8, false, 1, "batch" }, 0, false);
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
