/* reduce: the sum or the largest over some dimensions.
 *
 * Price     one FLOP per element read.
 * Gradient  sum: dy repeated. max: dy where the element is the largest (all of them, where several are).
 * Attributes  i[0] = 0 sum, 1 max; i[1] = which axes of the operand go (bits). Text: "sum: dims". */
#include "op/build.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SUM, MAX };

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    const struct node *x = node_of(g, n->in[0]);
    rk_dim gone[RK_MAX_RANK];
    int n_gone;
    const char *dims = strchr(n->text, ':');
    if (dims == NULL || (strncmp(n->text, "sum:", 4) != 0 && strncmp(n->text, "max:", 4) != 0)) return FAIL(RK_E_UNKNOWN, "reduce \"%s\": expected sum or max", n->text);
    n->at.i[0] = n->text[0] == 'm' ? MAX : SUM;
    n->at.i[1] = 0;
    TRY(graph_dims(ctx, g, dims + 1, RK_MAX_RANK, &n_gone, gone));
    for (int i = 0; i < n_gone; i++) {
        int axis = graph_find_axis(x, gone[i]);
        if (axis < 0) return FAIL(RK_E_SHAPE, "reduce \"%s\": the operand has no dimension %s", n->text, dim_name(g, gone[i]));
        n->at.i[1] |= (int64_t)1 << axis;
    }
    n->dtype = x->dtype;
    for (int i = 0; i < x->rank; i++)
        if ((n->at.i[1] >> i & 1) == 0) n->dim[n->rank++] = x->dim[i];
    return RK_OK;
}

static rk_status bill(rk_ctx *ctx, const rk_graph *g, rk_ref y, struct bill_line *line)
{
    line->elementwise = bill_elements(line->polys, g, operand_of(g, y, 0));
    return bill_move(ctx, g, y, line);
}

static rk_ref grad(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    rk_ref x = operand_of(g, y, i);
    struct dims_text dims = dims_text(g, node_of(g, x)->rank, node_of(g, x)->dim);
    if (node_of(g, y)->at.i[0] == SUM) return rk_spread(g, dy, dims.at);
    rk_ref largest = rk_map2(g, "equal", x, y);
    return rk_mul(g, largest, dy);
}

static void ref(const struct refcall *c)
{
    bool max = c->n->at.i[0] == MAX;
    const struct layout *from = &c->in[0].l, *to = &c->out.l;
    struct walk w, reduced;
    walk_begin(&w, to);
    walk_within(&reduced, &w, from, NULL);
    walk_follow(&w, from), walk_follow(&w, to);
    walk_follow(&reduced, from);
    for (; w.valid; walk_next(&w)) {
        double y = max ? -INFINITY : 0;
        for (walk_from(&reduced, w.at); reduced.valid; walk_next(&reduced)) {
            double x = GET(c, 0, reduced.at[0]);
            y = FN(c, 1, max ? (x > y ? x : y) : y + x);
        }
        PUT(c, w.at[1], y);
    }
}

OPDEF(reduce) = { .name = "reduce", .flags = OP_REDUCES, .precision = PRECISION_WIDE, .infer = infer, .bill = bill, .grad = grad, .ref = ref };

#ifndef RECKON_METER
rk_ref rk_reduce(rk_graph *g, const char *function, rk_ref x, const char *dims)
{
    char text[DIMS_TEXT + 16];
    (void)snprintf(text, sizeof text, "%.8s: %s", function, dims);
    return graph_add(g, NODE(op_reduce, .arity = 1, .in = &x, .text = text));
}
#endif
