/* Golden: the fixtures of CS336 (2024): layers as graphs of one's own, through rk_program; the whole language model; and the
 * AdamW recipe, a thousand steps of it. */
#include "base/file.h"
#include "io/bundle.h"
#include "pass/pass.h"
#include "reckon/plan.h"
#include "reckon/verify.h"
#include "run/run.h"
#include "backend/ref/ref.h"
#include "test.h"
#include "train/graphs.h"
#include <stdlib.h>

static const char *const devices[] = { "cpu", "ref" };

/* A tensor of a fixture, as f32; the caller frees it. */
static float *fixture(rk_ctx *ctx, const char *file, const char *tensor, size_t n)
{
    struct str path = { 0 };
    struct bundle b = { 0 };
    const struct bundle_entry *e;
    float *values = malloc(n * sizeof *values);
    OK(ctx, str_format(ctx, &path, "%s/data/cs336/2024/%s.safetensors", test_shared(), file));
    OK(ctx, bundle_open(ctx, str_c(&path), &b));
    OK(ctx, bundle_get(ctx, &b, tensor, &e));
    REQUIRE(e->dtype == RK_f32 && e->bytes == n * sizeof *values);
    memcpy(values, e->data, e->bytes);
    bundle_close(ctx, &b);
    str_free(ctx, &path);
    return values;
}

static void put(rk_ctx *ctx, rk_program *p, const char *state, const char *file, const char *tensor, size_t n)
{
    float *values = fixture(ctx, file, tensor, n);
    OK(ctx, rk_program_write(p, RK_PARAMETER, state, values, RK_f32));
    free(values);
}

static void expect_output(rk_ctx *ctx, rk_program *p, const char *file, size_t n, double tolerance)
{
    float *ours = malloc(n * sizeof *ours), *theirs = fixture(ctx, file, "array", n);
    double most = 0;
    OK(ctx, rk_program_output(p, "y", ours, RK_f32));
    for (size_t i = 0; i < n; i++) most = fmax(most, fabs((double)ours[i] - (double)theirs[i]));
    EXPECT_NEAR(most, 0, tolerance);
    free(ours);
    free(theirs);
}

enum { B = 8, T = 128, D = 64, FF = 128, WIDE = 256, H = 2, K = 32, N = B * T * D };

static void dims(rk_graph *g, int64_t ff)
{
    (void)rk_dim_new(g, "batch", 'B', B);
    (void)rk_dim_new(g, "seq", 'T', T);
    (void)rk_dim_new(g, "key", 'T', T);
    (void)rk_dim_new(g, "hidden", 'D', D);
    (void)rk_dim_new(g, "head", 'H', H);
    (void)rk_dim_new(g, "head_dim", 'K', K);
    (void)rk_dim_new(g, "ff", 'F', ff);
}

static rk_ref weight(rk_graph *g, const char *name, const char *names) { return rk_state(g, RK_PARAMETER, name, RK_f32, names); }
static rk_ref features(rk_graph *g) { return rk_input(g, "x", RK_f32, "batch seq hidden"); }

static rk_ref feed_forward(rk_graph *g, rk_ref x)
{
    rk_ref h = rk_map(g, "gelu_erf", rk_einsum(g, "b t d, f d -> b t f", x, weight(g, "w1", "ff hidden")));
    return rk_einsum(g, "b t f, d f -> b t d", h, weight(g, "w2", "hidden ff"));
}

static rk_ref attention(rk_graph *g, rk_ref x)
{
    rk_ref q = rk_einsum(g, "b t d, h k d -> b t h k", x, weight(g, "q", "head head_dim hidden"));
    rk_ref k = rk_rename(g, rk_einsum(g, "b t d, h k d -> b t h k", x, weight(g, "k", "head head_dim hidden")), "seq", "key");
    rk_ref v = rk_rename(g, rk_einsum(g, "b t d, h k d -> b t h k", x, weight(g, "v", "head head_dim hidden")), "seq", "key");
    rk_ref y = rk_attend(g, q, k, v, "seq", "key", "head_dim", &(rk_attend_options){ .causal = true, .scale = 1 / sqrt((double)K), .keep = 1 });
    return rk_einsum(g, "b t h k, d h k -> b t d", y, weight(g, "out", "hidden head head_dim"));
}

static rk_ref norm(rk_graph *g, const char *name, rk_ref x) { return rk_rms_norm(g, x, "hidden", weight(g, name, "hidden"), 1e-5); }

static rk_ref block(rk_graph *g, rk_ref x)
{
    x = rk_add(g, x, attention(g, norm(g, "ln1", x)));
    return rk_add(g, x, feed_forward(g, norm(g, "ln2", x)));
}

static rk_ref only_norm(rk_graph *g, rk_ref x) { return norm(g, "ln", x); }

static void norm_weights(rk_ctx *ctx, rk_program *p) { put(ctx, p, "ln", "rmsnorm_weights", "weight", D); }

static void feed_forward_weights(rk_ctx *ctx, rk_program *p)
{
    put(ctx, p, "w1", "positionwise_feedforward_weights", "w1.weight", FF * D);
    put(ctx, p, "w2", "positionwise_feedforward_weights", "w2.weight", FF * D);
}

/* The file has one matrix per head. */
static void attention_weights(rk_ctx *ctx, rk_program *p)
{
    static const char *const kinds[] = { "q", "k", "v" };
    for (int i = 0; i < 3; i++) {
        float both[H * K * D];
        for (int h = 0; h < H; h++) {
            char name[32];
            (void)snprintf(name, sizeof name, "%s_heads.%d.weight", kinds[i], h);
            float *one = fixture(ctx, "unbatched_multihead_self_attention_weights", name, K * D);
            memcpy(both + h * K * D, one, K * D * sizeof *one);
            free(one);
        }
        OK(ctx, rk_program_write(p, RK_PARAMETER, kinds[i], both, RK_f32));
    }
    put(ctx, p, "out", "unbatched_multihead_self_attention_weights", "output_proj.weight", D * D);
}

static void block_weights(rk_ctx *ctx, rk_program *p)
{
    static const char file[] = "transformer_block_weights";
    put(ctx, p, "q", file, "attn.q_proj.weight", D * D);
    put(ctx, p, "k", file, "attn.k_proj.weight", D * D);
    put(ctx, p, "v", file, "attn.v_proj.weight", D * D);
    put(ctx, p, "out", file, "attn.output_proj.weight", D * D);
    put(ctx, p, "ln1", file, "ln1.weight", D);
    put(ctx, p, "ln2", file, "ln2.weight", D);
    put(ctx, p, "w1", file, "ffn.w1.weight", WIDE * D);
    put(ctx, p, "w2", file, "ffn.w2.weight", WIDE * D);
}

static const struct { const char *expected; int64_t ff; rk_ref (*build)(rk_graph *, rk_ref); void (*fill)(rk_ctx *, rk_program *); } layers[] = {
    { "rmsnorm_expected_output",                            FF,   only_norm,    norm_weights },
    { "positionwise_feedforward_expected_output",           FF,   feed_forward, feed_forward_weights },
    { "unbatched_multihead_self_attention_expected_output", FF,   attention,    attention_weights },
    { "transformer_block_expected_output",                  WIDE, block,        block_weights },
};

TEST(layers_agree)
{
    if (test_shared() == NULL) SKIP("the fixtures are not here");
    rk_ctx *ctx = test_ctx();
    float *x = fixture(ctx, "in_features", "array", N);
    for (int d = 0; d < 2; d++) {
        rk_device *device;
        OK(ctx, rk_device_open(ctx, devices[d], NULL, &device));
        for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
            rk_graph *g;
            rk_program *p;
            OK(ctx, rk_graph_open(ctx, &g));
            dims(g, layers[i].ff);
            rk_output(g, "y", layers[i].build(g, features(g)));
            OK(ctx, rk_graph_seal(g));
            OK(ctx, rk_program_open(ctx, g, device, NULL, &p));
            rk_graph_close(g);
            layers[i].fill(ctx, p);
            OK(ctx, rk_program_input(p, "x", x, RK_f32));
            OK(ctx, rk_program_run(p, 0, 0));
            expect_output(ctx, p, layers[i].expected, N, 1e-6);
            rk_program_close(p);
        }
        rk_device_close(device);
    }
    free(x);
}

TEST(attention_alone_agrees)
{
    enum { BATCH = 8, HEADS = 16, POSITIONS = 32, WIDTH = 64, ALL = BATCH * HEADS * POSITIONS * WIDTH };
    static const char *const names[] = { "Q", "K", "V" };
    if (test_shared() == NULL) SKIP("the fixtures are not here");
    rk_ctx *ctx = test_ctx();
    for (int d = 0; d < 2; d++) {
        rk_device *device;
        rk_graph *g;
        rk_program *p;
        rk_ref x[3];
        OK(ctx, rk_graph_open(ctx, &g));
        (void)rk_dim_new(g, "batch", 'B', BATCH);
        (void)rk_dim_new(g, "head", 'H', HEADS);
        (void)rk_dim_new(g, "seq", 'T', POSITIONS);
        (void)rk_dim_new(g, "key", 'T', POSITIONS);
        (void)rk_dim_new(g, "width", 'K', WIDTH);
        for (int i = 0; i < 3; i++) x[i] = rk_input(g, names[i], RK_f32, i == 0 ? "batch head seq width" : "batch head key width");
        rk_output(g, "y", rk_attend(g, x[0], x[1], x[2], "seq", "key", "width", &(rk_attend_options){ .causal = true, .scale = 0.125, .keep = 1 }));
        OK(ctx, rk_graph_seal(g));
        OK(ctx, rk_device_open(ctx, devices[d], NULL, &device));
        OK(ctx, rk_program_open(ctx, g, device, NULL, &p));
        for (int i = 0; i < 3; i++) {
            char file[64];
            (void)snprintf(file, sizeof file, "scaled_dot_product_attention_%s", names[i]);
            float *values = fixture(ctx, file, "array", ALL);
            OK(ctx, rk_program_input(p, names[i], values, RK_f32));
            free(values);
        }
        OK(ctx, rk_program_run(p, 0, 0));
        expect_output(ctx, p, "scaled_dot_product_attention_expected_output", ALL, 1e-6);
        rk_program_close(p);
        rk_graph_close(g);
        rk_device_close(device);
    }
}

/* --- the language model --- */

static void copy_file(rk_ctx *ctx, const char *from, const char *to)
{
    struct file_view view;
    struct file_writer w;
    OK(ctx, file_map(ctx, from, &view));
    OK(ctx, file_create(ctx, &w, to));
    OK(ctx, file_write(ctx, &w, view.at, view.n));
    OK(ctx, file_commit(ctx, &w));
    file_unmap(&view);
}

/* One file of expectations from the two fixtures. */
static void write_expectations(rk_ctx *ctx, const char *ids, const char *logits, const char *to)
{
    struct bundle_writer w = { 0 };
    const char *const files[] = { ids, logits }, *const names[] = { "input_ids", "logits" };
    struct bundle b[2] = { { 0 } };
    const struct bundle_entry *e[2];
    struct str path = { 0 };
    for (int i = 0; i < 2; i++) {
        path.n = 0;
        OK(ctx, str_format(ctx, &path, "%s/data/cs336/2024/%s.safetensors", test_shared(), files[i]));
        OK(ctx, bundle_open(ctx, str_c(&path), &b[i]));
        OK(ctx, bundle_get(ctx, &b[i], "array", &e[i]));
        OK(ctx, bundle_declare(ctx, &w, names[i], e[i]->dtype, e[i]->rank, e[i]->shape));
    }
    OK(ctx, bundle_begin(ctx, &w, to));
    for (int i = 0; i < 2; i++) OK(ctx, bundle_write(ctx, &w, names[i], e[i]->data, e[i]->bytes));
    OK(ctx, bundle_commit(ctx, &w));
    for (int i = 0; i < 2; i++) bundle_close(ctx, &b[i]);
    str_free(ctx, &path);
}

static bool near_enough(void *user, const rk_verify_row *row)
{
    double largest = *(const double *)user;         /* errors are relative to the largest logit; the fixture's bound is not */
    EXPECT_NEAR(row->error * largest, 0, 1e-4);
    return true;
}

TEST(language_model_agrees)
{
    static const char config[] = "{\"model_type\": \"cs336\", \"edition\": 2024, \"vocab_size\": 100, \"context_length\": 64, \"d_model\": 128, "
                                 "\"num_layers\": 2, \"num_heads\": 2, \"d_ff\": 512}";
    rk_ctx *ctx = test_ctx();
    struct str from = { 0 }, to = { 0 };
    struct file_writer w;
    double largest = 113.9;
    if (test_shared() == NULL) SKIP("the fixtures are not here");
    OK(ctx, str_format(ctx, &from, "%s/data/cs336/2024/transformer_lm_weights.safetensors", test_shared()));
    OK(ctx, file_join(ctx, &to, test_temporary(), "model.safetensors"));
    copy_file(ctx, str_c(&from), str_c(&to));
    OK(ctx, file_join(ctx, &to, test_temporary(), "config.json"));
    OK(ctx, file_create(ctx, &w, str_c(&to)));
    OK(ctx, file_write(ctx, &w, config, sizeof config - 1));
    OK(ctx, file_commit(ctx, &w));
    OK(ctx, file_join(ctx, &to, test_temporary(), "expected"));
    for (int i = 0; i < 4; i++) {
        rk_device *device;
        rk_verified r;
        if (TEST_SANITIZED && i % 2 == 1) continue;             /* the reference takes its time */
        write_expectations(ctx, i < 2 ? "in_indices" : "in_indices_truncated", i < 2 ? "transformer_lm_expected_output" : "transformer_lm_truncated_expected_output", str_c(&to));
        OK(ctx, rk_device_open(ctx, devices[i % 2], NULL, &device));
        OK(ctx, rk_verify(ctx, test_temporary(), str_c(&to), &(rk_verify_options){ .device = device }, near_enough, &largest, &r));
        EXPECT_INT(r.checked, 1);
        EXPECT_INT(r.beyond, 0);
        rk_device_close(device);
    }
    str_free(ctx, &from);
    str_free(ctx, &to);
}

/* --- AdamW --- */

/* Matsumoto & Nishimura 1998, and the 24 low bits of a word as a uniform number. */
struct twister { uint32_t word[624]; int at; };

static void twister_seed(struct twister *t, uint32_t seed)
{
    t->word[0] = seed;
    for (uint32_t i = 1; i < 624; i++) t->word[i] = 1812433253u * (t->word[i - 1] ^ t->word[i - 1] >> 30) + i;
    t->at = 624;
}

static double twister_uniform(struct twister *t)
{
    if (t->at == 624) {
        for (int i = 0; i < 624; i++) {
            uint32_t y = (t->word[i] & 0x80000000u) | (t->word[(i + 1) % 624] & 0x7fffffffu);
            t->word[i] = t->word[(i + 397) % 624] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
        }
        t->at = 0;
    }
    uint32_t y = t->word[t->at++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    y ^= y >> 18;
    return (y & 0xffffff) * 0x1p-24;
}

/* loss = |(x0 + x1, -x2) - W x|² */
static rk_ref square_loss(rk_graph *g, rk_ref w)
{
    rk_ref error = rk_sub(g, rk_input(g, "y", RK_f32, "out"), rk_einsum(g, "o i, i -> o", w, rk_input(g, "x", RK_f32, "in")));
    return rk_einsum(g, "o, o -> ", error, error);
}

struct graph_run { rk_graph *g; struct plan *plan; struct run *run; };

static void place(rk_ctx *ctx, struct graph_run *r, struct store *store)
{
    OK(ctx, pass_lower(ctx, r->g, backend_ref(), &r->plan));
    OK(ctx, pass_place(ctx, r->plan, &(struct plan_options){ .reuse = true }));
    OK(ctx, store_declare(ctx, store, r->g));
}

static void end(struct graph_run *r)
{
    run_close(r->run);
    plan_free(r->plan);
    rk_graph_close(r->g);
}

TEST(a_thousand_steps_of_adamw)
{
    static const double expected[] = { 0.86426103, 0.88220543, 0.20757014, 0.05534942, -0.52191556, -0.39039165 };      /* decay first, as torch has it */
    const struct train_rule rule = { .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.01 };
    rk_ctx *ctx = test_ctx();
    struct twister t;
    struct graph_run micro = { 0 }, update = { 0 };
    struct store *store;
    rk_graph *g;
    double w[6], bound = (double)(float)(1 / sqrt(3.0)), one = 1, rate = 1e-3;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "out", 'O', 2);
    (void)rk_dim_new(g, "in", 'I', 3);
    struct parameter p = { .ref = rk_state(g, RK_PARAMETER, "w", RK_f32, "out in"), .name = "w", .decays = true };
    rk_output(g, "loss", square_loss(g, p.ref));
    OK(ctx, rk_graph_seal(g));
    OK(ctx, train_micro(ctx, backend_ref(), g, &p, 1, false, &micro.g));
    OK(ctx, train_update(ctx, g, &p, 1, &rule, &update.g));
    OK(ctx, store_open(ctx, backend_ref(), &store));
    place(ctx, &micro, store);
    place(ctx, &update, store);
    OK(ctx, store_allocate(ctx, store));
    OK(ctx, run_open(ctx, micro.plan, store, &micro.run));
    OK(ctx, run_open(ctx, update.plan, store, &update.run));
    twister_seed(&t, 42);
    for (int i = 0; i < 6; i++) w[i] = twister_uniform(&t) * 2 * bound - bound;
    EXPECT_NEAR(w[0], 0.4414065, 1e-7);
    OK(ctx, store_write(ctx, store, store_find(store, RK_PARAMETER, "w"), w, RK_f64));
    for (int step = 1; step <= 1000; step++) {
        double x[3], c1 = 1 - pow(rule.beta1, step), c2 = 1 - pow(rule.beta2, step);
        for (int i = 0; i < 3; i++) x[i] = twister_uniform(&t);
        double y[2] = { x[0] + x[1], -x[2] };
        OK(ctx, run_input(ctx, micro.run, "x", x, RK_f64));
        OK(ctx, run_input(ctx, micro.run, "y", y, RK_f64));
        OK(ctx, run_input(ctx, micro.run, "inverse_tokens", &one, RK_f64));
        OK(ctx, run_go(ctx, micro.run, 0, 0));
        OK(ctx, run_input(ctx, update.run, "learning_rate", &rate, RK_f64));
        OK(ctx, run_input(ctx, update.run, "correction1", &c1, RK_f64));
        OK(ctx, run_input(ctx, update.run, "correction2", &c2, RK_f64));
        OK(ctx, run_go(ctx, update.run, 0, 0));
    }
    OK(ctx, store_read(ctx, store, store_find(store, RK_PARAMETER, "w"), w, RK_f64));
    for (int i = 0; i < 6; i++) EXPECT_NEAR(w[i], expected[i], 3e-6);
    end(&micro);
    end(&update);
    store_close(store);
    rk_graph_close(g);
}
