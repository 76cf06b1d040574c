/* block_stored.c: weights that lie as their files have them (forms.h), used as if they did not.
 *
 * Wiring names the dims that a weight has in the graph, and gets a value that has them. Behind it may stand a state of another
 * dtype and another order of dims; the builder remembers that, and contractions and lookups go to the state itself: a contraction
 * gives its result in the order that the state has, so that it is one product of matrices, and a view puts that right. */
#include "model/block_inner.h"
#include "base/vec.h"
#include "core/panel.h"
#include "model/forms.h"
#include <stdio.h>
#include <string.h>

static const struct kept *find(const struct builder *b, rk_ref seen)
{
    for (int i = b->kept.n - 1; i >= 0 && seen != 0; i--)
        if (b->kept.at[i].seen == seen) return &b->kept.at[i];
    return NULL;
}

static rk_ref keep(struct builder *b, struct kept k)
{
    rk_ctx *ctx = b->ctx;
    if (k.seen == 0) return 0;
    rk_status status = VEC_ROOM(&b->kept, 1);
    if (status != RK_OK) {
        graph_mistake(b->g, status);
        return 0;
    }
    b->kept.at[b->kept.n++] = k;
    return k.seen;
}

struct words { char at[512]; };

static void add_word(struct words *w, const char *word, int n)
{
    size_t used = strlen(w->at);
    (void)snprintf(w->at + used, sizeof w->at - used, "%s%.*s", used > 0 && w->at[used - 1] != ' ' ? " " : "", n, word);
}

/* The dims of a scale: those of its matrix, the last replaced by one of as many as there are blocks. */
static rk_ref scale_of(struct builder *b, const struct form *f, const char *full)
{
    char dims[512], name[560], blocks[96];
    const char *last = strrchr(f->dims, ' ');
    last = last == NULL ? f->dims : last + 1;
    (void)snprintf(blocks, sizeof blocks, "%.40s_blocks_%lld", last, (long long)f->blocks);
    if (graph_dim(b->g, blocks, strlen(blocks)) == 0) (void)rk_dim_new(b->g, blocks, '\0', f->blocks);
    (void)snprintf(dims, sizeof dims, "%.*s%s", (int)(last - f->dims), f->dims, blocks);
    (void)snprintf(name, sizeof name, "%s.scale", full);
    return rk_state(b->g, RK_PARAMETER, name, RK_f32, dims);
}

/* A dimension of panels: by its size, since many matrices have it. */
static void add_sized(struct builder *b, const char *format, int64_t size, struct words *dims)
{
    char name[64];
    int n = snprintf(name, sizeof name, format, (long long)size);
    if (graph_dim(b->g, name, (size_t)n) == 0) (void)rk_dim_new(b->g, name, '\0', size);
    add_word(dims, name, n);
}

/* Panels, the scales of integers, and the matrix that they stand for. */
static struct kept panels_of(struct builder *b, const struct form *f, const char *full)
{
    const bool floats = f->dtype != RK_i8;
    const char *const names[PANEL_RANK] = { "panels_%lld", "panel_blocks_%lld", "panel_fours_%lld", floats ? "panel_each_%lld" : "panel_columns_%lld", floats ? "panel_columns_%lld" : "panel_each_%lld" };
    struct words dims = { "" }, of_scale = { "" };
    char name[560];
    for (int i = 0; i < PANEL_RANK; i++) {
        add_sized(b, names[i], f->entry->shape[i], &dims);
        if (i < 2 || i == 3) add_sized(b, names[i], f->entry->shape[i], &of_scale);
    }
    (void)snprintf(name, sizeof name, "%s.scale", full);
    struct kept k = { .state = rk_state(b->g, RK_PARAMETER, full, f->dtype, dims.at), .panels = f->dims };
    if (!floats) k.scale = rk_state(b->g, RK_PARAMETER, name, RK_f32, of_scale.at);
    k.seen = rk_widen_panels(b->g, k.state, k.scale, b->dtype, f->dims);
    return k;
}

rk_ref block_state(struct builder *b, rk_kind kind, const char *full, const char *dims, rk_ref *state)
{
    const struct form *f = kind == RK_PARAMETER ? forms_get(b->forms, full) : NULL;
    if (f == NULL) return *state = rk_state(b->g, kind, full, b->dtype, dims);
    struct kept k = { 0 };
    if (f->panels) k = panels_of(b, f, full);
    else k.seen = k.state = rk_state(b->g, kind, full, f->dtype, f->dims);
    *state = k.state;
    if (f->blocks > 0 && !f->panels) k.scale = scale_of(b, f, full);
    k.turned = strcmp(f->dims, dims) != 0;
    if (k.turned) k.seen = rk_order(b->g, k.seen, dims);
    return keep(b, k);
}

rk_ref chosen(struct builder *b, rk_ref w, const char *dim, int64_t i)
{
    const struct kept *k = find(b, w);
    if (k == NULL || k->panels != NULL) return rk_select(b->g, w, dim, i);
    struct kept of = *k, one = { .state = rk_select(b->g, of.state, dim, i), .scale = of.scale == 0 ? 0 : rk_select(b->g, of.scale, dim, i) };
    one.turned = of.turned;
    one.seen = !of.turned ? one.state : rk_select(b->g, of.seen, dim, i);
    return keep(b, one);
}

rk_ref rows_of(struct builder *b, rk_ref table, const char *dim, rk_ref ids)
{
    const struct kept *k = find(b, table);
    if (k == NULL) return rk_gather(b->g, table, dim, ids);
    if (k->panels != NULL) return rk_gather_panels(b->g, k->state, k->scale, k->panels, ids);
    struct kept of = *k;
    rk_ref scale = of.scale == 0 ? 0 : rk_gather(b->g, of.scale, dim, ids);
    return rk_widen(b->g, rk_gather(b->g, of.state, dim, ids), scale, b->dtype);
}

/* --- contractions --- */

static int name_of_dim(const struct equation *q, rk_dim d)
{
    int i = 0;
    while (i < q->n_names && !(q->name[i].in[1] && q->name[i].dim == d)) i++;
    return i;
}

/* The equation with operand 2 in the order of `state`, and what it has of the result in that order too. */
static struct words turned(const struct equation *q, const struct node *state)
{
    struct words w = { "" };
    int next = 0;
    for (int i = 0; i < q->rank[0]; i++) add_word(&w, q->name[q->axis[0][i]].at, q->name[q->axis[0][i]].length);
    add_word(&w, ",", 1);
    for (int i = 0; i < state->rank; i++) {
        int k = name_of_dim(q, state->dim[i]);
        if (k < q->n_names) add_word(&w, q->name[k].at, q->name[k].length);
    }
    add_word(&w, "->", 2);
    for (int i = 0; i < q->rank[2]; i++) {
        int k = q->axis[2][i];
        if (q->name[k].in[1] && !q->name[k].in[0]) {
            for (; next < state->rank; next++) {
                k = name_of_dim(q, state->dim[next]);
                if (k < q->n_names && q->name[k].out && !q->name[k].in[0]) break;
            }
            next++;
        }
        if (k < q->n_names) add_word(&w, q->name[k].at, q->name[k].length);
    }
    return w;
}

static rk_status rewrite(rk_ctx *ctx, const struct builder *b, const char *equation, rk_ref x, const struct kept *k, struct words *text, struct words *order)
{
    struct equation q;
    TRY(equation_parse(ctx, equation, &q));
    TRY(equation_bind(ctx, b->g, equation, &q, 0, node_of(b->g, x)));
    TRY(equation_bind(ctx, b->g, equation, &q, 1, node_of(b->g, k->seen)));
    struct node matrix = *node_of(b->g, k->state);
    if (k->panels != NULL) TRY(graph_dims(ctx, b->g, k->panels, RK_MAX_RANK, &matrix.rank, matrix.dim));
    *text = turned(&q, &matrix);
    *order = (struct words){ "" };
    for (int i = 0; i < q.rank[2]; i++) {
        const char *name = dim_name(b->g, q.name[q.axis[2][i]].dim);
        add_word(order, name, (int)strlen(name));
    }
    return RK_OK;
}

rk_ref contract(struct builder *b, const char *equation, rk_ref x, rk_ref w)
{
    const struct kept *k = find(b, w);
    struct words text, order;
    if (k == NULL || x == 0) return rk_einsum(b->g, equation, x, w);
    struct kept of = *k;
    rk_status status = rewrite(b->ctx, b, equation, x, &of, &text, &order);
    if (status != RK_OK) {
        graph_mistake(b->g, status);
        return 0;
    }
    bool wide = node_of(b->g, of.state)->dtype == b->dtype;
    rk_ref y = of.panels != NULL ? rk_einsum_panels(b->g, text.at, x, of.state, of.scale, of.panels)
             : wide ? rk_einsum(b->g, text.at, x, of.state) : rk_einsum_stored(b->g, text.at, x, of.state, of.scale);
    return of.turned ? rk_order(b->g, y, order.at) : y;
}
