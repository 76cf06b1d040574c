/* xent_head: projection and cross-entropy: Σ over positions of -log softmax(x · w + bias)[label].
 *
 * x [.. hidden], w [vocab hidden], bias [vocab] if there is one, labels [..] integers. A label below 0 does not count. The
 * result has no dimension: the caller divides by however many labels the whole step has. Fused: it is what its expansion
 * says; kernels never hold all logits. Of 16 and 8 bits, products are added in f32, which logits stay in, and all after them.
 * Attributes  i[0] = hidden, i[1] = vocab. Operands: x, w, labels, and the bias if any. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *x = node_of(g, n->in[0]), *w = node_of(g, n->in[1]), *labels = node_of(g, n->in[2]);
    rk_dim hidden = (rk_dim)n->at.i[0], vocab = (rk_dim)n->at.i[1];
    if (graph_find_axis(x, hidden) < 0) return FAIL(RK_E_SHAPE, "xent_head: x has no dimension %s", dim_name(g, hidden));
    if (w->rank != 2 || graph_find_axis(w, hidden) < 0 || graph_find_axis(w, vocab) < 0) return FAIL(RK_E_SHAPE, "xent_head: w is not [%s %s]", dim_name(g, vocab), dim_name(g, hidden));
    if (x->dtype != w->dtype) return FAIL(RK_E_DTYPE, "xent_head: x is %s, w %s", rk_dtype_name(x->dtype), rk_dtype_name(w->dtype));
    if (labels->dtype <= RK_f8e5m2) return FAIL(RK_E_DTYPE, "xent_head: labels are %s, expected integers", rk_dtype_name(labels->dtype));
    if (labels->rank + 1 != x->rank) return FAIL(RK_E_SHAPE, "xent_head: labels have %d dimensions, x has %d", labels->rank, x->rank);
    for (int i = 0; i < labels->rank; i++)
        if (graph_find_axis(x, labels->dim[i]) < 0) return FAIL(RK_E_SHAPE, "xent_head: x has no dimension %s", dim_name(g, labels->dim[i]));
    if (n->arity == 4 && (node_of(g, n->in[3])->rank != 1 || node_of(g, n->in[3])->dim[0] != vocab)) return FAIL(RK_E_SHAPE, "xent_head: the bias is not [%s]", dim_name(g, vocab));
    n->dtype = rk_dtype_bytes(x->dtype) < 4 ? RK_f32 : x->dtype;
    return RK_OK;
}

static rk_ref expand(rk_graph *g, const rk_graph *from, rk_ref y, const rk_ref *in)
{
    const struct node *n = node_of(from, y), *x = node_of(from, n->in[0]), *labels = node_of(from, n->in[2]);
    rk_dim out[RK_MAX_RANK];
    const char *vocab = dim_name(from, (rk_dim)n->at.i[1]);
    for (int i = 0; i < labels->rank; i++) out[i] = labels->dim[i];
    out[labels->rank] = (rk_dim)n->at.i[1];
    rk_ref logits = build_einsum_as(g, x, in[0], node_of(from, n->in[1]), in[1], labels->rank + 1, out, build_at_least_f32(x->dtype));
    if (n->arity == 4) logits = rk_add(g, logits, rk_cast(g, in[3], n->dtype));
    rk_ref largest = rk_detach(g, rk_reduce(g, "max", logits, vocab));
    rk_ref total = rk_reduce(g, "sum", rk_map(g, "exp", rk_sub(g, logits, largest)), vocab);
    rk_ref loss = rk_sub(g, rk_add(g, rk_map(g, "log", total), largest), rk_gather(g, logits, vocab, in[2]));
    rk_ref counted = rk_map3(g, "where", rk_map2(g, "less", in[2], rk_const(g, 0)), rk_const(g, 0), loss);
    return rk_reduce(g, "sum", counted, dims_text(g, labels->rank, labels->dim).at);
}

OPDEF(xent_head) = { .name = "xent_head", .flags = OP_FUSED, .precision = PRECISION_PRODUCT, .infer = infer, .expand = expand, .adjoint_reads = 1 | 2 | 4 | 8 };

#ifndef RECKON_METER
rk_ref rk_xent_head(rk_graph *g, rk_ref x, rk_ref w, rk_ref bias, rk_ref labels, const char *hidden, const char *vocab)
{
    const rk_ref in[] = { x, w, labels, bias };
    rk_dim h = dim_named(g, "xent_head", hidden), v = dim_named(g, "xent_head", vocab);
    return graph_add(g, NODE(op_xent_head, .arity = bias != 0 ? 4 : 3, .in = in, .at.i = { h, v }));
}
#endif
