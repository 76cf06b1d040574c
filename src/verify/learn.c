/* learn.c: loss, gradients and steps of AdamW, by the graphs that train (train/graphs.h).
 *
 * Ten steps unless adamw.losses has another number of them: learning rate 1e-2, betas 0.9 and 0.95, eps 1e-8, decay 0.1 on
 * tensors that are stored with two or more dimensions, no clipping. Elements whose first gradient is below 1e-6 of the tensor's
 * largest are left out of the weights' comparison, and counted: there AdamW divides noise by noise.
 * Gradients and weights are compared in the order of our dimensions; the family's table says how a file has them. */
#include "train/graphs.h"
#include "verify/verify.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STEPS = 10, MOST_STEPS = 1000 };
static const double rate = 1e-2, left_out = 1e-6;
static const struct train_rule rule = { .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .clip = 0 };

struct machine { rk_graph *g; struct plan *plan; struct run *run; };
struct learning {
    struct verify *v;
    struct built built;
    struct store *store;
    struct machine micro, update;
    double **first;                         /* the first gradient of every parameter, kept where weights are compared */
    double *losses;                         /* before each step */
    int64_t steps;
};

static void machine_close(struct machine *m)
{
    run_close(m->run);
    plan_free(m->plan);
    rk_graph_close(m->g);
}

static int64_t elements(const struct learning *l, int i) { return parameter_elements(l->built.g, &l->built.parameters.at[i]); }

static void learning_close(rk_ctx *ctx, struct learning *l)
{
    machine_close(&l->micro);
    machine_close(&l->update);
    store_close(l->store);
    for (int i = 0; l->first != NULL && i < l->built.parameters.n; i++) FREE(l->first[i], elements(l, i));
    FREE(l->first, l->built.parameters.n);
    FREE(l->losses, l->steps);
    built_close(&l->built);
}

/* --- making ready --- */

static rk_status set_decay(rk_ctx *ctx, struct learning *l)
{
    for (int i = 0; i < l->built.parameters.n; i++) {
        struct parameter *p = &l->built.parameters.at[i];
        struct word number;
        struct stored s;
        const struct binding *row = bind_row(l->v->model->config.arch, p->name, &number);
        PROMISE(row != NULL);
        TRY(bind_axes(ctx, l->built.g, p->ref, row->axes, &s));
        p->decays = s.rank >= 2;
    }
    return RK_OK;
}

static rk_status place(rk_ctx *ctx, struct learning *l, struct machine *m)
{
    TRY(pass_lower(ctx, m->g, l->v->backend, &m->plan));
    TRY(pass_place(ctx, m->plan, &(struct plan_options){ .reuse = true }));
    return store_declare(ctx, l->store, m->g);
}

static rk_status load(rk_ctx *ctx, struct learning *l)
{
    struct bundle b = { 0 };
    TRY(bundle_open(ctx, l->v->model->weights, &b));
    rk_status status = bind_load(ctx, l->v->model->config.arch, &l->built, &b, l->store, NULL);
    bundle_close(ctx, &b);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}

static rk_status make_ready(rk_ctx *ctx, struct learning *l)
{
    const struct verify *v = l->v;
    struct build_options how = { .purpose = FOR_TRAINING, .batch = v->batch, .seq = v->seq };
    TRY(model_build(ctx, v->model, &how, &l->built));
    TRY(set_decay(ctx, l));
    TRY(train_micro(ctx, v->backend, l->built.g, l->built.parameters.at, l->built.parameters.n, false, &l->micro.g));
    TRY(train_update(ctx, l->built.g, l->built.parameters.at, l->built.parameters.n, &rule, &l->update.g));
    TRY(store_open(ctx, v->backend, &l->store));
    TRY(place(ctx, l, &l->micro));
    TRY(place(ctx, l, &l->update));
    TRY(store_allocate(ctx, l->store));
    TRY(load(ctx, l));
    TRY(run_open(ctx, l->micro.plan, l->store, &l->micro.run));
    TRY(run_open(ctx, l->update.plan, l->store, &l->update.run));
    TRY(NEW(l->first, l->built.parameters.n));
    return NEW(l->losses, l->steps);
}

/* --- steps --- */

static rk_status loss_and_gradients(rk_ctx *ctx, struct learning *l, double *loss)
{
    const struct verify *v = l->v;
    double inverse = 1 / (double)v->targets;
    TRY(run_input(ctx, l->micro.run, "tokens", v->tokens, RK_i32));
    TRY(run_input(ctx, l->micro.run, "labels", v->labels, RK_i32));
    TRY(run_input(ctx, l->micro.run, "inverse_tokens", &inverse, RK_f64));
    TRY(run_go(ctx, l->micro.run, 0, 0));
    TRY(run_output(ctx, l->micro.run, "loss", loss, RK_f64));
    *loss *= inverse;
    return RK_OK;
}

static rk_status adamw(rk_ctx *ctx, struct learning *l, int64_t t)
{
    double correction1 = 1 - pow(rule.beta1, (double)t), correction2 = 1 - pow(rule.beta2, (double)t);
    TRY(run_input(ctx, l->update.run, "learning_rate", &rate, RK_f64));
    TRY(run_input(ctx, l->update.run, "correction1", &correction1, RK_f64));
    TRY(run_input(ctx, l->update.run, "correction2", &correction2, RK_f64));
    return run_go(ctx, l->update.run, 0, 0);
}

/* --- comparing --- */

/* The tensor and the parameter of a name "grad.TENSOR"; -1: not one of these, or no such parameter. */
static int parameter_of(rk_ctx *ctx, const struct learning *l, const struct bundle_entry *e, const char *prefix)
{
    size_t n = strlen(prefix);
    if (e->name.length <= n || memcmp(e->name.at, prefix, n) != 0) return -1;
    return bind_find(ctx, l->v->model->config.arch, &l->built, e->name.at + n, e->name.length - n);
}

static rk_status read_state(rk_ctx *ctx, const struct learning *l, rk_kind kind, int parameter, double **values)
{
    int entry = store_find(l->store, kind, l->built.parameters.at[parameter].name);
    PROMISE(entry >= 0);
    TRY(NEW(*values, elements(l, parameter)));
    rk_status status = store_read(ctx, l->store, entry, *values, RK_f64);
    if (status != RK_OK) FREE(*values, elements(l, parameter));
    return status;
}

static rk_status read_expected(rk_ctx *ctx, const struct learning *l, const struct bundle_entry *e, int parameter, double **values)
{
    TRY(NEW(*values, elements(l, parameter)));
    rk_status status = bind_read(ctx, l->v->model->config.arch, &l->built, parameter, e, RK_f64, *values);
    if (status != RK_OK) FREE(*values, elements(l, parameter));
    return status;
}

static double norm(const double *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

static double difference_norm(const double *x, const double *y, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (x[i] - y[i]) * (x[i] - y[i]);
    return sqrt(sum);
}

/* The largest norm of the file's gradients: what a small one is small against. */
static rk_status largest_norm(rk_ctx *ctx, const struct learning *l, double *largest)
{
    *largest = 0;
    for (int i = 0; i < l->v->io.entries.n; i++) {
        const struct bundle_entry *e = &l->v->io.entries.at[i];
        double *values;
        int64_t n;
        if (parameter_of(ctx, l, e, "grad.") < 0) continue;
        TRY(expect_values(ctx, e, &values, &n));
        *largest = fmax(*largest, norm(values, n));
        FREE(values, n);
    }
    return RK_OK;
}

static rk_status compare_gradient(rk_ctx *ctx, struct learning *l, const struct bundle_entry *e, int parameter, double largest)
{
    double *theirs;
    int64_t n = elements(l, parameter);
    TRY(read_expected(ctx, l, e, parameter, &theirs));
    double against = fmax(norm(theirs, n), 1e-4 * largest), d = difference_norm(l->first[parameter], theirs, n);
    FREE(theirs, n);
    return expect_tell(ctx, l->v, e, d == 0 ? 0 : d / against, expect_tolerance(l->v, RULE_GRADIENT, e), "");
}

static rk_status compare_gradients(rk_ctx *ctx, struct learning *l)
{
    double largest;
    TRY(largest_norm(ctx, l, &largest));
    for (int i = 0; i < l->v->io.entries.n; i++) {
        int parameter = parameter_of(ctx, l, &l->v->io.entries.at[i], "grad.");
        if (parameter >= 0) TRY(compare_gradient(ctx, l, &l->v->io.entries.at[i], parameter, largest));
    }
    return RK_OK;
}

static rk_status compare_losses(rk_ctx *ctx, struct learning *l, const struct bundle_entry *e, int64_t count, enum rule which)
{
    double *theirs, most = 0;
    int64_t n;
    TRY(expect_values(ctx, e, &theirs, &n));
    for (int64_t i = 0; i < count && i < n; i++) {
        double d = fabs(l->losses[i] - theirs[i]), relative = d == 0 ? 0 : d / fabs(theirs[i]);
        if (!(relative <= most)) most = relative;
        if (isnan(most)) break;
    }
    FREE(theirs, n);
    return expect_tell(ctx, l->v, e, most, expect_tolerance(l->v, which, e), "");
}

/* Takes out what has next to no first gradient: ours becomes theirs there. */
static int64_t leave_out(const double *gradient, double *ours, const double *theirs, int64_t n)
{
    double largest = 0;
    int64_t out = 0;
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(gradient[i]));
    for (int64_t i = 0; i < n; i++) {
        if (fabs(gradient[i]) >= left_out * largest && largest > 0) continue;
        ours[i] = theirs[i];
        out++;
    }
    return out;
}

static rk_status compare_weight(rk_ctx *ctx, struct learning *l, const struct bundle_entry *e, int parameter)
{
    double *ours = NULL, *theirs = NULL;
    int64_t n = elements(l, parameter);
    char note[96] = "";
    rk_status status;
    GO(read_expected(ctx, l, e, parameter, &theirs));
    GO(read_state(ctx, l, RK_PARAMETER, parameter, &ours));
    int64_t out = leave_out(l->first[parameter], ours, theirs, n);
    if (out > 0) (void)snprintf(note, sizeof note, "%lld of %lld left out: no first gradient", (long long)out, (long long)n);
    double d = difference_norm(ours, theirs, n);
    GO(expect_tell(ctx, l->v, e, d == 0 ? 0 : d / norm(theirs, n), expect_tolerance(l->v, RULE_WEIGHTS, e), note));
out:
    FREE(ours, n);
    FREE(theirs, n);
    return status;
}

static rk_status compare_weights(rk_ctx *ctx, struct learning *l)
{
    for (int i = 0; i < l->v->io.entries.n; i++) {
        int parameter = parameter_of(ctx, l, &l->v->io.entries.at[i], "adamw.");
        if (parameter >= 0) TRY(compare_weight(ctx, l, &l->v->io.entries.at[i], parameter));
    }
    return RK_OK;
}

/* --- all of it --- */

static bool begins(const struct verify *v, const char *prefix)
{
    for (int i = 0; i < v->io.entries.n; i++)
        if (strncmp(v->io.entries.at[i].name.at, prefix, strlen(prefix)) == 0) return true;
    return false;
}

static rk_status learn(rk_ctx *ctx, struct learning *l)
{
    struct verify *v = l->v;
    const struct bundle_entry *loss = expect_find(v, "loss"), *losses = expect_find(v, "adamw.losses");
    TRY(make_ready(ctx, l));
    TRY(loss_and_gradients(ctx, l, &l->losses[0]));
    for (int i = 0; i < l->built.parameters.n; i++) TRY(read_state(ctx, l, RK_GRADIENT, i, &l->first[i]));
    if (loss != NULL) TRY(compare_losses(ctx, l, loss, 1, RULE_LOSS));
    TRY(compare_gradients(ctx, l));
    if (!begins(v, "adamw.")) return RK_OK;
    for (int64_t t = 1; t <= l->steps; t++) {
        TRY(adamw(ctx, l, t));
        if (t < l->steps) TRY(loss_and_gradients(ctx, l, &l->losses[t]));
    }
    if (losses != NULL) TRY(compare_losses(ctx, l, losses, l->steps, RULE_LOSSES));
    return compare_weights(ctx, l);
}

rk_status verify_learning(rk_ctx *ctx, struct verify *v)
{
    const struct bundle_entry *loss = expect_find(v, "loss"), *losses = expect_find(v, "adamw.losses");
    struct learning l = { .v = v, .steps = STEPS };
    if (loss == NULL && !begins(v, "grad.") && !begins(v, "adamw.")) return RK_OK;
    if (v->labels == NULL) return FAIL(RK_E_MISSING, "%s: a loss or gradients, but no labels", v->io.path);
    if (losses != NULL && (losses->rank != 1 || losses->shape[0] < 1 || losses->shape[0] > MOST_STEPS))
        return FAIL(RK_E_SHAPE, "%s: adamw.losses holds one loss for each of 1 to %d steps", v->io.path, MOST_STEPS);
    if (loss != NULL && loss->bytes != rk_dtype_bytes(loss->dtype)) return FAIL(RK_E_SHAPE, "%s: loss is one number", v->io.path);
    if (losses != NULL) l.steps = losses->shape[0];
    rk_status status = learn(ctx, &l);
    learning_close(ctx, &l);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}
