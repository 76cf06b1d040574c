/* Every kernel of the processor's back end but products and attention, on every instruction set that runs here, against the
 * references in f64: random shapes (0, 1, tails, more than one tile) in the arrangements of cpu_trial.h. labels: threads */
#include "cpu_trial.h"
#include "op/build.h"

enum { ROUNDS = TEST_RACES ? 1 : TEST_SANITIZED ? 3 : 8 };

TEST(reduce)
{
    static const char *const over[] = { "a", "b", "c", "a b", "b c", "a c", "a b c" };
    for (int i = 0; i < 3 * ROUNDS; i++) {
        struct trial t;
        trial_begin(&t, 2e-6);
        (void)rk_dim_new(t.g, "a", 0, trial_size(300)), (void)rk_dim_new(t.g, "b", 0, trial_size(40)), (void)rk_dim_new(t.g, "c", 0, trial_size(800));
        rk_ref x = rk_input(t.g, "x", RK_f32, "a b c");
        t.least = 0.1 * (double)trial_count(t.g, x);                       /* summands may cancel */
        trial_node(&t, rk_reduce(t.g, i % 2 == 0 ? "sum" : "max", x, over[test_random(7)]), 1, false, i % 2 == 0);
        trial_end(&t);
    }
}

TEST(reduce_in_parts)
{
    static const int64_t sizes[][2] = { { 1, 70000 }, { 70000, 1 }, { 3, 20000 }, { 20000, 3 }, { 500, 513 } };
    for (int i = 0; i < 10; i++) {
        struct trial t;
        trial_begin(&t, 2e-6);
        (void)rk_dim_new(t.g, "a", 0, sizes[i / 2][0]), (void)rk_dim_new(t.g, "b", 0, sizes[i / 2][1]);
        t.least = 0.1 * (double)(sizes[i / 2][0] * sizes[i / 2][1]);
        trial_node(&t, rk_reduce(t.g, "sum", rk_input(t.g, "x", RK_f32, "a b"), i % 2 == 0 ? "a" : "b"), 1, false, true);
        trial_end(&t);
    }
}

static rk_ref gathered(struct trial *t, int form)
{
    rk_ref wide = rk_input(t->g, "x", RK_f32, form == 0 ? "v c" : form == 1 ? "a b v" : "c v b");
    rk_ref ids = rk_input(t->g, "ids", form == 2 ? RK_i64 : RK_i32, form == 2 ? "b a" : "a b");
    return rk_gather(t->g, wide, "v", ids);
}

static rk_ref scattered(struct trial *t, int form)
{
    rk_ref y = rk_input(t->g, "y", RK_f32, form == 0 ? "a b c" : form == 1 ? "a b" : "b a c");
    rk_ref ids = rk_input(t->g, "ids", form == 2 ? RK_u16 : RK_i32, "a b");
    return rk_scatter(t->g, y, "v", ids, form == 0 ? "v c" : form == 1 ? "a b v" : "b c v");
}

TEST(gather_and_scatter)
{
    for (int i = 0; i < 2 * ROUNDS; i++) {
        struct trial t;
        int64_t v = 1 + trial_size(100);
        trial_begin(&t, 1e-6);
        (void)rk_dim_new(t.g, "a", 0, trial_size(60)), (void)rk_dim_new(t.g, "b", 0, trial_size(20));
        (void)rk_dim_new(t.g, "c", 0, trial_size(700)), (void)rk_dim_new(t.g, "v", 0, v);
        if (i % 2 == 0) trial_node(&t, gathered(&t, (int)test_random(3)), v, false, false);
        else trial_node(&t, scattered(&t, (int)test_random(3)), v, false, true);
        trial_end(&t);
    }
}

TEST(copy_and_cast)
{
    static const rk_dtype dtypes[] = { RK_f32, RK_f32, RK_f16, RK_bf16, RK_f64, RK_i32, RK_u8, RK_f8e4m3 };
    for (int i = 0; i < 2 * ROUNDS; i++) {
        struct trial t;
        trial_begin(&t, 0);
        (void)rk_dim_new(t.g, "a", 0, trial_size(150)), (void)rk_dim_new(t.g, "b", 0, trial_size(9)), (void)rk_dim_new(t.g, "c", 0, trial_size(300));
        rk_ref x = rk_input(t.g, "x", dtypes[test_random(8)], "a b c");
        rk_dtype to = dtypes[test_random(6)];
        bool cast = i % 2 == 0 && node_of(t.g, x)->dtype != to;
        trial_node(&t, cast ? rk_cast(t.g, x, to) : rk_copy(t.g, x), 200, !cast, false);
        trial_end(&t);
    }
}

TEST(place)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct trial t;
        int64_t n = 1 + trial_size(80), part = (int64_t)test_random((uint64_t)n + 1);
        bool one = test_random(3) == 0;
        trial_begin(&t, 0);
        (void)rk_dim_new(t.g, "a", 0, trial_size(30)), (void)rk_dim_new(t.g, "d", 0, n), (void)rk_dim_new(t.g, "p", 0, part), (void)rk_dim_new(t.g, "c", 0, trial_size(90));
        rk_ref x = rk_input(t.g, "x", RK_f32, one ? "a c" : test_random(2) == 0 ? "a p c" : "p c a");
        int64_t start = (int64_t)test_random((uint64_t)(n - (one ? 1 : part)) + 1);
        trial_node(&t, rk_place(t.g, x, one ? NULL : "p", "d", start, "a d c"), 1, false, false);
        trial_end(&t);
    }
}

TEST(append)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct trial t;
        struct values v;
        int64_t room = 2 + (int64_t)test_random(30), fresh = 1 + (int64_t)test_random(2);
        trial_begin(&t, 0);
        (void)rk_dim_new(t.g, "a", 0, trial_size(10)), (void)rk_dim_new(t.g, "s", 0, room), (void)rk_dim_new(t.g, "n", 0, fresh);
        (void)rk_dim_live(t.g, "past", 0, room), (void)rk_dim_new(t.g, "c", 0, trial_size(90));
        rk_ref state = rk_state(t.g, RK_CACHE, "s", RK_f32, "a s c"), x = rk_input(t.g, "x", RK_f32, "a n c");
        rk_ref y = rk_append(t.g, state, x, "s", "past");
        REQUIRE(y != 0);
        values_open(&v, t.ctx, t.g);
        rk_dim past = graph_dim(t.g, "past", 4);
        v.extent[past] = (int64_t)test_random((uint64_t)(room - fresh) + 1);
        trial_fill(&v, 1);
        trial_take(&t, &v, NULL);
        evaluate(&v, false);
        t.extent[past] = v.extent[past];
        t.value[y] = trial_room((size_t)values_count(&v, state), sizeof(double));
        (void)values_read(&v, state, t.value[y]);
        struct problem p = trial_problem(&t, y);
        for (int isa = 0; isa < ISA_COUNT; isa++) {
            if (!isa_runs((enum isa)isa)) continue;
            const struct kernel *k = backend_find(backend_cpu_isa((enum isa)isa), &p, NULL);
            for (int a = 0; a < 2; a++) trial_arrangement(&t, k, p, (struct arrangement){ a == 1, 0 });
        }
        values_close(&v);
        trial_end(&t);
    }
}

TEST(append_beyond_the_end_is_refused)
{
    struct trial t;
    float state[6] = { 0 }, x[2] = { 1, 2 };
    void *in[] = { state, x }, *out[] = { state };
    struct prepared prepared;
    trial_begin(&t, 0);
    (void)rk_dim_new(t.g, "s", 0, 5), (void)rk_dim_new(t.g, "n", 0, 2), (void)rk_dim_live(t.g, "past", 0, 5);
    rk_ref y = rk_append(t.g, rk_state(t.g, RK_CACHE, "s", RK_f32, "s"), rk_input(t.g, "x", RK_f32, "n"), "s", "past");
    struct problem p = trial_problem(&t, y);
    const struct kernel *k = backend_find(backend_cpu(), &p, NULL);
    OK(t.ctx, k->prepare(t.ctx, &p, &prepared));
    const int64_t extent[] = { 0, 5, 2, 4 };
    struct live live = { extent, 0, 0 };
    const struct call c = { &p, &prepared, in, out, NULL, &live, NULL };
    FAILS(t.ctx, k->run(t.ctx, &c), RK_E_LIMIT, "do not fit");
    EXPECT(state[4] == 0 && state[5] == 0);
    trial_end(&t);
}

/* --- fused operations and their gradients --- */

static void three_dims(struct trial *t)
{
    (void)rk_dim_new(t->g, "a", 0, trial_size(40)), (void)rk_dim_new(t->g, "b", 0, (int64_t)test_random(7)), (void)rk_dim_new(t->g, "c", 0, trial_size(1500));
}

TEST(softmax)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct trial t;
        trial_begin(&t, 1e-6);
        three_dims(&t);
        rk_ref y = rk_softmax(t.g, rk_input(t.g, "x", RK_f32, "a b c"), test_random(4) == 0 ? "b" : "c");
        trial_node(&t, y, 1, true, false);
        trial_adjoint(&t, y);
        trial_end(&t);
    }
}

TEST(log_sum_exp)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct trial t;
        trial_begin(&t, 1e-6);
        (void)rk_dim_new(t.g, "a", 0, trial_size(40)), (void)rk_dim_new(t.g, "b", 0, (int64_t)test_random(7)), (void)rk_dim_new(t.g, "c", 0, 1 + trial_size(5000));
        trial_node(&t, rk_log_sum_exp(t.g, rk_input(t.g, "x", RK_f32, "a b c"), "c"), 1, false, false);
        trial_end(&t);
    }
}

TEST(norm)
{
    for (int i = 0; i < 2 * ROUNDS; i++) {
        struct trial t;
        trial_begin(&t, 3e-6);
        three_dims(&t);
        t.least = 0.1 * (double)(dim_size(t.g, graph_dim(t.g, "a", 1)) * dim_size(t.g, graph_dim(t.g, "b", 1)));      /* gradients of weights are sums */
        const char *dim = test_random(4) == 0 ? "b" : "c";
        rk_ref x = rk_input(t.g, "x", RK_f32, "a b c"), w = test_random(3) == 0 ? 0 : rk_input(t.g, "w", RK_f32, dim);
        rk_ref bias = test_random(3) == 0 ? 0 : rk_input(t.g, "bias", RK_f32, dim);
        rk_ref y = i % 2 == 0 ? rk_layer_norm(t.g, x, dim, w, bias, 1e-2) : rk_rms_norm(t.g, x, dim, w, 1e-3);
        trial_node(&t, y, 1, true, false);
        trial_adjoint(&t, y);
        trial_end(&t);
    }
}

TEST(rope)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct trial t;
        int64_t half = 1 + (int64_t)test_random(40), rest = test_random(2) == 0 ? 0 : (int64_t)test_random(30);
        trial_begin(&t, 1e-6);
        (void)rk_dim_new(t.g, "b", 0, trial_size(5)), (void)rk_dim_new(t.g, "t", 0, trial_size(12)), (void)rk_dim_new(t.g, "h", 0, trial_size(3));
        (void)rk_dim_live(t.g, "past", 0, 100), (void)rk_dim_new(t.g, "k", 0, 2 * half + rest);
        rk_ref x = rk_input(t.g, "x", RK_f32, test_random(2) == 0 ? "b t h k" : "b h t k");
        rk_ref y = rk_rope(t.g, x, "t", test_random(2) == 0 ? "past" : NULL, "k", test_random(2) == 0 ? RK_ROPE_INTERLEAVED : RK_ROPE_HALVES, 2 * half, 10000);
        trial_node(&t, y, 1, true, false);
        trial_adjoint(&t, y);
        trial_end(&t);
    }
}

TEST(rope_at_positions_of_their_own)
{
    static const char *const along[] = { "b t", "t", "b", "t b" };
    for (int i = 0; i < ROUNDS; i++) {
        struct trial t;
        int64_t half = 1 + (int64_t)test_random(40), rest = test_random(2) == 0 ? 0 : (int64_t)test_random(30);
        trial_begin(&t, 1e-6);
        (void)rk_dim_new(t.g, "b", 0, trial_size(5)), (void)rk_dim_new(t.g, "t", 0, trial_size(12)), (void)rk_dim_new(t.g, "h", 0, trial_size(3)), (void)rk_dim_new(t.g, "k", 0, 2 * half + rest);
        rk_ref x = rk_input(t.g, "x", RK_f32, test_random(2) == 0 ? "b t h k" : "b h t k"), at = rk_input(t.g, "at", RK_i32, along[test_random(4)]);
        trial_node(&t, rk_rope_at(t.g, x, "t", at, "k", test_random(2) == 0 ? RK_ROPE_INTERLEAVED : RK_ROPE_HALVES, 2 * half, 10000), 100, true, false);
        trial_end(&t);
    }
}

/* --- memory --- */

TEST(large_memory_is_zero_aligned_and_counted)
{
    rk_ctx *ctx = test_ctx();
    const struct backend *b = backend_cpu();
    size_t before = rk_ctx_bytes(ctx), n = ((size_t)5 << 20) + 12;
    char *at;
    OK(ctx, b->alloc(ctx, n, (void **)&at));
    EXPECT((uintptr_t)at % (2 << 20) == 0);
    EXPECT(rk_ctx_bytes(ctx) == before + n);
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += (unsigned char)at[i];
    EXPECT(sum == 0);
    memset(at, 1, n);
    b->free(ctx, at, n);
    EXPECT(rk_ctx_bytes(ctx) == before);
    FAILS(ctx, b->alloc(ctx, SIZE_MAX / 4, (void **)&at), RK_E_NOMEM, "bytes");
    EXPECT(at == NULL);
}
