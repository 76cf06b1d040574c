/* cast: a policy becomes cast nodes: which module computes in which dtype is said once, and from then on it is the graph that
 * says it: gradients, bills and plans see casts like any other node.
 *
 *   products       in the dtype of their module; in 8 bits only those with a weight, with results in 16
 *   attention      in the dtype of its module, 16 bits at least; the head with its loss likewise, and its loss is f32
 *   norms          in the dtype of their module
 *   sums, softmax  in f32 at least (opdef.h: enum precision has what each operation asks)
 *   rows looked up are cast where a row of the policy names the module
 *   the rest       in the widest of what it reads; weights follow, a bias is added in the dtype of its product
 *
 * A value is cast once to a dtype, whoever reads it. Attention and the loss stay whole: what is f32 within them, exponentials and
 * sums, their expansions say (op/attend.c, op/xent_head.c). Sources: the lists of torch.amp (ops that autocast to lower precision, to f32, to the
 * widest input); Micikevicius et al. 2018 (arXiv 1710.03740); Micikevicius et al. 2022 (arXiv 2209.05433) for 8 bits. */
#include "pass/pass.h"
#include "pass/policy.h"
#include <stdio.h>
#include <string.h>

enum { FLOATS = RK_f8e5m2 + 1 };
struct casting {
    rk_ctx *ctx;
    const rk_graph *from;
    rk_graph *to;
    const struct policy *policy;
    const struct policy_role **role;        /* of each path */
    bool *weight;                           /* of each node of `from`: a parameter, or a view of one */
    rk_ref *map;
    VEC(rk_ref) known;                      /* casts by (value, dtype), in `to` */
};

static bool is_float(rk_dtype dtype) { return dtype <= RK_f8e5m2; }
static bool is_narrow(rk_dtype dtype) { return dtype == RK_f8e4m3 || dtype == RK_f8e5m2; }
static rk_dtype dtype_of(const struct casting *c, rk_ref r) { return node_of(c->to, r)->dtype; }

/* f32 of f16 and bf16, which hold different numbers. */
static rk_dtype wider(rk_dtype a, rk_dtype b)
{
    if (a == b) return a;
    if (rk_dtype_bytes(a) == rk_dtype_bytes(b)) return rk_dtype_bytes(a) < 2 ? RK_bf16 : RK_f32;
    return rk_dtype_bytes(a) > rk_dtype_bytes(b) ? a : b;
}

static rk_status cast_once(struct casting *c, rk_ref x, rk_dtype dtype, rk_ref *out)
{
    rk_ctx *ctx = c->ctx;
    int at = x * FLOATS + (int)dtype;
    *out = x;
    if (x == 0 || !is_float(dtype_of(c, x)) || dtype_of(c, x) == dtype) return RK_OK;
    TRY(VEC_ROOM(&c->known, at + 1 > c->known.n ? at + 1 - c->known.n : 0));
    for (; c->known.n <= at; c->known.n++) c->known.at[c->known.n] = 0;
    if (c->known.at[at] == 0) c->known.at[at] = rk_cast(c->to, x, dtype);
    *out = c->known.at[at];
    return RK_OK;
}

/* What is not for 8 bits: in the dtype of products elsewhere. */
static rk_dtype wide_enough(const struct casting *c)
{
    const struct policy_role *base = policy_of(c->policy, "");
    return base != NULL && !is_narrow(base->dtype) ? base->dtype : RK_bf16;
}
static rk_dtype not_narrow(const struct casting *c, rk_dtype dtype) { return is_narrow(dtype) ? wide_enough(c) : dtype; }
static bool is_named(const struct policy_role *role) { return role != NULL && strcmp(role->role, "*") != 0; }

/* The dtype that the products of a module are computed in. */
static rk_dtype product_dtype(const struct casting *c, const struct node *n, bool weighs)
{
    const struct policy_role *role = c->role[n->path];
    rk_dtype widest = dtype_of(c, c->map[n->in[0]]);
    if (role != NULL) return weighs ? role->dtype : not_narrow(c, role->dtype);
    for (int i = 1; i < n->arity; i++)
        if (is_float(dtype_of(c, c->map[n->in[i]]))) widest = wider(widest, dtype_of(c, c->map[n->in[i]]));
    return widest;
}

/* Beyond the first two operands, in a fused operation, stand v, which is no weight, lengths, labels, and a bias, which is added. */
static rk_status cast_product(struct casting *c, rk_ref *in, struct node *n)
{
    rk_ctx *ctx = c->ctx;
    rk_dtype dtype = product_dtype(c, n, c->weight[n->in[0]] || c->weight[n->in[1]]);
    for (int i = 0; i < n->arity; i++) TRY(cast_once(c, in[i], i < 2 ? dtype : not_narrow(c, dtype), &in[i]));
    if (is_narrow(dtype) && (n->op->flags & OP_FUSED) == 0) n->at.i[0] = 1 + (int64_t)wide_enough(c);
    return RK_OK;
}

/* Conditions, integers and constants adapt. */
static bool adapts(const struct casting *c, const struct node *n, int i, rk_ref x)
{
    bool condition = i == 0 && (n->op->flags & OP_MAP) != 0 && n->arity == 3;
    return condition || !is_float(dtype_of(c, x)) || (node_of(c->to, x)->op->flags & OP_VIRTUAL) != 0;
}

/* The widest of the operands and of `least`; RK_DTYPE_COUNT: nothing says. Weights follow what they are added to: a bias is no
 * reason to widen a product. */
static rk_dtype widest_of(const struct casting *c, const rk_ref *in, const struct node *n, rk_dtype least)
{
    bool others = false;
    for (int i = 0; i < n->arity; i++) others = others || (!adapts(c, n, i, in[i]) && !c->weight[n->in[i]]);
    for (int i = 0; i < n->arity; i++) {
        if (adapts(c, n, i, in[i]) || (others && c->weight[n->in[i]])) continue;
        least = least == RK_DTYPE_COUNT ? dtype_of(c, in[i]) : wider(least, dtype_of(c, in[i]));
    }
    return least;
}

static rk_status cast_operands(struct casting *c, rk_ref *in, struct node *n)
{
    rk_ctx *ctx = c->ctx;
    const struct policy_role *role = c->role[n->path];
    rk_dtype dtype = RK_DTYPE_COUNT;
    switch (n->op->precision) {
    case PRECISION_PRODUCT: return cast_product(c, in, n);
    case PRECISION_STATE: return cast_once(c, in[1], dtype_of(c, in[0]), &in[1]);
    case PRECISION_ROWS: return RK_OK;
    case PRECISION_WIDE: dtype = widest_of(c, in, n, RK_f32); break;
    case PRECISION_MODULE: dtype = is_named(role) ? not_narrow(c, role->dtype) : widest_of(c, in, n, RK_DTYPE_COUNT); break;
    case PRECISION_WIDEST: dtype = widest_of(c, in, n, RK_DTYPE_COUNT); break;
    }
    for (int i = 0; i < n->arity && dtype != RK_DTYPE_COUNT; i++)
        if (!adapts(c, n, i, in[i])) TRY(cast_once(c, in[i], dtype, &in[i]));
    return RK_OK;
}

/* Weights are stored as the policy says, caches in the dtype of what is written there. */
static rk_dtype state_dtype(const struct casting *c, const struct node *n)
{
    const struct policy_role *role = c->role[n->path];
    if (n->at.i[0] == RK_PARAMETER || n->at.i[0] == RK_CONSTANT) return c->policy->stored;
    if (n->at.i[0] != RK_CACHE || role == NULL) return n->dtype;
    return not_narrow(c, role->dtype);
}

static rk_status copy_node(struct casting *c, rk_ref r)
{
    rk_ctx *ctx = c->ctx;
    rk_ref in[MOST_OPERANDS];
    struct node n = *node_of(c->from, r);
    const struct policy_role *role = c->role[n.path];
    for (int i = 0; i < n.arity; i++) in[i] = c->map[n.in[i]];
    c->to->path = n.path;
    c->to->times = n.times;
    if (n.op == &op_state && is_float(n.dtype)) {
        n.dtype = state_dtype(c, &n);
        if (n.at.i[0] == RK_PARAMETER && c->policy->stored != RK_f32) n.at.i[1] = 1 + (int64_t)RK_f32;       /* its gradient is added up */
    }
    if ((n.op->flags & OP_SOURCE) == 0) {
        TRY(cast_operands(c, in, &n));
        n.rank = 0;                                         /* the op says its shape again */
    }
    n.in = in;
    c->map[r] = graph_add(c->to, n);
    bool row = n.op->precision == PRECISION_ROWS && c->weight[node_of(c->from, r)->in[0]] && is_named(role);
    if (row) TRY(cast_once(c, c->map[r], not_narrow(c, role->dtype), &c->map[r]));
    return c->to->status == RK_OK ? RK_OK : FAIL(c->to->status, "%s", c->to->message);
}

static void find_weights(const struct casting *c)
{
    for (rk_ref r = 1; r < c->from->nodes.n; r++) {
        const struct node *n = node_of(c->from, r);
        bool view = (n->op->flags & OP_VIEW) != 0;
        c->weight[r] = n->op == &op_state ? n->at.i[0] == RK_PARAMETER : view && c->weight[n->in[0]];
    }
}

/* --- roles --- */

/* The last names of modules, without their numbers, each once. */
static void modules_text(const rk_graph *g, char *text, size_t room)
{
    text[0] = '\0';
    for (int i = 1; i < g->paths.n; i++) {
        const char *dot = strrchr(g->paths.at[i], '.'), *name = dot != NULL ? dot + 1 : g->paths.at[i];
        char word[LONGEST_ROLE + 2];
        size_t n = strlen(name);
        while (n > 0 && name[n - 1] >= '0' && name[n - 1] <= '9') n--;
        if (n == 0 || n >= LONGEST_ROLE) continue;
        (void)snprintf(word, sizeof word, " %.*s ", (int)n, name);
        bool there = strstr(text, word) != NULL;
        if (!there && strlen(text) + n + 2 < room) (void)snprintf(text + strlen(text) - (text[0] != '\0'), room - strlen(text), "%s", word);
    }
}

static rk_status find_roles(struct casting *c)
{
    rk_ctx *ctx = c->ctx;
    char modules[ERROR_HINT - 64];
    for (int i = 0; i < c->from->paths.n; i++) c->role[i] = policy_of(c->policy, c->from->paths.at[i]);
    for (int k = 0; k < c->policy->n; k++) {
        const struct policy one = { .n = 1, .at = { c->policy->at[k] } };
        bool there = !c->policy->at[k].asked;
        for (int i = 0; i < c->from->paths.n && !there; i++) there = policy_of(&one, c->from->paths.at[i]) != NULL;
        if (there) continue;
        modules_text(c->from, modules, sizeof modules);
        (void)FAIL(RK_E_UNKNOWN, "the policy speaks of \"%s\", but no module is named so", c->policy->at[k].role);
        return ctx_hint(ctx, "there are:%.*s", (int)strlen(modules) - 1, modules);      /* each name stands between blanks */
    }
    return RK_OK;
}

/* --- all of it --- */

/* What holds products and does not say in which dtype is written out; light operations hold none. */
static bool keep(void *user, const rk_graph *g, rk_ref r)
{
    (void)user;
    return (node_of(g, r)->op->flags & OP_LIGHT) != 0 || node_of(g, r)->op->precision == PRECISION_PRODUCT;
}

static rk_status cast_all(struct casting *c)
{
    rk_ctx *ctx = c->ctx;
    TRY(find_roles(c));
    find_weights(c);
    for (rk_ref r = 1; r < c->from->nodes.n; r++) TRY(copy_node(c, r));
    c->to->path = 0;
    c->to->times = 1;
    for (int i = 0; i < c->from->outputs.n; i++) rk_output(c->to, c->from->outputs.at[i].name, c->map[c->from->outputs.at[i].ref]);
    return rk_graph_seal(c->to);
}

rk_status pass_cast(rk_ctx *ctx, const rk_graph *from, const struct policy *policy, rk_graph **to, rk_ref *map)
{
    struct casting c = { .ctx = ctx, .policy = policy };
    rk_graph *written = NULL;
    rk_ref *second = NULL;
    rk_status status;
    int n = 0, paths = 0;
    *to = NULL;
    GO(pass_expand(ctx, from, keep, NULL, &written, map));
    c.from = written;
    n = written->nodes.n;
    paths = written->paths.n;
    GO(NEW(second, n));
    GO(NEW(c.weight, n));
    GO(NEW(c.role, paths));
    c.map = second;
    GO(graph_like(ctx, written, &c.to));
    GO(cast_all(&c));
    for (rk_ref r = 0; r < from->nodes.n; r++) map[r] = second[map[r]];
    *to = c.to;
    c.to = NULL;
out:
    FREE(second, n);
    FREE(c.weight, n);
    FREE(c.role, paths);
    VEC_FREE(&c.known);
    rk_graph_close(c.to);
    rk_graph_close(written);
    return status;
}
