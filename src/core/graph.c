/* graph.c: building: nodes, outputs, and the one mistake that is kept. Not here: dims and modules (graph_names.c), what any op
 * means (op/). */
#include "core/graph.h"
#include "core/opdef.h"
#include <stdio.h>
#include <string.h>

rk_status rk_graph_open(rk_ctx *ctx, rk_graph **out)
{
    rk_graph *g;
    rk_status status;
    *out = NULL;
    TRY(NEW(g, 1));
    g->ctx = ctx;
    g->times = g->alike = 1;
    if ((status = VEC_ROOM(&g->dims, 16)) == RK_OK && (status = VEC_ROOM(&g->nodes, 64)) == RK_OK && (status = VEC_ROOM(&g->paths, 16)) == RK_OK) {
        g->dims.n = g->nodes.n = g->paths.n = g->paths_named = 1;
        g->dims.at[0] = (struct dim_info){ .name = "" };
        g->nodes.at[0] = (struct node){ .op = NULL };
        g->paths.at[0] = "";
        *out = g;
        return RK_OK;
    }
    rk_graph_close(g);
    return status;
}

void rk_graph_close(rk_graph *g)
{
    if (g == NULL) return;
    rk_ctx *ctx = g->ctx;
    VEC_FREE(&g->dims);
    VEC_FREE(&g->relations);
    VEC_FREE(&g->nodes);
    VEC_FREE(&g->paths);
    VEC_FREE(&g->outputs);
    map_free(ctx, &g->dim_names);
    map_free(ctx, &g->path_names);
    for (int i = 0; i <= RK_KIND_COUNT; i++) map_free(ctx, &g->sources[i]);
    arena_clear(ctx, &g->arena);
    FREE(g, 1);
}

bool rk_graph_ok(const rk_graph *g) { return g->status == RK_OK; }
bool graph_broken(const rk_graph *g) { return g->status != RK_OK || g->sealed; }

void graph_mistake(rk_graph *g, rk_status status)
{
    if (g->status != RK_OK) return;
    g->status = status;
    (void)snprintf(g->message, sizeof g->message, "%s", g->ctx->message);
    (void)snprintf(g->hint, sizeof g->hint, "%s", g->ctx->hint);
}

rk_status rk_graph_seal(rk_graph *g)
{
    rk_ctx *ctx = g->ctx;
    if (g->status != RK_OK) {
        rk_status status = FAIL(g->status, "%s", g->message);
        if (g->hint[0] != '\0') (void)ctx_hint(ctx, "%s", g->hint);
        return status;
    }
    g->sealed = true;
    return RK_OK;
}

/* --- dtypes of gradients --- */

rk_dtype graph_gradient_dtype(const rk_graph *g, rk_ref r)
{
    while ((node_of(g, r)->op->flags & OP_VIEW) != 0) r = operand_of(g, r, 0);
    const struct node *n = node_of(g, r);
    if (n->op == &op_state && n->at.i[1] != 0) return (rk_dtype)(n->at.i[1] - 1);
    if ((n->op->flags & OP_CASTS) == 0) return n->dtype;
    rk_dtype before = node_of(g, n->in[0])->dtype;
    return before <= RK_f8e5m2 && rk_dtype_bytes(before) > rk_dtype_bytes(n->dtype) ? before : n->dtype;
}

/* --- nodes --- */

/* Which of the maps of names a source is in; -1: none. */
static int source_kind(const struct opdef *op, int64_t kind)
{
    if (op == &op_input) return RK_KIND_COUNT;
    return op == &op_state && kind >= 0 && kind < RK_KIND_COUNT ? (int)kind : -1;
}

/* A source is told of by its name, what is computed by the module it stands in, if it stands in one. */
static rk_status too_many_elements(rk_ctx *ctx, const rk_graph *g, const struct node *n)
{
    bool source = source_kind(n->op, 0) >= 0;
    const char *where = source ? n->text : g->paths.at[g->path], *between = where[0] == '\0' ? "" : source ? " " : " at ";
    return FAIL(RK_E_LIMIT, "%s%s%s: the result has more than 2^%d elements", n->op->name, between, where, LARGEST_EXTENT_BITS);
}

bool graph_fits(const rk_graph *g, const struct node *n)
{
    int64_t elements = 1;                       /* an empty dimension counts as 1: strides stay bounded too */
    for (int i = 0; i < n->rank; i++) {
        int64_t size = dim_size(g, n->dim[i]) > 0 ? dim_size(g, n->dim[i]) : 1;
        if (!extent_mul(elements, size, &elements) || elements >> LARGEST_EXTENT_BITS != 0) return false;
    }
    return true;
}

/* Becomes a node of the graph. shaped: it has its dtype and dims already. */
static rk_status node_add(rk_ctx *ctx, rk_graph *g, struct node *n, bool shaped, rk_ref *out)
{
    rk_ref *in;
    if (n->arity > MOST_OPERANDS) return FAIL(RK_E_LIMIT, "%s: %d operands, at most %d", n->op->name, n->arity, MOST_OPERANDS);
    for (int i = 0; i < n->arity; i++)
        if (n->in[i] <= 0 || n->in[i] >= g->nodes.n) return FAIL(RK_E_ARG, "%s: operand %d is no value of this graph", n->op->name, i + 1);
    TRY(TAKE(&g->arena, in, n->arity));
    for (int i = 0; i < n->arity; i++) in[i] = n->in[i];
    n->in = in;
    if (n->text == NULL || n->text[0] == '\0') n->text = "";
    else TRY(arena_text(ctx, &g->arena, n->text, strlen(n->text), &n->text));
    n->path = g->path;
    n->times = g->times;
    n->alike = g->alike;
    if (!shaped) TRY(n->op->infer(ctx, g, n));
    if (!shaped && !graph_fits(g, n)) return too_many_elements(ctx, g, n);
    VEC_PUSH(&g->nodes, *n);
    *out = g->nodes.n - 1;
    int kind = source_kind(n->op, n->at.i[0]);
    return kind < 0 ? RK_OK : map_put(ctx, &g->sources[kind], n->text, strlen(n->text), *out);
}

static rk_ref add(rk_graph *g, struct node *draft, bool shaped)
{
    rk_ref ref = 0;
    if (graph_broken(g)) return 0;
    rk_status status = node_add(g->ctx, g, draft, shaped, &ref);
    if (status != RK_OK) graph_mistake(g, status);
    return status == RK_OK ? ref : 0;
}

rk_ref graph_add(rk_graph *g, struct node draft) { return add(g, &draft, false); }

rk_status graph_like(rk_ctx *ctx, const rk_graph *from, rk_graph **to)
{
    rk_graph *g;
    rk_status status;
    *to = NULL;
    TRY(rk_graph_open(ctx, &g));
    for (int i = 1; i < from->dims.n; i++) {
        const struct dim_info *d = &from->dims.at[i];
        (void)(d->live ? rk_dim_live : rk_dim_new)(g, d->name, d->letter, d->size);
    }
    GO(g->status);
    for (int i = 0; i < from->relations.n; i++) {
        GO(VEC_ROOM(&g->relations, 1));
        g->relations.at[g->relations.n++] = from->relations.at[i];
    }
    GO(VEC_ROOM(&g->paths, from->paths.n));
    for (; g->paths.n < from->paths.n; g->paths.n++) GO(arena_text(ctx, &g->arena, from->paths.at[g->paths.n], strlen(from->paths.at[g->paths.n]), &g->paths.at[g->paths.n]));
    GO(VEC_ROOM(&g->nodes, from->nodes.n));                     /* whoever asks for one like it mostly says the same again */
    *to = g;
    return RK_OK;
out:
    rk_graph_close(g);
    return status;
}

/* What it reads is of the dtype and dims that it read there: then so is the result. */
static bool reads_the_same(const rk_graph *to, const rk_graph *from, const struct node *n, const rk_ref *in)
{
    bool same = n->op != &op_adjoint && !graph_broken(to);
    for (int i = 0; i < n->arity && same; i++) {
        const struct node *x = node_of(from, n->in[i]), *y = in[i] > 0 && in[i] < to->nodes.n ? node_of(to, in[i]) : NULL;
        same = y != NULL && x->op == y->op && x->dtype == y->dtype && x->rank == y->rank && memcmp(x->dim, y->dim, sizeof *x->dim * (size_t)x->rank) == 0;
    }
    return same;
}

rk_ref graph_repeat(rk_graph *to, const rk_graph *from, rk_ref r, const rk_ref *map)
{
    rk_ref in[MOST_OPERANDS];
    struct node n = *node_of(from, r);
    for (int i = 0; i < n.arity; i++) in[i] = map[n.in[i]];
    bool same = reads_the_same(to, from, &n, in);
    n.in = in;
    if (n.op == &op_adjoint) n.at.i[1] = map[n.at.i[1]];     /* the operation it belongs to has another id now */
    if (!same && (n.op->flags & OP_SOURCE) == 0) n.rank = 0; /* the op says its shape again */
    int path = to->path, times = to->times, alike = to->alike;
    to->path = n.path;
    to->times = n.times;
    to->alike = n.alike;
    rk_ref fresh = add(to, &n, same);
    to->path = path;
    to->times = times;
    to->alike = alike;
    return fresh;
}

rk_status graph_text(rk_ctx *ctx, const rk_graph *g, rk_ref r, struct str *out)
{
    const struct node *n = node_of(g, r);
    TRY(str_format(ctx, out, "%s [", rk_dtype_name(n->dtype)));
    for (int i = 0; i < n->rank; i++) TRY(str_format(ctx, out, "%s%s", i > 0 ? " " : "", dim_name(g, n->dim[i])));
    return str_text(ctx, out, "]");
}

rk_ref graph_find_source(const rk_graph *g, const struct opdef *op, int64_t kind, const char *name)
{
    int id, of = source_kind(op, kind);
    return of >= 0 && map_get(&g->sources[of], name, strlen(name), &id) ? id : 0;
}

static rk_status output_add(rk_ctx *ctx, rk_graph *g, const char *name, rk_ref value)
{
    struct named_ref o = { NULL, value };
    if (value <= 0 || value >= g->nodes.n) return FAIL(RK_E_ARG, "output %s is no value of this graph", name);
    if (graph_find_output(g, name) != 0) return FAIL(RK_E_ARG, "output %s is named twice", name);
    TRY(arena_text(ctx, &g->arena, name, strlen(name), &o.name));
    VEC_PUSH(&g->outputs, o);
    return RK_OK;
}

void rk_output(rk_graph *g, const char *name, rk_ref value)
{
    if (graph_broken(g)) return;
    rk_status status = output_add(g->ctx, g, name, value);
    if (status != RK_OK) graph_mistake(g, status);
}

rk_ref graph_find_output(const rk_graph *g, const char *name)
{
    for (int i = 0; i < g->outputs.n; i++)
        if (strcmp(g->outputs.at[i].name, name) == 0) return g->outputs.at[i].ref;
    return 0;
}
