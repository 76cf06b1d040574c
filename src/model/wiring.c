/* wiring.c: modules of a graph, their parameters, their results, and the stream that enters each block.
 *
 * Not here: what modules compute, as text (wiring_text.c); which modules of two models belong together (diff_align.c). */
#include "model/wiring.h"
#include "core/opdef.h"
#include <string.h>

/* --- names --- */

/* Projections that some families have in one piece, and their parts. */
static const struct { const char *whole, *part[3]; } fused[] = {
    { "qkv", { "q", "k", "v" } }, { "kv", { "k", "v" } }, { "gate_up", { "gate", "up" } },
};

struct word wiring_last(const char *role)
{
    const char *dot = strrchr(role, '.');
    return dot == NULL ? (struct word){ role, strlen(role) } : (struct word){ dot + 1, strlen(dot + 1) };
}

const char *wiring_part(const char *role, int i)
{
    struct word last = wiring_last(role);
    for (size_t k = 0; k < sizeof fused / sizeof *fused; k++)
        if (word_is(last, fused[k].whole, strlen(fused[k].whole))) return i >= 0 && i < 3 ? fused[k].part[i] : NULL;
    return NULL;
}

static bool is_number(const char *at, size_t n) { return n > 0 && strspn(at, "0123456789") >= n; }

/* Numbers of a path become stars. */
static rk_status starred(rk_ctx *ctx, struct arena *arena, const char *path, const char **out)
{
    char *text;
    size_t used = 0;
    TRY(TAKE(arena, text, strlen(path) + 1));
    for (const char *s = path; *s != '\0';) {
        size_t n = strcspn(s, ".");
        if (is_number(s, n)) text[used++] = '*';
        else memcpy(text + used, s, n), used += n;
        s += n;
        if (*s == '.') text[used++] = *s++;
    }
    *out = text;
    return RK_OK;
}

/* --- nodes --- */

static bool is_source(const struct node *n) { return (n->op->flags & OP_SOURCE) != 0; }
bool wiring_is_parameter(const struct wiring *w, rk_ref r)
{
    const struct node *n = node_of(w->built.g, r);
    return n->op == &op_state && n->at.i[0] == RK_PARAMETER;
}

/* Which one of one is no choice. */
static bool chooses(const struct wiring *w, const struct node *n)
{
    if (n->op != &op_select) return n->op == &op_slice;
    return dim_size(w->built.g, (rk_dim)n->at.i[0]) > 1 || !is_source(node_of(w->built.g, wiring_plain(w, n->in[0])));
}

rk_ref wiring_plain(const struct wiring *w, rk_ref r)
{
    for (const struct node *n = node_of(w->built.g, r); (n->op->flags & OP_VIEW) != 0 && !chooses(w, n); n = node_of(w->built.g, r)) r = n->in[0];
    return r;
}

int wiring_chosen(const struct wiring *w, rk_ref r)
{
    const struct node *n = node_of(w->built.g, wiring_plain(w, r));
    int found = -1;
    if (n->op == &op_select && wiring_is_parameter(w, wiring_plain(w, n->in[0]))) return (int)n->at.i[1];
    for (int i = 0; i < n->arity && found < 0; i++)
        if (w->at[n->in[i]] == w->at[r]) found = wiring_chosen(w, n->in[i]);
    return found;
}

static bool below(const rk_graph *g, int path, int top)
{
    const char *a = g->paths.at[path], *b = g->paths.at[top];
    size_t n = strlen(b);
    return n == 0 || (strncmp(a, b, n) == 0 && (a[n] == '.' || a[n] == '\0'));
}

/* --- blocks --- */

/* The longest beginning of a path that ends in a number. */
static void find_blocks(struct wiring *w)
{
    const rk_graph *g = w->built.g;
    for (int p = 1; p < w->n_paths; p++) {
        const char *path = g->paths.at[p];
        size_t end = 0;
        for (const char *s = path; *s != '\0'; s += strspn(s, ".")) {
            size_t n = strcspn(s, ".");
            if (is_number(s, n)) end = (size_t)(s - path) + n;
            s += n;
        }
        if (end == 0 || !map_get(&g->path_names, path, end, &w->block[p])) w->block[p] = 0;
    }
}

static void find_streams(struct wiring *w)
{
    const rk_graph *g = w->built.g;
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        int block = w->block[w->at[r]];
        for (int i = 0; i < n->arity && block != 0 && w->stream[block] == 0; i++) {
            rk_ref x = wiring_plain(w, n->in[i]);
            if (!is_source(node_of(g, x)) && w->block[w->at[x]] != block) w->stream[block] = x;
        }
    }
}

/* --- modules --- */

static rk_status find_module(rk_ctx *ctx, struct wiring *w, int path)
{
    const char *role;
    if (w->module[path] >= 0) return RK_OK;
    TRY(starred(ctx, &w->arena, w->built.g->paths.at[path], &role));
    int m = 0;
    while (m < w->modules.n && strcmp(w->modules.at[m].role, role) != 0) m++;
    if (m == w->modules.n) VEC_PUSH(&w->modules, ((struct wired){ .role = role, .alias = role, .first = path, .computes = "", .reads = "", .trains = "" }));
    w->module[path] = m;
    w->modules.at[m].times++;
    w->modules.at[m].last = path;
    return RK_OK;
}

static rk_status use_parameter(rk_ctx *ctx, struct wiring *w, int path, rk_ref r)
{
    struct wired *m = &w->modules.at[w->module[path]];
    const struct node *n = node_of(w->built.g, r);
    m->leaf = true;
    if (path != m->first) return RK_OK;
    for (int i = 0; i < m->n_parameters; i++)
        if (m->parameter[i].ref == r) return RK_OK;
    PROMISE(m->n_parameters < WIRED_PARAMETERS);
    struct wired_parameter *p = &m->parameter[m->n_parameters++];
    struct word last = wiring_last(n->text);
    *p = (struct wired_parameter){ .ref = r };
    TRY(arena_text(ctx, &w->arena, last.at, last.n, &p->name));
    return starred(ctx, &w->arena, n->text, &p->role);
}

static rk_status place_nodes(rk_ctx *ctx, struct wiring *w)
{
    const rk_graph *g = w->built.g;
    TRY(TAKE(&w->arena, w->at, g->nodes.n));
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        w->at[r] = n->path;
        for (int i = 0; i < n->arity && w->at[r] == 0; i++)
            if (wiring_is_parameter(w, n->in[i])) w->at[r] = node_of(g, n->in[i])->path;
    }
    return RK_OK;
}

static bool uses(const struct wired *m, rk_ref r)
{
    for (int i = 0; i < m->n_parameters; i++)
        if (m->parameter[i].ref == r) return true;
    return false;
}

/* A parameter is at home where it was declared, or, if nobody uses it there, with the first who does; elsewhere it is a tie. */
static void find_ties(struct wiring *w)
{
    for (int k = 0; k < w->modules.n; k++)
        for (int i = 0; i < w->modules.at[k].n_parameters; i++) {
            struct wired_parameter *p = &w->modules.at[k].parameter[i];
            int home = w->module[node_of(w->built.g, p->ref)->path];
            if (home < 0 || !uses(&w->modules.at[home], p->ref))
                for (home = 0; !uses(&w->modules.at[home], p->ref);) home++;
            p->tied = home != k;
        }
}

static rk_status find_modules(rk_ctx *ctx, struct wiring *w)
{
    const rk_graph *g = w->built.g;
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        if (is_source(n)) continue;
        int path = w->at[r];
        if (w->block[path] != 0) TRY(find_module(ctx, w, w->block[path]));
        TRY(find_module(ctx, w, path));
        for (int i = 0; i < n->arity; i++)
            if (wiring_is_parameter(w, n->in[i])) TRY(use_parameter(ctx, w, path, n->in[i]));
    }
    find_ties(w);
    return RK_OK;
}

/* --- results --- */

/* One value that others use, of each kind; -1: several. */
struct results { rk_ref outside, below; };

static void note_use(rk_ref *of, rk_ref r) { *of = *of == 0 || *of == r ? r : -1; }

static void find_uses(const struct wiring *w, struct results *of)
{
    const rk_graph *g = w->built.g;
    for (rk_ref r = 1; r < g->nodes.n; r++) {
        const struct node *n = node_of(g, r);
        for (int i = 0; i < n->arity; i++) {
            rk_ref x = wiring_plain(w, n->in[i]);
            int at = w->at[x], by = w->at[r];
            if (is_source(node_of(g, x)) || at == by) continue;
            if (w->block[at] != 0 && w->block[at] != at && w->block[by] != w->block[at]) note_use(&of[w->block[at]].outside, x);
            note_use(below(g, by, at) ? &of[at].below : &of[at].outside, x);
        }
    }
    for (int i = 0; i < g->outputs.n; i++) {
        rk_ref x = wiring_plain(w, g->outputs.at[i].ref);
        note_use(&of[w->at[x]].outside, x);
    }
}

static rk_status find_results(rk_ctx *ctx, struct wiring *w)
{
    struct results *of;
    TRY(NEW(of, w->n_paths));
    find_uses(w, of);
    for (int p = 1; p < w->n_paths; p++) {
        rk_ref r = of[p].outside != 0 ? of[p].outside : of[p].below;
        if (w->module[p] < 0 || r == 0) continue;
        if (r > 0) w->result[p] = r;
        struct wired *m = &w->modules.at[w->module[p]];
        m->shown = m->shown || r > 0 || m->leaf;
    }
    FREE(of, w->n_paths);
    return RK_OK;
}

rk_status wiring_read(rk_ctx *ctx, const rk_model *m, struct wiring *w)
{
    *w = (struct wiring){ .ctx = ctx };
    TRY(model_build(ctx, m, &(struct build_options){ .purpose = FOR_TRAINING, .dropout = true }, &w->built));
    w->n_paths = w->built.g->paths.n;
    TRY(TAKE(&w->arena, w->module, w->n_paths));
    TRY(TAKE(&w->arena, w->block, w->n_paths));
    TRY(TAKE(&w->arena, w->result, w->n_paths));
    TRY(TAKE(&w->arena, w->stream, w->n_paths));
    for (int p = 0; p < w->n_paths; p++) w->module[p] = -1;
    find_blocks(w);
    TRY(place_nodes(ctx, w));
    TRY(find_modules(ctx, w));
    find_streams(w);
    return find_results(ctx, w);
}

void wiring_clear(rk_ctx *ctx, struct wiring *w)
{
    if (w->ctx == NULL) return;
    VEC_FREE(&w->modules);
    built_close(&w->built);
    arena_clear(ctx, &w->arena);
    *w = (struct wiring){ .ctx = NULL };
}
