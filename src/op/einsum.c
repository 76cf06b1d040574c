/* einsum: y = Σ over every name that is not in the result. The only way reckon contracts.
 *
 *   rk_einsum(g, "b t d, f d -> b t f", x, w)
 *
 * Price     2 × the product of all names' sizes: one multiply and one add per point of the index space.
 * Gradient  swap the operand with the result: dx = einsum("b t f, f d -> b t d", dy, w). Names do the algebra.
 * Attributes  i[0] = the result's dtype + 1; 0: that of the operands. Operands of 8 bits have it: their products are added in more.
 *           What comes from above is rounded to the operands' dtype first where it is wider; of 8 bits to e5m2, which reaches
 *           further than e4m3. A gradient's result is of the dtype that graph_gradient_dtype says: of what was rounded for this
 *           product, that of before.
 * Not here  how it is computed: a kernel turns the names into (batch, m, n, k).
 * Source    Einstein 1916 §5 for the convention; Laue et al. 2020 (arXiv 2010.03313) for the gradient rule. */
#include "op/build.h"

static rk_status read_equation(rk_ctx *ctx, const rk_graph *g, const struct node *n, struct equation *q)
{
    TRY(equation_parse(ctx, n->text, q));
    for (int i = 0; i < 2; i++) TRY(equation_bind(ctx, g, n->text, q, i, node_of(g, n->in[i])));
    return RK_OK;
}

static bool is_narrow(rk_dtype dtype) { return dtype == RK_f8e4m3 || dtype == RK_f8e5m2; }

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    struct equation q;
    TRY(read_equation(ctx, g, n, &q));
    rk_dtype a = node_of(g, n->in[0])->dtype, b = node_of(g, n->in[1])->dtype;
    bool narrow = is_narrow(a) && is_narrow(b) && n->at.i[0] != 0;
    if (a != b && !narrow) return FAIL(RK_E_DTYPE, "einsum \"%s\": operand 1 is %s and operand 2 is %s", n->text, rk_dtype_name(a), rk_dtype_name(b));
    n->dtype = n->at.i[0] != 0 ? (rk_dtype)(n->at.i[0] - 1) : a;
    n->rank = q.rank[2];
    for (int i = 0; i < n->rank; i++) n->dim[i] = q.name[q.axis[2][i]].dim;
    return RK_OK;
}

static rk_status bill(rk_ctx *ctx, const rk_graph *g, rk_ref y, struct bill_line *line)
{
    struct equation q;
    rk_dim names[2 * RK_MAX_RANK];
    TRY(read_equation(ctx, g, node_of(g, y), &q));
    for (int i = 0; i < q.n_names; i++) names[i] = q.name[i].dim;
    line->products = poly_dims(line->polys, 2, q.n_names, names);
    return bill_move(ctx, g, y, line);
}

static rk_ref grad(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    const struct node *n = node_of(g, y), like = *node_of(g, n->in[i]);         /* nodes move while others are made */
    rk_ref other = n->in[1 - i];
    rk_dtype wanted = graph_gradient_dtype(g, n->in[i]);
    if (is_narrow(wanted)) wanted = n->dtype;                   /* 8 bits hold a value, but not its gradient */
    dy = rk_cast(g, dy, is_narrow(like.dtype) ? RK_f8e5m2 : like.dtype);
    if (dy == 0) return 0;
    int64_t result = wanted == node_of(g, dy)->dtype ? 0 : 1 + (int64_t)wanted;
    return build_einsum_as(g, node_of(g, dy), dy, node_of(g, other), other, like.rank, like.dim, result);
}

static void ref(const struct refcall *c)
{
    const struct layout *a = &c->in[0].l, *b = &c->in[1].l, *y = &c->out.l;
    struct walk w, summed;
    walk_begin(&w, y);
    walk_within(&summed, &w, a, b);
    walk_follow(&w, a), walk_follow(&w, b), walk_follow(&w, y);
    walk_follow(&summed, a), walk_follow(&summed, b);
    for (; w.valid; walk_next(&w)) {
        double sum = 0;
        for (walk_from(&summed, w.at); summed.valid; walk_next(&summed))
            sum = PRODUCT_ADD(c, sum, PRODUCT(c, GET(c, 0, summed.at[0]), GET(c, 1, summed.at[1])));
        PUT(c, w.at[2], sum);
    }
}

OPDEF(einsum) = { .name = "einsum", .flags = OP_REDUCES, .takes_stored = 1 << 1, .precision = PRECISION_PRODUCT, .infer = infer, .bill = bill, .grad = grad, .ref = ref };

#ifndef RECKON_METER
rk_ref rk_einsum(rk_graph *g, const char *equation, rk_ref a, rk_ref b)
{
    const rk_ref in[] = { a, b };
    return graph_add(g, NODE(op_einsum, .arity = 2, .in = in, .text = equation));
}
#endif
