/* norm: layer norm, (x - mean) / sqrt(variance + eps) · weight + bias; RMS norm, x / sqrt(mean of squares + eps) · weight; and
 * deviation norm, (x - mean) / (deviation + eps) · weight + bias.
 *
 * The variance is the biased one, eps stands inside the root. The deviation is the unbiased one, over n - 1, and eps stands
 * beside it: The Annotated Transformer has its norm so. Fused: it is what its expansion says.
 * Attributes  i[0] = the dimension, i[1] = 0 layer norm, 1 RMS norm, 2 deviation norm, i[2] = operand that is the weight or 0,
 * i[3] = the bias or 0; f[0] = eps. Sources: Ba et al. 2016 (arXiv 1607.06450); Zhang & Sennrich 2019 (arXiv 1910.07467); Rush
 * 2018, The Annotated Transformer (class LayerNorm). */
#include "op/build.h"

enum { LAYER, RMS, DEVIATION };

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *x = node_of(g, n->in[0]);
    rk_dim d = (rk_dim)n->at.i[0];
    if (graph_find_axis(x, d) < 0) return FAIL(RK_E_SHAPE, "norm: the operand has no dimension %s", dim_name(g, d));
    for (int i = 1; i < n->arity; i++) {
        const struct node *w = node_of(g, n->in[i]);
        if (w->rank != 1 || w->dim[0] != d) return FAIL(RK_E_SHAPE, "norm: operand %d does not have the one dimension %s", i + 1, dim_name(g, d));
        if (w->dtype != x->dtype) return FAIL(RK_E_DTYPE, "norm: the operand is %s, its weight %s", rk_dtype_name(x->dtype), rk_dtype_name(w->dtype));
    }
    if (g->dims.at[d].live)
        return FAIL(RK_E_SHAPE, "norm: %s is live: the mean would be over its bound (%lld), not over what is there", dim_name(g, d), (long long)dim_size(g, d));
    if (n->at.i[1] == DEVIATION && dim_size(g, d) == 1) return FAIL(RK_E_SHAPE, "norm: one number along %s has no deviation", dim_name(g, d));
    if (!(n->at.f[0] >= 0)) return FAIL(RK_E_ARG, "norm: eps is %g", n->at.f[0]);
    node_like(n, x);
    return RK_OK;
}

static rk_ref expand(rk_graph *g, const rk_graph *from, rk_ref y, const rk_ref *in)
{
    const struct node *n = node_of(from, y);
    const char *dim = dim_name(from, (rk_dim)n->at.i[0]);
    double size = (double)dim_size(from, (rk_dim)n->at.i[0]), one_over = 1 / size;
    rk_ref x = in[0];
    if (n->at.i[1] != RMS) x = rk_sub(g, x, rk_scale(g, rk_reduce(g, "sum", x, dim), one_over));
    rk_ref squares = rk_reduce(g, "sum", rk_map(g, "square", x), dim);
    if (n->at.i[1] == DEVIATION) x = rk_map2(g, "div", x, rk_add(g, rk_map(g, "sqrt", rk_scale(g, squares, 1 / (size - 1))), rk_const(g, n->at.f[0])));
    else x = rk_mul(g, x, rk_map(g, "rsqrt", rk_add(g, rk_scale(g, squares, one_over), rk_const(g, n->at.f[0]))));
    if (n->at.i[2] != 0) x = rk_mul(g, x, in[n->at.i[2]]);
    if (n->at.i[3] != 0) x = rk_add(g, x, in[n->at.i[3]]);
    return x;
}

OPDEF(norm) = { .name = "norm", .flags = OP_FUSED | OP_LIGHT, .precision = PRECISION_MODULE, .infer = infer, .expand = expand, .adjoint_reads = 1 | 2 };

#ifndef RECKON_METER
static rk_ref centred(rk_graph *g, int kind, rk_ref x, const char *dim, rk_ref weight, rk_ref bias, double eps)
{
    rk_ref in[3] = { x };
    rk_dim d = dim_named(g, kind == LAYER ? "layer norm" : "deviation norm", dim);
    int arity = 1, w = 0, b = 0;
    if (weight != 0) in[w = arity++] = weight;
    if (bias != 0) in[b = arity++] = bias;
    return graph_add(g, NODE(op_norm, .arity = arity, .in = in, .at.i = { d, kind, w, b }, .at.f[0] = eps));
}

rk_ref rk_layer_norm(rk_graph *g, rk_ref x, const char *dim, rk_ref weight, rk_ref bias, double eps) { return centred(g, LAYER, x, dim, weight, bias, eps); }

rk_ref rk_deviation_norm(rk_graph *g, rk_ref x, const char *dim, rk_ref weight, rk_ref bias, double eps)
{
    return centred(g, DEVIATION, x, dim, weight, bias, eps);
}

rk_ref rk_rms_norm(rk_graph *g, rk_ref x, const char *dim, rk_ref weight, double eps)
{
    const rk_ref in[] = { x, weight };
    rk_dim d = dim_named(g, "RMS norm", dim);
    return graph_add(g, NODE(op_norm, .arity = weight != 0 ? 2 : 1, .in = in, .at.i = { d, RMS, weight != 0, 0 }, .at.f[0] = eps));
}
#endif
