/* A view is an index computation, said here per operation; and the pairs of operations that undo or mirror each other. */
#include "sample.h"
#include <stdlib.h>

enum { MOST_DIMS = 128 };

/* Where an element of y lies in its operand: index[dim] of y becomes index[dim] of x. */
static void map_select(const struct sample *s, const struct node *n, const int64_t *y, int64_t *x) { (void)s, (void)y, x[n->at.i[0]] = n->at.i[1]; }
static void map_same(const struct sample *s, const struct node *n, const int64_t *y, int64_t *x) { (void)s, (void)n, (void)y, (void)x; }
static void map_rename(const struct sample *s, const struct node *n, const int64_t *y, int64_t *x) { (void)s, x[n->at.i[0]] = y[n->at.i[1]]; }
static void map_slice(const struct sample *s, const struct node *n, const int64_t *y, int64_t *x) { (void)s, x[n->at.i[0]] = y[n->at.i[1]] + n->at.i[2]; }

static int names_of(const struct sample *s, const char *text, rk_dim *dims)
{
    int n = 0;
    char copy[512], *rest = NULL;
    (void)snprintf(copy, sizeof copy, "%s", text);
    for (char *t = strtok_r(copy, " ", &rest); t != NULL; t = strtok_r(NULL, " ", &rest)) dims[n++] = graph_dim(s->g, t, strlen(t));
    return n;
}

static void map_split(const struct sample *s, const struct node *n, const int64_t *y, int64_t *x)
{
    rk_dim into[RK_MAX_RANK];
    int64_t at = 0;
    int k = names_of(s, n->text, into);
    for (int i = 0; i < k; i++) at = at * dim_size(s->g, into[i]) + y[into[i]];
    x[n->at.i[0]] = at;
}

static void map_merge(const struct sample *s, const struct node *n, const int64_t *y, int64_t *x)
{
    rk_dim from[RK_MAX_RANK];
    int64_t at = y[n->at.i[0]];
    for (int i = names_of(s, n->text, from) - 1; i >= 0; i--) {
        x[from[i]] = at % dim_size(s->g, from[i]);
        at /= dim_size(s->g, from[i]);
    }
}

static const struct { const struct opdef *op; void (*map)(const struct sample *, const struct node *, const int64_t *, int64_t *); } rules[] = {
    { &op_detach, map_same }, { &op_rename, map_rename }, { &op_split, map_split }, { &op_merge, map_merge }, { &op_slice, map_slice },
    { &op_select, map_select }, { &op_order, map_same }, { &op_spread, map_same }, { &op_copy, map_same },
};

/* Every view in the graph against its operand: since the first operand is a dense leaf, this holds for chains too. */
static void is_index_arithmetic(struct sample *s)
{
    struct values v;
    values_open(&v, s->ctx, s->g);
    sample_fill(s, &v);
    evaluate(&v, false);
    for (rk_ref r = 1; r < s->g->nodes.n; r++) {
        const struct node *n = node_of(s->g, r);
        for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) {
            if (rules[k].op != n->op) continue;
            struct layout shape = layout_dense(s->g, n->rank, n->dim);
            struct walk w;
            for (walk_begin(&w, &shape); w.valid; walk_next(&w)) {
                int64_t y[MOST_DIMS] = { 0 }, x[MOST_DIMS] = { 0 };
                for (int i = 0; i < w.rank; i++) y[w.dim[i]] = x[w.dim[i]] = w.index[i];
                rules[k].map(s, n, y, x);
                NEAR(s, values_at(&v, r, y), values_at(&v, n->in[0], x), 0);
            }
        }
    }
    values_close(&v);
}

static bool is_view(const struct maker *m)
{
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++)
        if (rules[k].op == m->op) return true;
    return false;
}

TEST(views_are_index_arithmetic)
{
    const struct law law = { .body = is_index_arithmetic, .rounds = 200, .largest = 5, .zeros = true, .views = true, .ties = true };
    FOR_MAKERS(law, NULL, is_view);
}

TEST(every_view_has_a_rule_here)
{
    for (int i = 0; op_list[i] != NULL; i++) {
        bool ruled = false;
        for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) ruled = ruled || rules[k].op == op_list[i];
        if ((op_list[i]->flags & OP_VIEW) != 0 && !ruled) test_fail(__FILE__, __LINE__, "the view %s has no rule here", op_list[i]->name);
    }
}

TEST(every_operation_has_a_maker)
{
    const struct opdef *const without[] = { &op_input, &op_state, &op_adjoint };       /* leaves of every sample; and grad(expand) by definition */
    for (int i = 0; op_list[i] != NULL; i++) {
        bool made = false;
        for (const struct maker *m = makers; m->name != NULL; m++) made = made || m->op == op_list[i];
        for (size_t k = 0; k < sizeof without / sizeof *without; k++) made = made || without[k] == op_list[i];
        if (!made) test_fail(__FILE__, __LINE__, "no sample is made of %s", op_list[i]->name);
    }
}

/* --- what undoes what --- */

static void same(struct sample *s, rk_ref a, rk_ref b)
{
    const struct node *x = node_of(s->g, a), *y = node_of(s->g, b);
    struct values v;
    if (!rk_graph_ok(s->g)) { sample_fails(s, "refused: %s", s->g->message); return; }
    HOLDS(s, x->rank == y->rank && memcmp(x->dim, y->dim, sizeof(rk_dim) * (size_t)x->rank) == 0);
    values_open(&v, s->ctx, s->g);
    sample_fill(s, &v);
    evaluate(&v, false);
    int64_t n = values_count(&v, a);
    double *left = calloc((size_t)n + 1, sizeof *left), *right = calloc((size_t)n + 1, sizeof *right);
    if (left == NULL || right == NULL) abort();
    (void)values_read(&v, a, left);
    (void)values_read(&v, b, right);
    for (int64_t i = 0; i < n; i++) NEAR(s, left[i], right[i], 0);
    free(left);
    free(right);
    values_close(&v);
}

/* Σ a·b over all of both: names give the order. */
static rk_ref inner(struct sample *s, rk_ref a, rk_ref b)
{
    char text[512];
    const struct node n = *node_of(s->g, a);
    dims_names(s, n.rank, n.dim, text);
    return rk_reduce(s->g, "sum", rk_mul(s->g, a, b), text);
}

static rk_ref another(struct sample *s, rk_ref like)
{
    const struct node n = *node_of(s->g, like);
    return draw_leaf(s, RK_f64, ANY_SIGN, n.rank, n.dim);
}

static void equal(struct sample *s, rk_ref a, rk_ref b)
{
    struct values v;
    if (!rk_graph_ok(s->g)) { sample_fails(s, "refused: %s", s->g->message); return; }
    values_open(&v, s->ctx, s->g);
    sample_fill(s, &v);
    evaluate(&v, false);
    NEAR(s, values_scalar(&v, a), values_scalar(&v, b), 1e-12 * (1 + fabs(values_scalar(&v, a))));
    values_close(&v);
}

static void split_undone(struct sample *s)
{
    const struct node n = *node_of(s->g, s->y);
    same(s, rk_merge(s->g, s->y, n.text, dim_text(s, (rk_dim)n.at.i[0])), s->operand[0]);
}

static void merge_undone(struct sample *s)
{
    const struct node n = *node_of(s->g, s->y);
    same(s, rk_split(s->g, s->y, dim_text(s, (rk_dim)n.at.i[0]), n.text), s->operand[0]);
}

static void order_undone(struct sample *s)
{
    const struct node x = *node_of(s->g, s->operand[0]);
    char text[512];
    dims_names(s, x.rank, x.dim, text);
    same(s, rk_order(s->g, s->y, text), s->operand[0]);
}

static void place_undone(struct sample *s)
{
    const struct node n = *node_of(s->g, s->y), x = *node_of(s->g, s->operand[0]);
    char text[512];
    rk_ref back = n.at.i[1] == 0 ? rk_select(s->g, s->y, dim_text(s, (rk_dim)n.at.i[0]), n.at.i[2])
                                 : rk_slice(s->g, s->y, dim_text(s, (rk_dim)n.at.i[0]), n.at.i[2], dim_text(s, (rk_dim)n.at.i[1]));
    dims_names(s, x.rank, x.dim, text);
    same(s, rk_order(s->g, back, text), s->operand[0]);
}

static void place_mirrors(struct sample *s)
{
    const struct node n = *node_of(s->g, s->y);
    rk_ref z = another(s, s->y);
    rk_ref part = n.at.i[1] == 0 ? rk_select(s->g, z, dim_text(s, (rk_dim)n.at.i[0]), n.at.i[2])
                                 : rk_slice(s->g, z, dim_text(s, (rk_dim)n.at.i[0]), n.at.i[2], dim_text(s, (rk_dim)n.at.i[1]));
    equal(s, inner(s, s->y, z), inner(s, s->operand[0], part));
}

static void gather_mirrors(struct sample *s)
{
    const struct node n = *node_of(s->g, s->y), x = *node_of(s->g, s->operand[0]);
    rk_ref z = another(s, s->y);
    char like[512];
    dims_names(s, x.rank, x.dim, like);
    equal(s, inner(s, s->y, z), inner(s, s->operand[0], rk_scatter(s->g, z, dim_text(s, (rk_dim)n.at.i[0]), s->operand[1], like)));
}

static void join_undone(struct sample *s)
{
    const struct node n = *node_of(s->g, s->y);
    for (int i = 0; i < n.arity && !s->failed; i++) {
        const struct node x = *node_of(s->g, s->operand[i]);
        char text[512];
        dims_names(s, x.rank, x.dim, text);
        same(s, rk_order(s->g, rk_select(s->g, s->y, dim_text(s, (rk_dim)n.at.i[0]), i), text), s->operand[i]);
    }
}

TEST(what_undoes_and_what_mirrors)
{
    const struct { const char *maker; law_body *body; } pairs[] = {
        { "split", split_undone }, { "merge", merge_undone }, { "order", order_undone }, { "place", place_undone }, { "place", place_mirrors },
        { "gather", gather_mirrors }, { "join", join_undone },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const struct law law = { .body = pairs[i].body, .rounds = 200, .largest = 5, .zeros = true, .views = true, .ties = true };
        FOR_MAKERS(law, pairs[i].maker, NULL);
    }
}
