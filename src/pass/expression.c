/* expression.c: an expression as a graph of the public builders, and what that graph costs.
 *
 * Rearranging goes: take groups apart, sum what is gone, rename, order, put groups together. Only the last may need a copy, and
 * rk_merge knows when. Not here: reading the text (expression_read.c), prices (op), sums (count). */
#include "pass/expression.h"
#include "core/opdef.h"
#include "reckon/bill.h"
#include <stdio.h>
#include <string.h>

enum { MOST_STEPS = 4 * MOST_NAMES, TEXT = MOST_NAMES * (LONGEST_DIM_NAME + 1) + 1 };

struct rk_expression {
    rk_ctx *ctx;
    struct arena arena;
    rk_graph *g;
    int n_values, n_steps;
    rk_expression_value value[3];
    rk_expression_step step[MOST_STEPS];
    rk_expression_cost cost;
};

struct making { const char *text; const struct sides *s; const rk_size *sizes; int n_sizes; rk_dtype dtype; rk_expression *e; };

void rk_expression_close(rk_expression *e)
{
    if (e == NULL) return;
    rk_ctx *ctx = e->ctx;
    rk_graph_close(e->g);
    arena_clear(ctx, &e->arena);
    FREE(e, 1);
}

/* --- building --- */

struct text { char at[TEXT]; };

static void add(struct text *t, const struct said *name, const char *between)
{
    size_t used = strlen(t->at);
    (void)snprintf(t->at + used, sizeof t->at - used, "%s%.*s", used > 0 ? between : "", name->length, name->at);
}

static struct text names_of(const struct side *s, int first, int n, const char *between)
{
    struct text t = { "" };
    for (int i = first; i < first + n; i++) add(&t, &s->name[i], between);
    return t;
}

/* What a group is called as one dimension: h_k. */
static struct text group_name(const struct side *s, int group)
{
    int n, first = side_group(s, group, &n);
    return names_of(s, first, n, "_");
}

static struct text groups_of(const struct side *s)
{
    struct text all = { "" };
    for (int i = 0; i < s->rank; i++) {
        struct text one = group_name(s, i);
        add(&all, &(struct said){ one.at, (int)strlen(one.at), 0 }, " ");
    }
    return all;
}

static int64_t size_of(const struct making *m, const struct said *name)
{
    for (int i = 0; i < m->n_sizes; i++)
        if (said_is(name, m->sizes[i].name, (int)strlen(m->sizes[i].name))) return m->sizes[i].size;
    return 0;
}

static void declare(struct making *m, const struct side *s)
{
    rk_graph *g = m->e->g;
    for (int i = 0; i < s->n; i++) {
        struct text name = names_of(s, i, 1, "");
        if (graph_dim(g, name.at, strlen(name.at)) == 0) (void)rk_dim_new(g, name.at, 0, size_of(m, &s->name[i]));
    }
}

/* A group's size may be too large to be: the graph says so. */
static void declare_groups(struct making *m, const struct side *s)
{
    rk_graph *g = m->e->g;
    for (int group = 0; group < s->rank; group++) {
        struct text name = group_name(s, group);
        int64_t size = 1;
        int n, first = side_group(s, group, &n);
        for (int i = first; i < first + n; i++)
            if (!extent_mul(size, size_of(m, &s->name[i]), &size)) size = INT64_MAX;
        if (n > 1 && graph_dim(g, name.at, strlen(name.at)) == 0) (void)rk_dim_new(g, name.at, 0, size);
    }
}

static rk_ref take_apart(struct making *m, rk_ref x)
{
    const struct side *in = &m->s->in[0];
    for (int group = 0; group < in->rank; group++) {
        int n, first = side_group(in, group, &n);
        if (n > 1) x = rk_split(m->e->g, x, group_name(in, group).at, names_of(in, first, n, " ").at);
    }
    return x;
}

/* Names of the operand that the result lacks: renamed, where it has as many new ones instead, or else summed over. */
static rk_ref change_names(struct making *m, rk_ref x)
{
    const struct side *in = &m->s->in[0], *out = &m->s->out;
    struct text gone = { "" };
    int fresh = 0;
    for (int i = 0; i < in->n; i++) {
        if (side_find(out, &in->name[i]) >= 0) continue;
        while (fresh < out->n && side_find(in, &out->name[fresh]) >= 0) fresh++;
        if (fresh < out->n) x = rk_rename(m->e->g, x, names_of(in, i, 1, "").at, names_of(out, fresh++, 1, "").at);
        else add(&gone, &in->name[i], " ");
    }
    return gone.at[0] == '\0' ? x : rk_reduce(m->e->g, "sum", x, gone.at);
}

static rk_ref put_together(struct making *m, rk_ref x)
{
    const struct side *out = &m->s->out;
    for (int group = 0; group < out->rank; group++) {
        int n, first = side_group(out, group, &n);
        if (n > 1) x = rk_merge(m->e->g, x, names_of(out, first, n, " ").at, group_name(out, group).at);
    }
    return x;
}

static rk_ref rearrange(struct making *m, rk_ref x)
{
    const struct side *out = &m->s->out;
    rk_graph *g = m->e->g;
    if (!m->s->arrow) return x;
    x = change_names(m, take_apart(m, x));
    struct text order = names_of(out, 0, out->n, " ");
    if (!rk_graph_ok(g)) return 0;
    const struct node *n = node_of(g, x);
    bool same = n->rank == out->n;
    for (int i = 0; same && i < n->rank; i++) same = said_is(&out->name[i], dim_name(g, n->dim[i]), (int)strlen(dim_name(g, n->dim[i])));
    if (!same) x = rk_order(g, x, order.at);
    return put_together(m, x);
}

static rk_ref build(struct making *m, rk_ref in[2])
{
    static const char *const names[] = { "operand 1", "operand 2" };
    rk_graph *g = m->e->g;
    declare(m, &m->s->in[0]);
    declare(m, &m->s->in[1]);
    declare(m, &m->s->out);
    for (int i = 0; i < m->s->operands; i++) {
        declare_groups(m, &m->s->in[i]);
        in[i] = rk_input(g, names[i], m->dtype, groups_of(&m->s->in[i]).at);
    }
    declare_groups(m, &m->s->out);
    rk_ref y = m->s->operands == 2 ? rk_einsum(g, m->text, in[0], in[1]) : rearrange(m, in[0]);
    rk_output(g, "result", y);
    return y;
}

/* --- what came of it --- */

static rk_status value_of(rk_ctx *ctx, struct making *m, rk_ref r, const struct side *said)
{
    rk_expression *e = m->e;
    rk_ref base;
    struct layout l = layout_of(e->g, r, &base);
    rk_expression_value *v = &e->value[e->n_values++];
    *v = (rk_expression_value){ .rank = l.rank, .elements = (uint64_t)layout_elements(&l) };
    for (int i = 0; i < l.rank; i++) v->shape[i] = l.size[i], v->stride[i] = l.stride[i];
    v->bytes = v->elements * rk_dtype_bytes(m->dtype);
    v->view = said == &m->s->out && node_of(e->g, base)->op == &op_input;
    return arena_text(ctx, &e->arena, said->at, (size_t)said->length, &v->names);
}

static rk_status steps_of(rk_ctx *ctx, struct making *m)
{
    rk_expression *e = m->e;
    for (rk_ref r = m->s->operands + 1; r < e->g->nodes.n; r++) {
        const struct node *n = node_of(e->g, r);
        struct layout l = layout_of(e->g, r, NULL);
        struct str text = { 0 };
        PROMISE(e->n_steps < MOST_STEPS);
        rk_expression_step *step = &e->step[e->n_steps++];
        bool view = (n->op->flags & OP_VIEW) != 0;
        *step = (rk_expression_step){ n->op->name, "", view, view ? 0 : (uint64_t)layout_elements(&l) * rk_dtype_bytes(m->dtype) };
        rk_status status = graph_text(ctx, e->g, r, &text);
        const char *dims = strchr(str_c(&text), '[');
        if (status == RK_OK) status = arena_text(ctx, &e->arena, dims, strlen(dims), &step->result);
        str_free(ctx, &text);
        TRY(status);
    }
    return RK_OK;
}

static rk_status number(rk_ctx *ctx, const rk_bill *bill, const char *name, uint64_t *n)
{
    *n = 0;
    if (rk_bill_has(bill, name)) TRY(rk_bill_number(bill, name, n));
    return RK_OK;
}

static rk_status formula(rk_ctx *ctx, struct making *m)
{
    struct text t = { "" };
    struct str all = { 0 };
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < m->s->in[k].n; i++)
            if (k == 0 || side_find(&m->s->in[0], &m->s->in[k].name[i]) < 0) add(&t, &m->s->in[k].name[i], "·");
    rk_status status = str_format(ctx, &all, "2%s%s", t.at[0] != '\0' ? "·" : "", t.at);
    if (status == RK_OK) status = arena_text(ctx, &m->e->arena, str_c(&all), (size_t)all.n, &m->e->cost.formula);
    str_free(ctx, &all);
    return status;
}

static rk_status price(rk_ctx *ctx, struct making *m)
{
    rk_expression_cost *cost = &m->e->cost;
    rk_bill *bill;
    uint64_t read = 0, written = 0, size = rk_dtype_bytes(m->dtype);
    rk_status status = rk_bill_of_graph(m->e->g, 0, NULL, &bill);
    cost->formula = "";
    if (status == RK_OK) status = number(ctx, bill, "flops.forward", &cost->flops);
    if (status == RK_OK) status = number(ctx, bill, "flops.elementwise.forward", &cost->elementwise);
    if (status == RK_OK) status = number(ctx, bill, "elements.read.forward", &read);
    if (status == RK_OK) status = number(ctx, bill, "elements.written.forward", &written);
    rk_bill_free(bill);
    TRY(status);
    if (__builtin_mul_overflow(read, size, &cost->read) || __builtin_mul_overflow(written, size, &cost->written)) return FAIL(RK_E_LIMIT, "expression \"%s\": more than 2^64 bytes", m->text);
    return m->s->operands == 2 ? formula(ctx, m) : RK_OK;
}

static rk_status make(rk_ctx *ctx, struct making *m)
{
    rk_ref in[2] = { 0, 0 };
    TRY(rk_graph_open(ctx, &m->e->g));
    rk_ref result = build(m, in);
    TRY(rk_graph_seal(m->e->g));
    for (int i = 0; i < m->s->operands; i++) TRY(value_of(ctx, m, in[i], &m->s->in[i]));
    if (m->s->arrow) TRY(value_of(ctx, m, result, &m->s->out));
    TRY(steps_of(ctx, m));
    return price(ctx, m);
}

rk_status rk_expression_open(rk_ctx *ctx, const char *text, const rk_size *sizes, int n_sizes, rk_dtype dtype, rk_expression **out)
{
    struct sides sides;
    struct making m = { .text = text, .s = &sides, .sizes = sizes, .n_sizes = n_sizes, .dtype = dtype };
    rk_status status;
    *out = NULL;
    TRY(expression_read(ctx, text, &sides));
    TRY(expression_check(ctx, text, &sides, sizes, n_sizes));
    GO(NEW(m.e, 1));
    m.e->ctx = ctx;
    GO(make(ctx, &m));
    *out = m.e;
    m.e = NULL;
out:
    rk_expression_close(m.e);
    return status;
}

int rk_expression_values(const rk_expression *e) { return e->n_values; }
int rk_expression_steps(const rk_expression *e)  { return e->n_steps; }
rk_expression_cost rk_expression_cost_of(const rk_expression *e) { return e->cost; }

rk_expression_value rk_expression_value_at(const rk_expression *e, int i)
{
    return i >= 0 && i < e->n_values ? e->value[i] : (rk_expression_value){ .names = "" };
}

rk_expression_step rk_expression_step_at(const rk_expression *e, int i)
{
    return i >= 0 && i < e->n_steps ? e->step[i] : (rk_expression_step){ .op = "", .result = "" };
}
