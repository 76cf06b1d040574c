/* grad: reverse mode: the gradient of a scalar as further nodes of the same graph.
 *
 * Values are visited from the loss down; what several readers contribute is added in the order of the readers' ids. A fused
 * operation gets `adjoint` nodes: whoever wants its gradient in primitives expands it first. Gradient nodes stand in the
 * module of the node they belong to, and stand for as many (pass/shorten). Source: Linnainmaa 1970; Speelpenning 1980. */
#include "core/opdef.h"
#include "pass/pass.h"

/* Contributions to a value's gradient: lists through `next`, newest first, which is the lowest reader first. */
struct part { rk_ref ref; int next, times; };           /* times: for how many its reader stands */
struct reverse { rk_graph *g; int n; bool *wanted, *asked; int *head; VEC(struct part) parts; };     /* asked: by itself, not for what is behind it */

static rk_status contribute(rk_ctx *ctx, struct reverse *v, rk_ref to, rk_ref ref)
{
    if (ref == 0) return RK_OK;
    rk_dtype dtype = graph_gradient_dtype(v->g, to);
    bool narrow = rk_dtype_bytes(dtype) == 1;                   /* 8 bits hold a value, but not its gradient */
    struct part part = { narrow ? ref : rk_cast(v->g, ref, dtype), v->head[to], v->g->times };      /* a constant is f32, whatever it multiplies */
    VEC_PUSH(&v->parts, part);
    v->head[to] = v->parts.n - 1;
    return RK_OK;
}

static rk_ref clever_sum(rk_graph *g, const struct reverse *v, rk_ref y)
{
    rk_ref refs[MOST_OPERANDS];
    int n = 0;
    for (int i = v->head[y]; i >= 0; i = v->parts.at[i].next) {
        if (n == MOST_OPERANDS || node_of(g, v->parts.at[i].ref)->op != node_of(g, v->parts.at[v->head[y]].ref)->op) return 0;
        refs[n++] = v->parts.at[i].ref;
    }
    const struct opdef *op = n > 1 ? node_of(g, refs[0])->op : NULL;
    return op != NULL && op->sum != NULL ? op->sum(g, refs, n) : 0;
}

static rk_ref total(rk_graph *g, const struct reverse *v, rk_ref y)
{
    int i = v->head[y];
    if (i < 0) return 0;
    rk_ref sum = clever_sum(g, v, y);
    if (sum != 0) return sum;
    sum = v->parts.at[i].ref;
    int times = g->times;
    bool shared = node_of(g, y)->shared;
    for (i = v->parts.at[i].next; i >= 0; i = v->parts.at[i].next) {
        if (shared) g->times = v->parts.at[i].times;        /* a reader that stands for several is added as often */
        sum = rk_add(g, sum, v->parts.at[i].ref);
    }
    g->times = times;
    return sum;
}

static rk_ref adjoint(rk_graph *g, rk_ref y, int i, rk_ref dy)
{
    rk_ref in[MOST_OPERANDS];
    const struct node *n = node_of(g, y);
    if (n->arity + 2 > MOST_OPERANDS) return 0;
    for (int k = 0; k < n->arity; k++) in[k] = n->in[k];
    in[n->arity] = y;
    in[n->arity + 1] = dy;
    return graph_add(g, (struct node){ .op = &op_adjoint, .arity = n->arity + 2, .in = in, .text = n->op->name, .at.i = { i, y } });
}

static void stand_with(rk_graph *g, rk_ref y)
{
    g->path = node_of(g, y)->path;
    g->times = node_of(g, y)->times;
}

static rk_status visit(rk_ctx *ctx, struct reverse *v, rk_ref y, rk_ref dy)
{
    rk_graph *g = v->g;
    const struct opdef *op = node_of(g, y)->op;
    stand_with(g, y);
    for (int i = 0; i < node_of(g, y)->arity; i++) {
        rk_ref x = operand_of(g, y, i);
        if (!v->wanted[x] || node_of(g, x)->dtype > RK_f8e5m2) continue;
        bool fused = (op->flags & OP_FUSED) != 0;
        if (!fused && op->grad == NULL) return FAIL(RK_E_DECLINED, "%s at %s has no gradient", op->name, g->paths.at[g->path]);
        TRY(contribute(ctx, v, x, fused ? adjoint(g, y, i, dy) : op->grad(g, y, i, dy)));
        if (g->status != RK_OK) return g->status;
    }
    return RK_OK;
}

static rk_status reverse(rk_ctx *ctx, struct reverse *v, rk_ref loss, rk_ref seed, const rk_ref *by, int n, rk_ref *gradients)
{
    rk_graph *g = v->g;
    for (int i = 0; i < n; i++) {
        if (by[i] <= 0 || by[i] > loss) return FAIL(RK_E_ARG, "gradient %d is asked by a value that is not below the loss", i);
        v->wanted[by[i]] = v->asked[by[i]] = true;
    }
    for (rk_ref r = 1; r <= loss; r++) {
        v->head[r] = -1;
        for (int i = 0; i < node_of(g, r)->arity; i++) v->wanted[r] = v->wanted[r] || v->wanted[operand_of(g, r, i)];
    }
    TRY(contribute(ctx, v, loss, seed != 0 ? seed : rk_const(g, 1)));
    for (rk_ref r = loss; r > 0; r--) {
        if (!v->wanted[r]) continue;
        stand_with(g, r);
        rk_ref dy = total(g, v, r);
        for (int i = 0; v->asked[r] && i < n; i++)
            if (by[i] == r) gradients[i] = dy;
        if (dy != 0) TRY(visit(ctx, v, r, dy));
        if (g->status != RK_OK) return g->status;
    }
    return RK_OK;
}

void rk_grad(rk_graph *g, rk_ref loss, rk_ref seed, const rk_ref *by, int n, rk_ref *gradients)
{
    for (int i = 0; i < n; i++) gradients[i] = 0;
    if (graph_broken(g)) return;
    rk_ctx *ctx = g->ctx;
    struct reverse v = { .g = g, .n = g->nodes.n };
    int path = g->path, times = g->times;
    rk_status status = loss <= 0 || loss >= g->nodes.n || node_of(g, loss)->rank != 0 ? FAIL(RK_E_ARG, "gradients are taken of a value without dimensions") : RK_OK;
    if (status == RK_OK) status = VEC_ROOM(&g->nodes, 2 * v.n);             /* about as many as there will be */
    if (status == RK_OK) status = NEW(v.wanted, v.n);
    if (status == RK_OK) status = NEW(v.asked, v.n);
    if (status == RK_OK) status = NEW(v.head, v.n);
    if (status == RK_OK) status = reverse(ctx, &v, loss, seed, by, n, gradients);
    if (status != RK_OK) graph_mistake(g, status);
    g->path = path;
    g->times = times;
    FREE(v.wanted, v.n);
    FREE(v.asked, v.n);
    FREE(v.head, v.n);
    VEC_FREE(&v.parts);
}
