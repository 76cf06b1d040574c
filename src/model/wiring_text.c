/* wiring_text.c: what a module computes and reads, written from its nodes: "weight · x + bias", "attention(q, k, v; causal)".
 *
 * Views are left out, but for those that choose a part. Sums are written in one order, whoever added first. Numbers that follow
 * from sizes are written as people do (1/√K), so that two sizes of one function have one text. */
#include "model/wiring.h"
#include "core/opdef.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 24, MOST_TERMS = 16 };

/* What is being written: from the point of view of one path. In a leaf, `inputs` collects what it reads. */
struct writing {
    rk_ctx *ctx;
    const struct wiring *w;
    int self;                           /* nodes here are written out */
    bool leaf, dropout;                 /* dropout: it is written too */
    int n_inputs;
    rk_ref input[WIRED_INPUTS];
    int depth;
};

static rk_status expression(rk_ctx *ctx, struct writing *t, rk_ref r, bool within, struct str *out);

/* --- names --- */

/* Within its own block a module goes without the block's name. */
static rk_status name_of(rk_ctx *ctx, const struct writing *t, int path, const char *part, struct str *out)
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
    if (i == WIRED_INPUTS) return str_text(ctx, out, "...");
    if (i == t->n_inputs) t->input[t->n_inputs++] = r;
    return str_format(ctx, out, "%c", i < 3 ? 'x' + i : 'a' + i - 3);
}

static rk_status write_source(rk_ctx *ctx, struct writing *t, rk_ref r, struct str *out)
{
    const struct node *n = node_of(t->w->built.g, r);
    if (n->op == &op_state) return str_text(ctx, out, t->leaf ? wiring_last(n->text).at : n->text);
    if (n->op == &op_input) return str_text(ctx, out, n->text);
    if (n->op == &op_const) return str_format(ctx, out, "%.6g", n->at.f[0]);
    if (n->op == &op_iota) return str_text(ctx, out, "positions");
    if (n->op == &op_rand) return str_format(ctx, out, "dropout(%.3g)", 1 - n->at.f[0]);
    return str_text(ctx, out, n->op->name);
}

/* --- operations that have their own way of being written --- */

static bool is_map(const struct node *n, const char *name) { return n->op == &op_map && strcmp(n->text, name) == 0; }

/* The stream first, a bias last. */
static int rank_of(const char *term) { return strcmp(term, "x") == 0 ? 0 : strcmp(term, "bias") == 0 ? 2 : 1; }

static int by_text(const void *a, const void *b)
{
    const char *p = str_c(a), *q = str_c(b);
    return rank_of(p) != rank_of(q) ? rank_of(p) - rank_of(q) : strcmp(p, q);
}

static bool stays(const struct writing *t, rk_ref r);

/* The terms of a sum, those of sums within it too. */
static rk_status terms(rk_ctx *ctx, struct writing *t, rk_ref r, struct str term[MOST_TERMS], int *n)
{
    r = wiring_plain(t->w, r);
    const struct node *x = node_of(t->w->built.g, r);
    if (*n < MOST_TERMS - 1 && stays(t, r) && is_map(x, "add")) {
        TRY(terms(ctx, t, x->in[0], term, n));
        return terms(ctx, t, x->in[1], term, n);
    }
    PROMISE(*n < MOST_TERMS);
    return expression(ctx, t, r, false, &term[(*n)++]);
}

static rk_status write_sum(rk_ctx *ctx, struct writing *t, rk_ref r, bool within, struct str *out)
{
    struct str term[MOST_TERMS] = { { 0 } };
    int n = 0;
    rk_status status;
    GO(terms(ctx, t, r, term, &n));
    qsort(term, (size_t)n, sizeof *term, by_text);
    if (within) GO(str_text(ctx, out, "("));
    for (int i = 0; i < n; i++) GO(str_format(ctx, out, "%s%s", i > 0 ? " + " : "", str_c(&term[i])));
    if (within) GO(str_text(ctx, out, ")"));
out:
    for (int i = 0; i < MOST_TERMS; i++) str_free(ctx, &term[i]);
    return status;
}

static rk_status write_product(rk_ctx *ctx, struct writing *t, const struct node *n, const char *between, struct str *out)
{
    TRY(expression(ctx, t, n->in[0], true, out));
    TRY(str_text(ctx, out, between));
    return expression(ctx, t, n->in[1], true, out);
}

static bool is_mask(const struct writing *t, rk_ref r) { return node_of(t->w->built.g, wiring_plain(t->w, r))->op == &op_rand; }

/* A value times a mask of dropout is that value, where dropout is not asked for. */
static rk_status write_mul(rk_ctx *ctx, struct writing *t, const struct node *n, bool within, struct str *out)
{
    for (int i = 0; i < 2 && !t->dropout; i++)
        if (is_mask(t, n->in[i])) return expression(ctx, t, n->in[1 - i], within, out);
    return write_product(ctx, t, n, " · ", out);
}

static rk_status write_arguments(rk_ctx *ctx, struct writing *t, const struct node *n, int most, struct str *out)
{
    for (int i = 0; i < n->arity && i < most; i++) {
        if (i > 0) TRY(str_text(ctx, out, ", "));
        TRY(expression(ctx, t, n->in[i], false, out));
    }
    return RK_OK;
}

/* A choice between a value and the same without its gradient is that value. */
static rk_status write_where(rk_ctx *ctx, struct writing *t, const struct node *n, bool within, struct str *out)
{
    if (wiring_plain(t->w, n->in[1]) == wiring_plain(t->w, n->in[2])) return expression(ctx, t, n->in[1], within, out);
    TRY(str_text(ctx, out, "where("));
    TRY(write_arguments(ctx, t, n, n->arity, out));
    return str_text(ctx, out, ")");
}

/* The weight first, as people write it. */
static rk_status write_einsum(rk_ctx *ctx, struct writing *t, const struct node *n, struct str *out)
{
    struct node turned = *n;
    const rk_ref in[] = { n->in[1], n->in[0] };
    if (wiring_is_parameter(t->w, wiring_plain(t->w, n->in[1]))) turned.in = in;
    return write_product(ctx, t, &turned, " · ", out);
}

static rk_status write_norm(rk_ctx *ctx, struct writing *t, const struct node *n, struct str *out)
{
    static const char *const kinds[] = { "layer norm", "RMS norm" };
    if (n->at.i[1] >= 0 && n->at.i[1] < 2) TRY(str_format(ctx, out, "%s(", kinds[n->at.i[1]]));
    else TRY(str_format(ctx, out, "norm %lld(", (long long)n->at.i[1]));
    TRY(write_arguments(ctx, t, n, n->arity, out));
    return str_format(ctx, out, "; eps %.6g)", n->at.f[0]);
}

static rk_status write_attend(rk_ctx *ctx, struct writing *t, const struct node *n, struct str *out)
{
    double width = (double)dim_size(t->w->built.g, (rk_dim)n->at.i[2]), scale = n->at.f[0];
    TRY(str_text(ctx, out, "attention("));
    TRY(write_arguments(ctx, t, n, n->arity, out));
    TRY(str_text(ctx, out, n->at.i[3] != 0 ? "; causal, " : "; both ways, "));
    if (fabs(scale * sqrt(width) - 1) < 1e-9) TRY(str_text(ctx, out, "scale 1/√K"));
    else TRY(str_format(ctx, out, "scale %.6g", scale));
    if (n->at.f[1] < 1 && t->dropout) TRY(str_format(ctx, out, ", dropout %.3g", 1 - n->at.f[1]));
    return str_text(ctx, out, ")");
}

static rk_status write_rope(rk_ctx *ctx, struct writing *t, const struct node *n, struct str *out)
{
    long long rotary = (long long)(n->at.i[3] & INT32_MAX), width = (long long)dim_size(t->w->built.g, (rk_dim)n->at.i[1]);
    TRY(str_text(ctx, out, "rotary("));
    TRY(expression(ctx, t, n->in[0], false, out));
    TRY(str_text(ctx, out, n->at.i[2] == RK_ROPE_INTERLEAVED ? "; neighbours, " : "; halves, "));
    if (rotary == width) TRY(str_text(ctx, out, "whole head"));
    else TRY(str_format(ctx, out, "%.4g of a head", (double)rotary / (double)width));
    return str_format(ctx, out, ", theta %.6g)", n->at.f[0]);
}

static rk_status write_gather(rk_ctx *ctx, struct writing *t, const struct node *n, struct str *out)
{
    TRY(expression(ctx, t, n->in[0], true, out));
    TRY(str_text(ctx, out, "["));
    TRY(expression(ctx, t, n->in[1], false, out));
    return str_text(ctx, out, "]");
}

static rk_status write_part(rk_ctx *ctx, struct writing *t, const struct node *n, struct str *out)
{
    rk_ref base = wiring_plain(t->w, n->in[0]);
    int path = node_of(t->w->built.g, base)->path;
    const char *part = t->w->module[path] >= 0 && path != t->self && !t->leaf ? wiring_part(t->w->modules.at[t->w->module[path]].role, (int)n->at.i[1]) : NULL;
    if (part != NULL) return name_of(ctx, t, path, part, out);
    TRY(expression(ctx, t, base, true, out));
    return str_format(ctx, out, "[%s %lld]", dim_name(t->w->built.g, (rk_dim)n->at.i[0]), (long long)n->at.i[1]);
}

static rk_status write_call(rk_ctx *ctx, struct writing *t, const struct node *n, struct str *out)
{
    if (n->op == &op_cast) TRY(str_format(ctx, out, "%s(", rk_dtype_name(n->dtype)));
    else if (n->op == &op_xent_head) TRY(str_text(ctx, out, "cross entropy("));
    else TRY(str_format(ctx, out, "%s(", n->text[0] != '\0' ? n->text : n->op->name));
    TRY(write_arguments(ctx, t, n, n->arity, out));
    return str_text(ctx, out, ")");
}

static const struct { const struct opdef *op; rk_status (*write)(rk_ctx *ctx, struct writing *t, const struct node *n, struct str *out); } ways[] = {
    { &op_einsum, write_einsum }, { &op_norm, write_norm }, { &op_attend, write_attend }, { &op_rope, write_rope },
    { &op_gather, write_gather }, { &op_select, write_part },
};

static rk_status write_node(rk_ctx *ctx, struct writing *t, rk_ref r, bool within, struct str *out)
{
    const struct node *n = node_of(t->w->built.g, r);
    if (is_map(n, "add")) return write_sum(ctx, t, r, within, out);
    if (is_map(n, "mul")) return write_mul(ctx, t, n, within, out);
    if (is_map(n, "where")) return write_where(ctx, t, n, within, out);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (ways[i].op == n->op) return ways[i].write(ctx, t, n, out);
    return write_call(ctx, t, n, out);
}

/* --- where to stop --- */

/* Written out here, and not as somebody's name. */
static bool stays(const struct writing *t, rk_ref r)
{
    const struct wiring *w = t->w;
    int path = node_of(w->built.g, r)->path, block = w->block[t->self];
    if (path == t->self) return true;
    if (t->leaf || w->module[path] < 0) return !t->leaf;
    if (w->block[path] != block) return false;
    return !w->modules.at[w->module[path]].leaf && w->result[path] != r;
}

/* The name of a value that somebody else makes. Chosen parts of a fused module go by their own. */
static rk_status write_name(rk_ctx *ctx, struct writing *t, rk_ref r, struct str *out)
{
    const struct wiring *w = t->w;
    int path = node_of(w->built.g, r)->path, block = w->block[t->self];
    if (block != 0 && w->stream[block] == r) return str_text(ctx, out, "x");
    if (w->block[path] != 0 && w->block[path] != block) path = w->block[path];
    if (w->module[path] < 0) return str_text(ctx, out, w->built.g->paths.at[path]);
    return name_of(ctx, t, path, NULL, out);
}

static rk_status expression(rk_ctx *ctx, struct writing *t, rk_ref r, bool within, struct str *out)
{
    r = wiring_plain(t->w, r);
    if ((node_of(t->w->built.g, r)->op->flags & OP_SOURCE) != 0) return write_source(ctx, t, r, out);
    if (t->leaf && node_of(t->w->built.g, r)->path != t->self) return write_input(ctx, t, r, out);
    if (!stays(t, r)) return write_name(ctx, t, r, out);
    if (t->depth == DEEPEST) return str_text(ctx, out, "...");
    t->depth++;
    TRY(write_node(ctx, t, r, within, out));
    t->depth--;
    return RK_OK;
}

/* --- a module --- */

/* The last node of a path: what a leaf makes. */
static rk_ref last_of(const struct wiring *w, int path)
{
    rk_ref last = w->result[path];
    for (rk_ref r = w->built.g->nodes.n - 1; r > 0 && last == 0; r--)
        if (node_of(w->built.g, r)->path == path && (node_of(w->built.g, r)->op->flags & OP_SOURCE) == 0) last = r;
    return last;
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
    return w->stream[path] == 0 ? RK_OK : expression(ctx, &root, w->stream[path], false, reads);
}

static rk_status write_reads(rk_ctx *ctx, const struct wiring *w, int path, const struct writing *inner, struct str *reads)
{
    struct writing outer = { .ctx = ctx, .w = w, .self = around(w, path), .dropout = inner->dropout };
    if (w->result[outer.self] != 0) outer.self = w->block[path];         /* it has a name of its own */
    for (int i = 0; i < inner->n_inputs; i++) {
        if (i > 0) TRY(str_text(ctx, reads, ", "));
        TRY(expression(ctx, &outer, inner->input[i], false, reads));
    }
    return RK_OK;
}

static rk_status write_module(rk_ctx *ctx, const struct wiring *w, int path, bool dropout, struct str *computes, struct str *reads)
{
    const struct wired *m = &w->modules.at[w->module[path]];
    struct writing t = { .ctx = ctx, .w = w, .self = path, .leaf = m->leaf, .dropout = dropout };
    rk_ref last = last_of(w, path);
    if (last == 0) return str_text(ctx, computes, "several values");
    TRY(expression(ctx, &t, last, false, computes));
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
