/* panels.c: what operations on panels (core/panel.h) share: whether operands are such, and the rows that they stand for. */
#include "core/panel.h"
#include "op/build.h"
#include <stdio.h>

rk_status panels_check(rk_ctx *ctx, const rk_graph *g, const struct node *n, int first, int64_t out, int64_t in)
{
    const bool floats = n->arity == 2;
    const struct node *w = node_of(g, n->in[first]), *s = floats ? w : node_of(g, n->in[first + 1]);
    int64_t shape[PANEL_RANK];
    if (!panel_fits(floats, out, in)) return FAIL(RK_E_SHAPE, "%s: %lld x %lld is not cut into panels of %d x %d", n->op->name, (long long)out, (long long)in, (int)panel_columns(floats), PANEL_PER_SCALE);
    if (floats && w->dtype > RK_f8e5m2) return FAIL(RK_E_DTYPE, "%s: panels of %s without scales", n->op->name, rk_dtype_name(w->dtype));
    if (!floats && (w->dtype != RK_i8 || s->dtype > RK_f8e5m2)) return FAIL(RK_E_DTYPE, "%s: panels of %s with scales of %s", n->op->name, rk_dtype_name(w->dtype), rk_dtype_name(s->dtype));
    panel_shape(floats, out, in, shape);
    bool fits = w->rank == PANEL_RANK && (floats || s->rank == PANEL_SCALE_RANK);
    for (int i = 0; i < PANEL_RANK && fits; i++) fits = dim_size(g, w->dim[i]) == shape[i];
    if (floats && !fits)
        return FAIL(RK_E_SHAPE, "%s: the panels of %lld x %lld are [%lld %lld %d %d %d]", n->op->name, (long long)out, (long long)in, (long long)shape[0], (long long)shape[1], PANEL_FOURS,
                    PANEL_EACH, FLOAT_PANEL_COLUMNS);
    if (floats) return RK_OK;
    if (!fits || s->dim[0] != w->dim[0] || s->dim[1] != w->dim[1] || s->dim[2] != w->dim[3])
        return FAIL(RK_E_SHAPE, "%s: the panels of %lld x %lld are [%lld %lld %d %d %d], and their scales have the first two and the fourth of these dimensions", n->op->name,
                    (long long)out, (long long)in, (long long)shape[0], (long long)shape[1], PANEL_FOURS, PANEL_COLUMNS, PANEL_EACH);
    return RK_OK;
}

/* Neighbours in x become what `dims` names, of which there may be fewer: without the padding. */
static rk_ref become(rk_graph *g, rk_ref x, int n_from, const rk_dim *from, int n, const rk_dim *dims)
{
    char rows[40];
    int64_t all = 1, size = 1;
    for (int i = 0; i < n_from; i++) all *= dim_size(g, from[i]);
    for (int i = 0; i < n; i++) size *= dim_size(g, dims[i]);
    (void)snprintf(rows, sizeof rows, "rows_%lld", (long long)all);
    rk_dim padded = all != size || n > 1 ? dim_derived(g, dim_name(g, dims[0]), rows, '\0', all) : dims[0], whole = padded;
    struct dims_text parts = dims_text(g, n_from, from), one = dims_text(g, 1, &padded), into = dims_text(g, n, dims);
    x = rk_merge(g, x, parts.at, one.at);
    if (all != size) {
        (void)snprintf(rows, sizeof rows, "rows_%lld", (long long)size);
        if (n == 1) whole = dims[0];
        else whole = dim_derived(g, dim_name(g, dims[0]), rows, '\0', size);
        struct dims_text fewer = dims_text(g, 1, &whole);
        x = rk_slice(g, x, one.at, 0, fewer.at);
        one = fewer;
    }
    return n == 1 ? x : rk_split(g, x, one.at, into.at);
}

rk_ref rk_widen_panels(rk_graph *g, rk_ref panels, rk_ref scale, rk_dtype dtype, const char *dims)
{
    rk_dim dim[RK_MAX_RANK];
    rk_ctx *ctx = g->ctx;
    int rank = 0, columns = 0;
    int64_t rows = 1;
    const bool floats = scale == 0;
    rk_ref wide = rk_cast(g, panels, dtype);
    if (!floats) wide = rk_mul(g, wide, scale);
    if (wide == 0) return 0;
    const struct node w = *node_of(g, wide);
    rk_status status = graph_dims(ctx, g, dims, RK_MAX_RANK, &rank, dim);
    if (status == RK_OK && (rank < 2 || w.rank != PANEL_RANK))
        status = FAIL(RK_E_SHAPE, "widen_panels \"%s\": panels of %d dimensions, expected %d and a matrix of 2 at least", dims, w.rank, PANEL_RANK);
    if (status != RK_OK) {
        graph_mistake(g, status);
        return 0;
    }
    while (columns + 1 < rank && (columns == 0 || panel_count_of(floats, rows) < dim_size(g, w.dim[0]))) rows *= dim_size(g, dim[columns++]);
    const rk_dim order[PANEL_RANK] = { w.dim[0], w.dim[floats ? 4 : 3], w.dim[1], w.dim[2], w.dim[floats ? 3 : 4] };
    rk_ref x = rk_order(g, wide, dims_text(g, PANEL_RANK, order).at);
    x = become(g, x, 2, order, columns, dim);
    return become(g, x, 3, order + 2, rank - columns, dim + columns);
}
