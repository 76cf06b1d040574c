/* expect.c: what the file expects, how near is near enough, and the rows that are told.
 *
 * Tolerances, each widened to four times what the file's notes say of its maker's own error in f32; where both sides are f64
 * 1e-9, or 2e-6 for families whose makers compute parts in f32 all the same (weights: and what AdamW makes of that):
 *
 *   values     max |difference| / max |value|                                  1e-5
 *   loss       relative                                                        1e-5
 *   gradient   ‖difference‖ / max(‖g‖, 1e-4 · the largest ‖g‖ of the model)     2e-4
 *   losses     relative, the largest of all steps                              1e-4
 *   weights    ‖difference‖ / ‖w‖                                              1e-3
 *
 * Where the maker's own losses or gradients drifted beyond these, its weights did as well: they are widened by the same factor. */
#include "base/num.h"
#include "verify/verify.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct { double usual; const char *own; } rules[] = {
    [RULE_VALUES]   = { 1e-5, "fp32_logits" },
    [RULE_LOSS]     = { 1e-5, NULL },
    [RULE_GRADIENT] = { 2e-4, "fp32_grad" },
    [RULE_LOSSES]   = { 1e-4, "fp32_adamw_losses" },
    [RULE_WEIGHTS]  = { 1e-3, NULL },
};
static const double exact = 1e-9, exact_but_for_parts = 2e-6;

static double noted(const struct verify *v, const char *key)
{
    const char *text = key == NULL ? NULL : bundle_note(&v->io, key);
    double x = text == NULL ? 0 : strtod(text, NULL);
    return x > 0 && x < 1 ? x : 0;
}

double expect_own(const struct verify *v, enum rule rule) { return noted(v, rules[rule].own); }

/* By how much the maker's own error moves a tolerance. */
static double widened(const struct verify *v, enum rule rule) { return fmax(1, 4 * noted(v, rules[rule].own) / rules[rule].usual); }

double expect_tolerance(const struct verify *v, enum rule rule, const struct bundle_entry *e)
{
    bool wide = v->backend->bytes_of(RK_f32) == sizeof(double) && e->dtype == RK_f64;
    if (wide) return (v->model->config.arch->parts_in_f32 ? exact_but_for_parts : exact) * v->loosen;
    double wider = rule == RULE_WEIGHTS ? fmax(widened(v, RULE_GRADIENT), widened(v, RULE_LOSSES)) : widened(v, rule);
    return rules[rule].usual * wider * v->loosen;
}

const struct bundle_entry *expect_find(const struct verify *v, const char *name) { return bundle_find(&v->io, name); }

static rk_status shape_text(rk_ctx *ctx, struct str *out, int rank, const int64_t *shape)
{
    TRY(str_text(ctx, out, "["));
    for (int i = 0; i < rank; i++) TRY(str_format(ctx, out, "%s%lld", i == 0 ? "" : ", ", (long long)shape[i]));
    return str_text(ctx, out, "]");
}

rk_status expect_shape(rk_ctx *ctx, const struct bundle_entry *e, int rank, const int64_t *shape)
{
    char name[NAME_SHOWN];
    struct str found = { 0 }, wanted = { 0 };
    rk_status status;
    if (e->rank == rank && memcmp(e->shape, shape, (size_t)rank * sizeof *shape) == 0) return RK_OK;
    GO(shape_text(ctx, &found, e->rank, e->shape));
    GO(shape_text(ctx, &wanted, rank, shape));
    status = FAIL(RK_E_SHAPE, "%s: tensor \"%s\" is %s; this model gives %s", e->path, name_show(name, e->name.at, e->name.length), str_c(&found), str_c(&wanted));
out:
    str_free(ctx, &found);
    str_free(ctx, &wanted);
    return status;
}

rk_status expect_values(rk_ctx *ctx, const struct bundle_entry *e, double **values, int64_t *n)
{
    *n = (int64_t)(e->bytes / rk_dtype_bytes(e->dtype));
    TRY(NEW(*values, *n));
    if (e->aligned) {
        num_load(*values, e->data, (int)e->dtype, (size_t)*n);
        return RK_OK;
    }
    void *copy = NULL;
    rk_status status = mem_new(ctx, &copy, e->bytes, 1, e->name.at);
    if (status == RK_OK) num_load(*values, e->bytes > 0 ? memcpy(copy, e->data, e->bytes) : copy, (int)e->dtype, (size_t)*n);
    mem_free(ctx, copy, e->bytes, 1);
    if (status != RK_OK) FREE(*values, *n);
    return status;
}

/* --- rows --- */

static void mark(struct verify *v, const struct bundle_entry *e) { v->checked[e - v->io.entries.at] = true; }

static rk_status tell(rk_ctx *ctx, struct verify *v, const struct bundle_entry *e, rk_verify_row row)
{
    char name[NAME_SHOWN];
    row.name = name_show(name, e->name.at, e->name.length);
    mark(v, e);
    v->result->checked += row.verdict != RK_VERDICT_NOT_CHECKED;
    v->result->beyond += row.verdict == RK_VERDICT_BEYOND;
    v->result->ties += row.verdict == RK_VERDICT_TIE;
    v->result->not_checked += row.verdict == RK_VERDICT_NOT_CHECKED;
    if (v->each == NULL || v->each(v->user, &row)) return RK_OK;
    return FAIL(RK_E_CANCELLED, "stopped at \"%s\"", row.name);
}

rk_status expect_tell(rk_ctx *ctx, struct verify *v, const struct bundle_entry *e, double error, double tolerance, const char *note)
{
    return tell(ctx, v, e, (rk_verify_row){ .error = error, .tolerance = tolerance, .verdict = error <= tolerance ? RK_VERDICT_SAME : RK_VERDICT_BEYOND, .note = note });
}

rk_status expect_tell_tie(rk_ctx *ctx, struct verify *v, const struct bundle_entry *e, const char *note)
{
    return tell(ctx, v, e, (rk_verify_row){ .verdict = RK_VERDICT_TIE, .note = note });
}

rk_status expect_leftovers(rk_ctx *ctx, struct verify *v)
{
    for (int i = 0; i < v->io.entries.n; i++)
        if (!v->checked[i]) TRY(tell(ctx, v, &v->io.entries.at[i], (rk_verify_row){ .verdict = RK_VERDICT_NOT_CHECKED, .note = "" }));
    return RK_OK;
}
