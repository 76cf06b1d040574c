/* wiring_ops.c: how operations are written: "weight · x + bias", "attention(q, k, v; causal)".
 *
 * Sums are written in one order, whoever added first. Numbers that follow from sizes are written as people do (1/√K), so that two
 * sizes of one function have one text. Not here: what goes by a name (wiring_text.c). */
#include "model/wiring_text.h"
#include "core/opdef.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TERMS = 64 };

static bool is_map(const struct node *n, const char *name) { return n->op == &op_map && strcmp(n->text, name) == 0; }

/* The stream first, a bias last. */
static int rank_of(const char *term) { return strcmp(term, "x") == 0 ? 0 : strcmp(term, "bias") == 0 ? 2 : 1; }

static int by_text(const void *a, const void *b)
{
    const char *p = str_c(a), *q = str_c(b);
    return rank_of(p) != rank_of(q) ? rank_of(p) - rank_of(q) : strcmp(p, q);
}

/* The terms of a sum, those of sums within it too. */
static rk_status terms(rk_ctx *ctx, struct writing *t, rk_ref r, struct str term[MOST_TERMS], int *n)
{
    r = wiring_plain(t->w, r);
    const struct node *x = node_of(t->w->built.g, r);
    if (wiring_stays(t, r) && is_map(x, "add")) {
        TRY(terms(ctx, t, x->in[0], term, n));
        return terms(ctx, t, x->in[1], term, n);
    }
    if (*n == MOST_TERMS) return FAIL(RK_E_LIMIT, "a sum of more than %d terms", MOST_TERMS);
    return wiring_expression(ctx, t, r, false, &term[(*n)++]);
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
    TRY(wiring_expression(ctx, t, n->in[0], true, out));
    TRY(str_text(ctx, out, between));
    return wiring_expression(ctx, t, n->in[1], true, out);
}

static bool is_mask(const struct writing *t, rk_ref r) { return node_of(t->w->built.g, wiring_plain(t->w, r))->op == &op_rand; }

/* The letter of the last dim of x, where the constant c is the root of its size; 0: it is not. */
static char root_letter(const struct writing *t, rk_ref c, rk_ref x)
{
    const rk_graph *g = t->w->built.g;
    const struct node *n = node_of(g, c), *of = node_of(g, x);
    if (n->op != &op_const || of->rank == 0) return 0;
    const struct dim_info *d = &g->dims.at[of->dim[of->rank - 1]];
    return d->size > 1 && fabs(n->at.f[0] / sqrt((double)d->size) - 1) < 1e-9 ? d->letter : 0;
}

/* A value times a mask of dropout is that value, where dropout is not asked for. */
static rk_status write_mul(rk_ctx *ctx, struct writing *t, const struct node *n, bool within, struct str *out)
{
    for (int i = 0; i < 2 && !t->dropout; i++)
        if (is_mask(t, n->in[i])) return wiring_expression(ctx, t, n->in[1 - i], within, out);
    for (int i = 0; i < 2; i++) {
        char letter = root_letter(t, n->in[i], n->in[1 - i]);
        if (letter == 0) continue;
        TRY(wiring_expression(ctx, t, n->in[1 - i], true, out));
        return str_format(ctx, out, " · √%c", letter);
    }
    return write_product(ctx, t, n, " · ", out);
}

static rk_status write_arguments(rk_ctx *ctx, struct writing *t, const struct node *n, int most, struct str *out)
{
    for (int i = 0; i < n->arity && i < most; i++) {
        if (i > 0) TRY(str_text(ctx, out, ", "));
        TRY(wiring_expression(ctx, t, n->in[i], false, out));
    }
    return RK_OK;
}

/* A choice between a value and the same without its gradient is that value. */
static rk_status write_where(rk_ctx *ctx, struct writing *t, const struct node *n, bool within, struct str *out)
{
    if (wiring_plain(t->w, n->in[1]) == wiring_plain(t->w, n->in[2])) return wiring_expression(ctx, t, n->in[1], within, out);
    TRY(str_text(ctx, out, "where("));
    TRY(write_arguments(ctx, t, n, n->arity, out));
    return str_text(ctx, out, ")");
}

/* A parameter, or a part of one. */
static bool is_weight(const struct writing *t, rk_ref r)
{
    const struct node *n = node_of(t->w->built.g, r = wiring_plain(t->w, r));
    return wiring_is_parameter(t->w, n->op == &op_select ? wiring_plain(t->w, n->in[0]) : r);
}

/* The weight first, as people write it. */
static rk_status write_einsum(rk_ctx *ctx, struct writing *t, const struct node *n, struct str *out)
{
    struct node turned = *n;
    const rk_ref in[] = { n->in[1], n->in[0] };
    if (is_weight(t, n->in[1])) turned.in = in;
    return write_product(ctx, t, &turned, " · ", out);
}

static rk_status write_norm(rk_ctx *ctx, struct writing *t, const struct node *n, struct str *out)
{
    static const char *const kinds[] = { "layer norm", "RMS norm", "deviation norm" };
    if (n->at.i[1] >= 0 && n->at.i[1] < 3) TRY(str_format(ctx, out, "%s(", kinds[n->at.i[1]]));
    else TRY(str_format(ctx, out, "norm %lld(", (long long)n->at.i[1]));
    TRY(write_arguments(ctx, t, n, n->arity, out));
    return str_format(ctx, out, "; eps %.9g)", n->at.f[0]);
}

static rk_status write_attend(rk_ctx *ctx, struct writing *t, const struct node *n, struct str *out)
{
    double width = (double)dim_size(t->w->built.g, (rk_dim)n->at.i[2]), scale = n->at.f[0];
    TRY(str_text(ctx, out, "attention("));
    TRY(write_arguments(ctx, t, n, n->arity, out));
    TRY(str_text(ctx, out, n->at.i[3] != 0 ? "; causal, " : "; both ways, "));
    if (fabs(scale * sqrt(width) - 1) < 1e-9) TRY(str_text(ctx, out, "scale 1/√K"));
    else TRY(str_format(ctx, out, "scale %.9g", scale));
    if (n->at.f[1] < 1 && t->dropout) TRY(str_format(ctx, out, ", dropout %.6g", 1 - n->at.f[1]));
    return str_text(ctx, out, ")");
}

static rk_status write_rope(rk_ctx *ctx, struct writing *t, const struct node *n, struct str *out)
{
    long long rotary = (long long)(n->at.i[3] & INT32_MAX), width = (long long)dim_size(t->w->built.g, (rk_dim)n->at.i[1]);
    TRY(str_text(ctx, out, "rotary("));
    TRY(wiring_expression(ctx, t, n->in[0], false, out));
    TRY(str_text(ctx, out, n->at.i[2] == RK_ROPE_INTERLEAVED ? "; neighbours, " : "; halves, "));
    if (rotary == width) TRY(str_text(ctx, out, "whole head"));
    else TRY(str_format(ctx, out, "%.6g of a head", (double)rotary / (double)width));
    return str_format(ctx, out, ", theta %.9g)", n->at.f[0]);
}

static rk_status write_gather(rk_ctx *ctx, struct writing *t, const struct node *n, struct str *out)
{
    TRY(wiring_expression(ctx, t, n->in[0], true, out));
    TRY(str_text(ctx, out, "["));
    TRY(wiring_expression(ctx, t, n->in[1], false, out));
    return str_text(ctx, out, "]");
}

static rk_status write_part(rk_ctx *ctx, struct writing *t, const struct node *n, struct str *out)
{
    rk_ref base = wiring_plain(t->w, n->in[0]);
    int path = t->w->at[base];
    const char *part = t->w->module[path] >= 0 && path != t->self && !t->leaf ? wiring_part(t->w->modules.at[t->w->module[path]].role, (int)n->at.i[1]) : NULL;
    if (part != NULL) return wiring_name(ctx, t, path, part, out);
    if (t->apart && wiring_is_parameter(t->w, base)) return wiring_expression(ctx, t, base, true, out);
    TRY(wiring_expression(ctx, t, base, true, out));
    return str_format(ctx, out, "[%s %lld]", dim_name(t->w->built.g, (rk_dim)n->at.i[0]), (long long)n->at.i[1]);
}

static rk_status write_slice(rk_ctx *ctx, struct writing *t, const struct node *n, struct str *out)
{
    TRY(wiring_expression(ctx, t, n->in[0], true, out));
    return str_format(ctx, out, "[%s %lld ..]", dim_name(t->w->built.g, (rk_dim)n->at.i[0]), (long long)n->at.i[2]);
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
    { &op_gather, write_gather }, { &op_select, write_part }, { &op_slice, write_slice },
};

rk_status wiring_node(rk_ctx *ctx, struct writing *t, rk_ref r, bool within, struct str *out)
{
    const struct node *n = node_of(t->w->built.g, r);
    if (is_map(n, "add")) return write_sum(ctx, t, r, within, out);
    if (is_map(n, "mul")) return write_mul(ctx, t, n, within, out);
    if (is_map(n, "where")) return write_where(ctx, t, n, within, out);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (ways[i].op == n->op) return ways[i].write(ctx, t, n, out);
    return write_call(ctx, t, n, out);
}
