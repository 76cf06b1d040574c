/* weigh.c: losses, gradients and weights against what the file expects.
 *
 * They are compared in the order of our dimensions; the family's table says how a file has them. Elements whose first gradient
 * is noise are left out of the weights' comparison, and counted. Where a loss or a weight is beyond its tolerance, it
 * is held against four times what rounding alone does to it, and the row says so. */
#include "verify/learn.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STEPS = 10, MOST_STEPS = 1000, NOTE = 160 };

/* The parameter of a name "grad.TENSOR"; -1: not one of these, or no such parameter. */
static rk_status parameter_of(rk_ctx *ctx, const struct learning *l, const struct bundle_entry *e, const char *prefix, int *parameter)
{
    size_t n = strlen(prefix);
    *parameter = -1;
    if (e->name.length <= n || memcmp(e->name.at, prefix, n) != 0) return RK_OK;
    return bind_find(ctx, l->v->model->config.arch, &l->built, e->name.at + n, e->name.length - n, parameter);
}

static rk_status read_expected(rk_ctx *ctx, const struct learning *l, const struct bundle_entry *e, int parameter, double **values)
{
    TRY(NEW(*values, learn_elements(l, parameter)));
    rk_status status = bind_read(ctx, l->v->model->config.arch, &l->built, parameter, e, RK_f64, *values);
    if (status != RK_OK) FREE(*values, learn_elements(l, parameter));
    return status;
}

static double norm(const double *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

static bool wide(const struct learning *l) { return l->v->backend->bytes_of(RK_f32) == sizeof(double); }       /* we compute in f64 */
static bool parts(const struct learning *l) { return l->v->model->config.arch->parts_in_f32; }                  /* and the file's maker not all of it */

/* --- gradients --- */

/* The largest norm of the file's gradients: what a small one is small against. */
static rk_status largest_norm(rk_ctx *ctx, const struct learning *l, double *largest)
{
    *largest = 0;
    for (int i = 0; i < l->v->io.entries.n; i++) {
        const struct bundle_entry *e = &l->v->io.entries.at[i];
        double *values;
        int64_t n;
        int parameter;
        TRY(parameter_of(ctx, l, e, "grad.", &parameter));
        if (parameter < 0) continue;
        TRY(expect_values(ctx, e, &values, &n));
        *largest = fmax(*largest, norm(values, n));
        FREE(values, n);
    }
    return RK_OK;
}

static rk_status compare_gradient(rk_ctx *ctx, struct learning *l, const struct bundle_entry *e, int parameter, double largest)
{
    double *theirs, against, sum = 0;
    int64_t n = learn_elements(l, parameter);
    TRY(read_expected(ctx, l, e, parameter, &theirs));
    against = fmax(norm(theirs, n), 1e-4 * largest);
    for (int64_t i = 0; i < n; i++) sum += (l->first[parameter][i] - theirs[i]) * (l->first[parameter][i] - theirs[i]);
    FREE(theirs, n);
    return expect_tell(ctx, l->v, e, sum == 0 ? 0 : sqrt(sum) / against, expect_tolerance(l->v, RULE_GRADIENT, e), "");
}

static rk_status compare_gradients(rk_ctx *ctx, struct learning *l)
{
    double largest;
    TRY(largest_norm(ctx, l, &largest));
    for (int i = 0; i < l->v->io.entries.n; i++) {
        int parameter;
        TRY(parameter_of(ctx, l, &l->v->io.entries.at[i], "grad.", &parameter));
        if (parameter >= 0) TRY(compare_gradient(ctx, l, &l->v->io.entries.at[i], parameter, largest));
    }
    return RK_OK;
}

/* --- losses and weights --- */

/* Widens a tolerance that rounding alone breaks, no further than it takes, and says so. */
static rk_status widen(rk_ctx *ctx, struct learning *l, double error, const double *spread, double *tolerance, char note[NOTE])
{
    double usual = *tolerance;
    for (enum rounded what = WEIGHTS_ROUNDED; what <= GRADIENTS_ROUNDED && error > *tolerance; what++) {
        TRY(learn_spread(ctx, l, what));
        *tolerance = fmax(usual, 4 * *spread * l->v->loosen);
    }
    size_t n = strlen(note);
    if (*tolerance > usual) (void)snprintf(note + n, NOTE - n, "%swidened: rounding alone moves it by %.1e", n > 0 ? "; " : "", *spread);
    return RK_OK;
}

static double relative(const double *ours, const double *theirs, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = fabs(ours[i] - theirs[i]);
        if (d != 0) most = fmax(most, d / fabs(theirs[i]));
        if (isnan(d)) return NAN;
    }
    return most;
}

static rk_status compare_loss(rk_ctx *ctx, struct learning *l, const struct bundle_entry *e)
{
    double *theirs;
    int64_t n;
    TRY(expect_values(ctx, e, &theirs, &n));
    double error = relative(&l->loss, theirs, 1);
    FREE(theirs, n);
    return expect_tell(ctx, l->v, e, error, expect_tolerance(l->v, RULE_LOSS, e), "");
}

static rk_status compare_losses(rk_ctx *ctx, struct learning *l, const struct bundle_entry *e)
{
    double *theirs, tolerance = expect_tolerance(l->v, RULE_LOSSES, e);
    int64_t n;
    char note[NOTE] = "";
    TRY(expect_values(ctx, e, &theirs, &n));
    double error = relative(l->losses, theirs, l->steps);
    FREE(theirs, n);
    TRY(widen(ctx, l, error, &l->loss_spread, &tolerance, note));
    return expect_tell(ctx, l->v, e, error, tolerance, note);
}

static double weight_error(const struct learning *l, int parameter, const double *theirs, int64_t *left_out)
{
    const double *ours = l->last[parameter], *gradient = l->first[parameter];
    double sum = 0, largest = 0;
    int64_t n = learn_elements(l, parameter);
    bool trained = parameter < l->trained;
    *left_out = 0;
    for (int64_t i = 0; i < n && trained; i++) largest = fmax(largest, fabs(gradient[i]));
    for (int64_t i = 0; i < n; i++) {
        if (trained && learn_is_noise(gradient[i], largest)) ++*left_out;
        else sum += (ours[i] - theirs[i]) * (ours[i] - theirs[i]);
    }
    return sum == 0 ? 0 : sqrt(sum) / norm(theirs, n);
}

static rk_status compare_weight(rk_ctx *ctx, struct learning *l, const struct bundle_entry *e, int parameter)
{
    double *theirs, tolerance = expect_tolerance(l->v, RULE_WEIGHTS, e);
    int64_t left_out, n = learn_elements(l, parameter);
    char note[NOTE] = "";
    TRY(read_expected(ctx, l, e, parameter, &theirs));
    double error = weight_error(l, parameter, theirs, &left_out);
    if (wide(l) && parts(l)) tolerance += learn_unsure(l, parameter) * l->v->loosen / norm(theirs, n);
    FREE(theirs, n);
    if (left_out > 0) (void)snprintf(note, sizeof note, "%lld of %lld left out: no first gradient", (long long)left_out, (long long)n);
    TRY(widen(ctx, l, error, &l->weight_spread[parameter], &tolerance, note));
    return expect_tell(ctx, l->v, e, error, tolerance, note);
}

static rk_status compare_weights(rk_ctx *ctx, struct learning *l)
{
    for (int i = 0; i < l->v->io.entries.n; i++) {
        int parameter;
        TRY(parameter_of(ctx, l, &l->v->io.entries.at[i], "adamw.", &parameter));
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

static rk_status weigh(rk_ctx *ctx, struct learning *l, struct verify *v, const struct bundle_entry *loss, const struct bundle_entry *losses)
{
    TRY(learn_open(ctx, l, v, losses != NULL ? losses->shape[0] : STEPS));
    if (loss != NULL) TRY(compare_loss(ctx, l, loss));
    TRY(compare_gradients(ctx, l));
    if (!begins(v, "adamw.")) return RK_OK;
    TRY(learn_steps(ctx, l));
    if (losses != NULL) TRY(compare_losses(ctx, l, losses));
    return compare_weights(ctx, l);
}

rk_status verify_learning(rk_ctx *ctx, struct verify *v)
{
    const struct bundle_entry *loss = expect_find(v, "loss"), *losses = expect_find(v, "adamw.losses");
    struct learning l = { 0 };
    if (loss == NULL && !begins(v, "grad.") && !begins(v, "adamw.")) return RK_OK;
    if (!v->labelled) return FAIL(RK_E_MISSING, "%s: a loss or gradients, but no labels", v->io.path);
    if (losses != NULL && (losses->rank != 1 || losses->shape[0] < 1 || losses->shape[0] > MOST_STEPS))
        return FAIL(RK_E_SHAPE, "%s: adamw.losses holds one loss for each of 1 to %d steps", v->io.path, MOST_STEPS);
    if (loss != NULL && loss->bytes != rk_dtype_bytes(loss->dtype)) return FAIL(RK_E_SHAPE, "%s: loss is one number", v->io.path);
    rk_status status = weigh(ctx, &l, v, loss, losses);
    learn_close(ctx, &l);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}
