/* Policies: casts are nodes, so the laws of graphs hold for them; what is computed is what is priced; and each dtype stands where
 * docs/policies.md says. */
#include "backend/cpu/cpu.h"
#include "backend/meter/meter.h"
#include "backend/ref/ref.h"
#include "base/num.h"
#include "core/bill.h"
#include "execute.h"
#include "price.h"
#include "test.h"
#include "tiny.h"
#include <stdlib.h>

static const char *const policies[] = { "amp-bf16", "amp-fp16", "mixed", "fp8", "amp-bf16,head=f32,embed=bf16", "attn=f32,mlp=bf16,norm=f16" };
enum { POLICIES = sizeof policies / sizeof *policies };

struct trial { rk_ctx *ctx; rk_model *model; struct built built; rk_graph *micro; };

/* For a back end, with the fused operations that it takes; NULL: all written out. */
static void trial_open_for(struct trial *t, rk_ctx *ctx, const char *spec, const char *text, const struct backend *backend)
{
    struct policy policy;
    *t = (struct trial){ .ctx = ctx };
    OK(ctx, rk_model_open(ctx, spec, &t->model));
    OK(ctx, model_build(ctx, t->model, &(struct build_options){ .purpose = FOR_TRAINING, .batch = 2, .seq = 3 }, &t->built));
    OK(ctx, policy_read(ctx, text, &policy));
    OK(ctx, train_cast(ctx, &policy, &t->built));
    OK(ctx, train_micro(ctx, backend, t->built.g, t->built.parameters.at, t->built.parameters.n, false, &t->micro));
}

static void trial_open(struct trial *t, rk_ctx *ctx, const char *spec, const char *text) { trial_open_for(t, ctx, spec, text, NULL); }

static void trial_close(struct trial *t)
{
    rk_graph_close(t->micro);
    built_close(&t->built);
    rk_model_close(t->model);
}

/* The same numbers for the same names, whatever their dtype; small enough for every one of them. */
static void fill(struct values *v)
{
    const rk_graph *g = v->g;
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        bool state = n->op == &op_state && (n->at.i[0] == RK_PARAMETER || n->at.i[0] == RK_CONSTANT);
        if (!state && n->op != &op_input) continue;
        for (int64_t i = 0; i < values_count(v, r); i++) {
            uint64_t x = (uint64_t)i * 2654435761u + (uint64_t)n->text[0] * 97 + (uint64_t)strlen(n->text);
            values_own(v, r)[i] = n->dtype > RK_f8e5m2 ? (double)(x % 2) : strcmp(n->text, "inverse_tokens") == 0 ? 0.25 : (double)(x % 17) / 16 - 0.5;
        }
    }
}

static double number_of(const struct outcome *o, const char *name)
{
    for (int i = 0; i < o->n; i++)
        if (strcmp(o->name[i], name) == 0) return o->at[i][0];
    test_fail(__FILE__, __LINE__, "no %s came out", name);
    return 0;
}

static void *watch(void *user, struct run *r)
{
    struct meter *m = NULL;
    if (meter_open(r->plan->g->ctx, r->plan->g, &m) != RK_OK) abort();
    *(struct meter **)user = m;
    return m;
}

/* What a node's bill says, in numbers. */
static void tally_of(rk_ctx *ctx, const rk_graph *g, rk_ref r, struct tally *t)
{
    struct arena arena = { 0 };
    struct polys polys = { .ctx = ctx, .arena = &arena };
    struct bill_line line = { &polys, poly_zero(), poly_zero(), poly_zero(), poly_zero(), poly_zero() };
    OK(ctx, node_of(g, r)->op->bill(ctx, g, r, &line));
    OK(ctx, poly_value(ctx, g, line.products, NULL, &t->product_flops));
    OK(ctx, poly_value(ctx, g, line.elementwise, NULL, &t->elementwise_flops));
    OK(ctx, poly_value(ctx, g, line.read, NULL, &t->read));
    OK(ctx, poly_value(ctx, g, line.written, NULL, &t->written));
    arena_clear(ctx, &arena);
}

static void check_receipt(rk_ctx *ctx, const rk_graph *g, const struct meter *m, const char *what)
{
    bool *needed = calloc((size_t)g->nodes.n, sizeof *needed);
    REQUIRE(needed != NULL);
    pass_needed(g, needed);
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        struct tally t = { 0 };
        if (needed[r]) tally_of(ctx, g, r, &t);
        const struct tally *did = &m->node[r];
        if (t.product_flops != did->product_flops || t.elementwise_flops != did->elementwise_flops || t.read != did->read || t.written != did->written)
            test_fail(__FILE__, __LINE__, "%s: %s \"%s\" is not what was priced", what, node_of(g, r)->op->name, node_of(g, r)->text);
    }
    free(needed);
}

/* Where what ref has at i is in another's outcome: a parameter and its gradient have one name, in this order. */
static int same_of(const struct outcome *ref, int i, const struct outcome *got)
{
    int before = 0;
    for (int k = 0; k < i; k++) before += strcmp(ref->name[k], ref->name[i]) == 0;
    for (int k = 0; k < got->n; k++)
        if (strcmp(got->name[k], ref->name[i]) == 0 && before-- == 0) return k;
    test_fail(__FILE__, __LINE__, "no %s came out", ref->name[i]);
    return 0;
}

/* Loss and gradients of a back end against those of ref, which rounds at casts alone: each within a share of its own length. */
static void check_against(const struct outcome *ref, const struct outcome *got, const char *policy, const char *who, double share)
{
    for (int i = 0; i < ref->n; i++) {
        const double *x = got->at[same_of(ref, i, got)];
        double off = 0, all = 0;
        for (int64_t k = 0; k < ref->count[i]; k++) {
            off += (x[k] - ref->at[i][k]) * (x[k] - ref->at[i][k]);
            all += ref->at[i][k] * ref->at[i][k];
        }
        if (!(off <= share * share * all)) test_fail(__FILE__, __LINE__, "%s on %s: %s is off by %g of its length", policy, who, ref->name[i], sqrt(off / all));
    }
}

/* The same micro-batch, all written out and with fused operations. */
static void check_fast(rk_ctx *ctx, const char *spec, const char *policy, const struct outcome *ref, const struct backend *backend, const char *who)
{
    static struct outcome out;
    for (int fused = 0; fused < 2; fused++) {
        struct trial t;
        struct values v;
        trial_open_for(&t, ctx, spec, policy, fused != 0 ? backend : NULL);
        values_open(&v, ctx, t.micro);
        fill(&v);
        OK(ctx, execute(ctx, t.micro, &v, &(struct execution){ .backend = backend }, &out));
        EXPECT_NEAR(number_of(&out, "loss"), number_of(ref, "loss"), 2e-2 * fabs(number_of(ref, "loss")));       /* ref rounds at casts alone */
        check_against(ref, &out, policy, who, 0.25);
        outcome_free(&out);
        values_close(&v);
        trial_close(&t);
    }
}

/* A micro-batch on these back ends; how far its loss is from that in f32. */
static double run_trial(rk_ctx *ctx, const char *spec, const char *policy, double *loss)
{
    static struct outcome metered, ref, expected;
    struct meter *meter = NULL;
    struct trial t;
    struct values v;
    trial_open(&t, ctx, spec, policy);
    values_open(&v, ctx, t.micro);
    fill(&v);
    OK(ctx, execute(ctx, t.micro, &v, &(struct execution){ .backend = backend_meter(), .watch = watch, .user = &meter }, &metered));
    OK(ctx, execute(ctx, t.micro, &v, &(struct execution){ .backend = backend_ref() }, &ref));
    outcome_of(&v, &expected);
    check_receipt(ctx, t.micro, meter, policy);
    *loss = number_of(&ref, "loss");
    EXPECT_NEAR(*loss, number_of(&expected, "loss"), 1e-9 * fabs(*loss));
    EXPECT_NEAR(*loss, number_of(&metered, "loss"), 1e-9 * fabs(*loss));
    check_fast(ctx, spec, policy, &ref, backend_cpu(), "cpu");
    if (backend_cpu_tiles() != NULL) check_fast(ctx, spec, policy, &ref, backend_cpu_tiles(), "cpu with tiles");
    outcome_free(&metered), outcome_free(&ref), outcome_free(&expected);
    meter_close(meter);
    values_close(&v);
    trial_close(&t);
    return *loss;
}

TEST(what_is_cast_is_computed_and_priced)
{
    rk_ctx *ctx = test_ctx();
    static const int models[] = { 0, 6, 14 };
    for (size_t i = 0; i < (TEST_SANITIZED ? 1 : sizeof models / sizeof *models); i++) {
        char spec[TINY_ROOM];
        double plain, loss;
        (void)tiny_model(models[i], 11, 8, spec);
        (void)strcat(spec, ",layer=1");
        (void)run_trial(ctx, spec, "fp32", &plain);
        (void)run_trial(ctx, spec, "h=f32", &loss);
        EXPECT_NEAR(loss, plain, 0);
        for (int p = 0; p < POLICIES; p++) {
            (void)run_trial(ctx, spec, policies[p], &loss);
            if (loss == plain) test_fail(__FILE__, __LINE__, "%s: nothing is rounded under %s", spec, policies[p]);
            EXPECT_NEAR(loss, plain, 0.05 * fabs(plain));
        }
    }
}

/* --- which dtype stands where --- */

/* The dtype that the first operation of this kind in this module reads, and gives. */
static void expect_op(const rk_graph *g, const char *op, const char *path, rk_dtype reads, rk_dtype gives)
{
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        if (strcmp(n->op->name, op) != 0 || strcmp(g->paths.at[n->path], path) != 0) continue;
        rk_dtype found = node_of(g, n->in[0])->dtype;
        if (found != reads || n->dtype != gives)
            test_fail(__FILE__, __LINE__, "%s in %s reads %s and gives %s, expected %s and %s", op, path, rk_dtype_name(found), rk_dtype_name(n->dtype), rk_dtype_name(reads), rk_dtype_name(gives));
        return;
    }
    test_fail(__FILE__, __LINE__, "no %s in %s", op, path);
}

struct standing { const char *policy, *op, *path; rk_dtype reads, gives; };
static const struct standing as_cast[] = {
    { "amp-bf16", "einsum", "h.0.attn.qkv", RK_bf16, RK_bf16 }, { "amp-bf16", "map", "h.0.attn.qkv", RK_bf16, RK_bf16 },
    { "amp-bf16", "attend", "h.0.attn", RK_bf16, RK_bf16 }, { "amp-bf16", "norm", "h.0.norm1", RK_f32, RK_f32 },
    { "amp-bf16", "map", "h.0.mlp", RK_bf16, RK_bf16 }, { "amp-bf16", "map", "h.0", RK_f32, RK_f32 },
    { "amp-bf16", "xent_head", "head", RK_bf16, RK_f32 }, { "amp-bf16,attn=f32", "attend", "h.0.attn", RK_f32, RK_f32 },
    { "amp-bf16", "gather", "embed", RK_f32, RK_f32 }, { "amp-bf16,head=f32", "xent_head", "head", RK_f32, RK_f32 },
    { "amp-fp16", "einsum", "h.1.mlp.up", RK_f16, RK_f16 }, { "amp-bf16,h.1=f32", "einsum", "h.1.mlp.up", RK_f32, RK_f32 },
    { "amp-bf16,h.1=f32", "einsum", "h.0.mlp.up", RK_bf16, RK_bf16 }, { "fp8", "einsum", "h.0.mlp.up", RK_f8e4m3, RK_bf16 },
    { "fp8", "attend", "h.0.attn", RK_bf16, RK_bf16 }, { "fp8", "xent_head", "head", RK_bf16, RK_f32 },
    { "fp8,head=fp8", "xent_head", "head", RK_f8e4m3, RK_f32 }, { "amp-fp16,attn=fp8", "attend", "h.0.attn", RK_f16, RK_f16 },
    { "mixed", "gather", "embed", RK_bf16, RK_bf16 }, { "mixed", "norm", "h.0.norm1", RK_f32, RK_f32 },
    { "mixed", "map", "h.0", RK_bf16, RK_bf16 }, { "mlp=bf16", "einsum", "h.0.mlp.up", RK_bf16, RK_bf16 },
    { "mlp=bf16", "einsum", "h.0.attn.qkv", RK_f32, RK_f32 }, { "amp-bf16,norm=bf16", "norm", "h.1.norm2", RK_bf16, RK_bf16 },
    { "amp-bf16,attn=f32,attn=f16", "einsum", "h.0.attn.out", RK_f16, RK_f16 },
};
/* Attention and the loss, once they are written out. */
static const struct standing written_out[] = {
    { "amp-bf16", "einsum", "h.0.attn", RK_bf16, RK_f32 }, { "amp-bf16", "reduce", "h.0.attn", RK_f32, RK_f32 },
    { "amp-bf16", "einsum", "head", RK_bf16, RK_f32 }, { "amp-bf16", "reduce", "head", RK_f32, RK_f32 },
    { "fp8,head=fp8", "einsum", "head", RK_f8e4m3, RK_f32 },
};

static void check_standing(rk_ctx *ctx, const struct standing *row, bool written)
{
    char spec[TINY_ROOM];
    struct trial t;
    trial_open(&t, ctx, tiny_model(0, 11, 8, spec), row->policy);
    expect_op(written ? t.micro : t.built.g, row->op, row->path, row->reads, row->gives);
    trial_close(&t);
}

TEST(dtypes_stand_where_they_should)
{
    rk_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof as_cast / sizeof *as_cast; i++) check_standing(ctx, &as_cast[i], false);
    for (size_t i = 0; i < sizeof written_out / sizeof *written_out; i++) check_standing(ctx, &written_out[i], true);
}

/* Whatever the policy, gradients are f32 states; those of matrices and tables come out of their products so, and no sum of rows is narrow. */
TEST(gradients_of_weights_are_not_rounded)
{
    rk_ctx *ctx = test_ctx();
    for (int i = 0; i < POLICIES; i++) {
        char spec[TINY_ROOM];
        struct trial t;
        int products = 0;
        trial_open(&t, ctx, tiny_model(0, 11, 8, spec), policies[i]);
        for (rk_ref r = 1; r < t.micro->nodes.n; r++) {
            const struct node *n = node_of(t.micro, r);
            if (n->op == &op_scatter) EXPECT_INT(n->dtype, RK_f32);
            if (n->op != &op_update) continue;
            const struct node *value = node_of(t.micro, n->in[1]);
            EXPECT_INT(n->dtype, RK_f32);
            if (value->op == &op_cast && node_of(t.micro, value->in[0])->op == &op_einsum)
                test_fail(__FILE__, __LINE__, "%s: the gradient of %s is rounded", policies[i], node_of(t.micro, n->in[0])->text);
            products += value->op == &op_einsum;
        }
        EXPECT_INT(products, 2 * 4);
        trial_close(&t);
    }
}

/* Of 8 bits: what comes from above is rounded to e5m2, no gradient lies in 8 bits: weights', and those of norms, which were f32, are f32. */
TEST(gradients_of_eight_bits)
{
    rk_ctx *ctx = test_ctx();
    char spec[TINY_ROOM];
    struct trial t;
    int wide = 0, narrow = 0;
    trial_open(&t, ctx, tiny_model(0, 11, 8, spec), "fp8");
    for (rk_ref r = 1; r < t.micro->nodes.n; r++) {
        const struct node *n = node_of(t.micro, r);
        if (n->op != &op_einsum || node_of(t.micro, n->in[0])->dtype != RK_f8e5m2) continue;
        EXPECT_INT(node_of(t.micro, n->in[1])->dtype, RK_f8e4m3);
        wide += n->dtype == RK_f32;
        narrow += n->dtype == RK_bf16;
    }
    EXPECT_INT(wide, 2 * (4 + 2));                          /* two blocks of four weights and two norms */
    EXPECT_INT(narrow, 2 * 2);                              /* what attention and the activation gave */
    trial_close(&t);
}

/* --- attention and the loss, by hand --- */

static double bf16(double x)
{
    uint16_t bits;
    num_store(&bits, RK_bf16, &x, 1);
    num_load(&x, &bits, RK_bf16, 1);
    return x;
}

/* A graph of one fused operation and its gradients by what it reads, with numbers that 16 bits hold. */
struct by_hand { rk_graph *g; rk_ref leaf[3], y, gradient[3]; struct values v; };

static rk_ref leaf_of(struct by_hand *h, int i, const char *name, const char *dims) { return h->leaf[i] = rk_state(h->g, RK_PARAMETER, name, RK_bf16, dims); }

/* loss: a value without dims. */
static void by_hand_run(rk_ctx *ctx, struct by_hand *h, rk_ref loss, int n)
{
    rk_graph *whole;
    rk_ref map[64];
    rk_output(h->g, "loss", loss);
    OK(ctx, rk_graph_seal(h->g));
    OK(ctx, pass_expand(ctx, h->g, NULL, NULL, &whole, map));
    for (int i = 0; i < n; i++) h->leaf[i] = map[h->leaf[i]];
    h->y = map[h->y];
    rk_grad(whole, map[loss], 0, h->leaf, n, h->gradient);
    OK(ctx, rk_graph_seal(whole));
    rk_graph_close(h->g);
    h->g = whole;
    values_open(&h->v, ctx, whole);
    for (int i = 0; i < n; i++)
        for (int64_t k = 0; k < values_count(&h->v, h->leaf[i]); k++) values_own(&h->v, h->leaf[i])[k] = (double)((k * 7 + i * 3) % 11 - 5) / 8;
}

static void by_hand_close(struct by_hand *h)
{
    values_close(&h->v);
    rk_graph_close(h->g);
}

enum { T = 3, S = 4, W = 2 };

/* y = bf16(softmax(q k)) v, rounded nowhere else; dv = those weights dy; dq = bf16(f32 gradient of scores) k. */
TEST(attention_of_sixteen_bits_rounds_weights_and_scores_gradients)
{
    rk_ctx *ctx = test_ctx();
    struct by_hand h = { .y = 0 };
    OK(ctx, rk_graph_open(ctx, &h.g));
    (void)rk_dim_new(h.g, "seq", 'T', T), (void)rk_dim_new(h.g, "key", 'S', S), (void)rk_dim_new(h.g, "width", 'W', W);
    rk_ref q = leaf_of(&h, 0, "q", "seq width"), k = leaf_of(&h, 1, "k", "key width"), v = leaf_of(&h, 2, "v", "key width");
    h.y = rk_attend(h.g, q, k, v, "seq", "key", "width", &(rk_attend_options){ .scale = 0.75 });
    by_hand_run(ctx, &h, rk_reduce(h.g, "sum", h.y, "seq width"), 3);
    evaluate(&h.v, false);
    const double *Q = values_own(&h.v, h.leaf[0]), *K = values_own(&h.v, h.leaf[1]), *V = values_own(&h.v, h.leaf[2]);
    double y[T * W], dq[T * W], dv[S * W] = { 0 }, found[S * W];
    for (int t = 0; t < T; t++) {
        double p[S], dp[S], total = 0, mean = 0;
        for (int s = 0; s < S; s++) total += p[s] = exp(0.75 * (Q[t * W] * K[s * W] + Q[t * W + 1] * K[s * W + 1]));
        for (int s = 0; s < S; s++) mean += (p[s] /= total) * (dp[s] = V[s * W] + V[s * W + 1]);
        for (int w = 0; w < W; w++) {
            y[t * W + w] = dq[t * W + w] = 0;
            for (int s = 0; s < S; s++) {
                y[t * W + w] += bf16(p[s]) * V[s * W + w];
                dv[s * W + w] += bf16(p[s]);
                dq[t * W + w] += bf16(0.75 * p[s] * (dp[s] - mean)) * K[s * W + w];
            }
        }
    }
    (void)values_read(&h.v, h.y, found);
    for (int i = 0; i < T * W; i++) EXPECT_NEAR(found[i], y[i], 1e-12);
    (void)values_read(&h.v, h.gradient[0], found);
    for (int i = 0; i < T * W; i++) EXPECT_NEAR(found[i], dq[i], 1e-12);
    (void)values_read(&h.v, h.gradient[2], found);
    for (int i = 0; i < S * W; i++) EXPECT_NEAR(found[i], dv[i], 1e-12);
    by_hand_close(&h);
}

/* -log softmax(x w)[label], rounded nowhere; dw = bf16(gradient of logits) x. */
TEST(a_loss_of_sixteen_bits_rounds_gradients_of_logits)
{
    rk_ctx *ctx = test_ctx();
    struct by_hand h = { .y = 0 };
    OK(ctx, rk_graph_open(ctx, &h.g));
    (void)rk_dim_new(h.g, "seq", 'T', T), (void)rk_dim_new(h.g, "vocab", 'V', S), (void)rk_dim_new(h.g, "width", 'W', W);
    rk_ref x = leaf_of(&h, 0, "x", "seq width"), w = leaf_of(&h, 1, "w", "vocab width"), b = leaf_of(&h, 2, "b", "vocab");
    h.y = rk_xent_head(h.g, x, w, b, rk_input(h.g, "labels", RK_i32, "seq"), "width", "vocab");
    EXPECT_INT(node_of(h.g, h.y)->dtype, RK_f32);
    by_hand_run(ctx, &h, h.y, 3);
    double *labels = values_own(&h.v, graph_find_source(h.g, &op_input, RK_INPUT, "labels"));
    labels[0] = 2, labels[1] = -1, labels[2] = 1;
    evaluate(&h.v, false);
    const double *X = values_own(&h.v, h.leaf[0]), *K = values_own(&h.v, h.leaf[1]), *B = values_own(&h.v, h.leaf[2]);
    double loss = 0, dw[S * W] = { 0 }, found[S * W];
    for (int t = 0; t < T; t++) {
        double p[S], total = 0;
        for (int s = 0; s < S; s++) total += p[s] = exp(X[t * W] * K[s * W] + X[t * W + 1] * K[s * W + 1] + B[s]);
        if (labels[t] < 0) continue;
        loss += log(total) - log(p[(int)labels[t]]);
        for (int s = 0; s < S; s++)
            for (int k = 0; k < W; k++) dw[s * W + k] += bf16(p[s] / total - (s == (int)labels[t])) * X[t * W + k];
    }
    EXPECT_NEAR(values_scalar(&h.v, h.y), loss, 1e-12);
    (void)values_read(&h.v, h.gradient[1], found);
    for (int i = 0; i < S * W; i++) EXPECT_NEAR(found[i], dw[i], 1e-12);
    by_hand_close(&h);
}

/* --- prices --- */

static uint64_t entry(rk_bill *bill, const char *name)
{
    uint64_t n = 0;
    if (rk_bill_has(bill, name) && rk_bill_number(bill, name, &n) != RK_OK) test_fail(__FILE__, __LINE__, "%s", name);
    return n;
}

/* x·w + b, gelu, ·w2, the sum: every operation written down. B 2, I 3, O 5, P 7. */
TEST(a_small_network_by_hand)
{
    rk_ctx *ctx = test_ctx();
    const struct { const char *policy; uint64_t forward; } rows[] = {
        { "*=f32",  4 * (6 + 15 + 10) + 4 * (10 + 5 + 10) + 4 * 20 + 4 * (10 + 35 + 14) + 4 * (14 + 1) },
        { "*=bf16", 6 * 6 + 6 * 15 + 2 * (6 + 15 + 10) + 6 * 5 + 2 * (10 + 5 + 10) + 2 * 20 + 6 * 35 + 2 * (10 + 35 + 14) + 6 * 14 + 4 * (14 + 1) },
        { "up=fp8", 5 * 6 + 5 * 15 + (6 + 15 + 2 * 10) + 6 * 5 + 2 * (10 + 5 + 10) + 2 * 20 + 6 * 10 + 4 * (10 + 35 + 14) + 4 * (14 + 1) },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy policy;
        rk_graph *g, *cast;
        rk_ref map[64];
        rk_bill *bill;
        OK(ctx, rk_graph_open(ctx, &g));
        (void)rk_dim_new(g, "batch", 'B', 2), (void)rk_dim_new(g, "in", 'I', 3), (void)rk_dim_new(g, "out", 'O', 5), (void)rk_dim_new(g, "last", 'P', 7);
        rk_ref x = rk_input(g, "x", RK_f32, "batch in");
        rk_enter(g, "up");
        x = rk_add(g, rk_einsum(g, "b i, o i -> b o", x, rk_state(g, RK_PARAMETER, "up.weight", RK_f32, "out in")), rk_state(g, RK_PARAMETER, "up.bias", RK_f32, "out"));
        x = rk_map(g, "gelu_tanh", x);
        rk_leave(g);
        rk_enter(g, "down");
        x = rk_einsum(g, "b o, p o -> b p", x, rk_state(g, RK_PARAMETER, "down.weight", RK_f32, "last out"));
        rk_leave(g);
        rk_output(g, "loss", rk_reduce(g, "sum", x, "batch last"));
        OK(ctx, rk_graph_seal(g));
        OK(ctx, policy_read(ctx, rows[i].policy, &policy));
        OK(ctx, pass_cast(ctx, g, &policy, &cast, map));
        OK(ctx, rk_bill_of_graph(cast, 0, NULL, &bill));
        if (entry(bill, "traffic.forward") != rows[i].forward)
            test_fail(__FILE__, __LINE__, "%s: %llu bytes, by hand %llu", rows[i].policy, (unsigned long long)entry(bill, "traffic.forward"), (unsigned long long)rows[i].forward);
        rk_bill_free(bill);
        rk_graph_close(cast);
        rk_graph_close(g);
    }
}

TEST(states_and_steps_of_policies)
{
    rk_ctx *ctx = test_ctx();
    rk_model *model;
    rk_bill *bill[POLICIES + 1];
    OK(ctx, rk_model_open(ctx, "gpt2:n_layer=7,n_embd=32,n_head=2,vocab_size=50,n_positions=16", &model));
    for (int i = 0; i <= POLICIES; i++) OK(ctx, rk_bill_of(model, &(rk_bill_settings){ .policy = i == 0 ? "fp32" : policies[i - 1] }, &bill[i]));
    uint64_t n = entry(bill[0], "parameters");
    for (int i = 0; i <= POLICIES; i++) {
        bool mixed = i == 3;
        EXPECT_INT(entry(bill[i], "parameters"), n);
        EXPECT_INT(entry(bill[i], "bytes.parameters"), (mixed ? 2 : 4) * n);
        EXPECT_INT(entry(bill[i], "bytes.gradients"), 4 * n);
        EXPECT_INT(entry(bill[i], "bytes.master"), (mixed ? 4 : 0) * n);
        EXPECT_INT(entry(bill[i], "bytes.optimizer"), 8 * n);
        EXPECT_INT(entry(bill[i], "flops.forward"), entry(bill[0], "flops.forward"));           /* casts multiply nothing */
        EXPECT_INT(entry(bill[i], "flops.backward"), entry(bill[0], "flops.backward"));
        EXPECT_INT(entry(bill[i], "flops.elementwise.forward"), entry(bill[0], "flops.elementwise.forward"));
        EXPECT(i == 0 || entry(bill[i], "traffic.forward") != entry(bill[0], "traffic.forward"));
    }
    /* Loss scaling: is the norm finite, scaled back, and the factor of all gradients with it; p, m and v of each parameter chosen. */
    EXPECT_INT(entry(bill[2], "flops.elementwise.update"), entry(bill[1], "flops.elementwise.update") + 3 * n + 3);
    EXPECT_INT(entry(bill[1], "bytes.cache_per_token"), entry(bill[0], "bytes.cache_per_token") / 2);
    for (int i = 0; i <= POLICIES; i++) rk_bill_free(bill[i]);
    rk_model_close(model);
}

/* --- the step --- */

/* A master copy begins as what it is a copy of: numbers go by names. `broken`: one gradient is not finite. */
static void fill_update(struct values *v, bool broken)
{
    const rk_graph *g = v->g;
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        if (n->op != &op_state && n->op != &op_input) continue;
        bool gradient = n->op == &op_state && n->at.i[0] == RK_GRADIENT;
        for (int64_t i = 0; i < values_count(v, r); i++) {
            double x = (double)((strlen(n->text) + (uint64_t)i) % 9);
            values_own(v, r)[i] = n->op == &op_input ? 0.0625 : gradient ? x - 4 : x / 8;
        }
        if (gradient && broken) values_own(v, r)[0] = INFINITY;
        broken = broken && !gradient;
    }
}

/* How many states but gradients are not what they were. */
static int count_moved(const rk_graph *g, const struct values *before, const struct outcome *did)
{
    int moved = 0, at = g->outputs.n;
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        if (n->op != &op_state) continue;
        moved += n->at.i[0] != RK_GRADIENT && memcmp(did->at[at], values_own(before, r), sizeof(double) * (size_t)did->count[at]) != 0;
        at++;
    }
    EXPECT_INT(at, did->n);
    return moved;
}

static void check_step(rk_ctx *ctx, const struct built *built, const struct train_rule *rule, bool broken)
{
    static struct outcome did, expected;
    struct meter *meter = NULL;
    struct values v;
    rk_graph *g;
    OK(ctx, train_update(ctx, built->g, built->parameters.at, built->parameters.n, rule, &g));
    values_open(&v, ctx, g);
    fill_update(&v, broken);
    OK(ctx, execute(ctx, g, &v, &(struct execution){ .backend = backend_meter(), .watch = watch, .user = &meter }, &did));
    check_receipt(ctx, g, meter, rk_optimizer_title(rule->optimizer));
    int moved = count_moved(g, &v, &did);
    EXPECT(broken ? moved == 0 : moved >= 2 * built->parameters.n);
    outcome_of(&v, &expected);
    for (int i = 0; i < did.n; i++)
        for (int64_t k = 0; k < did.count[i]; k++)
            EXPECT(did.at[i][k] == expected.at[i][k] || fabs(did.at[i][k] - expected.at[i][k]) <= 1e-9 * (1 + fabs(expected.at[i][k])));
    outcome_free(&did), outcome_free(&expected);
    meter_close(meter);
    values_close(&v);
    rk_graph_close(g);
}

/* With loss scaling: a step as of the bill, and none at all where a gradient is not finite. With master copies: those are optimized. */
TEST(steps_that_are_scaled_and_steps_of_masters)
{
    static const char *const of[] = { "amp-fp16", "mixed" };
    const rk_train_options usual = rk_train_defaults();
    rk_ctx *ctx = test_ctx();
    for (int i = 0; i < 2; i++) {
        char spec[TINY_ROOM];
        struct trial t;
        struct policy policy;
        OK(ctx, policy_read(ctx, of[i], &policy));
        trial_open(&t, ctx, tiny_model(0, 11, 8, spec), of[i]);
        for (rk_optimizer o = 0; o < RK_OPTIMIZERS; o++) {
            struct train_rule rule = train_rule_of(&usual);
            rule.optimizer = o;
            rule.master = policy.stored != RK_f32;
            rule.scaled = policy.scaled;
            check_step(ctx, &t.built, &rule, false);
            if (policy.scaled) check_step(ctx, &t.built, &rule, true);
        }
        trial_close(&t);
    }
}

/* --- mistakes --- */

TEST(policies_that_are_none)
{
    rk_ctx *ctx = test_ctx();
    rk_model *model;
    rk_bill *bill;
    char many[512] = "fp32";
    for (int i = 0; i < 40; i++) (void)strcat(many, ",mlp=bf16");
    OK(ctx, rk_model_open(ctx, "gpt2:n_layer=2", &model));
    FAILS(ctx, rk_policy_check(ctx, "amp-bf17"), RK_E_UNKNOWN, "amp-bf17");
    FAILS(ctx, rk_policy_check(ctx, "mlp=f7"), RK_E_UNKNOWN, "f7");
    FAILS(ctx, rk_policy_check(ctx, "mlp=i8"), RK_E_UNKNOWN, "i8");
    FAILS(ctx, rk_policy_check(ctx, "mlp="), RK_E_UNKNOWN, "no dtype");
    FAILS(ctx, rk_policy_check(ctx, "=f32"), RK_E_ARG, "name of a module");
    FAILS(ctx, rk_policy_check(ctx, "mlp=f32,amp-bf16"), RK_E_ARG, "stands first");
    FAILS(ctx, rk_policy_check(ctx, many), RK_E_LIMIT, "roles");
    FAILS(ctx, rk_bill_of(model, &(rk_bill_settings){ .policy = "amp-bf16,atn=f32" }, &bill), RK_E_UNKNOWN, "\"atn\"");
    EXPECT(strstr(rk_error_hint(ctx), " attn ") != NULL);
    FAILS(ctx, rk_bill_of(model, &(rk_bill_settings){ .policy = "amp-bf16", .dtype = RK_bf16 }, &bill), RK_E_ARG, "so does the dtype");
    rk_model_close(model);
}

static rk_status price_under(rk_ctx *ctx)
{
    rk_model *model = NULL;
    rk_bill *bill = NULL;
    rk_status status = rk_model_open(ctx, "gpt2:n_layer=1,n_embd=8,n_head=2,vocab_size=9,n_positions=4", &model);
    if (status == RK_OK) status = rk_bill_of(model, &(rk_bill_settings){ .policy = "fp8,head=f32", .totals = true }, &bill);
    rk_bill_free(bill);
    rk_model_close(model);
    return status;
}

TEST(every_failed_allocation_ends_well) { if (!TEST_SANITIZED) FOR_EVERY_FAILED_ALLOCATION(price_under); }
