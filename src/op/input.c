/* input: a value that the caller hands in anew for every run: tokens, labels, a learning rate.
 *
 * Attributes  i[0] = RK_INPUT. Text: its name. */
#include "op/build.h"

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    (void)g;
    return (unsigned)n->dtype < RK_DTYPE_COUNT ? RK_OK : FAIL(RK_E_DTYPE, "input %s: no such dtype", n->text);
}

OPDEF(input) = { .name = "input", .flags = OP_SOURCE, .infer = infer, .bill = bill_nothing };

#ifndef RECKON_METER
static rk_ref source(rk_graph *g, const struct opdef *op, rk_kind kind, const char *name, rk_dtype dtype, const char *dims)
{
    if (graph_broken(g)) return 0;
    struct node n = { .op = op, .dtype = dtype, .text = name, .at.i[0] = kind };
    rk_status status = node_order(g->ctx, g, &n, dims);
    if (status != RK_OK) graph_mistake(g, status);
    else if (graph_find_source(g, op, kind, name) != 0) build_mistake(g, RK_E_ARG, "%s %s is declared twice", rk_kind_words(kind), name);
    return graph_add(g, n);
}

rk_ref rk_input(rk_graph *g, const char *name, rk_dtype dtype, const char *dims) { return source(g, &op_input, RK_INPUT, name, dtype, dims); }

rk_ref rk_state(rk_graph *g, rk_kind kind, const char *name, rk_dtype dtype, const char *dims)
{
    if ((unsigned)kind >= RK_KIND_COUNT) build_mistake(g, RK_E_ARG, "state %s: no such kind of memory: %d", name, (int)kind);
    return source(g, &op_state, kind, name, dtype, dims);
}
#endif
