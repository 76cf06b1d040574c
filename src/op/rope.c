/* rope: rotary position embedding: pairs of a head's first `rotary` numbers are turned by position · theta^(-2i/rotary).
 *
 * Interleaved: pairs are (0,1), (2,3) ... as in GPT-J and CS336; halves: (0, rotary/2), (1, rotary/2 + 1) ... as in GPT-NeoX.
 * The rest of the head passes. Positions, a second operand, say where each row stands, instead of its index. Fused: it is what its expansion says; kernels make the angles in f64.
 * Attributes  i[0] = position dim, i[1] = head dim, i[2] = style, i[3] = rotary | dim whose extent is added to positions << 32;
 * f[0] = theta. Source: Su et al. 2021 (arXiv 2104.09864). */
#include "op/build.h"
#include <math.h>

static rk_status check_positions(rk_ctx *ctx, const rk_graph *g, const struct node *n)
{
    if (n->arity < 2) return RK_OK;
    const struct node *x = node_of(g, n->in[0]), *positions = node_of(g, n->in[1]);
    if (positions->dtype <= RK_f8e5m2) return FAIL(RK_E_DTYPE, "rope: positions are %s, expected integers", rk_dtype_name(positions->dtype));
    for (int i = 0; i < positions->rank; i++)
        if (graph_find_axis(x, positions->dim[i]) < 0 || positions->dim[i] == (rk_dim)n->at.i[1])
            return FAIL(RK_E_SHAPE, "rope: positions differ along %s, which they may not", dim_name(g, positions->dim[i]));
    return RK_OK;
}

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *x = node_of(g, n->in[0]);
    int64_t rotary = n->at.i[3] & INT32_MAX;
    for (int i = 0; i < 2; i++)
        if (graph_find_axis(x, (rk_dim)n->at.i[i]) < 0) return FAIL(RK_E_SHAPE, "rope: the operand has no dimension %s", dim_name(g, (rk_dim)n->at.i[i]));
    if (rotary < 2 || rotary % 2 != 0 || rotary > dim_size(g, (rk_dim)n->at.i[1]))
        return FAIL(RK_E_SHAPE, "rope: %lld rotary numbers of %s (%lld): expected an even number, at least 2", (long long)rotary, dim_name(g, (rk_dim)n->at.i[1]), (long long)dim_size(g, (rk_dim)n->at.i[1]));
    if (!(n->at.f[0] > 0)) return FAIL(RK_E_ARG, "rope: theta is %g", n->at.f[0]);
    TRY(check_positions(ctx, g, n));
    node_like(n, x);
    return RK_OK;
}

/* Turns x, whose head dimension is all rotary, by `at`. */
static rk_ref turned(rk_graph *g, rk_ref x, rk_ref at, rk_dim head, bool interleaved, double theta)
{
    int64_t rotary = dim_size(g, head);
    rk_dim pair = dim_derived(g, dim_name(g, head), "pair", 0, rotary / 2), two = dim_derived(g, dim_name(g, head), "side", 0, 2);
    const rk_dim near[] = { pair, two }, far[] = { two, pair };
    struct dims_text into = dims_text(g, 2, interleaved ? near : far);
    if (x == 0 || pair == 0 || two == 0) return 0;
    rk_ref s = rk_split(g, x, dim_name(g, head), into.at);
    rk_ref a = rk_select(g, s, dim_name(g, two), 0), b = rk_select(g, s, dim_name(g, two), 1);
    rk_ref frequency = rk_map(g, "exp", rk_scale(g, build_iota(g, pair, 0, 0), -2 * log(theta) / (double)rotary));
    rk_ref angle = rk_mul(g, at, frequency);
    if (s == 0) return 0;
    rk_dtype dtype = node_of(g, s)->dtype;
    rk_ref cos = rk_cast(g, rk_map(g, "cos", angle), dtype), sin = rk_cast(g, rk_map(g, "sin", angle), dtype);
    const rk_ref parts[] = { rk_sub(g, rk_mul(g, a, cos), rk_mul(g, b, sin)), rk_add(g, rk_mul(g, a, sin), rk_mul(g, b, cos)) };
    struct dims_text order = dims_text(g, node_of(g, s)->rank, node_of(g, s)->dim);
    return rk_merge(g, rk_join(g, dim_name(g, two), parts, 2, order.at), into.at, dim_name(g, head));
}

static rk_ref expand(rk_graph *g, const rk_graph *from, rk_ref y, const rk_ref *in)
{
    const struct node *n = node_of(from, y);
    rk_dim position = (rk_dim)n->at.i[0], head = (rk_dim)n->at.i[1], past = (rk_dim)(n->at.i[3] >> 32);
    bool interleaved = n->at.i[2] == RK_ROPE_INTERLEAVED;
    int64_t rotary = n->at.i[3] & INT32_MAX, size = dim_size(from, head);
    rk_ref at = n->arity > 1 ? rk_cast(g, in[1], RK_f32) : build_iota(g, position, past, 0);
    if (rotary == size) return turned(g, in[0], at, head, interleaved, n->at.f[0]);
    rk_dim first = dim_derived(g, dim_name(from, head), "rotary", 0, rotary), rest = dim_derived(g, dim_name(from, head), "passing", 0, size - rotary);
    struct dims_text dims = dims_text(g, n->rank, n->dim);
    rk_ref turn = turned(g, rk_slice(g, in[0], dim_name(g, head), 0, dim_name(g, first)), at, first, interleaved, n->at.f[0]);
    rk_ref pass = rk_slice(g, in[0], dim_name(g, head), rotary, dim_name(g, rest));
    return rk_add(g, rk_place(g, turn, dim_name(g, first), dim_name(g, head), 0, dims.at), rk_place(g, pass, dim_name(g, rest), dim_name(g, head), rotary, dims.at));
}

OPDEF(rope) = { .name = "rope", .flags = OP_FUSED | OP_LIGHT, .infer = infer, .expand = expand, .adjoint_reads = 0 };

#ifndef RECKON_METER
rk_ref rk_rope(rk_graph *g, rk_ref x, const char *position_dim, const char *past, const char *dim, rk_rope_style style, int64_t rotary, double theta)
{
    rk_dim t = dim_named(g, "rope", position_dim), d = dim_named(g, "rope", dim), p = past == NULL ? 0 : dim_named(g, "rope", past);
    if (rotary < 0 || rotary > INT32_MAX) build_mistake(g, RK_E_ARG, "rope: %lld rotary numbers", (long long)rotary);
    return graph_add(g, NODE(op_rope, .arity = 1, .in = &x, .at.i = { t, d, style, rotary | (int64_t)p << 32 }, .at.f[0] = theta));
}

rk_ref rk_rope_at(rk_graph *g, rk_ref x, const char *position_dim, rk_ref positions, const char *dim, rk_rope_style style, int64_t rotary, double theta)
{
    const rk_ref in[] = { x, positions };
    rk_dim t = dim_named(g, "rope", position_dim), d = dim_named(g, "rope", dim);
    if (rotary < 0 || rotary > INT32_MAX) build_mistake(g, RK_E_ARG, "rope: %lld rotary numbers", (long long)rotary);
    return graph_add(g, NODE(op_rope, .arity = 2, .in = in, .at.i = { t, d, style, rotary }, .at.f[0] = theta));
}
#endif
