/* execute.c: see execute.h. */
#include "execute.h"
#include "pass/pass.h"
#include <stdio.h>
#include <stdlib.h>

static double *add(struct outcome *o, const char *name, int64_t count)
{
    if (o->n == MOST_OUTCOMES) abort();
    (void)snprintf(o->name[o->n], sizeof o->name[0], "%.60s", name);
    o->count[o->n] = count;
    double *at = o->at[o->n++] = calloc((size_t)count + 1, sizeof *at);
    if (at == NULL) abort();
    return at;
}

void outcome_free(struct outcome *o)
{
    for (int i = 0; i < o->n; i++) free(o->at[i]);
    o->n = 0;
}

static int64_t current_count(const struct values *v, rk_ref r)
{
    rk_ref base;
    struct layout l = values_layout(v, r, &base);
    return layout_elements(&l);
}

void outcome_of(struct values *v, struct outcome *out)
{
    const rk_graph *g = v->g;
    out->n = 0;
    evaluate(v, false);
    for (int i = 0; i < g->outputs.n; i++) (void)values_read(v, g->outputs.at[i].ref, add(out, g->outputs.at[i].name, current_count(v, g->outputs.at[i].ref)));
    evaluate(v, true);
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        if (node_of(g, r)->op != &op_state) continue;
        int64_t n = values_count(v, r);
        double *at = add(out, node_of(g, r)->text, n);
        for (int64_t i = 0; i < n; i++) at[i] = values_own(v, r)[i];
    }
}

static rk_status fill_sources(rk_ctx *ctx, const rk_graph *g, const struct values *from, struct store *store, struct run *r)
{
    for (rk_dim d = 1; d < g->dims.n; d++)
        if (g->dims.at[d].live) TRY(run_extent(ctx, r, dim_name(g, d), from->extent[d]));
    for (rk_ref n = 1; n < g->nodes.n; n++) {
        const struct node *source = node_of(g, n);
        if (source->op == &op_input) {
            double *dense = calloc((size_t)values_count(from, n) + 1, sizeof *dense);
            if (dense == NULL) abort();
            (void)values_read(from, n, dense);
            rk_status status = run_input(ctx, r, source->text, dense, RK_f64);
            free(dense);
            TRY(status);
        } else if (source->op == &op_state) {
            int entry = store_find(store, (rk_kind)source->at.i[0], source->text);
            PROMISE(entry >= 0);
            TRY(store_write(ctx, store, entry, values_own(from, n), RK_f64));
        }
    }
    return RK_OK;
}

static rk_status read_outcome(rk_ctx *ctx, const rk_graph *g, const struct values *from, const struct store *store, const struct run *r, struct outcome *out)
{
    for (int i = 0; i < g->outputs.n; i++)
        TRY(run_output(ctx, r, g->outputs.at[i].name, add(out, g->outputs.at[i].name, current_count(from, g->outputs.at[i].ref)), RK_f64));
    for (rk_ref n = 1; n < g->nodes.n; n++) {
        const struct node *source = node_of(g, n);
        if (source->op != &op_state) continue;
        TRY(store_read(ctx, store, store_find(store, (rk_kind)source->at.i[0], source->text), add(out, source->text, values_count(from, n)), RK_f64));
    }
    return RK_OK;
}

static rk_status note_plan(rk_ctx *ctx, const struct plan *plan, struct outcome *out)
{
    struct str text = { 0 };
    rk_status status = plan_text(ctx, plan, &text);
    if (status == RK_OK) (void)snprintf(out->plan, sizeof out->plan, "%s", str_c(&text));
    str_free(ctx, &text);
    return status;
}

rk_status execute(rk_ctx *ctx, const rk_graph *g, const struct values *from, const struct execution *e, struct outcome *out)
{
    struct plan *plan = NULL;
    struct store *store = NULL;
    struct run *r = NULL;
    const struct plan_options options = { .reuse = !e->no_reuse };
    rk_status status;
    out->n = 0;
    out->plan[0] = '\0';
    GO(pass_lower(ctx, g, e->backend, &plan));
    GO(pass_place(ctx, plan, &options));
    GO(note_plan(ctx, plan, out));
    GO(store_open(ctx, e->backend, &store));
    GO(store_declare(ctx, store, g));
    GO(store_allocate(ctx, store));
    GO(run_open(ctx, plan, store, &r));
    GO(fill_sources(ctx, g, from, store, r));
    if (e->watch != NULL) r->watch = e->watch(e->user, r);
    for (int i = 0; i < (e->runs == 0 ? 1 : e->runs); i++) GO(run_go(ctx, r, from->seed, from->step));
    GO(read_outcome(ctx, g, from, store, r, out));
out:
    run_close(r);
    store_close(store);
    plan_free(plan);
    if (status != RK_OK) outcome_free(out);
    return status;
}
