/* gather_panels: rows of a matrix that lies in panels (core/panel.h), as numbers: the embedding of a table that is also multiplied
 * with. Fused: it is what its expansion says.
 *
 *   gather(rows(cast(panels) · scale), v, ids)      [.. of the ids, then k]; floats have no scale, and keep their dtype
 *
 * Attributes  i[0], i[1] = v and k, the dims of the matrix. */
#include "core/panel.h"
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *s = node_of(g, n->in[n->arity - 2]), *ids = node_of(g, n->in[n->arity - 1]);
    rk_dim v = (rk_dim)n->at.i[0], k = (rk_dim)n->at.i[1];
    if (ids->dtype <= RK_f8e5m2) return FAIL(RK_E_DTYPE, "gather_panels: ids are %s, expected integers", rk_dtype_name(ids->dtype));
    if (graph_find_axis(ids, v) >= 0 || graph_find_axis(ids, k) >= 0) return FAIL(RK_E_SHAPE, "gather_panels: the ids have a dimension of the table");
    if (ids->rank == RK_MAX_RANK) return FAIL(RK_E_LIMIT, "gather_panels: more than %d dimensions", RK_MAX_RANK);
    n->dtype = s->dtype;
    for (int i = 0; i < ids->rank; i++) n->dim[n->rank++] = ids->dim[i];
    n->dim[n->rank++] = k;
    return panels_check(ctx, g, n, 0, dim_size(g, v), dim_size(g, k));
}

static rk_ref expand(rk_graph *g, const rk_graph *from, rk_ref y, const rk_ref *in)
{
    const struct node *n = node_of(from, y);
    const rk_dim dim[] = { (rk_dim)n->at.i[0], (rk_dim)n->at.i[1] };
    struct dims_text dims = dims_text(g, 2, dim);
    return rk_gather(g, rk_widen_panels(g, in[0], n->arity == 3 ? in[1] : 0, n->dtype, dims.at), dim_name(g, dim[0]), in[n->arity - 1]);
}

OPDEF(gather_panels) = { .name = "gather_panels", .flags = OP_FUSED | OP_PICKS, .infer = infer, .expand = expand, .adjoint_reads = 1 | 2 | 4 };

#ifndef RECKON_METER
rk_ref rk_gather_panels(rk_graph *g, rk_ref panels, rk_ref scale, const char *dims, rk_ref ids)
{
    const rk_ref in[] = { panels, scale == 0 ? ids : scale, ids };
    rk_dim dim[2];
    rk_ctx *ctx = g->ctx;
    int rank = 0;
    if (graph_broken(g)) return 0;
    rk_status status = graph_dims(ctx, g, dims, 2, &rank, dim);
    if (status == RK_OK && rank != 2) status = FAIL(RK_E_SHAPE, "gather_panels \"%s\": a table has two dimensions", dims);
    if (status != RK_OK) {
        graph_mistake(g, status);
        return 0;
    }
    return graph_add(g, NODE(op_gather_panels, .arity = scale == 0 ? 2 : 3, .in = in, .at.i = { dim[0], dim[1] }));
}
#endif
