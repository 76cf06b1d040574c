/* iota: 0, 1, 2 ... along one dimension, i32; plus the extent of one dimension, minus that of another.
 *
 * The position of a token in cached decoding is iota(seq) + past; the last query of a causal mask sees every key.
 * Attributes  i[0] = the dimension, i[1] = dimension whose extent is added or 0, i[2] = one whose extent is taken away or 0. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    for (int i = 0; i < 3; i++)
        if (n->at.i[i] < (i == 0) || n->at.i[i] >= g->dims.n) return FAIL(RK_E_ARG, "iota: no such dimension");
    n->dtype = RK_i32;
    n->rank = 1;
    n->dim[0] = (rk_dim)n->at.i[0];
    return RK_OK;
}

static void ref(const struct refcall *c)
{
    const int64_t *extent = c->live->extent, *i = c->n->at.i;
    int64_t from = (i[1] != 0 ? extent[i[1]] : 0) - (i[2] != 0 ? extent[i[2]] : 0);
    struct walk w;
    for (walk_along(&w, &c->out.l); w.valid; walk_next(&w)) PUT(c, w.at[0], (double)(w.index[0] + from));
}

OPDEF(iota) = { .name = "iota", .flags = OP_SOURCE | OP_VIRTUAL, .infer = infer, .bill = bill_write, .ref = ref };

#ifndef RECKON_METER
rk_ref rk_iota(rk_graph *g, const char *dim, const char *past)
{
    rk_dim d = dim_named(g, "iota", dim), p = past == NULL ? 0 : dim_named(g, "iota", past);
    return build_iota(g, d, p, 0);
}
#endif
