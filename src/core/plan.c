/* plan.c: what a plan looks like in words, and its end. */
#include "core/plan.h"
#include "core/opdef.h"

void plan_free(struct plan *plan)
{
    if (plan == NULL) return;
    rk_ctx *ctx = plan->ctx;
    arena_clear(ctx, &plan->arena);
    FREE(plan, 1);
}

void plan_add_workspaces(struct plan *plan)
{
    while (plan->n_values > 0 && plan->values[plan->n_values - 1].tag == RK_WORKSPACE) plan->n_values--;
    for (int i = 0; i < plan->n_steps; i++) {
        const int64_t bytes = (int64_t)plan->steps[i].prepared.scratch;
        if (bytes > 0) plan->values[plan->n_values++] = (struct plan_value){ 0, RK_WORKSPACE, i, i, bytes, -1 };
    }
}

static rk_status place_text(rk_ctx *ctx, const struct plan *plan, const struct operand *o, const struct place *p, struct str *out)
{
    const struct node *n = node_of(plan->g, o->ref);
    if (p->kind == IN_ARENA) TRY(str_format(ctx, out, " %%%d@%lld", o->ref, (long long)p->at));
    else TRY(str_format(ctx, out, " %%%d:%s", o->ref, n->text[0] != '\0' ? n->text : n->op->name));
    return graph_text(ctx, plan->g, o->ref, out);
}

rk_status plan_text(rk_ctx *ctx, const struct plan *plan, struct str *out)
{
    for (int i = 0; i < plan->n_steps; i++) {
        const struct step *s = &plan->steps[i];
        TRY(str_format(ctx, out, "%4d %-24s %s%s %s", i, s->kernel->name, plan->g->paths.at[s->problem.node->path], s->problem.accumulate ? " +=" : s->problem.bias ? " + bias" : "", s->problem.node->text));
        for (int k = 0; k < s->problem.n_out; k++) TRY(place_text(ctx, plan, &s->problem.out[k], &s->out[k], out));
        TRY(str_text(ctx, out, " <-"));
        for (int k = 0; k < s->problem.n_in; k++) TRY(place_text(ctx, plan, &s->problem.in[k], &s->in[k], out));
        TRY(str_text(ctx, out, "\n"));
    }
    return str_format(ctx, out, "arena %lld bytes, %lld alive at step %d, workspace %lld\n", (long long)plan->bytes, (long long)plan->peak_bytes, plan->peak_step, (long long)plan->workspace);
}
