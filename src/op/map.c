/* map: one function of core/map.def at every element, operands broadcast by name.
 *
 * Shape     the dimensions of the operand that has most of them (the first such), then those that only others have.
 * Price     the function's FLOPs (the column of map.def) per element of the result.
 * Gradient  one argument: dx = d_f(x, dy) = dy · f'(x). Two and three: the rules below, summed over what was broadcast.
 * Attributes  i[0] = the function (enum mapfn). Text: its name. */
#include "op/build.h"
#include <string.h>

static rk_status take_dtype(rk_ctx *ctx, const rk_graph *g, struct node *n)
{
    int from = -1;
    for (int i = 0; i < n->arity; i++) {
        const struct node *x = node_of(g, n->in[i]);
        bool chooses = i == 0 && n->at.i[0] == MAP_where;
        if (chooses || x->dtype > RK_f8e5m2 || (x->op->flags & OP_VIRTUAL) != 0) continue;      /* conditions, integers and constants adapt */
        if (from >= 0 && node_of(g, n->in[from])->dtype != x->dtype)
            return FAIL(RK_E_DTYPE, "%s: operand %d is %s and operand %d is %s", n->text, from + 1, rk_dtype_name(node_of(g, n->in[from])->dtype), i + 1, rk_dtype_name(x->dtype));
        if (from < 0) from = i;
    }
    n->dtype = from < 0 ? RK_f32 : node_of(g, n->in[from])->dtype;
    return RK_OK;
}

static rk_status infer(rk_ctx *ctx, rk_graph *g, struct node *n)
{
    if (n->at.i[0] < 0 || n->at.i[0] >= MAP_COUNT || mapfn_table[n->at.i[0]].arity != n->arity)
        return FAIL(RK_E_UNKNOWN, "no elementwise function \"%s\" of %d operands", n->text, n->arity);
    int widest = 0;
    TRY(take_dtype(ctx, g, n));
    for (int i = 1; i < n->arity; i++)
        if (node_of(g, n->in[i])->rank > node_of(g, n->in[widest])->rank) widest = i;
    for (int i = -1; i < n->arity; i++) {
        const struct node *x = node_of(g, n->in[i < 0 ? widest : i]);
        for (int k = 0; k < x->rank; k++) {
            if (graph_find_axis(n, x->dim[k]) >= 0) continue;
            if (n->rank == RK_MAX_RANK) return FAIL(RK_E_LIMIT, "%s: more than %d dimensions", n->text, RK_MAX_RANK);
            n->dim[n->rank++] = x->dim[k];
        }
    }
    return RK_OK;
}

static rk_status bill(rk_ctx *ctx, const rk_graph *g, rk_ref y, struct bill_line *line)
{
    line->elementwise = poly_scale(line->polys, mapfn_table[node_of(g, y)->at.i[0]].cost, bill_elements(line->polys, g, y));
    return bill_move(ctx, g, y, line);
}

static rk_ref slope(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    const rk_ref *in = node_of(g, y)->in;
    rk_ref a = in[0], b = node_of(g, y)->arity > 1 ? in[1] : 0;
    switch ((enum mapfn)node_of(g, y)->at.i[0]) {
    case MAP_add: return dy;
    case MAP_sub: return i == 0 ? dy : rk_map(g, "neg", dy);
    case MAP_mul: return rk_mul(g, dy, i == 0 ? b : a);
    case MAP_div: return i == 0 ? rk_map2(g, "div", dy, b) : rk_map(g, "neg", rk_map2(g, "div", rk_mul(g, dy, y), b));
    case MAP_max: return rk_mul(g, dy, i == 0 ? rk_map2(g, "less", b, a) : rk_sub(g, rk_const(g, 1), rk_map2(g, "less", b, a)));
    case MAP_min: return rk_mul(g, dy, i == 0 ? rk_map2(g, "less", a, b) : rk_sub(g, rk_const(g, 1), rk_map2(g, "less", a, b)));
    case MAP_where:
        if (i == 0) return 0;
        return i == 1 ? rk_map3(g, "where", a, dy, rk_const(g, 0)) : rk_map3(g, "where", a, rk_const(g, 0), dy);
    default: break;
    }
    const struct mapfn_info *fn = &mapfn_table[node_of(g, y)->at.i[0]];
    const rk_ref args[] = { a, dy };
    if (fn->arity == 1) return build_map(g, (int)node_of(g, y)->at.i[0] + 1, args);
    if (strncmp(fn->name, "d_", 2) == 0) build_mistake(g, RK_E_DECLINED, "%s has no gradient: second derivatives are not known here", fn->name);
    return 0;                                           /* less, equal: flat everywhere */
}

static rk_ref grad(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    rk_ref x = operand_of(g, y, i), dx = slope(g, y, i, dy);
    if (dx == 0) return 0;
    const struct node like = *node_of(g, x);
    return build_reduce_to(g, dx, &like);
}

static void ref(const struct refcall *c)
{
    struct walk w;
    walk_begin(&w, &c->out.l);
    for (int i = 0; i < c->arity; i++) walk_follow(&w, &c->in[i].l);
    walk_follow(&w, &c->out.l);
    for (; w.valid; walk_next(&w)) {
        double x[3];
        for (int i = 0; i < c->arity; i++) x[i] = GET(c, i, w.at[i]);
        PUT(c, w.at[c->arity], FN(c, mapfn_table[c->n->at.i[0]].cost, mapfn_eval((int)c->n->at.i[0], x)));
    }
}

OPDEF(map) = { .name = "map", .flags = OP_MAP | OP_LIGHT, .infer = infer, .bill = bill, .grad = grad, .ref = ref };

#ifndef RECKON_METER
static rk_ref named(rk_graph *g, const char *function, int arity, const rk_ref *in)
{
    int fn = mapfn_find(function);
    if (fn >= 0 && mapfn_table[fn].arity == arity) return build_map(g, fn, in);
    build_mistake(g, RK_E_UNKNOWN, "no elementwise function \"%s\" of %d operands", function, arity);
    return 0;
}

rk_ref rk_map(rk_graph *g, const char *function, rk_ref x) { return named(g, function, 1, &x); }

rk_ref rk_map2(rk_graph *g, const char *function, rk_ref a, rk_ref b)
{
    const rk_ref in[] = { a, b };
    return named(g, function, 2, in);
}

rk_ref rk_map3(rk_graph *g, const char *function, rk_ref a, rk_ref b, rk_ref c)
{
    const rk_ref in[] = { a, b, c };
    return named(g, function, 3, in);
}

rk_ref rk_add(rk_graph *g, rk_ref a, rk_ref b) { return build_map(g, MAP_add, (const rk_ref[]){ a, b }); }
rk_ref rk_sub(rk_graph *g, rk_ref a, rk_ref b) { return build_map(g, MAP_sub, (const rk_ref[]){ a, b }); }
rk_ref rk_mul(rk_graph *g, rk_ref a, rk_ref b) { return build_map(g, MAP_mul, (const rk_ref[]){ a, b }); }
rk_ref rk_scale(rk_graph *g, rk_ref x, double factor) { return rk_mul(g, x, rk_const(g, factor)); }
#endif
