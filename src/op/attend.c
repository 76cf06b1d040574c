/* attend: softmax(q · k · scale) · v: what a query makes of the keys it may see. Fused: it is what its expansion says.
 *
 * q [.. seq .. head_dim], k and v [.. key .. head_dim]; the other dimensions are shared; the result has q's. Causal: query t
 * sees key s when s <= t + (keys - queries), so that the last query sees all: the mask of a cached decode. Lengths, a fourth
 * operand over some of the shared dimensions: key s is seen only where s < length; the first always is.
 * Of 16 bits, scores, mask and softmax are in f32: products of numbers of 16 bits, added in f32. The weights are rounded to 16 bits,
 * and what they make of v once more when it is stored: what every fused attention does.
 * Attributes  i[0] = seq, i[1] = key, i[2] = head_dim, i[3] = causal; f[0] = scale, f[1] = keep (dropout of the weights, 1: none).
 * Text: the site of dropout. Sources: Vaswani et al. 2017 (arXiv 1706.03762). */
#include "op/build.h"
#include <math.h>

static rk_status check_lengths(rk_ctx *ctx, const rk_graph *g, const struct node *n)
{
    if (n->arity < 4) return RK_OK;
    const struct node *q = node_of(g, n->in[0]), *lengths = node_of(g, n->in[3]);
    if (lengths->dtype != RK_i32) return FAIL(RK_E_DTYPE, "attend: lengths are %s, expected i32", rk_dtype_name(lengths->dtype));
    for (int i = 0; i < lengths->rank; i++)
        if (graph_find_axis(q, lengths->dim[i]) < 0 || lengths->dim[i] == (rk_dim)n->at.i[0] || lengths->dim[i] == (rk_dim)n->at.i[2])
            return FAIL(RK_E_SHAPE, "attend: lengths differ along %s, which q, k and v do not share", dim_name(g, lengths->dim[i]));
    return RK_OK;
}

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *q = node_of(g, n->in[0]), *k = node_of(g, n->in[1]), *v = node_of(g, n->in[2]);
    rk_dim seq = (rk_dim)n->at.i[0], key = (rk_dim)n->at.i[1], width = (rk_dim)n->at.i[2];
    if (q->dtype != k->dtype || k->dtype != v->dtype) return FAIL(RK_E_DTYPE, "attend: q is %s, k %s, v %s", rk_dtype_name(q->dtype), rk_dtype_name(k->dtype), rk_dtype_name(v->dtype));
    if (graph_find_axis(q, seq) < 0 || graph_find_axis(q, width) < 0) return FAIL(RK_E_SHAPE, "attend: q lacks %s or %s", dim_name(g, seq), dim_name(g, width));
    for (int i = 1; i < 3; i++) {
        const struct node *x = node_of(g, n->in[i]);
        if (x->rank != q->rank) return FAIL(RK_E_SHAPE, "attend: q has %d dimensions, %s %d", q->rank, i == 1 ? "k" : "v", x->rank);
        for (int a = 0; a < q->rank; a++) {
            rk_dim want = q->dim[a] == seq ? key : q->dim[a];
            if (graph_find_axis(x, want) < 0) return FAIL(RK_E_SHAPE, "attend: %s lacks the dimension %s", i == 1 ? "k" : "v", dim_name(g, want));
        }
    }
    TRY(check_lengths(ctx, g, n));
    if (n->at.i[3] != 0 && !g->dims.at[key].live && dim_size(g, key) < dim_size(g, seq))
        return FAIL(RK_E_SHAPE, "attend: causal with %lld keys for %lld queries", (long long)dim_size(g, key), (long long)dim_size(g, seq));
    if (!(n->at.f[1] > 0 && n->at.f[1] <= 1)) return FAIL(RK_E_ARG, "attend: keep is %g, expected within (0, 1]", n->at.f[1]);
    node_like(n, q);
    return RK_OK;
}

static rk_ref expand(rk_graph *g, const rk_graph *from, rk_ref y, const rk_ref *in)
{
    const struct node *n = node_of(from, y), *q = node_of(from, n->in[0]);
    rk_dim seq = (rk_dim)n->at.i[0], key = (rk_dim)n->at.i[1], width = (rk_dim)n->at.i[2], out[RK_MAX_RANK];
    int rank = 0;
    for (int i = 0; i < q->rank; i++)
        if (q->dim[i] != seq && q->dim[i] != width) out[rank++] = q->dim[i];
    out[rank++] = seq;
    out[rank++] = key;
    rk_ref scores = build_einsum_as(g, node_of(from, n->in[0]), in[0], node_of(from, n->in[1]), in[1], rank, out, build_at_least_f32(q->dtype));
    if (n->at.f[0] != 1) scores = rk_scale(g, scores, n->at.f[0]);
    if (n->at.i[3] != 0) {
        rk_ref seen = rk_map2(g, "less", build_iota(g, key, seq, 0), rk_add(g, build_iota(g, seq, key, 0), rk_const(g, 1)));
        scores = rk_map3(g, "where", seen, scores, rk_const(g, -INFINITY));
    }
    if (n->arity > 3) {
        rk_ref there = rk_map2(g, "less", build_iota(g, key, 0, 0), rk_map2(g, "max", in[3], rk_const(g, 1)));
        scores = rk_map3(g, "where", there, scores, rk_const(g, -INFINITY));
    }
    rk_ref weights = rk_softmax(g, scores, dim_name(from, key));
    if (n->at.f[1] < 1) weights = rk_mul(g, weights, rk_rand(g, n->text, n->at.f[1], dims_text(g, rank, out).at));
    weights = rk_cast(g, weights, q->dtype);
    if (weights == 0) return 0;
    return build_einsum_names(g, node_of(g, weights), weights, node_of(from, n->in[2]), in[2], n->rank, n->dim);
}

OPDEF(attend) = { .name = "attend", .flags = OP_FUSED, .precision = PRECISION_PRODUCT, .infer = infer, .expand = expand, .adjoint_reads = 1 | 2 | 4 | 8 | ADJOINT_RESULT };

#ifndef RECKON_METER
rk_ref rk_attend(rk_graph *g, rk_ref q, rk_ref k, rk_ref v, const char *seq, const char *key, const char *head_dim, const rk_attend_options *options)
{
    const rk_ref in[] = { q, k, v, options->lengths };
    rk_dim s = dim_named(g, "attend", seq), e = dim_named(g, "attend", key), d = dim_named(g, "attend", head_dim);
    return graph_add(g, NODE(op_attend, .arity = options->lengths != 0 ? 4 : 3, .in = in, .text = options->site == NULL ? "" : options->site, .at.i = { s, e, d, options->causal },
                             .at.f = { options->scale, options->keep == 0 ? 1 : options->keep }));
}
#endif
