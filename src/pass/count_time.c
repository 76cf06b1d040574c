/* count_time.c: a plan over time, copied into a bill: what every step does, and when every value lives.
 *
 * Plans are about a graph, bills outlive it; so names are copied, once each. Not here: who is alive at the peak: whoever asks
 * adds it up, by module or by kind. */
#include "pass/count_bill.h"
#include <string.h>

/* Paths and labels are the graph's, and few: a text is copied when it is met first, and found by its address from then on. */
struct names { struct map kept; VEC(const char *) texts; };

static rk_status keep_once(rk_bill *bill, struct names *names, const char *text, const char **kept)
{
    rk_ctx *ctx = bill->ctx;
    int id;
    size_t n = strlen(text);
    if (map_get(&names->kept, text, n, &id)) {
        *kept = names->texts.at[id];
        return RK_OK;
    }
    TRY(bill_keep(bill, text, kept));
    VEC_PUSH(&names->texts, *kept);
    return map_put(ctx, &names->kept, *kept, n, names->texts.n - 1);
}

/* A group of elementwise nodes goes by its first. */
static rk_status add_step(rk_bill *bill, struct names *names, const struct plan *plan, const struct step *s, rk_ref backward)
{
    rk_ctx *ctx = bill->ctx;
    const struct problem *p = &s->problem;
    rk_bill_step step = { .product_flops = s->prepared.product_flops, .elementwise_flops = s->prepared.elementwise_flops, .backward = p->first >= backward };
    TRY(keep_once(bill, names, plan->g->paths.at[p->node->path], &step.module));
    TRY(keep_once(bill, names, p->op->name, &step.op));
    TRY(keep_once(bill, names, p->node->text, &step.label));
    TRY(keep_once(bill, names, s->kernel->name, &step.kernel));
    VEC_PUSH(&bill->steps, step);
    return RK_OK;
}

/* What is written there first. The value's own ref may be a later one, which took the place over when the first died. */
static rk_ref maker_of(const struct plan *plan, const struct plan_value *v)
{
    const struct step *s = &plan->steps[v->first];
    for (int i = 0; i < s->problem.n_out; i++)
        if (v->ref != 0 && s->out[i].kind == IN_ARENA && s->out[i].at == v->at) return s->problem.out[i].ref;
    return s->problem.first;                                /* workspace */
}

static rk_status add_value(rk_bill *bill, struct names *names, const struct plan *plan, const struct plan_value *v)
{
    rk_ctx *ctx = bill->ctx;
    rk_ref ref = maker_of(plan, v);
    const struct node *n = node_of(plan->g, ref);
    rk_bill_value value = { .kind = v->tag, .backward = bill->steps.at[v->first].backward, .first = v->first, .last = v->last, .at = (uint64_t)v->at,
                            .bytes = ((uint64_t)v->bytes + PLAN_ALIGNMENT - 1) & ~(uint64_t)(PLAN_ALIGNMENT - 1) };
    TRY(keep_once(bill, names, plan->g->paths.at[n->path], &value.module));
    TRY(keep_once(bill, names, n->op->name, &value.op));
    TRY(keep_once(bill, names, n->text, &value.label));
    VEC_PUSH(&bill->values, value);
    return RK_OK;
}

static void add_up_alive(rk_bill *bill)
{
    for (int i = 0; i < bill->values.n; i++) {
        const rk_bill_value *v = &bill->values.at[i];
        bill->steps.at[v->first].alive += v->bytes;
        if (v->last + 1 < bill->steps.n) bill->steps.at[v->last + 1].alive -= v->bytes;     /* differences, until they are summed */
    }
    for (int i = 1; i < bill->steps.n; i++) bill->steps.at[i].alive += bill->steps.at[i - 1].alive;
}

rk_status bill_add_time(rk_bill *bill, const struct plan *plan, rk_ref backward)
{
    rk_ctx *ctx = bill->ctx;
    struct names names = { 0 };
    rk_status status = RK_OK;
    bill->steps.n = bill->values.n = 0;
    for (int i = 0; i < plan->n_steps && status == RK_OK; i++) status = add_step(bill, &names, plan, &plan->steps[i], backward);
    for (int i = 0; i < plan->n_values && status == RK_OK; i++)
        if (plan->values[i].last >= 0 && plan->values[i].bytes > 0) status = add_value(bill, &names, plan, &plan->values[i]);      /* of -1 nobody knows */
    if (status == RK_OK) add_up_alive(bill);
    VEC_FREE(&names.texts);
    map_free(ctx, &names.kept);
    return status;
}

int rk_bill_steps(const rk_bill *bill) { return bill->steps.n; }
int rk_bill_values(const rk_bill *bill) { return bill->values.n; }

rk_bill_step rk_bill_step_at(const rk_bill *bill, int step)
{
    return step >= 0 && step < bill->steps.n ? bill->steps.at[step] : (rk_bill_step){ "", "", "", "", 0, 0, 0, false };
}

rk_bill_value rk_bill_value_at(const rk_bill *bill, int value)
{
    return value >= 0 && value < bill->values.n ? bill->values.at[value] : (rk_bill_value){ .module = "", .op = "", .label = "" };
}
