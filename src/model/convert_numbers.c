/* convert_numbers.c: the numbers of a tensor in another dtype, order, or layout, and what they lost. */
#include "base/num.h"
#include "core/panel.h"
#include "model/bind.h"
#include "model/convert.h"
#include <math.h>
#include <string.h>

enum { PIECE = 1 << 16 };

/* All of a tensor, as f32 in the order of the file; integers in rows. */
static rk_status read_whole(rk_ctx *ctx, const struct conversion *c, const struct bundle_entry *e, int64_t n, float *to)
{
    const struct bundle_entry *scale = forms_scale(&c->b, e);
    if (e->dtype == RK_i8) {
        PROMISE(scale != NULL);
        return forms_numbers(ctx, e, scale, n, to);
    }
    if (forms_in_panels(e)) return forms_numbers(ctx, e, NULL, n, to);
    num_load_f32(to, e->data, (int)e->dtype, (size_t)n);
    return RK_OK;
}

static rk_status check_numbers(rk_ctx *ctx, const struct conversion *c, const float *x, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        if (!isfinite(x[k])) {
            (void)FAIL(RK_E_FORMAT, "%s: element %lld, counted as the file has them, is %s", str_c(&c->name), (long long)k, isnan(x[k]) ? "no number (NaN)" : "infinite");
            return ctx_hint(ctx, "no dtype mends weights that are no numbers: take the checkpoint from before they came");
        }
    return RK_OK;
}

/* Beyond what the new dtype holds y is infinite, and so is what was lost. */
static void lose(struct loss *l, float x, float y)
{
    double d = fabs((double)x - (double)y);
    if (d > l->worst) l->worst = d;
    l->wrong += d * d;
    l->size += (double)x * (double)x;
}

static void quantise(const float *x, int64_t n, int8_t *q, float *scale, struct loss *l)
{
    float most = 0;
    for (int64_t k = 0; k < n; k++) most = fmaxf(most, fabsf(x[k]));
    float s = most / 127, inverse = s > 0 ? 1 / s : 0;
    if (!(inverse <= 3e38f)) s = inverse = 0;                    /* too small for a scale: zeros */
    for (int64_t k = 0; k < n; k++) {
        float r = nearbyintf(x[k] * inverse);
        q[k] = (int8_t)(r > 127 ? 127 : r < -127 ? -127 : r);
        lose(l, x[k], s * (float)q[k]);
    }
    *scale = s;
}

/* Integers and scales that lie in rows, as they are or in panels. */
static rk_status write_rows(rk_ctx *ctx, struct conversion *c, const struct fate *f, const int8_t *q, const float *scale, int64_t n)
{
    int64_t row = f->stored.shape[f->stored.rank - 1];
    bool packs = f->in_rows == NULL;
    int64_t bytes = packs ? panel_count(n / row) * PANEL_COLUMNS * row : n, scales = bytes / f->block;
    int8_t *panels = NULL;
    float *of_panels = NULL;
    rk_status status = RK_OK;
    if (packs) {
        GO(NEW(panels, bytes));
        GO(NEW(of_panels, scales));
        panel_make(n / row, row, q, panels);
        panel_make_scales(n / row, row, scale, of_panels);
    }
    GO(bundle_write(ctx, &c->w, str_c(&c->name), packs ? panels : q, (size_t)bytes));
    GO(str_text(ctx, &c->name, ".scale"));
    GO(bundle_write(ctx, &c->w, str_c(&c->name), packs ? of_panels : scale, (size_t)scales * sizeof *scale));
out:
    FREE(panels, bytes);
    FREE(of_panels, scales);
    return status;
}

rk_status convert_integers(rk_ctx *ctx, struct conversion *c, int i, const float *x, int64_t n, struct loss *l)
{
    int64_t block = c->fate[i].block;
    int8_t *q = NULL;
    float *scale = NULL;
    rk_status status;
    GO(NEW(q, n));
    GO(NEW(scale, n / block));
    if (x == NULL) forms_rows(c->found[i], forms_scale(&c->b, c->found[i]), n, q, scale);
    for (int64_t k = 0; k < n && x != NULL; k += block) quantise(x + k, block, q + k, scale + k / block, l);
    GO(write_rows(ctx, c, &c->fate[i], q, scale, n));
out:
    FREE(q, n);
    FREE(scale, n / block);
    return status;
}

static rk_status write_floats(rk_ctx *ctx, struct conversion *c, const float *x, int64_t n, rk_dtype dtype, struct loss *l)
{
    unsigned char *piece;
    float *back = NULL;
    rk_status status;
    GO(NEW(piece, PIECE * sizeof(double)));
    GO(NEW(back, PIECE));
    for (int64_t k = 0; k < n; k += PIECE) {
        int64_t here = n - k < PIECE ? n - k : PIECE;
        num_store_f32(piece, (int)dtype, x + k, (size_t)here);
        num_load_f32(back, piece, (int)dtype, (size_t)here);
        for (int64_t j = 0; j < here; j++) lose(l, x[k + j], back[j]);
        GO(bundle_write(ctx, &c->w, str_c(&c->name), piece, (size_t)here * rk_dtype_bytes(dtype)));
    }
out:
    FREE(piece, PIECE * sizeof(double));
    FREE(back, PIECE);
    return status;
}

/* Floats become panels. */
static rk_status write_panels(rk_ctx *ctx, struct conversion *c, const struct fate *f, const float *x, int64_t n, struct loss *l)
{
    const int64_t row = f->stored.shape[f->stored.rank - 1], size = panel_count_of(true, n / row) * FLOAT_PANEL_COLUMNS * row;
    float *panels;
    TRY(NEW(panels, size));
    panel_make_floats(n / row, row, x, panels);
    for (int64_t k = 0; k < n; k++) lose(l, x[k], x[k]);
    rk_status status = bundle_write(ctx, &c->w, str_c(&c->name), panels, (size_t)size * sizeof *panels);
    FREE(panels, size);
    return status;
}

/* From the order of the source into that of the target: axes change places only where one has its contracted axis last, as integers and panels do. */
static rk_status turn(rk_ctx *ctx, const struct conversion *c, int i, const float *from, bool sums_last, int64_t n, float *to)
{
    struct stored source, target;
    const float *x = from;
    float *graph = NULL;
    rk_status status;
    bool has_last = c->found[i]->dtype == RK_i8 || forms_in_panels(c->found[i]);
    if (has_last == sums_last) {
        memcpy(to, from, (size_t)n * sizeof *to);
        return RK_OK;
    }
    GO(bind_stored_as(ctx, c->m->config.arch, &c->built, i, has_last ? RK_i8 : RK_f32, &source));
    GO(bind_stored_as(ctx, c->m->config.arch, &c->built, i, sums_last ? RK_i8 : RK_f32, &target));
    GO(NEW(graph, n));
    for (int64_t first = 0, count; first < n; first += count) {
        count = reorder_box(&source.read, first, PIECE);
        reorder_copy(&source.read, graph + first, x, first, count, sizeof *x);
    }
    for (int64_t first = 0, count; first < n; first += count) {
        count = reorder_box(&target.write, first, PIECE);
        reorder_copy(&target.write, to + first, graph, first, count, sizeof *x);
    }
out:
    FREE(graph, n);
    return status;
}

rk_status convert_numbers(rk_ctx *ctx, struct conversion *c, int i, const rk_converted *told, struct loss *l)
{
    int64_t n = told->elements;
    float *x = NULL, *turned = NULL;
    rk_status status;
    GO(NEW(x, n));
    GO(NEW(turned, n));
    GO(read_whole(ctx, c, c->found[i], n, x));
    GO(check_numbers(ctx, c, x, n));
    GO(turn(ctx, c, i, x, told->block > 0 || told->packed, n, turned));
    if (told->block > 0) GO(convert_integers(ctx, c, i, turned, n, l));
    else if (told->packed) GO(write_panels(ctx, c, &c->fate[i], turned, n, l));
    else GO(write_floats(ctx, c, turned, n, told->to, l));
out:
    FREE(x, n);
    FREE(turned, n);
    return status;
}
