/* build.c: see build.h. */
#include "op/build.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char *put_text(char *end, const char *text)
{
    size_t length = strlen(text);
    memcpy(end, text, length + 1);
    return end + length;
}

/* Names are bounded (LONGEST_DIM_NAME): they fit. No printf here: a training graph has thousands of equations. */
static char *put_dims(char *end, const rk_graph *g, int rank, const rk_dim *dim)
{
    *end = '\0';
    for (int i = 0; i < rank; i++) {
        if (i > 0) *end++ = ' ';
        end = put_text(end, dim_name(g, dim[i]));
    }
    return end;
}

struct dims_text dims_text(const rk_graph *g, int rank, const rk_dim *dim)
{
    struct dims_text t;
    (void)put_dims(t.at, g, rank, dim);
    return t;
}

struct dims_text dims_text_but(const rk_graph *g, const struct node *n, rk_dim without)
{
    rk_dim dim[RK_MAX_RANK];
    int rank = 0;
    for (int i = 0; i < n->rank; i++)
        if (n->dim[i] != without) dim[rank++] = n->dim[i];
    return dims_text(g, rank, dim);
}

void build_mistake(rk_graph *g, rk_status status, const char *format, ...)
{
    char text[ERROR_TEXT];
    rk_ctx *ctx = g->ctx;
    if (graph_broken(g)) return;
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    graph_mistake(g, FAIL(status, "%s", text));
}

rk_dim dim_named(rk_graph *g, const char *what, const char *name)
{
    rk_dim d = name == NULL ? 0 : graph_dim(g, name, strlen(name));
    if (d == 0) build_mistake(g, RK_E_UNKNOWN, "%s: no dimension is named \"%s\"", what, name == NULL ? "(null)" : name);
    return d;
}

rk_dim dim_derived(rk_graph *g, const char *of, const char *suffix, char letter, int64_t size)
{
    char name[256];
    (void)snprintf(name, sizeof name, "%s_%s", of, suffix);
    rk_dim d = graph_dim(g, name, strlen(name));
    return d != 0 && dim_size(g, d) == size ? d : rk_dim_new(g, name, letter, size);
}

rk_ref build_map(rk_graph *g, int fn, const rk_ref *in)
{
    return graph_add(g, NODE(op_map, .arity = mapfn_table[fn].arity, .in = in, .text = mapfn_table[fn].name, .at.i[0] = fn));
}

rk_ref build_iota(rk_graph *g, rk_dim dim, rk_dim plus, rk_dim minus)
{
    return graph_add(g, NODE(op_iota, .at.i = { dim, plus, minus }));
}

rk_ref build_reduce_to(rk_graph *g, rk_ref x, const struct node *like)
{
    if (x == 0) return 0;
    const struct node *n = node_of(g, x);
    rk_dim gone[RK_MAX_RANK];
    int n_gone = 0;
    for (int i = 0; i < n->rank; i++)
        if (graph_find_axis(like, n->dim[i]) < 0) gone[n_gone++] = n->dim[i];
    if (n_gone > 0) {
        struct dims_text names = dims_text(g, n_gone, gone);
        x = rk_reduce(g, "sum", x, names.at);
    }
    if (x == 0) return 0;
    n = node_of(g, x);
    bool same = true;
    for (int i = 0; i < n->rank && same; i++) same = n->dim[i] == like->dim[i];
    return same ? x : rk_order(g, x, dims_text(g, like->rank, like->dim).at);
}

rk_ref build_einsum_as(rk_graph *g, const struct node *a, rk_ref ra, const struct node *b, rk_ref rb, int n, const rk_dim *out, int64_t dtype)
{
    const rk_ref in[] = { ra, rb };
    char equation[3 * DIMS_TEXT + 16];
    char *end = put_dims(equation, g, a->rank, a->dim);
    end = put_dims(put_text(end, ", "), g, b->rank, b->dim);
    (void)put_dims(put_text(end, " -> "), g, n, out);
    return graph_add(g, NODE(op_einsum, .arity = 2, .in = in, .text = equation, .at.i[0] = dtype));
}

rk_ref build_einsum_names(rk_graph *g, const struct node *a, rk_ref ra, const struct node *b, rk_ref rb, int n, const rk_dim *out)
{
    return build_einsum_as(g, a, ra, b, rb, n, out, 0);
}

void node_like(struct node *n, const struct node *like)
{
    n->dtype = like->dtype;
    n->rank = like->rank;
    memcpy(n->dim, like->dim, sizeof n->dim);
}

rk_status node_order(rk_ctx *ctx, const rk_graph *g, struct node *n, const char *names)
{
    TRY(graph_dims(ctx, g, names, RK_MAX_RANK, &n->rank, n->dim));
    for (int i = 0; i < n->rank; i++)
        for (int k = 0; k < i; k++)
            if (n->dim[i] == n->dim[k]) return FAIL(RK_E_SHAPE, "%s \"%s\": %s stands twice", n->op->name, names, dim_name(g, n->dim[i]));
    return RK_OK;
}

bool view_same(const rk_graph *g, rk_ref y, const struct layout *x, struct layout *out)
{
    (void)g, (void)y;
    *out = *x;
    return true;
}

rk_status bill_nothing(rk_ctx *ctx, const rk_graph *g, rk_ref y, struct bill_line *line)
{
    (void)ctx, (void)g, (void)y, (void)line;
    return RK_OK;
}

rk_status bill_move(rk_ctx *ctx, const rk_graph *g, rk_ref y, struct bill_line *line)
{
    (void)ctx;
    bill_reads_operands(g, y, line);
    bill_writes_result(g, y, line);
    return line->polys->status;
}

rk_status bill_write(rk_ctx *ctx, const rk_graph *g, rk_ref y, struct bill_line *line)
{
    (void)ctx;
    bill_writes_result(g, y, line);
    return line->polys->status;
}
