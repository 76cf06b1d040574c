/* Bill = receipt for whole graphs: what the meter counted in a run, node by node, is what the nodes' bills say. */
#include "backend/meter/meter.h"
#include "backend/ref/ref.h"
#include "core/bill.h"
#include "dag.h"
#include "execute.h"
#include "model/model.h"
#include "pass/pass.h"
#include "tiny.h"
#include "train/graphs.h"
#include <stdlib.h>

struct metered { rk_ctx *ctx; const rk_graph *g; struct meter *meter; };

static void *watch(void *user, struct run *r)
{
    struct metered *m = user;
    if (meter_open(m->ctx, r->plan->g, &m->meter) != RK_OK) abort();
    return m->meter;
}

static rk_status bill_of(rk_ctx *ctx, const rk_graph *g, rk_ref r, const int64_t *extent, struct tally *t)
{
    struct arena arena = { 0 };
    struct polys polys = { .ctx = ctx, .arena = &arena };
    struct bill_line line = { .polys = &polys, .products = poly_zero(), .elementwise = poly_zero(), .read = poly_zero(), .written = poly_zero(), .moved = poly_zero() };
    rk_status status;
    *t = (struct tally){ 0 };
    GO(node_of(g, r)->op->bill(ctx, g, r, &line));
    GO(poly_value(ctx, g, line.products, extent, &t->product_flops));
    GO(poly_value(ctx, g, line.elementwise, extent, &t->elementwise_flops));
    GO(poly_value(ctx, g, line.read, extent, &t->read));
    GO(poly_value(ctx, g, line.written, extent, &t->written));
out:
    arena_clear(ctx, &arena);
    return status;
}

static bool same(const struct tally *a, const struct tally *b)
{
    return a->product_flops == b->product_flops && a->elementwise_flops == b->elementwise_flops && a->read == b->read && a->written == b->written;
}

/* Every node that ran `runs` times did what its bill says, as often. NULL, or the first that did not, in words. */
static const char *difference(rk_ctx *ctx, const rk_graph *g, const struct meter *m, const int64_t *extent, uint64_t runs)
{
    static char text[512];
    bool *needed = calloc((size_t)g->nodes.n, sizeof *needed);
    if (needed == NULL) abort();
    const char *found = NULL;
    pass_needed(g, needed);
    for (rk_ref r = 1; r < g->nodes.n && found == NULL; r++) {
        struct tally bill = { 0 };
        const struct opdef *op = node_of(g, r)->op;
        if (needed[r] && bill_of(ctx, g, r, extent, &bill) != RK_OK) return rk_error_message(ctx);
        bill.product_flops *= runs, bill.elementwise_flops *= runs, bill.read *= runs, bill.written *= runs;
        if (same(&bill, &m->node[r])) continue;
        (void)snprintf(text, sizeof text, "node %d (%s \"%.60s\"): the bill says %llu products, %llu elementwise, %llu read, %llu written; the meter %llu, %llu, %llu, %llu", r, op->name,
                       node_of(g, r)->text, (unsigned long long)bill.product_flops, (unsigned long long)bill.elementwise_flops, (unsigned long long)bill.read, (unsigned long long)bill.written,
                       (unsigned long long)m->node[r].product_flops, (unsigned long long)m->node[r].elementwise_flops, (unsigned long long)m->node[r].read, (unsigned long long)m->node[r].written);
        found = text;
    }
    free(needed);
    return found;
}

static void graph_is_priced(struct sample *s)
{
    static struct outcome did;
    struct metered m = { .ctx = s->ctx };
    struct values v;
    const struct dag_options options = { .dtype = RK_f64, .steps = 3 + (int)draw(s, 25) };
    const struct execution e = { .backend = backend_meter(), .runs = 3, .watch = watch, .user = &m };
    draw_dag(s, &options);
    if (!rk_graph_ok(s->g)) { sample_fails(s, "refused: %s", s->g->message); return; }
    values_open(&v, s->ctx, s->g);
    sample_fill(s, &v);
    if (execute(s->ctx, s->g, &v, &e, &did) != RK_OK) sample_fails(s, "%s\n%s", rk_error_message(s->ctx), rk_error_trail(s->ctx));
    else {
        const char *found = difference(s->ctx, s->g, m.meter, v.extent, 3);
        if (found != NULL) sample_fails(s, "%s", found);
        outcome_free(&did);
    }
    meter_close(m.meter);
    values_close(&v);
}

TEST(bill_is_receipt_for_random_graphs)
{
    const struct law law = { .body = graph_is_priced, .rounds = 200, .largest = 5, .views = true, .ties = true, .distinct = true };
    FOR_SEEDS("metered", law);
}

/* --- a whole training step: embedding, norm, attention with RoPE, MLP, head; gradients; clipping; AdamW --- */

enum { MOST_PARAMETERS = 16 };

struct training { rk_graph *g; int n; rk_ref parameter[MOST_PARAMETERS]; rk_ref loss; };

static rk_ref parameter(struct training *t, const char *name, const char *dims)
{
    return t->parameter[t->n++] = rk_state(t->g, RK_PARAMETER, name, RK_f32, dims);
}

static rk_ref project(struct training *t, const char *name, const char *dims, const char *equation, rk_ref x)
{
    return rk_einsum(t->g, equation, x, parameter(t, name, dims));
}

static void say_dims(rk_graph *g)
{
    (void)rk_dim_new(g, "batch", 'B', 2);
    (void)rk_dim_new(g, "seq", 'T', 3);
    (void)rk_dim_new(g, "key", 'T', 3);
    (void)rk_dim_new(g, "hidden", 'D', 4);
    (void)rk_dim_new(g, "head", 'H', 2);
    (void)rk_dim_new(g, "head_dim", 'K', 2);
    (void)rk_dim_new(g, "three", 0, 3);
    (void)rk_dim_new(g, "ff", 'F', 7);
    (void)rk_dim_new(g, "vocab", 'V', 11);
}

static rk_ref attention(struct training *t, rk_ref x)
{
    const rk_attend_options options = { .causal = true, .scale = 0.70710678, .keep = 0.75, .site = "h.0.attn" };
    rk_graph *g = t->g;
    rk_ref qkv = project(t, "qkv", "three head head_dim hidden", "b t d, c h k d -> b t c h k", x), part[3];
    for (int i = 0; i < 3; i++) part[i] = rk_select(g, qkv, "three", i);
    rk_ref q = rk_rope(g, part[0], "seq", NULL, "head_dim", RK_ROPE_INTERLEAVED, 2, 10000), k = rk_rope(g, part[1], "seq", NULL, "head_dim", RK_ROPE_INTERLEAVED, 2, 10000);
    rk_ref y = rk_attend(g, q, rk_rename(g, k, "seq", "key"), rk_rename(g, part[2], "seq", "key"), "seq", "key", "head_dim", &options);
    return project(t, "out", "hidden head head_dim", "b t h k, d h k -> b t d", y);
}

static void say_model(struct training *t)
{
    rk_graph *g = t->g;
    say_dims(g);
    rk_ref table = parameter(t, "wte", "vocab hidden");
    rk_ref x = rk_gather(g, table, "vocab", rk_input(g, "tokens", RK_i32, "batch seq"));
    x = rk_mul(g, x, rk_rand(g, "embd", 0.75, "batch seq hidden"));
    x = rk_add(g, x, attention(t, rk_layer_norm(g, x, "hidden", parameter(t, "ln_1.weight", "hidden"), parameter(t, "ln_1.bias", "hidden"), 1e-5)));
    rk_ref h = rk_rms_norm(g, x, "hidden", parameter(t, "ln_2", "hidden"), 1e-5);
    rk_ref up = rk_map(g, "silu", project(t, "gate", "ff hidden", "b t d, f d -> b t f", h));
    up = rk_mul(g, up, rk_add(g, project(t, "up", "ff hidden", "b t d, f d -> b t f", h), parameter(t, "up.bias", "ff")));
    x = rk_add(g, x, project(t, "down", "hidden ff", "b t f, d f -> b t d", rk_map(g, "gelu_tanh", up)));
    t->loss = rk_xent_head(g, x, table, 0, rk_input(g, "labels", RK_i32, "batch seq"), "hidden", "vocab");
    rk_output(g, "loss", t->loss);
}

/* Global-norm clipping, then AdamW: m, v and p in one sweep each. */
static void say_updates(rk_graph *g, int n, const rk_ref *by, const rk_ref *found)
{
    rk_ref total = 0;
    for (int i = 0; i < n; i++) {
        const struct node p = *node_of(g, by[i]);
        char dims[256] = "";
        for (int k = 0; k < p.rank; k++) (void)snprintf(dims + strlen(dims), sizeof dims - strlen(dims), "%s ", dim_name(g, p.dim[k]));
        rk_ref squares = rk_reduce(g, "sum", rk_map(g, "square", found[i]), dims);
        total = total == 0 ? squares : rk_add(g, total, squares);
    }
    rk_output(g, "norm", rk_map(g, "sqrt", total));
    rk_ref clip = rk_map2(g, "min", rk_const(g, 1), rk_map(g, "rsqrt", total));
    for (int i = 0; i < n; i++) {
        const struct node p = *node_of(g, by[i]);
        char dims[256] = "";
        for (int k = 0; k < p.rank; k++) (void)snprintf(dims + strlen(dims), sizeof dims - strlen(dims), "%s ", dim_name(g, p.dim[k]));
        char first[64], second[64];
        (void)snprintf(first, sizeof first, "%s.m", p.text);
        (void)snprintf(second, sizeof second, "%s.v", p.text);
        rk_ref m = rk_state(g, RK_OPTIMIZER, first, RK_f32, dims), v = rk_state(g, RK_OPTIMIZER, second, RK_f32, dims), dx = rk_mul(g, found[i], clip);
        rk_ref m2 = rk_add(g, rk_scale(g, m, 0.875), rk_scale(g, dx, 0.125)), v2 = rk_add(g, rk_scale(g, v, 0.9375), rk_scale(g, rk_map(g, "square", dx), 0.0625));
        rk_ref step = rk_map2(g, "div", m2, rk_add(g, rk_map(g, "sqrt", v2), rk_const(g, 0.0078125)));
        rk_update(g, m, m2);
        rk_update(g, v, v2);
        rk_update(g, by[i], rk_sub(g, rk_scale(g, by[i], 0.9990234375), rk_scale(g, step, 0.015625)));
    }
}

/* The whole step in primitives. */
static rk_graph *training_step(rk_ctx *ctx)
{
    struct training t = { .n = 0 };
    rk_ref map[512], by[MOST_PARAMETERS], found[MOST_PARAMETERS];
    rk_graph *out;
    OK(ctx, rk_graph_open(ctx, &t.g));
    say_model(&t);
    OK(ctx, rk_graph_seal(t.g));
    REQUIRE(t.g->nodes.n < 512);
    OK(ctx, pass_expand(ctx, t.g, NULL, NULL, &out, map));
    for (int i = 0; i < t.n; i++) by[i] = map[t.parameter[i]];
    rk_grad(out, map[t.loss], 0, by, t.n, found);
    say_updates(out, t.n, by, found);
    rk_graph_close(t.g);
    OK(ctx, rk_graph_seal(out));
    return out;
}

static void fill(struct values *v)
{
    const rk_graph *g = v->g;
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        int64_t count = values_count(v, r);
        if (n->op != &op_input && n->op != &op_state) continue;
        for (int64_t i = 0; i < count; i++)
            values_own(v, r)[i] = n->dtype == RK_i32 ? (double)test_random(11) : n->at.i[0] == RK_PARAMETER ? (float)(0.3 * test_normal()) : 0;
    }
}

TEST(bill_is_receipt_for_a_training_step)
{
    rk_ctx *ctx = test_ctx();
    static struct outcome did, expected;
    struct metered m = { .ctx = ctx };
    struct values v;
    rk_graph *g = training_step(ctx);
    const struct execution e = { .backend = backend_meter(), .runs = 1, .watch = watch, .user = &m };
    values_open(&v, ctx, g);
    fill(&v);
    OK(ctx, execute(ctx, g, &v, &e, &did));
    const char *found = difference(ctx, g, m.meter, v.extent, 1);
    if (found != NULL) test_fail(__FILE__, __LINE__, "%s", found);
    EXPECT(m.meter->total.product_flops > 0 && m.meter->total.elementwise_flops > 0);
    outcome_of(&v, &expected);
    for (int i = 0; i < did.n; i++)
        for (int64_t k = 0; k < did.count[i]; k++) EXPECT_NEAR(did.at[i][k], expected.at[i][k], 1e-9 * (1 + fabs(expected.at[i][k])));
    outcome_free(&did);
    outcome_free(&expected);
    meter_close(m.meter);
    values_close(&v);
    rk_graph_close(g);
}

/* Ids of a table of two rows: what is outside is not read, and the bill does not know it. */
static void ids_below(const struct values *v, const char *input, double most)
{
    rk_ref ids = graph_find_source(v->g, &op_input, 0, input);
    for (int64_t i = 0; ids != 0 && i < values_count(v, ids); i++) values_own(v, ids)[i] = fmod(values_own(v, ids)[i], most);
}

static void small_ids(const struct values *v, const char *input) { ids_below(v, input, 2); }

/* Runs the graph under the meter: what is counted is what the bill says, and what comes out is what the reference says. Returns the number of results. */
static int runs_as_priced(rk_ctx *ctx, const rk_graph *g, struct values *v, const char *what)
{
    static struct outcome did, expected;
    struct metered m = { .ctx = ctx };
    const struct execution e = { .backend = backend_meter(), .runs = 1, .watch = watch, .user = &m };
    OK(ctx, execute(ctx, g, v, &e, &did));
    const char *found = difference(ctx, g, m.meter, v->extent, 1);
    if (found != NULL) test_fail(__FILE__, __LINE__, "%s: %s", what, found);
    EXPECT(m.meter->total.product_flops > 0);
    outcome_of(v, &expected);
    for (int k = 0; k < did.n; k++)
        for (int64_t j = 0; j < did.count[k]; j++) EXPECT_NEAR(did.at[k][j], expected.at[k][j], 1e-9 * (1 + fabs(expected.at[k][j])));
    int results = did.n;
    outcome_free(&did);
    outcome_free(&expected);
    meter_close(m.meter);
    return results;
}

/* A micro-batch of every family, with dropout: loss and gradients in primitives. */
TEST(bill_is_receipt_for_every_family)
{
    rk_ctx *ctx = test_ctx();
    for (int i = 0; i < TINY_MODELS; i++) {
        char spec[TINY_ROOM];
        rk_model *model;
        struct built built;
        struct values v;
        rk_graph *g;
        const struct build_options how = { .purpose = FOR_TRAINING, .batch = 2, .seq = 3, .dropout = true };
        (void)tiny_model(i, 11, 8, spec);
        (void)strcat(spec, ",layer=1,attn_pdrop=0.25");
        OK(ctx, rk_model_open(ctx, spec, &model));
        OK(ctx, model_build(ctx, model, &how, &built));
        OK(ctx, train_micro(ctx, NULL, built.g, built.parameters.at, built.parameters.n, true, &g));
        values_open(&v, ctx, g);
        fill(&v);
        *values_own(&v, graph_find_source(g, &op_input, 0, "inverse_tokens")) = 0.25;
        small_ids(&v, "segments");
        small_ids(&v, "next");
        EXPECT_INT(runs_as_priced(ctx, g, &v, spec), 1 + 2 * built.parameters.n + built.n_constants);
        values_close(&v);
        rk_graph_close(g);
        built_close(&built);
        rk_model_close(model);
    }
}

/* One graph of a tiny model at the given extents of what is live: what the meter counts is what the bill says. */
static void purpose_is_priced(rk_ctx *ctx, const char *spec, const rk_model *model, const struct build_options *how, int64_t past)
{
    struct built built;
    char what[TINY_ROOM + 64];
    struct values v;
    rk_graph *g;
    OK(ctx, model_build(ctx, model, how, &built));
    OK(ctx, pass_expand(ctx, built.g, NULL, NULL, &g, NULL));
    OK(ctx, rk_graph_seal(g));
    values_open(&v, ctx, g);
    fill(&v);
    small_ids(&v, "segments");
    small_ids(&v, "next");
    ids_below(&v, "last", 1);
    ids_below(&v, "source_lengths", 5);
    const struct { const char *name; int64_t size; } live[] = { { "past", past }, { "key", past + 1 }, { "none", 0 } };
    for (int i = 0; i < 3; i++) {
        rk_dim d = graph_dim(g, live[i].name, strlen(live[i].name));
        if (d != 0 && g->dims.at[d].live) v.extent[d] = live[i].size;
    }
    (void)snprintf(what, sizeof what, "%s for purpose %d after %lld", spec, (int)how->purpose, (long long)past);
    (void)runs_as_priced(ctx, g, &v, what);
    values_close(&v);
    rk_graph_close(g);
    built_close(&built);
}

/* What is no training: scoring, logits of a prompt, one more token after a cache of any length, a source that is read. */
TEST(bill_is_receipt_for_scoring_and_decoding)
{
    rk_ctx *ctx = test_ctx();
    for (int i = 0; i < TINY_MODELS; i++) {
        char spec[TINY_ROOM];
        rk_model *model;
        (void)tiny_model(i, 11, 8, spec);
        OK(ctx, rk_model_open(ctx, spec, &model));
        purpose_is_priced(ctx, spec, model, &(struct build_options){ .purpose = FOR_SCORING, .batch = 2, .seq = 3 }, 0);
        purpose_is_priced(ctx, spec, model, &(struct build_options){ .purpose = FOR_LOGITS, .batch = 2, .seq = 3 }, 0);
        for (int64_t past = 0; past < 7 && model_decodes(model); past += 3)
            purpose_is_priced(ctx, spec, model, &(struct build_options){ .purpose = FOR_DECODING, .batch = 2, .seq = 1, .positions = 7, .source = 4 }, past);
        if (rk_model_has_encoder(model)) purpose_is_priced(ctx, spec, model, &(struct build_options){ .purpose = FOR_ENCODING, .batch = 2, .seq = 1, .positions = 7, .source = 4 }, 0);
        rk_model_close(model);
    }
}

/* The update of every optimizer on every family, and its bill asked for from outside. */
static void update_is_priced(rk_ctx *ctx, const char *spec, const struct built *built, rk_optimizer optimizer)
{
    static struct outcome did, expected;
    const rk_train_options usual = rk_train_defaults();
    struct train_rule rule = train_rule_of(&usual);
    struct metered m = { .ctx = ctx };
    struct values v;
    rk_graph *g;
    rk_bill *bill;
    uint64_t products = 0, elementwise = 0;
    const struct execution e = { .backend = backend_meter(), .runs = 1, .watch = watch, .user = &m };
    rule.optimizer = optimizer;
    OK(ctx, train_update(ctx, built->g, built->parameters.at, built->parameters.n, &rule, &g));
    values_open(&v, ctx, g);
    fill(&v);
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        bool scalar = n->op == &op_input, gradient = n->op == &op_state && n->at.i[0] == RK_GRADIENT;
        for (int64_t i = 0; (scalar || gradient) && i < values_count(&v, r); i++) values_own(&v, r)[i] = scalar ? 0.25 : (float)(0.1 * test_normal());
    }
    OK(ctx, execute(ctx, g, &v, &e, &did));
    const char *found = difference(ctx, g, m.meter, v.extent, 1);
    if (found != NULL) test_fail(__FILE__, __LINE__, "%s, %s: %s", spec, rk_optimizer_title(optimizer), found);
    OK(ctx, rk_bill_of_graph(g, 1, &(rk_bill_phase){ "update", INT32_MAX }, &bill));
    OK(ctx, rk_bill_number(bill, "flops.update", &products));
    OK(ctx, rk_bill_number(bill, "flops.elementwise.update", &elementwise));
    EXPECT_INT(m.meter->total.product_flops, products);
    EXPECT_INT(m.meter->total.elementwise_flops, elementwise);
    outcome_of(&v, &expected);
    for (int k = 0; k < did.n; k++)
        for (int64_t j = 0; j < did.count[k]; j++) EXPECT_NEAR(did.at[k][j], expected.at[k][j], 1e-9 * (1 + fabs(expected.at[k][j])));
    rk_bill_free(bill);
    outcome_free(&did);
    outcome_free(&expected);
    meter_close(m.meter);
    values_close(&v);
    rk_graph_close(g);
}

TEST(bill_is_receipt_for_every_optimizer)
{
    rk_ctx *ctx = test_ctx();
    for (int i = 0; i < TINY_MODELS; i++) {
        char spec[TINY_ROOM];
        rk_model *model;
        struct built built;
        (void)tiny_model(i, 11, 8, spec);
        (void)strcat(spec, ",layer=1");
        OK(ctx, rk_model_open(ctx, spec, &model));
        OK(ctx, model_build(ctx, model, &(struct build_options){ .purpose = FOR_TRAINING, .batch = 2, .seq = 3 }, &built));
        for (rk_optimizer o = 0; o < RK_OPTIMIZERS; o++) update_is_priced(ctx, spec, &built, o);
        built_close(&built);
        rk_model_close(model);
    }
}

/* Products alone, by hand: forward 2·(weights of the matrices)·tokens + attention + head, backward twice that. */
TEST(products_of_a_training_step_are_three_times_the_forward_ones)
{
    rk_ctx *ctx = test_ctx();
    struct training t = { .n = 0 };
    rk_graph *forward;
    static struct outcome did;
    uint64_t flops[2];
    OK(ctx, rk_graph_open(ctx, &t.g));
    say_model(&t);
    OK(ctx, rk_graph_seal(t.g));
    OK(ctx, pass_expand(ctx, t.g, NULL, NULL, &forward, NULL));
    OK(ctx, rk_graph_seal(forward));
    rk_graph *const graphs[] = { forward, training_step(ctx) };
    for (int i = 0; i < 2; i++) {
        struct metered m = { .ctx = ctx };
        struct values v;
        const struct execution e = { .backend = backend_meter(), .watch = watch, .user = &m };
        values_open(&v, ctx, graphs[i]);
        fill(&v);
        OK(ctx, execute(ctx, graphs[i], &v, &e, &did));
        flops[i] = m.meter->total.product_flops;
        outcome_free(&did);
        meter_close(m.meter);
        values_close(&v);
        rk_graph_close(graphs[i]);
    }
    const uint64_t B = 2, T = 3, D = 4, F = 7, V = 11, forward_flops = 2 * B * T * (3 * D * D + D * D + 3 * D * F) + 2 * 2 * B * T * T * D + 2 * B * T * D * V;
    EXPECT_INT(flops[0], forward_flops);
    EXPECT_INT(flops[1], 3 * forward_flops);
    rk_graph_close(t.g);
}
