/* einsum_stored: a contraction with a matrix that is stored in fewer bits than is computed with. Fused: it is what its
 * expansion says, so a kernel may widen the numbers where it reads them, and the wide matrix is never there.
 *
 *   einsum(x, cast(w))                         w of f16, bf16 or f8; the result has the dtype of x
 *   einsum(x, cast(q) · scale)                 w = q of i8, one scale per block of neighbours along its last dimension
 *
 * scale has the dims of q, but for the last: there it has a dimension of as many as there are blocks, which divides it.
 * That last dimension is summed over, so that a kernel may add up integers within a block. */
#include "op/build.h"

static rk_status check_scale(rk_ctx *ctx, const rk_graph *g, const struct node *n)
{
    const struct node *x = node_of(g, n->in[0]), *q = node_of(g, n->in[1]), *s = node_of(g, n->in[2]);
    bool same = s->rank == q->rank && q->rank > 0;
    for (int i = 0; i + 1 < q->rank && same; i++) same = s->dim[i] == q->dim[i];
    if (!same) return FAIL(RK_E_SHAPE, "einsum_stored \"%s\": the scale has other dimensions than its matrix", n->text);
    int64_t size = dim_size(g, q->dim[q->rank - 1]), blocks = dim_size(g, s->dim[s->rank - 1]);
    if (blocks < 1 || size % blocks != 0) return FAIL(RK_E_SHAPE, "einsum_stored \"%s\": %lld numbers in %lld blocks", n->text, (long long)size, (long long)blocks);
    if (s->dtype != x->dtype) return FAIL(RK_E_DTYPE, "einsum_stored \"%s\": the scale is %s, operand 1 %s", n->text, rk_dtype_name(s->dtype), rk_dtype_name(x->dtype));
    if (graph_find_axis(n, q->dim[q->rank - 1]) >= 0) return FAIL(RK_E_SHAPE, "einsum_stored \"%s\": blocks of scales must lie along a sum", n->text);
    return RK_OK;
}

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    struct equation q;
    const struct node *x = node_of(g, n->in[0]), *w = node_of(g, n->in[1]);
    TRY(equation_parse(ctx, n->text, &q));
    for (int i = 0; i < 2; i++) TRY(equation_bind(ctx, g, n->text, &q, i, node_of(g, n->in[i])));
    if (x->dtype > RK_f8e5m2 || (w->dtype > RK_f8e5m2) != (n->arity == 3))
        return FAIL(RK_E_DTYPE, "einsum_stored \"%s\": operand 1 is %s and operand 2 is %s, %s scales", n->text, rk_dtype_name(x->dtype), rk_dtype_name(w->dtype), n->arity == 3 ? "with" : "without");
    n->dtype = x->dtype;
    n->rank = q.rank[2];
    for (int i = 0; i < n->rank; i++) n->dim[i] = q.name[q.axis[2][i]].dim;
    return n->arity == 3 ? check_scale(ctx, g, n) : RK_OK;
}

static rk_ref expand(rk_graph *g, const rk_graph *from, rk_ref y, const rk_ref *in)
{
    const struct node *n = node_of(from, y);
    return rk_einsum(g, n->text, in[0], rk_widen(g, in[1], n->arity == 3 ? in[2] : 0, n->dtype));
}

OPDEF(einsum_stored) = { .name = "einsum_stored", .flags = OP_FUSED | OP_REDUCES, .infer = infer, .expand = expand, .adjoint_reads = 1 | 2 | 4 };

#ifndef RECKON_METER
rk_ref rk_widen(rk_graph *g, rk_ref q, rk_ref scale, rk_dtype dtype)
{
    rk_ref wide = rk_cast(g, q, dtype);
    if (wide == 0 || scale == 0) return wide;
    const struct node *n = node_of(g, q), *s = node_of(g, scale);
    if (n->rank == 0 || s->rank == 0) {
        rk_ctx *ctx = g->ctx;
        graph_mistake(g, FAIL(RK_E_SHAPE, "widen: numbers of %d dimensions with scales of %d: both have the blocks last", n->rank, s->rank));
        return 0;
    }
    rk_dim whole = n->dim[n->rank - 1], blocks = s->dim[s->rank - 1];
    rk_dim within = dim_derived(g, dim_name(g, blocks), "each", '\0', dim_size(g, whole) / (dim_size(g, blocks) > 0 ? dim_size(g, blocks) : 1));
    const rk_dim two[] = { blocks, within };
    struct dims_text into = dims_text(g, 2, two), name = dims_text(g, 1, &whole);
    return rk_merge(g, rk_mul(g, rk_split(g, wide, name.at, into.at), scale), into.at, name.at);
}

rk_ref rk_einsum_stored(rk_graph *g, const char *equation, rk_ref x, rk_ref w, rk_ref scale)
{
    const rk_ref in[] = { x, w, scale };
    return graph_add(g, NODE(op_einsum_stored, .arity = scale == 0 ? 2 : 3, .in = in, .text = equation));
}
#endif
