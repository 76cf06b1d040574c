/* test_train_graphs.c: micro and update on a small network of one's own: gradients against differences, accumulation against
 * one large batch, AdamW and clipping against their formulas written out. */
#include "backend/ref/ref.h"
#include "run/run.h"
#include "test.h"
#include "train/graphs.h"
#include <stdlib.h>

enum { BATCH = 3, IN = 4, MID = 5, OUT = 6, PARAMETERS = 3 };

struct net {
    rk_ctx *ctx;
    rk_graph *loss;
    struct parameter p[PARAMETERS];
    struct store *store;
};

static void net_open(struct net *n)
{
    rk_ctx *ctx = n->ctx = test_ctx();
    OK(ctx, rk_graph_open(ctx, &n->loss));
    rk_graph *g = n->loss;
    (void)rk_dim_new(g, "batch", 'B', BATCH);
    (void)rk_dim_new(g, "in", 'I', IN);
    (void)rk_dim_new(g, "mid", 'M', MID);
    (void)rk_dim_new(g, "out", 'O', OUT);
    rk_ref x = rk_input(g, "x", RK_f32, "batch in");
    rk_ref up = rk_state(g, RK_PARAMETER, "up", RK_f32, "mid in"), bias = rk_state(g, RK_PARAMETER, "bias", RK_f32, "mid");
    rk_ref head = rk_state(g, RK_PARAMETER, "head", RK_f32, "out mid");
    rk_ref h = rk_map(g, "tanh", rk_add(g, rk_einsum(g, "b i, m i -> b m", x, up), bias));
    rk_output(g, "loss", rk_xent_head(g, h, head, 0, rk_input(g, "labels", RK_i32, "batch"), "mid", "out"));
    OK(ctx, rk_graph_seal(g));
    n->p[0] = (struct parameter){ .ref = up, .name = "up", .decays = true };
    n->p[1] = (struct parameter){ .ref = bias, .name = "bias", .decays = false };
    n->p[2] = (struct parameter){ .ref = head, .name = "head", .decays = true };
    OK(ctx, store_open(ctx, backend_ref(), &n->store));
}

static void net_close(struct net *n)
{
    store_close(n->store);
    rk_graph_close(n->loss);
}

/* A graph that is ready to go. */
struct ready { rk_graph *g; struct plan *plan; struct run *run; };

static void plan_it(struct net *n, struct ready *r)
{
    rk_ctx *ctx = n->ctx;
    OK(ctx, pass_lower(ctx, r->g, backend_ref(), &r->plan));
    OK(ctx, pass_place(ctx, r->plan, &(struct plan_options){ .reuse = true }));
    OK(ctx, store_declare(ctx, n->store, r->g));
}

static void ready_close(struct ready *r)
{
    run_close(r->run);
    plan_free(r->plan);
    rk_graph_close(r->g);
}

static struct store_entry *entry(struct net *n, rk_kind kind, const char *name)
{
    int e = store_find(n->store, kind, name);
    REQUIRE(e >= 0);
    return &n->store->entries.at[e];
}

static double *values(struct net *n, rk_kind kind, const char *name) { return entry(n, kind, name)->address; }

static void randomize(struct net *n, rk_kind kind, const char *name, double by)
{
    struct store_entry *e = entry(n, kind, name);
    for (int64_t i = 0; i < e->elements; i++) ((double *)e->address)[i] = by * test_normal();
}

static void begin(struct net *n)
{
    OK(n->ctx, store_allocate(n->ctx, n->store));
    for (int i = 0; i < PARAMETERS; i++) randomize(n, RK_PARAMETER, n->p[i].name, 0.5);
}

struct batch { double x[BATCH * IN]; int32_t labels[BATCH]; double inverse; };

static struct batch random_batch(void)
{
    struct batch b = { .inverse = 0.25 };
    for (int i = 0; i < BATCH * IN; i++) b.x[i] = test_normal();
    for (int i = 0; i < BATCH; i++) b.labels[i] = (int32_t)test_random(OUT);
    return b;
}

static double go(struct net *n, struct ready *r, const struct batch *b)
{
    rk_ctx *ctx = n->ctx;
    double loss;
    OK(ctx, run_input(ctx, r->run, "x", b->x, RK_f64));
    OK(ctx, run_input(ctx, r->run, "labels", b->labels, RK_i32));
    OK(ctx, run_input(ctx, r->run, "inverse_tokens", &b->inverse, RK_f64));
    OK(ctx, run_go(ctx, r->run, 1, 1));
    OK(ctx, run_output(ctx, r->run, "loss", &loss, RK_f64));
    return loss;
}

TEST(gradients_are_those_of_differences)
{
    struct net n;
    struct ready micro = { 0 };
    net_open(&n);
    rk_ctx *ctx = n.ctx;
    OK(ctx, train_micro(ctx, backend_ref(), n.loss, n.p, PARAMETERS, false, &micro.g));
    plan_it(&n, &micro);
    begin(&n);
    OK(ctx, run_open(ctx, micro.plan, n.store, &micro.run));
    struct batch b = random_batch();
    b.labels[1] = -1;
    for (int i = 0; i < PARAMETERS; i++) {
        double *w = values(&n, RK_PARAMETER, n.p[i].name), *g = values(&n, RK_GRADIENT, n.p[i].name);
        for (int64_t k = 0; k < entry(&n, RK_PARAMETER, n.p[i].name)->elements; k++) {
            double h = 1e-5, old = w[k];
            w[k] = old + h;
            double high = go(&n, &micro, &b);
            w[k] = old - h;
            double low = go(&n, &micro, &b);
            w[k] = old;
            (void)go(&n, &micro, &b);
            EXPECT_NEAR(g[k], b.inverse * (high - low) / (2 * h), 1e-8);
        }
    }
    ready_close(&micro);
    net_close(&n);
}

TEST(two_micro_batches_add_up)
{
    struct net n;
    struct ready first = { 0 }, more = { 0 };
    double sum[PARAMETERS][OUT * MID];
    net_open(&n);
    rk_ctx *ctx = n.ctx;
    OK(ctx, train_micro(ctx, backend_ref(), n.loss, n.p, PARAMETERS, false, &first.g));
    OK(ctx, train_micro(ctx, NULL, n.loss, n.p, PARAMETERS, true, &more.g));
    plan_it(&n, &first);
    plan_it(&n, &more);
    begin(&n);
    OK(ctx, run_open(ctx, first.plan, n.store, &first.run));
    OK(ctx, run_open(ctx, more.plan, n.store, &more.run));
    struct batch a = random_batch(), b = random_batch();
    for (int round = 0; round < 2; round++) {                       /* each alone, added here */
        (void)go(&n, &first, round == 0 ? &a : &b);
        for (int i = 0; i < PARAMETERS; i++)
            for (int64_t k = 0; k < entry(&n, RK_GRADIENT, n.p[i].name)->elements; k++)
                sum[i][k] = (round == 0 ? 0 : sum[i][k]) + values(&n, RK_GRADIENT, n.p[i].name)[k];
    }
    (void)go(&n, &first, &a);
    (void)go(&n, &more, &b);
    for (int i = 0; i < PARAMETERS; i++)
        for (int64_t k = 0; k < entry(&n, RK_GRADIENT, n.p[i].name)->elements; k++)
            EXPECT_NEAR(values(&n, RK_GRADIENT, n.p[i].name)[k], sum[i][k], 1e-14);
    ready_close(&first);
    ready_close(&more);
    net_close(&n);
}

/* The rule, element by element. */
struct slow { double w[OUT * MID], m[OUT * MID], v[OUT * MID]; };

static void slow_step(struct slow *s, const double *g, int64_t n, const struct train_rule *r, bool decays, double rate, double scale, int t)
{
    for (int64_t i = 0; i < n; i++) {
        double x = scale * g[i];
        if (decays) s->w[i] *= 1 - rate * r->weight_decay;
        s->m[i] = r->beta1 * s->m[i] + (1 - r->beta1) * x;
        s->v[i] = r->beta2 * s->v[i] + (1 - r->beta2) * x * x;
        s->w[i] -= rate * s->m[i] / (1 - pow(r->beta1, t)) / (sqrt(s->v[i] / (1 - pow(r->beta2, t))) + r->eps);
    }
}

static void check_rule(const struct train_rule *rule)
{
    struct net n;
    struct ready update = { 0 };
    struct slow slow[PARAMETERS];
    net_open(&n);
    rk_ctx *ctx = n.ctx;
    OK(ctx, train_update(ctx, n.loss, n.p, PARAMETERS, rule, &update.g));
    plan_it(&n, &update);
    begin(&n);
    OK(ctx, run_open(ctx, update.plan, n.store, &update.run));
    memset(slow, 0, sizeof slow);
    for (int i = 0; i < PARAMETERS; i++) memcpy(slow[i].w, values(&n, RK_PARAMETER, n.p[i].name), (size_t)entry(&n, RK_PARAMETER, n.p[i].name)->elements * 8);
    for (int t = 1; t <= 4; t++) {
        double rate = 0.1 / t, c1 = 1 - pow(rule->beta1, t), c2 = 1 - pow(rule->beta2, t), squares = 0, norm;
        for (int i = 0; i < PARAMETERS; i++) {
            randomize(&n, RK_GRADIENT, n.p[i].name, t < 3 ? 3 : 0.01);
            for (int64_t k = 0; k < entry(&n, RK_GRADIENT, n.p[i].name)->elements; k++) squares += pow(values(&n, RK_GRADIENT, n.p[i].name)[k], 2);
        }
        OK(ctx, run_input(ctx, update.run, "learning_rate", &rate, RK_f64));
        OK(ctx, run_input(ctx, update.run, "correction1", &c1, RK_f64));
        OK(ctx, run_input(ctx, update.run, "correction2", &c2, RK_f64));
        OK(ctx, run_go(ctx, update.run, 1, 1));
        OK(ctx, run_output(ctx, update.run, "gradient_norm", &norm, RK_f64));
        EXPECT_NEAR(norm, sqrt(squares), 1e-12 * norm);
        double scale = rule->clip > 0 ? fmin(1, rule->clip / (sqrt(squares) + 1e-6)) : 1;
        for (int i = 0; i < PARAMETERS; i++) {
            int64_t elements = entry(&n, RK_PARAMETER, n.p[i].name)->elements;
            slow_step(&slow[i], values(&n, RK_GRADIENT, n.p[i].name), elements, rule, n.p[i].decays, rate, scale, t);
            for (int64_t k = 0; k < elements; k++) EXPECT_NEAR(values(&n, RK_PARAMETER, n.p[i].name)[k], slow[i].w[k], 1e-12);
        }
    }
    ready_close(&update);
    net_close(&n);
}

TEST(the_update_is_adamw) { check_rule(&(struct train_rule){ .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1 }); }
TEST(the_update_clips_first) { check_rule(&(struct train_rule){ .beta1 = 0.8, .beta2 = 0.999, .eps = 1e-3, .weight_decay = 0.01, .clip = 1 }); }
TEST(the_update_without_decay) { check_rule(&(struct train_rule){ .beta1 = 0, .beta2 = 0.5, .eps = 1e-8, .clip = 0.5 }); }

TEST(a_parameter_without_gradient_is_refused)
{
    rk_ctx *ctx = test_ctx();
    rk_graph *g, *micro;
    OK(ctx, rk_graph_open(ctx, &g));
    (void)rk_dim_new(g, "d", 'D', 3);
    rk_ref w = rk_state(g, RK_PARAMETER, "w", RK_f32, "d"), idle = rk_state(g, RK_PARAMETER, "idle", RK_f32, "d");
    rk_output(g, "loss", rk_reduce(g, "sum", w, "d"));
    OK(ctx, rk_graph_seal(g));
    struct parameter p[] = { { .ref = w, .name = "w" }, { .ref = idle, .name = "idle" } };
    FAILS(ctx, train_micro(ctx, NULL, g, p, 2, false, &micro), RK_E_ARG, "idle");
    EXPECT(micro == NULL);
    rk_graph_close(g);
}

static rk_status make_both(rk_ctx *ctx)
{
    rk_graph *g = NULL, *micro = NULL, *update = NULL;
    rk_status status = rk_graph_open(ctx, &g);
    if (status != RK_OK) return status;
    (void)rk_dim_new(g, "b", 'B', 2);
    (void)rk_dim_new(g, "d", 'D', 3);
    (void)rk_dim_new(g, "v", 'V', 4);
    rk_ref w = rk_state(g, RK_PARAMETER, "w", RK_f32, "v d"), x = rk_input(g, "x", RK_f32, "b d");
    rk_output(g, "loss", rk_xent_head(g, x, w, 0, rk_input(g, "labels", RK_i32, "b"), "d", "v"));
    status = rk_graph_seal(g);
    struct parameter p = { .ref = w, .name = "w", .decays = true };
    if (status == RK_OK) status = train_micro(ctx, NULL, g, &p, 1, true, &micro);
    if (status == RK_OK) status = train_update(ctx, g, &p, 1, &(struct train_rule){ .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .clip = 1 }, &update);
    rk_graph_close(update);
    rk_graph_close(micro);
    rk_graph_close(g);
    return status;
}

TEST(graphs_survive_every_failed_allocation) { FOR_EVERY_FAILED_ALLOCATION(make_both); }
