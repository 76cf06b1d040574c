/* Attention and its gradients on a CUDA device: what the expansion gives in f64, on tensor cores, on CUDA cores, and with the keys in
 * parts: any order of dims, parts of a joined q-k-v, queries and keys that are no multiple of a tile, more keys than queries, causal or
 * not, live keys, dropout, sequences of different lengths. A run that is recorded and replayed gives the same bits. */
#include "device.h"
#include "law/execute.h"
#include "pass/pass.h"
#include "test.h"
#include "base/num.h"

enum { SOURCES = 5 };

struct shape {
    rk_dtype dtype;
    int64_t batch, head, seq, key, width;
    bool causal;
    double keep;
    const char *lengths;                    /* their dims; NULL: none */
    bool joined, live, forward;             /* q, k and v parts of one value; the number of keys is live; no gradients */
};

static const char *const orders[][2] = {            /* of queries; of keys */
    { "batch head seq width", "batch head key width" }, { "batch seq head width", "batch key head width" },
    { "seq head batch width", "batch head key width" },
};

struct attempt { rk_graph *g; rk_ref y, source[SOURCES]; int n, gradients; };

static void build(rk_ctx *ctx, const struct shape *s, int order, struct attempt *t)
{
    rk_attend_options o = { .causal = s->causal, .scale = 1 / sqrt((double)s->width), .keep = s->keep, .site = "here" };
    OK(ctx, rk_graph_open(ctx, &t->g));
    rk_graph *g = t->g;
    (void)rk_dim_new(g, "batch", 0, s->batch), (void)rk_dim_new(g, "head", 0, s->head), (void)rk_dim_new(g, "seq", 0, s->seq);
    (void)rk_dim_new(g, "width", 0, s->width), (void)rk_dim_new(g, "three", 0, 3);
    if (s->live) (void)rk_dim_live(g, "key", 0, s->key + 70);
    else (void)rk_dim_new(g, "key", 0, s->key);
    rk_ref q, k, v;
    t->n = 0;
    if (s->joined) {
        rk_ref all = t->source[t->n++] = rk_input(g, "qkv", s->dtype, "batch seq three head width");
        q = rk_select(g, all, "three", 0), k = rk_rename(g, rk_select(g, all, "three", 1), "seq", "key"), v = rk_rename(g, rk_select(g, all, "three", 2), "seq", "key");
    } else {
        q = t->source[t->n++] = rk_input(g, "q", s->dtype, orders[order % 3][0]);
        k = t->source[t->n++] = rk_input(g, "k", s->dtype, orders[order % 3][1]);
        v = t->source[t->n++] = rk_input(g, "v", s->dtype, orders[(order + 1) % 3][1]);
    }
    t->gradients = s->forward ? 0 : t->n;
    t->source[t->n++] = rk_input(g, "weights", s->dtype, "batch head seq width");
    if (s->lengths != NULL) t->source[t->n++] = o.lengths = rk_input(g, "lengths", RK_i32, s->lengths);
    t->y = rk_attend(g, q, k, v, "seq", "key", "width", &o);
    rk_output(g, "y", t->y);
    rk_output(g, "loss", rk_reduce(g, "sum", rk_mul(g, t->y, t->source[t->gradients > 0 ? t->gradients : s->joined ? 1 : 3]), "batch head seq width"));
    if (!rk_graph_ok(g)) test_fail(__FILE__, __LINE__, "%s", g->message);
}

static bool takes(void *user, const rk_graph *g, rk_ref r) { return backend_takes(user, g, r, true); }

/* As it is where the back end takes it (NULL: written out), with the gradients. */
static void complete(rk_ctx *ctx, const struct attempt *t, const struct backend *with, struct attempt *to)
{
    rk_ref map[64], gradient[SOURCES];
    char name[] = "d0";
    REQUIRE(t->g->nodes.n <= 64);
    *to = *t;
    OK(ctx, pass_expand(ctx, t->g, with != NULL ? takes : NULL, (void *)(uintptr_t)with, &to->g, map));
    for (int i = 0; i < t->n; i++) to->source[i] = map[t->source[i]];
    if (t->gradients > 0) rk_grad(to->g, map[graph_find_output(t->g, "loss")], 0, to->source, t->gradients, gradient);
    for (int i = 0; i < t->gradients; i++) {
        name[1] = (char)('0' + i);
        rk_output(to->g, name, gradient[i]);
    }
    OK(ctx, rk_graph_seal(to->g));
}

static double drawn(rk_dtype dtype, double spread)
{
    float x = (float)(test_normal() * spread);
    return (double)(dtype == RK_bf16 ? num_bf16_to_f32(num_f32_to_bf16(x)) : dtype == RK_f16 ? num_f16_to_f32(num_f32_to_f16(x)) : x);
}

static void fill(const struct shape *s, struct values *v, const struct attempt *a, struct values *w, const struct attempt *b)
{
    v->seed = w->seed = 11, v->step = w->step = 5;
    if (s->live) v->extent[graph_dim(v->g, "key", 3)] = w->extent[graph_dim(w->g, "key", 3)] = s->key;
    for (int i = 0; i < a->n; i++)
        for (int64_t k = 0; k < values_count(v, a->source[i]); k++) {
            bool length = node_of(v->g, a->source[i])->dtype == RK_i32;         /* from -1 on: what is out of range is brought into it */
            values_own(v, a->source[i])[k] = values_own(w, b->source[i])[k] = length ? (double)test_random((uint64_t)s->key + 3) - 1 : drawn(s->dtype, 1.25);
        }
}

static void compare(const struct shape *s, const struct outcome *did, const struct outcome *expected, double tolerance)
{
    EXPECT_INT(did->n, expected->n);
    for (int i = 0; i < did->n; i++) {
        double scale = s->dtype == RK_f32 ? 0.1 : 0.25;         /* where every gradient cancels, rounded results do not */
        if (strcmp(did->name[i], "loss") == 0) continue;
        EXPECT_INT(did->count[i], expected->count[i]);
        for (int64_t k = 0; k < did->count[i]; k++) scale = fmax(scale, fabs(expected->at[i][k]));
        for (int64_t k = 0; k < did->count[i]; k++) {
            double a = did->at[i][k], b = expected->at[i][k];
            if (fabs(a - b) <= tolerance * scale) continue;
            test_fail(__FILE__, __LINE__, "%s of %s, %lld queries, %lld keys, width %lld: element %lld is %.9g, expected %.9g (largest %g)", did->name[i], rk_dtype_name(s->dtype),
                      (long long)s->seq, (long long)s->key, (long long)s->width, (long long)k, a, b, scale);
            break;
        }
    }
}

static void same_bits(const struct outcome *a, const struct outcome *b)
{
    for (int i = 0; i < a->n; i++)
        if (memcmp(a->at[i], b->at[i], (size_t)a->count[i] * sizeof(double)) != 0) test_fail(__FILE__, __LINE__, "%s: a replay gives other bits", a->name[i]);
}

static void try(rk_ctx *ctx, const struct backend *device, const struct shape *s, int order)
{
    static struct outcome expected, did, again;
    struct attempt stated, plain, fused;
    struct values v, w;
    const struct execution once = { .backend = device }, replayed = { .backend = device, .runs = 3 };
    build(ctx, s, order, &stated);
    complete(ctx, &stated, NULL, &plain);
    complete(ctx, &stated, device, &fused);
    values_open(&v, ctx, plain.g);
    values_open(&w, ctx, fused.g);
    fill(s, &v, &plain, &w, &fused);
    outcome_of(&v, &expected);
    OK(ctx, execute(ctx, fused.g, &w, &once, &did));
    if (strstr(did.plan, "attend_cuda") == NULL) test_fail(__FILE__, __LINE__, "no attend_cuda in the plan:\n%s", did.plan);
    if (!s->forward && strstr(did.plan, "attend_adjoint_cuda") == NULL) test_fail(__FILE__, __LINE__, "no attend_adjoint_cuda in the plan:\n%s", did.plan);
    compare(s, &did, &expected, s->dtype == RK_f32 ? 2e-5 : s->dtype == RK_bf16 ? 0.02 : 0.0025);
    OK(ctx, execute(ctx, fused.g, &w, &replayed, &again));
    same_bits(&did, &again);
    outcome_free(&expected), outcome_free(&did), outcome_free(&again);
    values_close(&v), values_close(&w);
    rk_graph_close(plain.g), rk_graph_close(fused.g), rk_graph_close(stated.g);
}

static void try_all(const struct shape *shapes, size_t n)
{
    rk_ctx *ctx;
    struct cuda_machine *machine;
    struct backend device;
    OK(NULL, rk_ctx_open(&(rk_options){ .threads = 1 }, &ctx));
    device_of_test(ctx, &machine, &device);
    for (size_t i = 0; i < n; i++) try(ctx, &device, &shapes[i], (int)i);
    cuda_close(machine);
    EXPECT(rk_ctx_bytes(ctx) == 0);
    rk_ctx_close(ctx);
}

static int64_t draw(int64_t most) { return 1 + (int64_t)test_random((uint64_t)most); }

/* Shapes of all kinds; larger ones on a device. */
static void try_drawn(rk_dtype dtype, int rounds)
{
    static const int64_t widths[] = { 8, 16, 32, 40, 64, 64, 96, 128 }, odd[] = { 1, 3, 17, 64, 100, 130, 256 }, sizes[] = { 1, 2, 5, 17, 33, 63, 64, 65, 127, 128, 129, 200 };
    static const char *const lengths[] = { "batch", "head", "batch head", "" };
    int64_t most = device_is_real() ? 12 : 6;
    for (int i = 0; i < rounds; i++) {
        struct shape s = { .dtype = dtype, .batch = draw(2), .head = draw(2), .seq = sizes[test_random((uint64_t)most)], .causal = i % 2 == 0, .keep = i % 4 == 3 ? 0.75 : 1,
                           .width = i % 5 == 4 ? odd[test_random(7)] : widths[test_random(8)], .lengths = i % 3 == 2 ? lengths[test_random(4)] : NULL, .joined = i % 6 == 1 };
        s.key = s.joined || test_random(2) == 0 ? s.seq : s.seq + (int64_t)test_random(70);
        if (!s.causal && !s.joined && test_random(3) == 0) s.key = draw(100);
        s.live = !s.joined && s.keep == 1 && test_random(5) == 0;
        try_all(&s, 1);
    }
}

TEST(f32) { try_drawn(RK_f32, device_rounds(10, 150)); }
TEST(bf16) { try_drawn(RK_bf16, device_rounds(10, 150)); }
TEST(f16) { try_drawn(RK_f16, device_rounds(6, 150)); }

TEST(tokens_of_a_decode)
{
    static const struct shape shapes[] = {
        { RK_f32, 1, 3, 1, 300, 64, true, 1, NULL, .live = true, .forward = true }, { RK_bf16, 1, 2, 1, 517, 64, true, 1, NULL, .live = true, .forward = true },
        { RK_f16, 2, 1, 2, 200, 128, true, 1, "batch", .forward = true }, { RK_f32, 2, 2, 4, 65, 256, true, 1, "batch", .live = true, .forward = true },
        { RK_bf16, 3, 2, 1, 1, 32, true, 1, NULL, .forward = true }, { RK_f32, 1, 1, 3, 70, 24, false, 1, NULL, .forward = true },
    };
    try_all(shapes, sizeof shapes / sizeof *shapes);
}

TEST(nothing_to_attend_to)
{
    static const struct shape shapes[] = {
        { RK_f32, 0, 2, 3, 3, 8, true, 1, NULL, .forward = false }, { RK_bf16, 2, 2, 0, 4, 8, true, 1, NULL, .forward = false }, { RK_f32, 2, 2, 0, 4, 8, false, 1, "batch", .forward = false },
    };
    try_all(shapes, sizeof shapes / sizeof *shapes);
}
