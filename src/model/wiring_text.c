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

/* What nobody trains is what it begins as, or what a file has in its place. */
static rk_status write_state(rk_ctx *ctx, const struct writing *t, rk_ref r, struct str *out)
{
    const struct built *b = &t->w->built;
    const char *name = node_of(b->g, r)->text;
    enum init_kind kind = INIT_NORMAL;
    for (int i = b->parameters.n; i < built_stored(b); i++)
        if (b->parameters.at[i].ref == r) kind = b->parameters.at[i].init.kind;
    if (kind == INIT_SINUSOID_PAIRS || kind == INIT_SINUSOID_HALVES) return str_text(ctx, out, kind == INIT_SINUSOID_PAIRS ? "sinusoids(pairs)" : "sinusoids(halves)");
    return str_format(ctx, out, "%s%s", kind == INIT_NORMAL ? "" : "fixed ", t->leaf ? wiring_last(name).at : name);
}

static rk_status write_source(rk_ctx *ctx, struct writing *t, rk_ref r, struct str *out)
{
    const struct node *n = node_of(t->w->built.g, r);
    if (n->op == &op_state) return write_state(ctx, t, r, out);
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
    return wiring_name(ctx, t, path, path == w->at[r] ? wiring_part(w->modules.at[w->module[path]].role, wiring_chosen(w, r)) : NULL, out);
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
    int outside = around(w, path);
    bool named = w->result[outside] != 0;                                /* what it makes; what it has on the way is written out */
    struct writing outer = { .ctx = ctx, .w = w, .dropout = inner->dropout };
    for (int i = 0; i < inner->n_inputs; i++) {
        if (i > 0) TRY(str_text(ctx, reads, ", "));
        outer.self = named && (w->at[inner->input[i]] != outside || w->result[outside] == inner->input[i]) ? w->block[path] : outside;
        TRY(wiring_expression(ctx, &outer, inner->input[i], false, reads));
    }
    return RK_OK;
}

/* The value that a fused module makes of part i of its parameters alone; 0: none. */
static rk_ref made_of(const struct wiring *w, int path, int i)
{
    rk_ref last = 0;
    for (rk_ref r = 1; r < w->built.g->nodes.n; r++)
        if (w->at[r] == path && (node_of(w->built.g, r)->op->flags & OP_SOURCE) == 0 && is_end(w, r) && wiring_chosen(w, r) == i) last = r;
    return last;
}

rk_status wiring_join(rk_ctx *ctx, struct str *out, int i, const char *first, const char *text)
{
    if (i == 0) return str_text(ctx, out, text);
    return strcmp(first, text) == 0 ? RK_OK : str_format(ctx, out, " | %s", text);
}

static rk_status write_part_alone(rk_ctx *ctx, const struct wiring *w, int path, bool dropout, int i, struct str text[4])
{
    struct writing t = { .ctx = ctx, .w = w, .self = path, .leaf = true, .dropout = dropout, .apart = true };
    struct str *own = i == 0 ? text : text + 2;
    for (int k = 0; k < 2; k++) str_clear(&own[k]);
    TRY(wiring_expression(ctx, &t, made_of(w, path, i), false, &own[0]));
    return write_reads(ctx, w, path, &t, &own[1]);
}

/* A fused module that takes its parameters apart, since each part reads something else: as its parts would say it. */
static rk_status write_parts(rk_ctx *ctx, const struct wiring *w, int path, bool dropout, struct str *computes, struct str *reads)
{
    struct str text[4] = { { 0 } };                             /* of the first part, of another */
    rk_status status = RK_OK;
    for (int i = 0; wiring_part(w->modules.at[w->module[path]].role, i) != NULL; i++) {
        GO(write_part_alone(ctx, w, path, dropout, i, text));
        GO(wiring_join(ctx, computes, i, str_c(&text[0]), str_c(&text[i == 0 ? 0 : 2])));
        GO(wiring_join(ctx, reads, i, str_c(&text[1]), str_c(&text[i == 0 ? 1 : 3])));
    }
out:
    for (int i = 0; i < 4; i++) str_free(ctx, &text[i]);
    return status;
}

static bool has_parts(const struct wiring *w, int path)
{
    const char *role = w->modules.at[w->module[path]].role;
    int i = 0;
    while (wiring_part(role, i) != NULL && made_of(w, path, i) != 0) i++;
    return i > 0 && wiring_part(role, i) == NULL;
}

static rk_status write_module(rk_ctx *ctx, const struct wiring *w, int path, bool dropout, struct str *computes, struct str *reads)
{
    const struct wired *m = &w->modules.at[w->module[path]];
    struct writing t = { .ctx = ctx, .w = w, .self = path, .leaf = m->leaf, .dropout = dropout };
    if (m->leaf && has_parts(w, path)) return write_parts(ctx, w, path, dropout, computes, reads);
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

/* Whether nobody else tells of the dropout in what a module reads: a block has it in what comes in first, a leaf in a sum that
 * its block, which ends in a leaf, does not write. */
static bool tells_of_inputs(const struct wiring *w, const struct wired *m)
{
    int block = w->block[m->first];
    if (block == m->first) return true;
    return m->leaf && (w->result[block] == 0 || w->at[w->result[block]] != block);
}

/* What a module computes and reads, of its first or last repetition; with dropout, in one text, "" where it has none. */
struct said { struct str computes, reads, trains; };

static rk_status say(rk_ctx *ctx, const struct wiring *w, const struct wired *m, int path, struct said *said)
{
    struct str text[2] = { { 0 } };
    rk_status status;
    GO(write_module(ctx, w, path, false, &said->computes, &said->reads));
    GO(write_module(ctx, w, path, true, &text[0], &text[1]));
    if (tells_of_inputs(w, m) && strcmp(str_c(&text[1]), str_c(&said->reads)) != 0) GO(str_format(ctx, &text[0], "%s%s", m->leaf ? " of " : ", x = ", str_c(&text[1])));
    if (strcmp(str_c(&text[0]), str_c(&said->computes)) != 0) GO(str_text(ctx, &said->trains, str_c(&text[0])));
out:
    for (int i = 0; i < 2; i++) str_free(ctx, &text[i]);
    return status;
}

static rk_status write_both(rk_ctx *ctx, struct wiring *w, struct wired *m)
{
    struct said end[2] = { { .computes = { 0 } }, { .computes = { 0 } } };
    rk_status status;
    bool block = w->block[m->first] == m->first;
    GO(say(ctx, w, m, m->first, &end[0]));
    GO(say(ctx, w, m, m->last, &end[1]));
    GO(keep(ctx, w, &end[0].computes, &end[1].computes, &m->computes));
    GO(keep(ctx, w, &end[0].reads, &end[!block].reads, &m->reads));
    GO(keep(ctx, w, &end[0].trains, &end[!block].trains, &m->trains));
out:
    for (int i = 0; i < 2; i++) str_free(ctx, &end[i].computes), str_free(ctx, &end[i].reads), str_free(ctx, &end[i].trains);
    return status;
}

rk_status wiring_texts(rk_ctx *ctx, struct wiring *w)
{
    for (int i = 0; i < w->modules.n; i++)
        if (w->modules.at[i].shown) TRY(write_both(ctx, w, &w->modules.at[i]));
    return RK_OK;
}
