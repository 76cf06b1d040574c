/* einsum_panels: einsum_stored with a matrix that lies in panels (core/panel.h), not in rows. Fused: it is what its expansion says.
 *
 *   einsum(x, rows(cast(panels) · scale))      panels [panels blocks fours columns each] of i8, scale [panels blocks columns]
 *   einsum(x, rows(cast(panels)))              panels [panels blocks fours each columns] of floats
 *
 * The equation speaks of the matrix as if it lay in rows, and its dims come with it: first those of the result, then those that are
 * summed. So x and the result are those of einsum_stored, and whoever looks at them need not know how the matrix lies.
 * Attributes  i[0] .. i[3] = the dims of the matrix, 0 past the last. */
#include "core/panel.h"
#include "op/build.h"

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

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    struct equation q;
    struct node matrix = { .rank = 0 };
    const struct node *x = node_of(g, n->in[0]), *w = node_of(g, n->in[1]), *s = n->arity == 3 ? node_of(g, n->in[2]) : x;
    matrix.rank = dims_of(n, matrix.dim);
    TRY(equation_parse(ctx, n->text, &q));
    TRY(equation_bind(ctx, g, n->text, &q, 0, x));
    TRY(equation_bind(ctx, g, n->text, &q, 1, &matrix));
    if (x->dtype > RK_f8e5m2 || (w->dtype > RK_f8e5m2) != (n->arity == 3) || s->dtype != x->dtype)
        return FAIL(RK_E_DTYPE, "einsum_panels \"%s\": operand 1 is %s, the panels are %s, their scales %s", n->text, rk_dtype_name(x->dtype), rk_dtype_name(w->dtype), rk_dtype_name(s->dtype));
    n->dtype = x->dtype;
    n->rank = q.rank[2];
    for (int i = 0; i < n->rank; i++) n->dim[i] = q.name[q.axis[2][i]].dim;
    int64_t out, in;
    if (!sizes_of(g, n, x, &out, &in)) return FAIL(RK_E_SHAPE, "einsum_panels \"%s\": the matrix needs its dims of the result first, then those of the sum", n->text);
    return panels_check(ctx, g, n, 1, out, in);
}

static rk_ref expand(rk_graph *g, const rk_graph *from, rk_ref y, const rk_ref *in)
{
    const struct node *n = node_of(from, y);
    rk_dim dim[EINSUM_PANELS_DIMS];
    struct dims_text dims = dims_text(g, dims_of(n, dim), dim);
    return rk_einsum(g, n->text, in[0], rk_widen_panels(g, in[1], n->arity == 3 ? in[2] : 0, n->dtype, dims.at));
}

OPDEF(einsum_panels) = { .name = "einsum_panels", .flags = OP_FUSED | OP_REDUCES, .infer = infer, .expand = expand, .adjoint_reads = 1 | 2 | 4 };

#ifndef RECKON_METER
rk_ref rk_einsum_panels(rk_graph *g, const char *equation, rk_ref x, rk_ref panels, rk_ref scale, const char *dims)
{
    const rk_ref in[] = { x, panels, scale };
    struct node draft = NODE(op_einsum_panels, .arity = scale == 0 ? 2 : 3, .in = in, .text = equation);
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
