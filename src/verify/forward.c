/* forward.c: logits, hidden states and what else a model gives, of the whole forward pass, without a cache. */
#include "core/graph.h"
#include "verify/verify.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

struct forward { rk_graph *g; struct plan *plan; struct run *run; };

static void forward_close(struct forward *f)
{
    run_close(f->run);
    plan_free(f->plan);
    rk_graph_close(f->g);
}

static rk_status forward_open(rk_ctx *ctx, struct forward *f, const struct verify *v)
{
    struct built built;
    struct build_options how = verify_sizes(v, FOR_LOGITS);
    how.hidden_states = true;
    TRY(weights_build(ctx, v->weights, &how, &built));
    rk_status status = infer_plan(ctx, built.g, v->backend, &f->g, &f->plan);
    built_close(&built);
    if (status != RK_OK) return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
    TRY(run_open(ctx, f->plan, v->weights->store, &f->run));
    TRY(verify_feed(ctx, v, f->run));
    return run_go(ctx, f->run, 0, 0);
}

/* max |difference| / max |value|; NaN where one side is none. */
static double distance(const double *ours, const double *theirs, int64_t n)
{
    double most = 0, largest = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = fabs(ours[i] - theirs[i]);
        if (!(d <= INFINITY)) return NAN;
        most = fmax(most, d);
        largest = fmax(largest, fabs(theirs[i]));
    }
    return most == 0 ? 0 : most / largest;
}

/* How far the file's own f32 is from its f64, where it has both; 0: it has not. */
static rk_status own_error(rk_ctx *ctx, const struct verify *v, const char *output, double *own)
{
    char name[40];
    double *narrow = NULL, *truth = NULL;
    int64_t n = 0, m = 0;
    rk_status status;
    (void)snprintf(name, sizeof name, "%.*s64%s", (int)strcspn(output, "."), output, output + strcspn(output, "."));
    const struct bundle_entry *e = expect_find(v, output), *w = expect_find(v, name);
    *own = 0;
    if (e == NULL || w == NULL) return RK_OK;
    GO(expect_values(ctx, e, &narrow, &n));
    GO(expect_values(ctx, w, &truth, &m));
    if (n == m) *own = distance(narrow, truth, n);
out:
    FREE(narrow, n);
    FREE(truth, m);
    return status;
}

/* What is beyond its tolerance may be so by rounding, as far as the file shows that of itself; a thousandth is none. */
static rk_status widen(rk_ctx *ctx, const struct verify *v, const char *output, double *tolerance, char *note, size_t room)
{
    double own;
    TRY(own_error(ctx, v, output, &own));
    if (!(own < 1e-3 && 4 * own * v->loosen > *tolerance)) return RK_OK;
    (void)snprintf(note, room, "widened: the file's own f32 is off by %.1e", own);
    *tolerance = 4 * own * v->loosen;
    return RK_OK;
}

/* Both sides are f64: nothing is rounded to less. */
static bool exact(const struct verify *v, const struct bundle_entry *e) { return v->backend->bytes_of(RK_f32) == sizeof(double) && e->dtype == RK_f64; }

static rk_status compare(rk_ctx *ctx, const struct forward *f, struct verify *v, const struct bundle_entry *e, const char *output)
{
    char note[64] = "";
    const struct node *y = node_of(f->g, graph_find_output(f->g, output));
    double *ours = NULL, *theirs;
    int64_t n, shape[RK_MAX_RANK];
    rk_status status;
    for (int i = 0; i < y->rank; i++) shape[i] = dim_size(f->g, y->dim[i]);
    TRY(expect_shape(ctx, e, y->rank, shape));
    TRY(expect_values(ctx, e, &theirs, &n));
    GO(NEW(ours, n));
    GO(run_output(ctx, f->run, output, ours, RK_f64));
    double error = distance(ours, theirs, n), tolerance = expect_tolerance(v, RULE_VALUES, e);
    if (error > tolerance && !exact(v, e)) GO(widen(ctx, v, output, &tolerance, note, sizeof note));
    GO(expect_tell(ctx, v, e, error, tolerance, isnan(error) ? "not all are numbers" : note));
out:
    FREE(ours, n);
    FREE(theirs, n);
    return status;
}

/* "logits", "pooled", "nsp" are called so; "hidden64.3" -> "hidden.3"; false: none of these. */
static bool output_of(const struct name *name, char *output, size_t room)
{
    int i, end = 0;
    static const char *const plain[] = { "logits", "pooled", "nsp" };
    for (size_t k = 0; k < sizeof plain / sizeof *plain; k++) {
        size_t n = strlen(plain[k]);
        if (strncmp(name->at, plain[k], n) == 0 && (name->at[n] == '\0' || strcmp(name->at + n, "64") == 0)) return snprintf(output, room, "%s", plain[k]) > 0;
    }
    if (sscanf(name->at, "hidden.%9d%n", &i, &end) != 1 && sscanf(name->at, "hidden64.%9d%n", &i, &end) != 1) return false;
    return (uint32_t)end == name->length && snprintf(output, room, "hidden.%d", i) > 0;
}

static rk_status compare_all(rk_ctx *ctx, const struct forward *f, struct verify *v)
{
    char output[32];
    for (int i = 0; i < v->io.entries.n; i++) {
        const struct bundle_entry *e = &v->io.entries.at[i];
        if (!output_of(&e->name, output, sizeof output) || !run_has_output(f->run, output)) continue;
        TRY(compare(ctx, f, v, e, output));
    }
    return RK_OK;
}

rk_status verify_forward(rk_ctx *ctx, struct verify *v)
{
    struct forward f = { 0 };
    char output[32];
    bool any = false;
    for (int i = 0; i < v->io.entries.n; i++) any = any || output_of(&v->io.entries.at[i].name, output, sizeof output);
    if (!any) return RK_OK;
    rk_status status = forward_open(ctx, &f, v);
    if (status == RK_OK) status = compare_all(ctx, &f, v);
    forward_close(&f);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}
