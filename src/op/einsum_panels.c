/* einsum_panels: einsum_stored with integers that lie in panels (core/panel.h), not in rows. Fused: it is what its expansion says.
 *
 *   einsum(x, rows(cast(panels) · scale))      panels [panels blocks fours columns each] of i8, scale [panels blocks columns]
 *
 * The equation speaks of the matrix as if it lay in rows, and its dims come with it: first those of the result, then those that are
 * summed. So x and the result are those of einsum_stored, and whoever looks at them need not know how the matrix lies.
 * Attributes  i[0] .. i[3] = the dims of the matrix, 0 past the last. */
#include "core/panel.h"
#include "op/build.h"
#include <stdio.h>

static int dims_of(const struct node *n, rk_dim dim[EINSUM_PANELS_DIMS])
{
    int rank = 0;
    while (rank < EINSUM_PANELS_DIMS && n->at.i[rank] != 0) dim[rank] = (rk_dim)n->at.i[rank], rank++;
    return rank;
}

/* Rows and columns of the matrix; false: dims of the sum stand before others, or a dim is in x and the result. */
static bool sizes_of(const rk_graph *g, const struct node *n, const struct node *x, int64_t *out, int64_t *in)
{
    rk_dim dim[EINSUM_PANELS_DIMS];
    int rank = dims_of(n, dim), columns = 0;
    *out = *in = 1;
    while (columns < rank && graph_find_axis(n, dim[columns]) >= 0) *out *= dim_size(g, dim[columns++]);
    for (int i = columns; i < rank; i++) *in *= dim_size(g, dim[i]);
    bool apart = true;
    for (int i = 0; i < rank && apart; i++) apart = i < columns ? graph_find_axis(x, dim[i]) < 0 : graph_find_axis(n, dim[i]) < 0;
    return apart;
}

static rk_status check_panels(rk_ctx *ctx, const rk_graph *g, const struct node *n)
{
    const struct node *x = node_of(g, n->in[0]), *w = node_of(g, n->in[1]), *s = node_of(g, n->in[2]);
    int64_t out, in, shape[PANEL_RANK];
    if (!sizes_of(g, n, x, &out, &in)) return FAIL(RK_E_SHAPE, "einsum_panels \"%s\": the matrix needs its dims of the result first, then those of the sum", n->text);
    if (!panel_fits(out, in)) return FAIL(RK_E_SHAPE, "einsum_panels \"%s\": %lld x %lld is not cut into panels of %d x %d", n->text, (long long)out, (long long)in, PANEL_COLUMNS, PANEL_PER_SCALE);
    panel_shape(out, in, shape);
    bool fits = w->rank == PANEL_RANK && s->rank == PANEL_SCALE_RANK;
    for (int i = 0; i < PANEL_RANK && fits; i++) fits = dim_size(g, w->dim[i]) == shape[i];
    if (!fits || s->dim[0] != w->dim[0] || s->dim[1] != w->dim[1] || s->dim[2] != w->dim[3])
        return FAIL(RK_E_SHAPE, "einsum_panels \"%s\": the panels of a matrix of %lld x %lld are [%lld %lld %d %d %d], their scales the first two and the fourth of these", n->text,
                    (long long)out, (long long)in, (long long)shape[0], (long long)shape[1], PANEL_FOURS, PANEL_COLUMNS, PANEL_EACH);
    return RK_OK;
}

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    struct equation q;
    struct node matrix = { .rank = 0 };
    const struct node *x = node_of(g, n->in[0]), *w = node_of(g, n->in[1]), *s = node_of(g, n->in[2]);
    matrix.rank = dims_of(n, matrix.dim);
    TRY(equation_parse(ctx, n->text, &q));
    TRY(equation_bind(ctx, g, n->text, &q, 0, x));
    TRY(equation_bind(ctx, g, n->text, &q, 1, &matrix));
    if (x->dtype > RK_f8e5m2 || w->dtype != RK_i8 || s->dtype != x->dtype)
        return FAIL(RK_E_DTYPE, "einsum_panels \"%s\": operand 1 is %s, the panels are %s, their scales %s", n->text, rk_dtype_name(x->dtype), rk_dtype_name(w->dtype), rk_dtype_name(s->dtype));
    n->dtype = x->dtype;
    n->rank = q.rank[2];
    for (int i = 0; i < n->rank; i++) n->dim[i] = q.name[q.axis[2][i]].dim;
    return check_panels(ctx, g, n);
}

static rk_ref expand(rk_graph *g, const rk_graph *from, rk_ref y, const rk_ref *in)
{
    const struct node *n = node_of(from, y);
    rk_dim dim[EINSUM_PANELS_DIMS];
    struct dims_text dims = dims_text(g, dims_of(n, dim), dim);
    return rk_einsum(g, n->text, in[0], rk_widen_panels(g, in[1], in[2], n->dtype, dims.at));
}

OPDEF(einsum_panels) = { .name = "einsum_panels", .flags = OP_FUSED, .infer = infer, .expand = expand, .adjoint_reads = 1 | 2 | 4 };

#ifndef RECKON_METER
/* Neighbours `two` become what `dims` names: one dimension at least. */
static rk_ref become(rk_graph *g, rk_ref x, int n_two, const rk_dim *two, int n, const rk_dim *dims)
{
    char rows[32];
    int64_t size = 1;
    for (int i = 0; i < n; i++) size *= dim_size(g, dims[i]);
    (void)snprintf(rows, sizeof rows, "rows_%lld", (long long)size);
    rk_dim whole = n == 1 ? dims[0] : dim_derived(g, dim_name(g, dims[0]), rows, '\0', size);
    struct dims_text from = dims_text(g, n_two, two), into = dims_text(g, n, dims), one = dims_text(g, 1, &whole);
    x = rk_merge(g, x, from.at, one.at);
    return n == 1 ? x : rk_split(g, x, one.at, into.at);
}

rk_ref rk_widen_panels(rk_graph *g, rk_ref panels, rk_ref scale, rk_dtype dtype, const char *dims)
{
    rk_dim dim[RK_MAX_RANK];
    int rank = 0, columns = 0;
    rk_ctx *ctx = g->ctx;
    rk_ref wide = rk_mul(g, rk_cast(g, panels, dtype), scale);
    if (wide == 0) return 0;
    const struct node w = *node_of(g, wide);
    rk_status status = graph_dims(ctx, g, dims, RK_MAX_RANK, &rank, dim);
    if (status == RK_OK && (rank < 2 || w.rank != PANEL_RANK)) status = FAIL(RK_E_SHAPE, "widen_panels \"%s\": panels of %d dimensions, expected %d and a matrix of 2 at least", dims, w.rank, PANEL_RANK);
    if (status != RK_OK) {
        graph_mistake(g, status);
        return 0;
    }
    for (int64_t rows = 1; columns + 1 < rank && (columns == 0 || rows < dim_size(g, w.dim[0]) * PANEL_COLUMNS); columns++) rows *= dim_size(g, dim[columns]);
    const rk_dim order[PANEL_RANK] = { w.dim[0], w.dim[3], w.dim[1], w.dim[2], w.dim[4] };
    rk_ref x = rk_order(g, wide, dims_text(g, PANEL_RANK, order).at);
    x = become(g, x, 2, order, columns, dim);
    return become(g, x, 3, order + 2, rank - columns, dim + columns);
}

rk_ref rk_einsum_panels(rk_graph *g, const char *equation, rk_ref x, rk_ref panels, rk_ref scale, const char *dims)
{
    const rk_ref in[] = { x, panels, scale };
    struct node draft = NODE(op_einsum_panels, .arity = 3, .in = in, .text = equation);
    rk_dim dim[RK_MAX_RANK];
    rk_ctx *ctx = g->ctx;
    int rank = 0;
    if (graph_broken(g)) return 0;
    rk_status status = graph_dims(ctx, g, dims, RK_MAX_RANK, &rank, dim);
    if (status == RK_OK && rank > EINSUM_PANELS_DIMS) status = FAIL(RK_E_LIMIT, "einsum_panels \"%s\": the matrix has %d dimensions, and %d are the most", equation, rank, EINSUM_PANELS_DIMS);
    if (status != RK_OK) {
        graph_mistake(g, status);
        return 0;
    }
    for (int i = 0; i < rank; i++) draft.at.i[i] = dim[i];
    return graph_add(g, draft);
}
#endif
