/* wiring_text.c: what a module computes and reads, written from its nodes: what goes by a name, and what is written out.
 *
 * Views are left out, but for those that choose a part. Not here: how an operation is written (wiring_ops.c). */
#include "model/wiring_text.h"
#include "core/opdef.h"
#include <string.h>

enum { DEEPEST = 64 };

/* --- names --- */

/* Within its own block a module goes without the block's name. */
rk_status wiring_name(rk_ctx *ctx, const struct writing *t, int path, const char *part, struct str *out)
{
    const char *alias = t->w->modules.at[t->w->module[path]].alias, *star = alias;
    bool same_block = t->w->block[path] != 0 && t->w->block[path] == t->w->block[t->self];
    for (const char *s = alias; same_block && (s = strstr(s, "*.")) != NULL;) star = s += 2;
    if (part == NULL) return str_text(ctx, out, star);
    struct word last = wiring_last(star);
    return str_format(ctx, out, "%.*s%s", (int)(last.at - star), star, part);
}

static rk_status write_input(rk_ctx *ctx, struct writing *t, rk_ref r, struct str *out)
{
    int i = 0;
    while (i < t->n_inputs && t->input[i] != r) i++;
    if (i == WIRED_INPUTS) return FAIL(RK_E_LIMIT, "module %s reads more than %d values", t->w->built.g->paths.at[t->self], WIRED_INPUTS);
    if (i == t->n_inputs) t->input[t->n_inputs++] = r;
    return str_format(ctx, out, "%c", i < 3 ? 'x' + i : 'a' + i - 3);
}

static rk_status write_source(rk_ctx *ctx, struct writing *t, rk_ref r, struct str *out)
{
    const struct node *n = node_of(t->w->built.g, r);
    if (n->op == &op_state) return str_text(ctx, out, t->leaf ? wiring_last(n->text).at : n->text);
    if (n->op == &op_input) return str_text(ctx, out, n->text);
    if (n->op == &op_const) return str_format(ctx, out, "%.9g", n->at.f[0]);
    if (n->op == &op_iota) return str_text(ctx, out, "positions");
    if (n->op == &op_rand) return str_format(ctx, out, "dropout(%.6g)", 1 - n->at.f[0]);
    return str_text(ctx, out, n->op->name);
}

/* --- where to stop --- */

/* Written out here, and not as somebody's name. */
bool wiring_stays(const struct writing *t, rk_ref r)
{
    const struct wiring *w = t->w;
    int path = w->at[r], block = w->block[t->self];
    if (path == t->self) return true;
    if (t->leaf || w->module[path] < 0) return !t->leaf;
    if (w->block[path] != block) return false;
    return !w->modules.at[w->module[path]].leaf && w->result[path] != r;
}

/* The name of a value that somebody else makes. Chosen parts of a fused module go by their own. */
static rk_status write_name(rk_ctx *ctx, struct writing *t, rk_ref r, struct str *out)
{
    const struct wiring *w = t->w;
    int path = w->at[r], block = w->block[t->self];
    if (block != 0 && w->stream[block] == r) return str_text(ctx, out, "x");
    if (w->block[path] != 0 && w->block[path] != block) path = w->block[path];
    if (w->module[path] < 0) return str_text(ctx, out, w->built.g->paths.at[path]);
    return wiring_name(ctx, t, path, NULL, out);
}

rk_status wiring_expression(rk_ctx *ctx, struct writing *t, rk_ref r, bool within, struct str *out)
{
    r = wiring_plain(t->w, r);
    if ((node_of(t->w->built.g, r)->op->flags & OP_SOURCE) != 0) return write_source(ctx, t, r, out);
    if (t->leaf && t->w->at[r] != t->self) return write_input(ctx, t, r, out);
    if (!wiring_stays(t, r)) return write_name(ctx, t, r, out);
    if (t->depth == DEEPEST) return FAIL(RK_E_LIMIT, "module %s nests more than %d operations", t->w->built.g->paths.at[t->self], DEEPEST);
    t->depth++;
    TRY(wiring_node(ctx, t, r, within, out));
    t->depth--;
    return RK_OK;
}

/* --- a module --- */

/* Whether nothing else in its path uses a node. */
static bool is_end(const struct wiring *w, rk_ref x)
{
    const rk_graph *g = w->built.g;
    for (rk_ref r = x + 1; r < g->nodes.n; r++)
        for (int i = 0; i < node_of(g, r)->arity && w->at[r] == w->at[x]; i++)
            if (node_of(g, r)->in[i] == x) return false;
    return true;
}

/* What the nodes of a path make: the one value that others use, or all of them. */
static rk_status write_ends(rk_ctx *ctx, struct writing *t, struct str *out)
{
    const struct wiring *w = t->w;
    if (w->result[t->self] != 0) return wiring_expression(ctx, t, w->result[t->self], false, out);
    for (rk_ref r = 1; r < w->built.g->nodes.n; r++) {
        if (w->at[r] != t->self || (node_of(w->built.g, r)->op->flags & OP_SOURCE) != 0 || !is_end(w, r)) continue;
        if (out->n > 0) TRY(str_text(ctx, out, ", "));
        TRY(wiring_expression(ctx, t, r, false, out));
    }
    return out->n > 0 ? RK_OK : str_text(ctx, out, "several values");
}

/* The path around a path. */
static int around(const struct wiring *w, int path)
{
    const char *text = w->built.g->paths.at[path], *dot = strrchr(text, '.');
    int found = 0;
    if (dot != NULL && !map_get(&w->built.g->path_names, text, (size_t)(dot - text), &found)) found = 0;
    return found;
}

/* The first of a block's repetitions tells where its stream comes from. */
static rk_status write_stream(rk_ctx *ctx, const struct wiring *w, int path, bool dropout, struct str *reads)
{
    struct writing root = { .ctx = ctx, .w = w, .self = 0, .dropout = dropout };
    return w->stream[path] == 0 ? RK_OK : wiring_expression(ctx, &root, w->stream[path], false, reads);
}

static rk_status write_reads(rk_ctx *ctx, const struct wiring *w, int path, const struct writing *inner, struct str *reads)
{
    struct writing outer = { .ctx = ctx, .w = w, .self = around(w, path), .dropout = inner->dropout };
    if (w->result[outer.self] != 0) outer.self = w->block[path];         /* it has a name of its own */
    for (int i = 0; i < inner->n_inputs; i++) {
        if (i > 0) TRY(str_text(ctx, reads, ", "));
        TRY(wiring_expression(ctx, &outer, inner->input[i], false, reads));
    }
    return RK_OK;
}

static rk_status write_module(rk_ctx *ctx, const struct wiring *w, int path, bool dropout, struct str *computes, struct str *reads)
{
    const struct wired *m = &w->modules.at[w->module[path]];
    struct writing t = { .ctx = ctx, .w = w, .self = path, .leaf = m->leaf, .dropout = dropout };
    TRY(write_ends(ctx, &t, computes));
    if (path == m->first && w->block[path] == path) return write_stream(ctx, w, path, dropout, reads);
    return write_reads(ctx, w, path, &t, reads);
}

static rk_status keep(rk_ctx *ctx, struct wiring *w, const struct str *first, const struct str *last, const char **out)
{
    struct str both = { 0 };
    if (strcmp(str_c(first), str_c(last)) == 0) return arena_text(ctx, &w->arena, str_c(first), (size_t)first->n, out);
    rk_status status = str_format(ctx, &both, "%s .. %s", str_c(first), str_c(last));          /* it changes from block to block */
    if (status == RK_OK) status = arena_text(ctx, &w->arena, str_c(&both), (size_t)both.n, out);
    str_free(ctx, &both);
    return status;
}

/* Dropout of what a module computes, and of what comes into a block; a leaf's inputs are told by those that make them. */
static rk_status write_training(rk_ctx *ctx, struct wiring *w, struct wired *m)
{
    struct str text[2] = { { 0 } };
    rk_status status;
    bool block = w->block[m->first] == m->first;
    GO(write_module(ctx, w, m->first, true, &text[0], &text[1]));
    if (block && strcmp(str_c(&text[1]), m->reads) != 0) GO(str_format(ctx, &text[0], ", x = %s", str_c(&text[1])));
    if (strcmp(str_c(&text[0]), m->computes) != 0) GO(arena_text(ctx, &w->arena, str_c(&text[0]), (size_t)text[0].n, &m->trains));
out:
    for (int i = 0; i < 2; i++) str_free(ctx, &text[i]);
    return status;
}

static rk_status write_both(rk_ctx *ctx, struct wiring *w, struct wired *m)
{
    struct str text[4] = { { 0 } };
    rk_status status;
    bool block = w->block[m->first] == m->first;
    GO(write_module(ctx, w, m->first, false, &text[0], &text[1]));
    GO(write_module(ctx, w, m->last, false, &text[2], &text[3]));
    GO(keep(ctx, w, &text[0], &text[2], &m->computes));
    GO(keep(ctx, w, &text[1], block ? &text[1] : &text[3], &m->reads));
    if (strcmp(str_c(&text[0]), m->computes) == 0) GO(write_training(ctx, w, m));
out:
    for (int i = 0; i < 4; i++) str_free(ctx, &text[i]);
    return status;
}

rk_status wiring_texts(rk_ctx *ctx, struct wiring *w)
{
    for (int i = 0; i < w->modules.n; i++)
        if (w->modules.at[i].shown) TRY(write_both(ctx, w, &w->modules.at[i]));
    return RK_OK;
}
