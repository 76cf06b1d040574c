/* learn.c: see learn.h. The graphs are those that train (train/graphs.h).
 *
 * Ten steps unless adamw.losses has another number of them: learning rate 1e-2, betas 0.9 and 0.95, eps 1e-8, decay 0.1 on
 * tensors that are stored with two or more dimensions, no clipping. */
#include "verify/learn.h"
#include "base/rng.h"
#include "train/graphs.h"
#include <math.h>
#include <string.h>

enum { FEW_RUNS = 3, MORE_RUNS = 8 };
static const double rate = 1e-2, noise = 1e-6, makers_noise = 2e-7;
static const struct train_rule rule = { .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .clip = 0 };

int64_t learn_elements(const struct learning *l, int i) { return parameter_elements(l->built.g, &l->built.parameters.at[i]); }
bool    learn_is_noise(double gradient, double largest) { return fabs(gradient) < noise * largest || largest == 0; }

static void machine_close(struct machine *m)
{
    run_close(m->run);
    plan_free(m->plan);
    rk_graph_close(m->g);
}

void learn_close(rk_ctx *ctx, struct learning *l)
{
    int n = l->n;
    machine_close(&l->micro);
    machine_close(&l->update);
    store_close(l->store);
    for (int i = 0; l->first != NULL && i < n; i++) FREE(l->first[i], learn_elements(l, i));
    for (int i = 0; l->last != NULL && i < n; i++) FREE(l->last[i], learn_elements(l, i));
    FREE(l->first, n);
    FREE(l->last, n);
    FREE(l->weight_spread, n);
    FREE(l->losses, l->steps);
    built_close(&l->built);
}

/* --- making ready --- */

static rk_status set_decay(rk_ctx *ctx, struct learning *l)
{
    for (int i = 0; i < l->trained; i++) {
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

/* What had no gradient was not trained: no step moves it, not even decay. Those go behind the others. */
static rk_status find_trained(rk_ctx *ctx, struct learning *l)
{
    const struct bundle *io = &l->v->io;
    bool *has, any = false;
    rk_status status = RK_OK;
    TRY(NEW(has, l->n));
    for (int e = 0; e < io->entries.n; e++) {
        const struct name *name = &io->entries.at[e].name;
        int i = -1;
        if (name->length > 5 && memcmp(name->at, "grad.", 5) == 0) GO(bind_find(ctx, l->v->model->config.arch, &l->built, name->at + 5, name->length - 5, &i));
        if (i >= 0 && i < l->built.parameters.n) has[i] = any = true;
    }
    l->trained = any ? 0 : l->built.parameters.n;
    for (int i = 0; i < l->n && any; i++) {
        if (!has[i]) continue;
        struct parameter p = l->built.parameters.at[i];
        memmove(&l->built.parameters.at[l->trained + 1], &l->built.parameters.at[l->trained], (size_t)(i - l->trained) * sizeof p);
        l->built.parameters.at[l->trained++] = p;
    }
    GO(built_index(ctx, &l->built));
out:
    FREE(has, l->n);
    return status;
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
    struct build_options how = verify_sizes(v, FOR_TRAINING);
    TRY(model_build(ctx, v->model, &how, &l->built));
    l->n = built_stored(&l->built);
    TRY(find_trained(ctx, l));
    TRY(set_decay(ctx, l));
    TRY(train_micro(ctx, v->backend, l->built.g, l->built.parameters.at, l->trained, false, &l->micro.g));
    TRY(train_update(ctx, l->built.g, l->built.parameters.at, l->trained, &rule, &l->update.g));
    TRY(store_open(ctx, v->backend, &l->store));
    TRY(place(ctx, l, &l->micro));
    TRY(place(ctx, l, &l->update));
    TRY(store_allocate(ctx, l->store));
    TRY(load(ctx, l));
    TRY(run_open(ctx, l->micro.plan, l->store, &l->micro.run));
    TRY(run_open(ctx, l->update.plan, l->store, &l->update.run));
    TRY(NEW(l->first, l->n));
    TRY(NEW(l->last, l->n));
    TRY(NEW(l->weight_spread, l->n));
    return NEW(l->losses, l->steps);
}

/* --- steps --- */

/* Both parts of a loss are means: over the labels, and over the pairs of texts that are judged. */
static double next_weight(const struct verify *v)
{
    const int32_t *next = verify_input(v, "next");
    int64_t judged = 0;
    for (int64_t b = 0; b < v->batch && next != NULL; b++) judged += next[b] >= 0;
    return judged > 0 ? (double)v->targets / (double)judged : 0;
}

static rk_status loss_and_gradients(rk_ctx *ctx, struct learning *l, double *loss)
{
    const struct verify *v = l->v;
    double inverse = 1 / (double)v->targets, next = next_weight(v);
    TRY(verify_feed(ctx, v, l->micro.run));
    TRY(run_input(ctx, l->micro.run, "inverse_tokens", &inverse, RK_f64));
    TRY(run_input(ctx, l->micro.run, "next_weight", &next, RK_f64));
    TRY(run_go(ctx, l->micro.run, 0, 0));
    TRY(run_output(ctx, l->micro.run, "loss", loss, RK_f64));
    *loss *= inverse;
    return RK_OK;
}

static rk_status adamw(rk_ctx *ctx, struct learning *l, int64_t t)
{
    TRY(train_feed(ctx, l->update.run, &rule, rate, (double)t));
    return run_go(ctx, l->update.run, 0, 0);
}

static rk_status read_state(rk_ctx *ctx, const struct learning *l, rk_kind kind, int parameter, double **values)
{
    const struct parameter *p = &l->built.parameters.at[parameter];
    int entry = store_find(l->store, kind == RK_PARAMETER ? p->kind : kind, p->name);
    PROMISE(entry >= 0);
    if (*values == NULL) TRY(NEW(*values, learn_elements(l, parameter)));
    return store_read(ctx, l->store, entry, *values, RK_f64);
}

rk_status learn_open(rk_ctx *ctx, struct learning *l, struct verify *v, int64_t steps)
{
    *l = (struct learning){ .v = v, .steps = steps };
    TRY(make_ready(ctx, l));
    TRY(loss_and_gradients(ctx, l, &l->loss));
    for (int i = 0; i < l->trained; i++) TRY(read_state(ctx, l, RK_GRADIENT, i, &l->first[i]));
    return RK_OK;
}

rk_status learn_steps(rk_ctx *ctx, struct learning *l)
{
    for (int64_t t = 1; t <= l->steps; t++) {
        TRY(loss_and_gradients(ctx, l, &l->losses[t - 1]));
        TRY(adamw(ctx, l, t));
    }
    for (int i = 0; i < l->n; i++) TRY(read_state(ctx, l, RK_PARAMETER, i, &l->last[i]));
    return RK_OK;
}

/* --- what rounding does --- */

bool learn_exact(const struct learning *l) { return l->v->backend->bytes_of(RK_f32) == sizeof(double) && !l->v->model->config.arch->parts_in_f32; }

/* Of the coarser of both sides; where terms of a gradient cancel, its maker's is off by more, and the file may say by how much. */
static double last_bit(const struct learning *l) { return learn_exact(l) ? 0x1p-53 : 0x1p-24; }
static double last_of_gradients(const struct learning *l) { return learn_exact(l) ? last_bit(l) : fmax(last_bit(l), expect_own(l->v, RULE_GRADIENT)); }

/* Changes a state by up to its last bit. A gradient is a sum, whose terms are rounded: what is small in it is off by as much as
 * what is large. Moments begin at zero. */
static rk_status nudge(rk_ctx *ctx, struct learning *l, int entry, uint64_t seed)
{
    const struct store_entry *e = &l->store->entries.at[entry];
    bool gradient = e->kind == RK_GRADIENT;
    double *values, largest = 0, bit = gradient ? last_of_gradients(l) : last_bit(l);
    TRY(NEW(values, e->elements));
    rk_status status = e->kind == RK_OPTIMIZER ? RK_OK : store_read(ctx, l->store, entry, values, RK_f64);
    for (int64_t i = 0; i < e->elements; i++) largest = fmax(largest, fabs(values[i]));
    for (int64_t i = 0; i < e->elements; i++)
        values[i] += bit * (gradient ? largest : values[i]) * (2 * rng_uniform(seed, (uint64_t)entry, (uint64_t)i) - 1);
    if (status == RK_OK) status = store_write(ctx, l->store, entry, values, RK_f64);
    FREE(values, e->elements);
    return status;
}

static rk_status nudge_all(rk_ctx *ctx, struct learning *l, bool gradients, uint64_t seed)
{
    for (int e = 0; e < l->store->entries.n; e++) {
        rk_kind kind = l->store->entries.at[e].kind;
        if (gradients ? kind == RK_GRADIENT : kind == RK_PARAMETER || kind == RK_OPTIMIZER) TRY(nudge(ctx, l, e, seed));
    }
    return RK_OK;
}

static double moved(const double *a, const double *b, const double *gradient, int64_t n)
{
    double sum = 0, all = 0, largest = 0;
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(gradient[i]));
    for (int64_t i = 0; i < n; i++) {
        if (!learn_is_noise(gradient[i], largest)) sum += (a[i] - b[i]) * (a[i] - b[i]);
        all += a[i] * a[i];
    }
    return sum == 0 ? 0 : sqrt(sum / all);
}

static rk_status spread_once(rk_ctx *ctx, struct learning *l, bool gradients, uint64_t run, double *losses)
{
    TRY(load(ctx, l));
    TRY(nudge_all(ctx, l, false, run));
    for (int64_t t = 1; t <= l->steps; t++) {
        TRY(loss_and_gradients(ctx, l, &losses[t - 1]));
        if (gradients) TRY(nudge_all(ctx, l, true, run + MORE_RUNS * (uint64_t)t));
        TRY(adamw(ctx, l, t));
    }
    for (int64_t t = 0; t < l->steps; t++) l->loss_spread = fmax(l->loss_spread, fabs(losses[t] - l->losses[t]) / fabs(l->losses[t]));
    for (int i = 0; i < l->trained; i++) {
        double *values = NULL;
        rk_status status = read_state(ctx, l, RK_PARAMETER, i, &values);
        if (status == RK_OK) l->weight_spread[i] = fmax(l->weight_spread[i], moved(l->last[i], values, l->first[i], learn_elements(l, i)));
        FREE(values, learn_elements(l, i));
        if (status != RK_OK) return status;
    }
    return RK_OK;
}

double learn_unsure(const struct learning *l, int parameter)
{
    double sum = 0, largest = 0;
    const double *gradient = l->first[parameter];
    int64_t n = learn_elements(l, parameter);
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(gradient[i]));
    for (int64_t i = 0; i < n; i++) {
        double part = fmin(1, makers_noise * largest / fabs(gradient[i]));
        if (!learn_is_noise(gradient[i], largest)) sum += part * part;
    }
    return (double)l->steps * rate * sqrt(sum);
}

rk_status learn_spread(rk_ctx *ctx, struct learning *l, enum rounded what)
{
    double *losses;
    rk_status status = RK_OK;
    if (l->spread >= what) return RK_OK;
    TRY(NEW(losses, l->steps));
    uint64_t runs = what == GRADIENTS_ROUNDED ? MORE_RUNS : FEW_RUNS;
    for (uint64_t run = 0; run < runs && status == RK_OK; run++) status = spread_once(ctx, l, what == GRADIENTS_ROUNDED, run, losses);
    if (status == RK_OK) l->spread = what;
    FREE(losses, l->steps);
    return status;
}
