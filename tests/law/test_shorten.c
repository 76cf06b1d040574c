/* Laws of pass/shorten: a bill made of a few blocks is the bill made of all of them, to the last reason; and where blocks do
 * not repeat, nothing is left out. */
#include "model/model.h"
#include "pass/count.h"
#include "test.h"
#include "tiny.h"
#include "train/graphs.h"
#include <stdlib.h>

#define BLOCKS(path) { path ".*", 'L' }, { "m." path ".*", 'L' }, { "v." path ".*", 'L' }, { "row." path ".*", 'L' }, { "column." path ".*", 'L' }
static const struct bill_repeat blocks[] = { BLOCKS("h"), BLOCKS("decoder.h"), BLOCKS("encoder.h") };
static const struct tower towers[] = { { "h.*", 0 }, { "encoder.h.*", 0 }, { "decoder.h.*", 0 }, { NULL, 0 } };
enum { N_BLOCKS = sizeof blocks / sizeof *blocks };

/* Every optimizer takes its turn. */
static struct train_rule rule = { .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.1, .clip = 1, .momentum = 0.9, .eps1 = 1e-7, .threshold = 1 };

/* A loss and what its gradients are taken by. */
struct loss { rk_graph *g; struct parameter *parameters; int n; };

/* What one graph costs: the meaning of loss and gradients, then the optimizer. Written here once more, from the passes alone. */
static rk_status price(rk_ctx *ctx, const struct loss *l, rk_graph **step, rk_bill **bill)
{
    rk_graph *update;
    rk_ref *map = calloc((size_t)l->g->nodes.n, sizeof *map), *by = calloc((size_t)l->n, sizeof *by), *gradients = calloc((size_t)l->n, sizeof *gradients);
    REQUIRE(map != NULL && by != NULL && gradients != NULL);
    OK(ctx, pass_expand(ctx, l->g, NULL, NULL, step, map));
    rk_bill_phase phases[] = { { "forward", (*step)->nodes.n }, { "backward", INT32_MAX } }, last[] = { { "update", INT32_MAX } };
    for (int i = 0; i < l->n; i++) by[i] = map[l->parameters[i].ref];
    rk_grad(*step, map[graph_find_output(l->g, "loss")], 0, by, l->n, gradients);
    for (int i = 0; i < l->n; i++) {
        const struct node *p = node_of(*step, by[i]);
        char dims[RK_MAX_RANK * 64] = "";
        for (int k = 0; k < p->rank; k++) (void)snprintf(dims + strlen(dims), sizeof dims - strlen(dims), " %s", dim_name(*step, p->dim[k]));
        (*step)->times = p->times;
        rk_update(*step, rk_state(*step, RK_GRADIENT, l->parameters[i].name, p->dtype, dims), gradients[i]);
    }
    OK(ctx, rk_graph_seal(*step));
    OK(ctx, train_update(ctx, l->g, l->parameters, l->n, &rule, &update));
    OK(ctx, bill_new(ctx, bill));
    OK(ctx, bill_add_graph(*bill, *step, &(struct bill_terms){ .n_phases = 2, .phases = phases, .n_repeats = N_BLOCKS, .repeats = blocks }));
    OK(ctx, bill_add_graph(*bill, update, &(struct bill_terms){ .n_phases = 1, .phases = last, .n_repeats = N_BLOCKS, .repeats = blocks }));
    rk_graph_close(update);
    free(map), free(by), free(gradients);
    return RK_OK;
}

/* With fewer parameters, those that are still there. */
static struct loss shortened(rk_ctx *ctx, const struct loss *l, struct shortened *how)
{
    rk_ref *map = calloc((size_t)l->g->nodes.n, sizeof *map);
    struct loss fewer = { NULL, calloc((size_t)l->n + 1, sizeof *fewer.parameters), 0 };
    REQUIRE(map != NULL && fewer.parameters != NULL);
    OK(ctx, pass_shorten(ctx, l->g, towers, how, &fewer.g, map));
    for (int i = 0; fewer.g != NULL && i < l->n; i++) {
        struct parameter p = l->parameters[i];
        p.ref = map[p.ref];
        if (strcmp(node_of(fewer.g, p.ref)->text, p.name) == 0) fewer.parameters[fewer.n++] = p;
    }
    free(map);
    return fewer;
}

static void same_reasons(const char *what, const rk_bill *a, const rk_bill *b)
{
    for (int i = 0; i < rk_bill_entries(a); i++) {
        const char *name = rk_bill_entry_at(a, i).name;
        EXPECT_INT(rk_bill_reasons(a, name), rk_bill_reasons(b, name));
        for (int k = 0; k < rk_bill_reasons(a, name); k++) {
            rk_bill_reason x = rk_bill_reason_at(a, name, k), y = rk_bill_reason_at(b, name, k);
            bool same = x.each == y.each && x.number == y.number && x.times == y.times && strcmp(x.module, y.module) == 0 && strcmp(x.label, y.label) == 0;
            if (!same) test_fail(__FILE__, __LINE__, "%s: reason %d of %s is %s %s %lld times, expected %lld", what, k, name, y.module, y.op, (long long)y.times, (long long)x.times);
        }
    }
}

/* Nodes of the short graph; 0: nothing was left out. Where something is, both bills must be one. */
static int compare(rk_ctx *ctx, const char *what, const struct loss *l)
{
    struct shortened how;
    struct loss fewer = shortened(ctx, l, &how);
    int nodes = fewer.g != NULL ? fewer.g->nodes.n : 0;
    if (fewer.g != NULL) {
        rk_graph *whole, *step;
        rk_bill *expected, *found;
        const char *a, *b;
        bool holds;
        OK(ctx, price(ctx, l, &whole, &expected));
        OK(ctx, price(ctx, &fewer, &step, &found));
        OK(ctx, pass_shortened_holds(ctx, step, &how, &holds));
        OK(ctx, rk_bill_json(expected, &a));
        OK(ctx, rk_bill_json(found, &b));
        if (!holds) test_fail(__FILE__, __LINE__, "%s: the gradients of blocks differ", what);
        if (strcmp(a, b) != 0) test_fail(__FILE__, __LINE__, "%s: %.400s\nof all blocks: %.400s", what, b, a);
        same_reasons(what, expected, found);
        rk_bill_free(expected);
        rk_bill_free(found);
        rk_graph_close(whole);
        rk_graph_close(step);
    }
    rk_graph_close(fewer.g);
    free(fewer.parameters);
    return nodes;
}

static int compare_model(rk_ctx *ctx, const char *spec, bool dropout, int *all)
{
    rk_model *model;
    struct built built;
    OK(ctx, rk_model_open(ctx, spec, &model));
    OK(ctx, model_build(ctx, model, &(struct build_options){ .purpose = FOR_TRAINING, .seq = 7, .dropout = dropout }, &built));
    struct loss l = { built.g, built.parameters.at, built.parameters.n };
    int nodes = compare(ctx, spec, &l);
    *all = built.g->nodes.n;
    built_close(&built);
    rk_model_close(model);
    return nodes;
}

TEST(a_few_blocks_cost_what_all_cost)
{
    rk_ctx *ctx = test_ctx();
    int all;
    for (int i = 0; rk_model_preset(i) != NULL; i++)
        for (int dropout = 0; dropout < 2; dropout++) (void)compare_model(ctx, rk_model_preset(i), dropout != 0, &all);
    for (int layers = 1; layers < 10; layers++) {
        char spec[128];
        (void)snprintf(spec, sizeof spec, "gpt2:n_layer=%d,n_embd=32,n_head=4,vocab_size=99", layers);
        EXPECT((compare_model(ctx, spec, false, &all) != 0) == (layers >= 5));
    }
    int nodes = compare_model(ctx, "gpt2-xl", false, &all);
    EXPECT(nodes != 0 && nodes < all / 7);
    nodes = compare_model(ctx, "cs336-xl", false, &all);
    EXPECT(nodes != 0 && nodes < all / 7);
    for (rule.optimizer = 0; rule.optimizer < RK_OPTIMIZERS; rule.optimizer++)
        for (int i = 0; i < TINY_MODELS; i++) {
            char spec[TINY_ROOM];
            (void)tiny_model(i, 11, 8, spec);
            (void)strcat(spec, ",layer=8");
            (void)compare_model(ctx, spec, false, &all);
        }
    rule.optimizer = RK_OPTIMIZER_adamw;
    EXPECT(compare_model(ctx, "cs336-small:use_post_norm=true", false, &all) != 0);
    nodes = compare_model(ctx, "transformer-base:num_encoder_layers=9,num_decoder_layers=12", true, &all);
    EXPECT(nodes != 0 && nodes < all / 2);                                                           /* both towers: all of a decoder reads what an encoder left */
    EXPECT(compare_model(ctx, "gpt2:scale_attn_by_inverse_layer_idx=true", false, &all) == 0);       /* every block has its own scale */
}

/* --- by hand: blocks of which each does something to x, and may look elsewhere --- */

enum look { NOWHERE, BY_TURNS, FIRST_DIFFERS, SHARED, FROM_START, TO_END, FAR_BACK, BARE_END };

static struct parameter hand_parameter(rk_graph *g, const char *name)
{
    rk_ref r = rk_state(g, RK_PARAMETER, name, RK_f32, "d");
    return (struct parameter){ .ref = r, .name = node_of(g, r)->text, .decays = true };
}

static rk_ref hand_block(rk_graph *g, enum look look, int i, const rk_ref *x, const struct loss *l, rk_ref w)
{
    rk_ref other = look == SHARED ? l->parameters[0].ref : look == FAR_BACK && i >= 2 ? x[i - 2] : look == FROM_START ? x[-1] : w;
    rk_ref y = rk_mul(g, rk_softmax(g, rk_add(g, x[i], other), "d"), w);
    if (look == BY_TURNS && i % 2 == 1) y = rk_map(g, "exp", y);
    if (look == FIRST_DIFFERS && i == 0) y = rk_map(g, "tanh", rk_map(g, "exp", y));
    return rk_add(g, x[i], y);
}

static int compare_hand(rk_ctx *ctx, enum look look, const char *what, int layers)
{
    struct loss l = { NULL, calloc((size_t)layers + 1, sizeof *l.parameters), 0 };
    rk_ref *x = calloc((size_t)layers + 2, sizeof *x);
    char name[32];
    REQUIRE(l.parameters != NULL && x != NULL);
    OK(ctx, rk_graph_open(ctx, &l.g));
    (void)rk_dim_new(l.g, "d", 'D', 5);
    l.parameters[l.n++] = hand_parameter(l.g, "shared");
    x[0] = rk_map(l.g, "square", rk_const(l.g, 3));                    /* no state is behind it */
    x[1] = rk_add(l.g, l.parameters[0].ref, x[0]);
    rk_enter(l.g, "h");
    for (int i = 0; i < layers; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        rk_enter(l.g, name);
        (void)snprintf(name, sizeof name, "h.%d.w", i);
        l.parameters[l.n++] = hand_parameter(l.g, name);
        x[i + 2] = hand_block(l.g, look, i, x + 1, &l, l.parameters[i + 1].ref);
        rk_leave(l.g);
    }
    rk_leave(l.g);
    rk_ref last = x[layers + 1];
    if (look == TO_END) last = rk_add(l.g, last, x[layers / 2]);
    if (look != BARE_END) last = rk_softmax(l.g, rk_mul(l.g, last, l.parameters[0].ref), "d");
    rk_output(l.g, "loss", rk_reduce(l.g, "sum", last, "d"));
    OK(ctx, rk_graph_seal(l.g));
    int nodes = compare(ctx, what, &l);
    rk_graph_close(l.g);
    free(l.parameters), free(x);
    return nodes;
}

TEST(what_looks_elsewhere_is_counted_in_full)
{
    rk_ctx *ctx = test_ctx();
    for (int layers = 9; layers < 15; layers++) {
        int usual = compare_hand(ctx, NOWHERE, "blocks in a row", layers);
        EXPECT(usual != 0);
        EXPECT_INT(compare_hand(ctx, FROM_START, "blocks that read a constant", layers), usual);
        EXPECT(compare_hand(ctx, FIRST_DIFFERS, "a first block of its own", layers) > usual);
        EXPECT((compare_hand(ctx, BY_TURNS, "blocks by turns", layers) != 0) == (layers >= 10));
        EXPECT(compare_hand(ctx, BARE_END, "a sum right behind the blocks", layers) != 0);     /* one number, seen D times, is what n-2 gets */
        EXPECT(compare_hand(ctx, SHARED, "blocks that share a parameter", layers) != 0);
        EXPECT_INT(compare_hand(ctx, TO_END, "a block that the end reads too", layers), 0);
        EXPECT_INT(compare_hand(ctx, FAR_BACK, "blocks that read two blocks back", layers), 0);
    }
}

static rk_status shorten_and_price(rk_ctx *ctx)
{
    rk_model *model;
    rk_bill *bill = NULL;
    rk_status status = rk_model_open(ctx, "gpt2:n_layer=6,n_embd=32,n_head=4,vocab_size=99", &model);
    if (status != RK_OK) return status;
    status = rk_bill_of(model, &(rk_bill_settings){ .batch = 1, .seq = 7, .totals = true }, &bill);
    rk_bill_free(bill);
    rk_model_close(model);
    return status;
}

TEST(every_failed_allocation_ends_well) { FOR_EVERY_FAILED_ALLOCATION(shorten_and_price); }

TEST(blocks_that_differ_are_told)
{
    rk_ctx *ctx = test_ctx();
    for (int odd = -1; odd < 4; odd++) {
        const struct shortened how = { 1, { { "h.*", 1, 2, 1 } } };
        rk_graph *g;
        bool holds;
        OK(ctx, rk_graph_open(ctx, &g));
        rk_ref x = rk_const(g, 1);
        rk_enter(g, "h");
        for (int i = 0; i < 4; i++) {
            const char *const names[] = { "0", "1", "2", "3" };
            rk_enter(g, names[i]);
            x = rk_map(g, "exp", i == odd ? rk_map(g, "tanh", x) : x);
            rk_leave(g);
        }
        OK(ctx, pass_shortened_holds(ctx, g, &how, &holds));
        EXPECT(holds == (odd != 1 && odd != 2));
        rk_graph_close(g);
    }
}

/* Entries and groups of the totals are those of the whole bill; so are the reasons behind memory. */
static void same_totals(rk_ctx *ctx, const char *spec, rk_bill_settings settings)
{
    rk_model *model;
    rk_bill *whole, *totals;
    OK(ctx, rk_model_open(ctx, spec, &model));
    OK(ctx, rk_bill_of(model, &settings, &whole));
    settings.totals = true;
    OK(ctx, rk_bill_of(model, &settings, &totals));
    EXPECT_INT(rk_bill_entries(totals), rk_bill_entries(whole));
    for (int i = 0; i < rk_bill_entries(whole); i++) {
        rk_bill_entry a = rk_bill_entry_at(whole, i), b = rk_bill_entry_at(totals, i);
        bool work = strncmp(a.name, "flops", 5) == 0 || strncmp(a.name, "elements", 8) == 0 || strncmp(a.name, "traffic", 7) == 0;
        EXPECT(a.number == b.number && strcmp(a.name, b.name) == 0 && strcmp(a.formula, b.formula) == 0);
        EXPECT_INT(rk_bill_reasons(totals, a.name), work ? 0 : rk_bill_reasons(whole, a.name));
    }
    for (int by = 0; by < RK_BY_COUNT; by++) EXPECT_INT(rk_bill_groups(totals, (rk_bill_by)by), rk_bill_groups(whole, (rk_bill_by)by));
    rk_bill_free(whole);
    rk_bill_free(totals);
    rk_model_close(model);
}

TEST(totals_are_those_of_the_whole_bill)
{
    static const char *const specs[] = { "transformer-base:num_encoder_layers=3,num_decoder_layers=7", "bert-tiny:num_hidden_layers=6", "pythia-14m" };
    rk_ctx *ctx = test_ctx();
    for (int mode = RK_MODE_TRAIN; mode <= RK_MODE_DECODE; mode++) same_totals(ctx, "gpt2:n_layer=7", (rk_bill_settings){ .batch = 2, .seq = 9, .mode = (rk_bill_mode)mode });
    for (int i = 0; i < 2 * RK_OPTIMIZERS; i += TEST_FEWER)
        same_totals(ctx, specs[i % 3], (rk_bill_settings){ .batch = 2, .seq = 9, .optimizer = (rk_optimizer)(i % RK_OPTIMIZERS), .policy = i % 2 == 1 ? "amp-bf16" : NULL });
}

/* The update as the bill has it, one block for all, against that of every parameter. */
TEST(an_optimizer_is_priced_as_for_all_parameters)
{
    static const char *const entries[] = { "flops.update", "flops.elementwise.update", "elements.read.update", "elements.written.update", "traffic.update", "bytes.optimizer" };
    rk_ctx *ctx = test_ctx();
    const struct train_rule before = rule;
    for (int i = 0; i < TINY_MODELS; i++) {
        char spec[TINY_ROOM];
        struct built built;
        rk_model *model;
        rk_graph *update;
        rk_bill *whole, *found;
        rk_bill_phase last[] = { { "update", INT32_MAX } };
        (void)tiny_model(i, 99, 16, spec);
        (void)snprintf(spec + strlen(spec), sizeof spec - strlen(spec), ",layer=%d", 1 + i % 8);
        rule.optimizer = (rk_optimizer)(i % RK_OPTIMIZERS);
        OK(ctx, rk_model_open(ctx, spec, &model));
        OK(ctx, model_build(ctx, model, &(struct build_options){ .purpose = FOR_TRAINING }, &built));
        OK(ctx, train_update(ctx, built.g, built.parameters.at, built.parameters.n, &rule, &update));
        OK(ctx, bill_of_graph(ctx, update, &(struct bill_terms){ .n_phases = 1, .phases = last }, &whole));
        OK(ctx, rk_bill_of(model, &(rk_bill_settings){ .optimizer = rule.optimizer }, &found));
        for (size_t k = 0; k < sizeof entries / sizeof *entries; k++) {
            uint64_t a = 0, b = 0;
            if (rk_bill_has(whole, entries[k])) OK(ctx, rk_bill_number(whole, entries[k], &a));
            if (rk_bill_has(found, entries[k])) OK(ctx, rk_bill_number(found, entries[k], &b));
            if (a != b) test_fail(__FILE__, __LINE__, "%s: %s is %llu, of all parameters %llu", spec, entries[k], (unsigned long long)b, (unsigned long long)a);
        }
        rk_bill_free(whole);
        rk_bill_free(found);
        rk_graph_close(update);
        built_close(&built);
        rk_model_close(model);
    }
    rule = before;
}

/* rk_bill_of builds few blocks of towers that have many: its bill against that of a graph with all of them. */
static void compare_built(rk_ctx *ctx, const char *spec, int64_t seq)
{
    rk_model *model;
    rk_graph *step;
    struct built built;
    rk_bill *whole, *found;
    const struct train_rule before = rule;
    OK(ctx, rk_model_open(ctx, spec, &model));
    OK(ctx, model_build(ctx, model, &(struct build_options){ .purpose = FOR_TRAINING, .seq = seq }, &built));
    struct loss l = { built.g, built.parameters.at, built.parameters.n };
    const rk_train_options usual = rk_train_defaults();
    rule = train_rule_of(&usual);
    OK(ctx, price(ctx, &l, &step, &whole));
    OK(ctx, rk_bill_of(model, &(rk_bill_settings){ .seq = seq }, &found));
    for (int i = 0; i < rk_bill_entries(whole); i++) {
        rk_bill_entry a = rk_bill_entry_at(whole, i);
        const char *formula = "";
        uint64_t n = 0;
        if (strcmp(a.name, "bytes.inputs") == 0) continue;                  /* the seed of gradients is another here */
        if (!rk_bill_has(found, a.name)) test_fail(__FILE__, __LINE__, "%s: no %s", spec, a.name);
        OK(ctx, rk_bill_number(found, a.name, &n));
        OK(ctx, rk_bill_formula(found, a.name, &formula));
        if (strcmp(formula, a.formula) != 0 && strstr(formula, "M·") != NULL) formula = a.formula;      /* an encoder of another height has a letter of its own */
        if (strstr(a.name, "backward") != NULL && strcmp(a.name, "flops.backward") != 0) continue;      /* price() has no seed of gradients */
        if (n != a.number || strcmp(formula, a.formula) != 0) test_fail(__FILE__, __LINE__, "%s: %s is %llu = %s, of all blocks %llu = %s", spec, a.name, (unsigned long long)n, formula, (unsigned long long)a.number, a.formula);
    }
    rule = before;
    rk_bill_free(whole);
    rk_bill_free(found);
    rk_graph_close(step);
    built_close(&built);
    rk_model_close(model);
}

TEST(few_blocks_are_built_where_all_are_alike)
{
    rk_ctx *ctx = test_ctx();
    char spec[128];
    for (int layers = 4; layers < 12; layers += TEST_SANITIZED ? 3 : 1) {
        (void)snprintf(spec, sizeof spec, "gpt2:n_layer=%d,n_embd=32,n_head=4,vocab_size=99", layers);
        compare_built(ctx, spec, 7);
        (void)snprintf(spec, sizeof spec, "transformer-base:num_encoder_layers=%d,num_decoder_layers=%d", layers, 13 - layers);
        compare_built(ctx, spec, 3);
    }
    compare_built(ctx, "gpt2:n_layer=9,scale_attn_by_inverse_layer_idx=true", 5);
}

/* A policy that speaks of one block prices that one apart. */
TEST(a_policy_may_name_a_block)
{
    rk_ctx *ctx = test_ctx();
    rk_model *model;
    uint64_t traffic[3];
    static const char *const policies[] = { "amp-bf16", "amp-bf16,h.3.mlp=f32", "amp-bf16,mlp=f32" };
    OK(ctx, rk_model_open(ctx, "gpt2:n_layer=9,n_embd=32,n_head=4,vocab_size=99", &model));
    for (int i = 0; i < 3; i++) {
        rk_bill *bill;
        OK(ctx, rk_bill_of(model, &(rk_bill_settings){ .seq = 7, .policy = policies[i], .totals = true }, &bill));
        OK(ctx, rk_bill_number(bill, "traffic.forward", &traffic[i]));
        rk_bill_free(bill);
    }
    EXPECT_INT((int64_t)(traffic[2] - traffic[0]), 9 * (int64_t)(traffic[1] - traffic[0]));
    rk_model_close(model);
}

/* The cache of one block, and as many of them, against the caches of a graph with all blocks. */
TEST(a_cache_is_priced_as_of_all_blocks)
{
    rk_ctx *ctx = test_ctx();
    for (int i = 0; rk_model_preset(i) != NULL; i++) {
        rk_model *model;
        struct built built;
        rk_bill *bill;
        uint64_t sum = 0, found = 0;
        OK(ctx, rk_model_open(ctx, rk_model_preset(i), &model));
        if (model_decodes(model)) {
            OK(ctx, model_build(ctx, model, &(struct build_options){ .purpose = FOR_DECODING, .seq = 1, .positions = 1, .source = 1 }, &built));
            for (rk_ref r = 1; r < built.g->nodes.n; r++) {
                const struct node *n = node_of(built.g, r);
                uint64_t elements = 1;
                for (int k = 0; k < n->rank; k++) elements *= (uint64_t)dim_size(built.g, n->dim[k]);
                if (n->op == &op_state && n->at.i[0] == RK_CACHE) sum += 4 * elements;
            }
            built_close(&built);
        }
        OK(ctx, rk_bill_of(model, &(rk_bill_settings){ .mode = RK_MODE_PREFILL, .seq = 1, .totals = true }, &bill));
        for (int k = 0; k < 2; k++) {
            static const char *const entries[] = { "bytes.cache_per_token", "bytes.cache_per_source_token" };
            uint64_t one = 0;
            if (rk_bill_has(bill, entries[k])) OK(ctx, rk_bill_number(bill, entries[k], &one));
            found += one;
        }
        if (found != sum) test_fail(__FILE__, __LINE__, "%s: %llu bytes a token, all blocks keep %llu", rk_model_preset(i), (unsigned long long)found, (unsigned long long)sum);
        rk_bill_free(bill);
        rk_model_close(model);
    }
}

/* --- what pricing may take --- */

static const rk_bill_settings settings_of[] = { { .batch = 1, .totals = true }, { .batch = 1 }, { .batch = 1, .plan = true } };

static size_t peak_of(const char *spec, const rk_bill_settings *settings)
{
    rk_ctx *ctx;
    rk_model *model;
    rk_bill *bill;
    REQUIRE(rk_ctx_open(NULL, &ctx) == RK_OK);
    OK(ctx, rk_model_open(ctx, spec, &model));
    OK(ctx, rk_bill_of(model, settings, &bill));
    size_t peak = rk_ctx_peak_bytes(ctx);
    rk_bill_free(bill);
    rk_model_close(model);
    rk_ctx_close(ctx);
    return peak;
}

TEST(memory_of_pricing_is_bounded)
{
    static const struct { const char *spec; int settings; size_t megabytes; } bounds[] = {
        { "gpt2", 0, 2 }, { "gpt2-xl", 0, 3 }, { "cs336-xl", 0, 3 }, { "gpt2-xl:n_layer=96", 0, 4 }, { "gpt2-xl", 1, 4 }, { "gpt2-xl", 2, 20 },
    };
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        size_t peak = peak_of(bounds[i].spec, &settings_of[bounds[i].settings]);
        if (peak > bounds[i].megabytes * 1000000) test_fail(__FILE__, __LINE__, "pricing %s takes %zu bytes, more than %zu MB", bounds[i].spec, peak, bounds[i].megabytes);
    }
}
