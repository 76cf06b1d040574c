/* evaluate.c: see evaluate.h. */
#include "evaluate.h"
#include "test.h"
#include <stdlib.h>

static void *want(size_t n, size_t size)
{
    void *p = calloc(n + 1, size);
    if (p == NULL) abort();
    return p;
}

static bool is_view(const rk_graph *g, rk_ref r) { return (node_of(g, r)->op->flags & OP_VIEW) != 0; }
static bool is_effect(const rk_graph *g, rk_ref r) { return (node_of(g, r)->op->flags & OP_SINK) != 0; }

void values_open(struct values *v, rk_ctx *ctx, const rk_graph *g)
{
    *v = (struct values){ .ctx = ctx, .g = g, .n = g->nodes.n, .seed = 7, .step = 3 };
    v->own = want((size_t)v->n, sizeof *v->own);
    v->extent = want((size_t)g->dims.n, sizeof *v->extent);
    for (rk_dim d = 1; d < g->dims.n; d++) v->extent[d] = dim_size(g, d);
    for (rk_ref r = 1; r < v->n; r++)
        if (!is_view(g, r) && !is_effect(g, r)) v->own[r] = want((size_t)values_count(v, r), sizeof(double));
}

void values_close(struct values *v)
{
    for (rk_ref r = 1; r < v->n; r++) free(v->own[r]);
    free(v->own);
    free(v->extent);
}

int64_t values_count(const struct values *v, rk_ref r)
{
    const struct node *n = node_of(v->g, r);
    int64_t count = 1;
    for (int i = 0; i < n->rank; i++) count *= dim_size(v->g, n->dim[i]);
    return count;
}

struct layout values_layout(const struct values *v, rk_ref r, rk_ref *base)
{
    struct layout l = layout_of(v->g, r, base);
    while (is_effect(v->g, *base)) *base = operand_of(v->g, *base, 0);
    for (int i = 0; i < l.rank; i++) l.size[i] = v->extent[l.dim[i]];
    return l;
}

double *values_own(const struct values *v, rk_ref r) { return v->own[r]; }

double values_at(const struct values *v, rk_ref r, const int64_t *index)
{
    rk_ref base;
    struct layout l = values_layout(v, r, &base);
    int64_t at = l.offset;
    for (int i = 0; i < l.rank; i++) at += index[l.dim[i]] * l.stride[i];
    return v->own[base][at];
}

int64_t values_read(const struct values *v, rk_ref r, double *out)
{
    rk_ref base;
    struct layout l = values_layout(v, r, &base);
    int64_t n = 0;
    struct walk w;
    for (walk_along(&w, &l); w.valid; walk_next(&w)) out[n++] = v->own[base][w.at[0]];
    return n;
}

double values_scalar(const struct values *v, rk_ref r)
{
    double x = NAN;
    if (node_of(v->g, r)->rank == 0) (void)values_read(v, r, &x);
    return x;
}

static void run_node(struct values *v, rk_ref r, const struct opdef *op, struct tally *t)
{
    const struct node *n = node_of(v->g, r);
    struct live live = { v->extent, v->seed, v->step };
    struct refcall c = { .g = v->g, .y = r, .n = n, .arity = n->arity, .live = &live, .tally = t };
    rk_ref base;
    for (int i = 0; i < n->arity; i++) {
        c.in[i].l = values_layout(v, n->in[i], &base);
        c.in[i].at = v->own[base];
    }
    c.out.l = values_layout(v, r, &base);
    c.out.at = v->own[base];
    op->ref(&c);
}

static void take_updates(struct values *v)
{
    for (rk_ref r = 1; r < v->n; r++) {
        const struct node *n = node_of(v->g, r);
        if (n->op != &op_update) continue;
        double *fresh = want((size_t)values_count(v, n->in[1]), sizeof(double));
        (void)values_read(v, n->in[1], fresh);
        struct layout l = layout_dense(v->g, n->rank, n->dim);
        int64_t k = 0;
        for (int i = 0; i < l.rank; i++) l.size[i] = v->extent[l.dim[i]];
        struct walk w;
        for (walk_along(&w, &l); w.valid; walk_next(&w)) v->own[n->in[0]][w.at[0]] = fresh[k++];
        free(fresh);
    }
}

void evaluate(struct values *v, bool update)
{
    for (rk_ref r = 1; r < v->n; r++) {
        const struct opdef *op = node_of(v->g, r)->op;
        if ((op->flags & (OP_FUSED | OP_VIEW)) != 0) {
            if ((op->flags & OP_FUSED) != 0) test_fail(__FILE__, __LINE__, "%s was not written out", op->name);
        } else if (op->ref != NULL) run_node(v, r, op, NULL);
    }
    if (update) take_updates(v);
}

static int64_t reach(const struct values *v, rk_ref r)
{
    rk_ref base;
    (void)values_layout(v, r, &base);
    return values_count(v, base);
}

void evaluate_node(struct values *v, rk_ref r, struct tally *t)
{
    const struct node *n = node_of(v->g, r);
    int which = 0;
    while (op_list[which] != n->op) which++;
    for (int i = 0; i < n->arity; i++) {
        int same = 0;
        while (n->in[same] != n->in[i]) same++;
        t->seen[i] = same < i ? t->seen[same] : want((size_t)reach(v, n->in[i]) / 8 + 1, 1);       /* one operand twice: read once */
    }
    t->seen[MOST_PROBLEM_OPERANDS - 1] = want((size_t)reach(v, r) / 8 + 1, 1);
    run_node(v, r, meter_list[which], t);
    for (int i = 0; i < MOST_PROBLEM_OPERANDS; i++) {
        unsigned char *seen = t->seen[i];
        for (int k = i; k < MOST_PROBLEM_OPERANDS; k++)
            if (t->seen[k] == seen) t->seen[k] = NULL;
        free(seen);
    }
}
