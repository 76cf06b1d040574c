/* reckon.c: the house put together: what a described model costs, by meaning and as a plan of this machine's program.
 *
 *   policy    casts, where not everything is computed in one dtype (pass/cast.c): in every graph below
 *   meaning   loss, everything fused written out, gradients by every parameter, the optimizer: counted, never run
 *   cache     what a decoding graph keeps per token (price_cache.c)
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

struct build_options price_options(const rk_bill_settings *s, enum purpose purpose)
{
    return (struct build_options){ .purpose = purpose, .batch = s->batch, .seq = s->seq, .source = s->source_seq, .dropout = s->dropout, .dtype = s->dtype, .wide = s->zero_dtype_is_f64 };
}

rk_status price_build(rk_ctx *ctx, const struct pricing *p, const struct build_options *options, struct built *built)
{
    TRY(model_build(ctx, p->model, options, built));
    return train_cast(ctx, &p->policy, built);
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
    TRY(price_short(ctx, p, options, x));
    TRY(meaning(ctx, x->used, step, backward));
    if (x->fewer.g == NULL) return RK_OK;
    TRY(pass_shortened_holds(ctx, *step, &x->how, &holds));
    if (holds) return RK_OK;
    rk_graph_close(*step);
    *step = NULL;
    priced_close(x);
    TRY(price_build(ctx, p, options, &x->built));
    x->used = &x->built;
    return meaning(ctx, x->used, step, backward);
}

static rk_status add_update(rk_ctx *ctx, struct pricing *p, const struct built *built)
{
    const struct train_rule rule = price_rule(p->settings, &p->policy);
    struct built one = { .ctx = NULL };
    rk_graph *update = NULL;
    rk_status status;
    GO(price_one_block(ctx, built, p->settings->totals, &one));
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
    struct build_options options = price_options(p->settings, FOR_SCORING);
    struct priced single = { .used = NULL };
    rk_status status;
    if (price_is_single(p->settings)) return add_update(ctx, p, used);
    options.dtype = RK_f32;
    GO(price_short(ctx, p, &options, &single));
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

/* --- without gradients --- */

/* The forward graph of a mode as it stands, everything fused written out. */
static rk_status price_forward(rk_ctx *ctx, struct pricing *p)
{
    static const enum purpose purposes[] = { [RK_MODE_TRAIN] = FOR_TRAINING, [RK_MODE_EVAL] = FOR_SCORING, [RK_MODE_PREFILL] = FOR_LOGITS, [RK_MODE_DECODE] = FOR_DECODING };
    struct build_options options = price_options(p->settings, purposes[p->settings->mode]);
    struct priced x = { .used = NULL };
    rk_bill_phase phases[] = { { "forward", INT32_MAX } };
    struct bill_terms terms = { .n_phases = 1, .phases = phases, .n_repeats = N_BLOCKS, .repeats = blocks_of(p->model), .totals = p->settings->totals, .numbers = p->settings->numbers };
    rk_graph *own = NULL;
    rk_status status;
    if (p->settings->mode == RK_MODE_DECODE) {
        options.positions = options.seq;                /* 0: the context */
        options.seq = 1;
    }
    GO(price_short(ctx, p, &options, &x));              /* without gradients there is nothing that could not hold */
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
    struct build_options options = price_options(p.settings, FOR_TRAINING);
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
