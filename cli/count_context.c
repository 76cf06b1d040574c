/* count_context.c: one model over lengths of context, from 128 doubling to 128 Ki: what a token costs, how much of it attention
 * takes, what the memory holds.
 *
 * Every length is a model of its own, opened and priced. Not here: any other range, which is `reckon sweep`. */
#include "count.h"
#include <string.h>

/* A sequence longer than the context asks for a model with more positions; where positions are relative there is no such context. */
static int open_at(struct counting *k, const char *name, struct context *x, rk_model **m)
{
    struct cli *c = k->c;
    char positions[48];
    CLI_TRY(c, rk_model_open(c->ctx, name, m));
    uint64_t own = model_size(*m, "position");
    x->beyond = own > 0 && x->seq > own;
    if (!x->beyond) return CLI_OK;
    rk_model_close(*m);
    *m = NULL;
    (void)snprintf(positions, sizeof positions, "position=%llu", (unsigned long long)x->seq);
    return cli_try(c, rk_model_open_with(c->ctx, name, positions, m));
}

static uint64_t scores_of(const rk_bill *bill)
{
    uint64_t sum = 0;
    for (int i = 0; i < rk_bill_reasons(bill, "flops.forward"); i++) {
        rk_bill_reason r = rk_bill_reason_at(bill, "flops.forward", i);
        if (part_of(r.module, r.label) == PART_SCORES) sum += r.number;
    }
    return sum;
}

static void take_numbers(const struct counting *k, const rk_bill *bill, struct context *x)
{
    x->tokens = k->s.mode == RK_MODE_DECODE ? 1 : x->seq;
    x->flops = number_of(bill, "flops.forward");
    x->scores = scores_of(bill);
    x->parameters = number_of(bill, "bytes.parameters");
    x->cache = number_of(bill, "bytes.cache_per_token") * x->seq;
    x->state = number_of(bill, "bytes.gradients") + number_of(bill, "bytes.optimizer");
    x->plan = number_of(bill, "bytes.plan.activations") + number_of(bill, "bytes.plan.workspace");
}

/* Nobody asks for the plan over time. Within the model's own context all share the program of the first, *kept. */
static int context_of(struct counting *k, const char *name, struct context *x, rk_bill **kept)
{
    struct cli *c = k->c;
    rk_bill_settings s = k->s;
    rk_model *m = NULL;
    rk_bill *bill = NULL;
    int code = open_at(k, name, x, &m);
    if (code != CLI_OK) goto out;
    s.batch = 1;
    s.seq = (int64_t)x->seq;
    s.plan_untimed = true;
    s.plan_kept = s.plan && !x->beyond;
    s.like = x->beyond ? NULL : *kept;
    CLI_GO(c, rk_bill_of(m, &s, &bill));
    take_numbers(k, bill, x);
    if (*kept == NULL && s.plan_kept) *kept = bill, bill = NULL;
out:
    rk_bill_free(bill);
    rk_model_close(m);
    return code;
}

int contexts_of(struct counting *k, struct counted *x, const char *model)
{
    rk_bill *kept = NULL;
    int code = CLI_OK;
    for (int i = 0; i < CONTEXTS && code == CLI_OK; i++) {
        x->context[i].seq = (uint64_t)SHORTEST_CONTEXT << i;
        code = context_of(k, model, &x->context[i], &kept);
    }
    rk_bill_free(kept);
    return code;
}

void json_contexts(const struct counted *x, struct json *j)
{
    json_array(j, "contexts");
    for (const struct context *p = x->context; p < x->context + CONTEXTS; p++) {
        json_object(j, NULL);
        json_uint(j, "seq", p->seq);
        json_uint(j, "tokens", p->tokens);
        json_uint(j, "flops.forward", p->flops);
        json_uint(j, "flops.forward.scores", p->scores);
        json_uint(j, "bytes.parameters", p->parameters);
        json_uint(j, "bytes.cache", p->cache);
        json_uint(j, "bytes.plan", p->plan);
        json_bool(j, "beyond_context", p->beyond);
        json_end(j);
    }
    json_end(j);
}
