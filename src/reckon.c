/* reckon.c: the house put together: what a described model costs, by meaning and as a plan of this machine's program.
 *
 *   policy    casts, where not everything is computed in one dtype (pass/cast.c): in every graph below
 *   meaning   loss, everything fused written out, gradients by every parameter, the optimizer: counted, never run
 *   cache     what a decoding graph keeps per token
 *   plan      the same training step as the trainer makes it, to the byte (price_plan.c)
 *
 * Not here: devices (device.c), how a graph is counted (pass/count), what a model is (model). */
#include "model/model.h"
#include "pass/count.h"
#include "pass/pass.h"
#include "pass/policy.h"
#include "price.h"
#include "train/data.h"
#include "train/graphs.h"
#include <stdio.h>
#include <string.h>

/* Blocks of every family stand under h, or under the h of two towers, what optimizers keep of them under m, v, row and column;
 * their number is written L. An encoder of another number of blocks has M. */
#define BLOCKS(path, letter) { path ".*", letter }, { "m." path ".*", letter }, { "v." path ".*", letter }, { "row." path ".*", letter }, { "column." path ".*", letter }
static const struct bill_repeat same_blocks[] = { BLOCKS("h", 'L'), BLOCKS("decoder.h", 'L'), BLOCKS("encoder.h", 'L') };
static const struct bill_repeat other_blocks[] = { BLOCKS("h", 'L'), BLOCKS("decoder.h", 'L'), BLOCKS("encoder.h", 'M') };
enum { N_BLOCKS = sizeof same_blocks / sizeof *same_blocks };

static const struct bill_repeat *blocks_of(const rk_model *m)
{
    bool same = !model_has_encoder(m) || config_int(&m->config, "layer") == config_int(&m->config, "source_layer");
    return same ? same_blocks : other_blocks;
}

struct pricing { rk_ctx *ctx; const rk_model *model; const rk_bill_settings *settings; rk_bill *bill; struct policy policy; };

static struct build_options options_of(const rk_bill_settings *s, enum purpose purpose)
{
    return (struct build_options){ .purpose = purpose, .batch = s->batch, .seq = s->seq, .source = s->source_seq, .dropout = s->dropout, .dtype = s->dtype, .wide = s->zero_dtype_is_f64 };
}

static rk_status build(rk_ctx *ctx, const struct pricing *p, const struct build_options *options, struct built *built)
{
    TRY(model_build(ctx, p->model, options, built));
    return train_cast(ctx, &p->policy, built);
}

struct price_towers price_towers(const rk_model *model, int64_t most)
{
    static const struct { const char *pattern, *layers; } rows[] = { { "h.*", "layer" }, { "encoder.h.*", "source_layer" }, { "decoder.h.*", "layer" } };
    struct price_towers t = { .n = 0 };
    for (int i = model_has_encoder(model) ? 1 : 0; i < (model_has_encoder(model) ? 3 : 1); i++) {
        int64_t blocks = config_int(&model->config, rows[i].layers), more = most > 0 && most < blocks ? blocks - most : 0;
        t.at[t.n++] = (struct tower){ rows[i].pattern, more };
        t.deep = t.deep || more > 0;
    }
    return t;
}

/* --- the meaning of a training step --- */

static void dims_text(const rk_graph *g, const struct node *n, char text[RK_MAX_RANK * 64])
{
    text[0] = '\0';
    for (int i = 0; i < n->rank; i++) {
        if (i > 0) (void)strcat(text, " ");
        (void)strncat(text, dim_name(g, n->dim[i]), 62);
    }
}

/* What a shortened graph still has of parameters, constants and inputs. */
static rk_status keep_parameters(rk_ctx *ctx, const struct built *from, const rk_ref *map, struct built *to)
{
    int trained = from->parameters.n, constants = trained + from->n_constants, all = constants + from->n_inputs, n = 0;
    for (int i = 0; i < all; i++) {
        struct parameter p = from->parameters.at[i];
        const char *name = node_of(to->g, map[p.ref])->text;
        if (strcmp(name, p.name) != 0) continue;
        p.ref = map[p.ref];
        p.name = name;
        VEC_PUSH(&to->parameters, p);
        n += i < trained;
        to->n_constants += i >= trained && i < constants;
        to->n_inputs += i >= constants;
    }
    to->parameters.n = n;
    return RK_OK;
}

/* A model as it is priced: of few blocks, one of which stands for all that are left out; of all where they are not alike. */
struct priced { struct built built, fewer; struct shortened how; const struct built *used; };

static void priced_close(struct priced *x)
{
    built_close(&x->built);
    built_close(&x->fewer);
}

/* x->fewer.g stays NULL where nothing repeats. most: of the blocks of a tower that were built; 0: all. */
static rk_status shorten(rk_ctx *ctx, const struct pricing *p, int64_t most, struct priced *x)
{
    const struct price_towers towers = price_towers(p->model, most);
    rk_ref *map;
    x->fewer = (struct built){ .ctx = ctx };
    TRY(NEW(map, x->built.g->nodes.n));
    rk_status status = pass_shorten(ctx, x->built.g, towers.at, &x->how, &x->fewer.g, map);
    if (status == RK_OK && x->fewer.g != NULL) status = keep_parameters(ctx, &x->built, map, &x->fewer);
    FREE(map, x->built.g->nodes.n);
    x->used = x->fewer.g != NULL ? &x->fewer : &x->built;
    return status;
}

/* What is left out may be left out of the building, too, where blocks are alike. Call priced_close(x) in any case. */
static rk_status build_short(rk_ctx *ctx, const struct pricing *p, const struct build_options *options, struct priced *x)
{
    struct build_options few = *options;
    *x = (struct priced){ .used = NULL };
    few.most_blocks = !policy_names_a_block(&p->policy) && price_towers(p->model, FEW_BLOCKS).deep ? FEW_BLOCKS : 0;
    TRY(build(ctx, p, &few, &x->built));
    TRY(shorten(ctx, p, few.most_blocks, x));
    if (x->fewer.g != NULL || few.most_blocks == 0) return RK_OK;
    built_close(&x->built);
    TRY(build(ctx, p, options, &x->built));
    return shorten(ctx, p, 0, x);
}

static void keep_gradients(rk_graph *g, const struct parameter *wanted, int n, const rk_ref *by, const rk_ref *gradients)
{
    char dims[RK_MAX_RANK * 64];
    for (int i = 0; i < n; i++) {
        const struct node *p = node_of(g, by[i]);
        char name[128];
        dims_text(g, p, dims);
        g->times = p->times;
        if (wanted[i].kind == RK_INPUT) {
            (void)snprintf(name, sizeof name, "%s_gradient", p->text);
            rk_output(g, name, gradients[i]);
        } else if (gradients[i] != 0) rk_update(g, rk_state(g, RK_GRADIENT, wanted[i].name, graph_gradient_dtype(g, by[i]), dims), gradients[i]);
    }
    g->times = 1;
}

/* The graph of loss and gradients in primitives; *backward is its first node after the loss. */
static rk_status meaning(rk_ctx *ctx, const struct built *built, rk_graph **out, rk_ref *backward)
{
    int n = built->parameters.n + built->n_inputs, nodes = built->g->nodes.n;
    rk_ref *map = NULL, *by = NULL, *gradients = NULL, loss;
    struct parameter *wanted = NULL;
    rk_graph *g = NULL;
    rk_status status;
    GO(NEW(map, nodes));
    GO(NEW(by, n));
    GO(NEW(gradients, n));
    GO(model_wanted(ctx, built, &wanted));
    GO(pass_expand(ctx, built->g, NULL, NULL, &g, map));
    loss = map[graph_find_output(built->g, "loss")];
    *backward = g->nodes.n;
    for (int i = 0; i < n; i++) by[i] = map[wanted[i].ref];
    rk_grad(g, loss, rk_input(g, "inverse_tokens", RK_f32, ""), by, n, gradients);
    if (rk_graph_ok(g)) keep_gradients(g, wanted, n, by, gradients);
    GO(rk_graph_seal(g));
    *out = g;
    g = NULL;
out:
    rk_graph_close(g);
    FREE(map, nodes);
    FREE(by, n);
    FREE(gradients, n);
    FREE(wanted, n);
    return status;
}

/* Of a few blocks instead of all, where that is enough to know all. Call priced_close(x) in any case. */
static rk_status shortest_meaning(rk_ctx *ctx, const struct pricing *p, const struct build_options *options, struct priced *x, rk_graph **step, rk_ref *backward)
{
    bool holds = false;
    TRY(build_short(ctx, p, options, x));
    TRY(meaning(ctx, x->used, step, backward));
    if (x->fewer.g == NULL) return RK_OK;
    TRY(pass_shortened_holds(ctx, *step, &x->how, &holds));
    if (holds) return RK_OK;
    rk_graph_close(*step);
    *step = NULL;
    priced_close(x);
    TRY(build(ctx, p, options, &x->built));
    x->used = &x->built;
    return meaning(ctx, x->used, step, backward);
}

static rk_status add_update(rk_ctx *ctx, struct pricing *p, const struct built *built)
{
    const struct train_rule rule = price_rule(p->settings, &p->policy);
    struct built one = { .ctx = NULL };
    rk_graph *update = NULL;
    rk_status status;
    GO(price_one_block(ctx, built, &one));
    GO(train_update(ctx, one.g, one.parameters.at, one.parameters.n, &rule, &update));
    rk_bill_phase last[] = { { "update", update->nodes.n } };
    GO(bill_add_graph(p->bill, update, &(struct bill_terms){ .n_phases = 1, .phases = last, .n_repeats = N_BLOCKS, .repeats = blocks_of(p->model), .totals = p->settings->totals, .numbers = p->settings->numbers }));
out:
    rk_graph_close(update);
    built_close(&one);
    return status;
}

/* The optimizer works in f32 whatever the dtype of the parameters: its graph is that of the model in f32. */
static rk_status price_update(rk_ctx *ctx, struct pricing *p, const struct built *used)
{
    struct build_options options = options_of(p->settings, FOR_SCORING);
    struct priced single = { .used = NULL };
    rk_status status;
    if (price_is_single(p->settings)) return add_update(ctx, p, used);
    options.dtype = RK_f32;
    GO(build_short(ctx, p, &options, &single));
    GO(add_update(ctx, p, single.used));
out:
    priced_close(&single);
    return status;
}

static rk_status price_step(rk_ctx *ctx, struct pricing *p, const struct build_options *options)
{
    struct priced x = { .used = NULL };
    rk_graph *step = NULL;
    rk_ref backward = 0;
    rk_status status;
    GO(shortest_meaning(ctx, p, options, &x, &step, &backward));
    rk_bill_phase phases[] = { { "forward", backward }, { "backward", step->nodes.n } };
    GO(bill_add_graph(p->bill, step, &(struct bill_terms){ .n_phases = 2, .phases = phases, .n_repeats = N_BLOCKS, .repeats = blocks_of(p->model), .totals = p->settings->totals, .numbers = p->settings->numbers }));
    GO(price_update(ctx, p, x.used));
out:
    rk_graph_close(step);
    priced_close(&x);
    return status;
}

/* --- what decoding keeps --- */

/* What is kept for each token: of the sequence itself, and of the source that it is made from; by the dim that caches are along. */
static const struct { const char *along, *entry; } caches[] = { { "cached", "bytes.cache_per_token" }, { "source_cached", "bytes.cache_per_source_token" } };

/* One cache per token of one sequence: its dims without the batch and the positions, in bytes; nothing for one along another dim. */
static struct poly per_token(struct polys *p, const rk_graph *g, const struct node *n, const char *along)
{
    rk_dim dims[RK_MAX_RANK];
    int rank = 0;
    bool fits = false;
    for (int i = 0; i < n->rank; i++) {
        const char *name = dim_name(g, n->dim[i]);
        if (strcmp(name, along) == 0) fits = true;
        else if (strcmp(name, "batch") != 0) dims[rank++] = n->dim[i];
    }
    return fits ? poly_dims(p, (int64_t)rk_dtype_bytes(n->dtype), rank, dims) : poly_zero();
}

/* "8·L·D" where every block keeps the same, else the sum as it is. */
static rk_status token_text(rk_ctx *ctx, struct polys *p, const rk_graph *g, struct poly each, struct poly sum, int64_t layers, struct str *out)
{
    struct poly block = each.n == 1 && sum.n == 1 && layers > 0 && sum.term[0].factor % layers == 0 ? poly_scale(p, sum.term[0].factor / layers / each.term[0].factor, each) : poly_zero();
    struct poly folded = poly_fold(p, g, block);
    TRY(p->status);
    if (folded.n != 1 || !poly_equal(poly_scale(p, layers, block), sum)) return poly_text(ctx, g, sum, true, out);
    return term_write(ctx, g, &folded.term[0], 'L', out);
}

/* One cache of "h.0.attn.k" stands for those of all blocks, unless a policy tells them apart. */
static rk_status cache_reason(rk_ctx *ctx, struct pricing *p, const rk_graph *g, const struct node *state, struct poly own, int64_t blocks, const char *entry)
{
    char module[256];
    struct str text = { 0 };
    uint64_t bytes;
    rk_status status;
    const char *name = state->text, *last = strrchr(name, '.'), *first = strstr(name, ".0.");
    if (last == NULL || strlen(name) >= sizeof module) return FAIL(RK_E_BUG, "a cache \"%.60s\" of no block", name);
    if (first == NULL || policy_names_a_block(&p->policy)) (void)snprintf(module, sizeof module, "%.*s", (int)(last - name), name);
    else (void)snprintf(module, sizeof module, "%.*s.*%.*s", (int)(first - name), name, (int)(last - first - 2), first + 2);
    GO(poly_value(ctx, g, own, NULL, &bytes));
    GO(poly_text(ctx, g, own, true, &text));
    rk_bill_reason why = { .module = module, .op = "cache", .label = last + 1, .formula = str_c(&text), .each = bytes, .number = bytes * (uint64_t)blocks, .times = blocks, .dtype = state->dtype };
    GO(bill_reason(p->bill, entry, &why));
out:
    str_free(ctx, &text);
    return status;
}

static rk_status cache_reasons(rk_ctx *ctx, struct pricing *p, const rk_graph *g, int64_t blocks, int cache, struct polys *polys)
{
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        if (n->op != &op_state || n->at.i[0] != RK_CACHE) continue;
        struct poly own = per_token(polys, g, n, caches[cache].along);
        TRY(polys->status);
        if (own.n > 0) TRY(cache_reason(ctx, p, g, n, own, blocks, caches[cache].entry));
    }
    return RK_OK;
}

/* blocks: for how many the graph stands. */
static rk_status cache_entry(rk_ctx *ctx, struct pricing *p, const rk_graph *g, int64_t blocks, int cache, struct arena *arena, struct str *text)
{
    struct polys polys = { ctx, arena, RK_OK };
    struct poly sum = poly_zero(), each = poly_zero();
    uint64_t bytes;
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        if (n->op != &op_state || n->at.i[0] != RK_CACHE) continue;
        struct poly own = per_token(&polys, g, n, caches[cache].along);
        if (own.n > 0) each = own;
        sum = poly_add(&polys, sum, own);
    }
    sum = poly_scale(&polys, blocks, sum);
    TRY(polys.status);
    if (sum.n == 0) return RK_OK;
    TRY(poly_value(ctx, g, sum, NULL, &bytes));
    TRY(token_text(ctx, &polys, g, each, sum, config_int(&p->model->config, "layer"), text));
    TRY(bill_set(p->bill, caches[cache].entry, bytes, str_c(text)));
    return cache_reasons(ctx, p, g, blocks, cache, &polys);
}

/* Blocks keep the same, each for itself, and nothing else keeps anything. Law: every preset, tests/law/test_shorten.c. */
static void model_of_one_block(const rk_model *m, rk_model *one)
{
    static const char *const counts[] = { "layer", "source_layer" };
    int at;
    *one = *m;
    for (int i = 0; i < 2; i++)
        if (config_field(&m->config, counts[i], &at) != NULL) one->config.value[at] = 1;
}

static rk_status price_cache(rk_ctx *ctx, struct pricing *p)
{
    const bool alike = !policy_names_a_block(&p->policy);
    const int64_t layers = config_int(&p->model->config, "layer");
    rk_model one = *p->model;
    struct build_options options = options_of(p->settings, FOR_DECODING);
    struct built built = { .ctx = NULL };
    struct arena arena = { NULL, 0 };
    struct str text = { 0 };
    rk_status status;
    if (!model_decodes(p->model)) return RK_OK;
    options.seq = options.batch = 1;
    if (alike) model_of_one_block(p->model, &one);
    GO(build(ctx, &(struct pricing){ .ctx = ctx, .model = &one, .policy = p->policy }, &options, &built));
    for (int i = 0; i < 2; i++) {
        text.n = 0;
        GO(cache_entry(ctx, p, built.g, alike ? layers : 1, i, &arena, &text));
    }
out:
    str_free(ctx, &text);
    arena_clear(ctx, &arena);
    built_close(&built);
    return status;
}

/* --- without gradients --- */

/* The forward graph of a mode as it stands, everything fused written out. */
static rk_status price_forward(rk_ctx *ctx, struct pricing *p)
{
    static const enum purpose purposes[] = { [RK_MODE_TRAIN] = FOR_TRAINING, [RK_MODE_EVAL] = FOR_SCORING, [RK_MODE_PREFILL] = FOR_LOGITS, [RK_MODE_DECODE] = FOR_DECODING };
    struct build_options options = options_of(p->settings, purposes[p->settings->mode]);
    struct priced x = { .used = NULL };
    rk_bill_phase phases[] = { { "forward", INT32_MAX } };
    struct bill_terms terms = { .n_phases = 1, .phases = phases, .n_repeats = N_BLOCKS, .repeats = blocks_of(p->model), .totals = p->settings->totals, .numbers = p->settings->numbers };
    rk_graph *own = NULL;
    rk_status status;
    if (p->settings->mode == RK_MODE_DECODE) {
        options.positions = options.seq;                /* 0: the context */
        options.seq = 1;
    }
    GO(build_short(ctx, p, &options, &x));              /* without gradients there is nothing that could not hold */
    const rk_graph *g = x.used->g;
    GO(bill_expand(ctx, g, 1, phases, &own));
    GO(bill_add_graph(p->bill, own != NULL ? own : g, &terms));
out:
    rk_graph_close(own);
    priced_close(&x);
    return status;
}

static rk_status price_mode(rk_ctx *ctx, struct pricing *p)
{
    if ((unsigned)p->settings->mode > RK_MODE_DECODE) return FAIL(RK_E_ARG, "%d is no mode of a bill", (int)p->settings->mode);
    if (p->settings->plan) return FAIL(RK_E_DECLINED, "%s: only training is planned", p->model->name);
    TRY(price_forward(ctx, p));
    return price_cache(ctx, p);
}

/* --- asked from outside --- */

static const rk_bill_settings standard = { 0 };

/* A policy says of every module what it is computed in: the dtype of all has nothing left to say. */
static rk_status check_policy(const struct pricing *p)
{
    rk_ctx *ctx = p->ctx;
    if (policy_is_plain(&p->policy) || price_is_single(p->settings)) return RK_OK;
    (void)FAIL(RK_E_ARG, "%s: the policy \"%s\" says what is computed in which dtype, and so does the dtype %s", p->model->name, p->settings->policy, rk_dtype_name(p->settings->dtype));
    return ctx_hint(ctx, "leave one of them out");
}

rk_status rk_bill_of(rk_model *model, const rk_bill_settings *settings, rk_bill **bill)
{
    rk_ctx *ctx = model->ctx;
    struct pricing p = { .ctx = ctx, .model = model, .settings = settings != NULL ? settings : &standard };
    struct build_options options = options_of(p.settings, FOR_TRAINING);
    rk_status status;
    *bill = NULL;
    GO(policy_read(ctx, p.settings->policy, &p.policy));
    GO(check_policy(&p));
    GO(bill_new(ctx, &p.bill));
    if (p.settings->mode != RK_MODE_TRAIN) GO(price_mode(ctx, &p));
    else {
        if (p.settings->padded) data_padding(model, &options);
        bool meaning_too = !(p.settings->plan && p.settings->plan_alone);
        if (meaning_too) GO(price_step(ctx, &p, &options));
        if (meaning_too) GO(price_cache(ctx, &p));
        if (p.settings->plan) GO(price_plan(ctx, model, p.settings, &p.policy, &options, p.bill));
    }
    *bill = p.bill;
    p.bill = NULL;
out:
    rk_bill_free(p.bill);
    return status;
}
