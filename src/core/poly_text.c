/* poly_text.c: polynomials as people write them: 12·D² + 13·D.
 *
 * Dims print in the order in which their graph declared them (declare vocab before hidden, and V·D prints), sums by degree.
 * Not here: sums over repeated blocks, L·(...): pass/count_sum.c, which uses these pieces. */
#include "core/poly.h"
#include <inttypes.h>

enum { MOST_FOLDS = 64 };           /* per term: relations that undo each other must end too */

static bool same_face(const rk_graph *g, rk_dim a, rk_dim b)
{
    const struct dim_info *x = &g->dims.at[a], *y = &g->dims.at[b];
    return x->letter == y->letter && x->size == y->size && x->live == y->live;
}

/* The first dim that looks the same on paper. */
static rk_dim face(const rk_graph *g, rk_dim d)
{
    if (g->dims.at[d].letter == 0) return d;
    for (rk_dim e = 1; e < d; e++)
        if (same_face(g, e, d)) return e;
    return d;
}

/* Its letter stands for this dim alone (and for those of the same face). */
static bool owns_letter(const rk_graph *g, rk_dim d)
{
    char letter = g->dims.at[d].letter;
    if (letter == 0) return false;
    for (rk_dim e = 1; e < d; e++)
        if (g->dims.at[e].letter == letter && !same_face(g, e, d)) return false;
    return true;
}

/* --- folding --- */

/* Takes the dims of `of` out of t; false, t as it was, when they are not all there. */
static bool take_out(struct term *t, int n, const rk_dim *of)
{
    struct term rest = *t;
    for (int i = 0; i < n; i++) {
        int at = 0;
        while (at < rest.degree && rest.dim[at] != of[i]) at++;
        if (at == rest.degree) return false;
        rest.dim[at] = rest.dim[--rest.degree];
        rest.dim[rest.degree] = 0;
    }
    *t = rest;
    return true;
}

static bool apply(struct term *t, const struct dim_relation *r)
{
    struct term next = *t;
    if (r->n == 0 || !take_out(&next, r->n, r->of) || next.degree + r->n_is > POLY_DEGREE) return false;
    if (!extent_mul(next.factor, r->times, &next.factor) || next.factor == INT64_MIN) return false;
    for (int i = 0; i < r->n_is; i++) next.dim[next.degree++] = r->is[i];
    *t = next;
    return true;
}

static struct term folded(const rk_graph *g, struct term t)
{
    int left = MOST_FOLDS;
    for (bool more = true; more && left > 0;) {
        more = false;
        for (int i = 0; i < g->relations.n; i++)
            for (; left > 0 && apply(&t, &g->relations.at[i]); left--) more = true;
    }
    struct term seen = { .factor = t.factor };
    for (int i = 0; i < t.degree; i++) {
        rk_dim d = face(g, t.dim[i]);
        int64_t product;
        bool number = g->dims.at[d].letter == 0 && extent_mul(seen.factor, dim_size(g, d), &product) && product != INT64_MIN;
        if (number) seen.factor = product;
        else seen.dim[seen.degree++] = d;
    }
    return seen;
}

struct poly poly_fold(struct polys *p, const rk_graph *g, struct poly a)
{
    struct poly sum = poly_zero();
    for (int i = 0; i < a.n; i++) {
        struct term t = folded(g, a.term[i]);
        sum = poly_add(p, sum, poly_dims(p, t.factor, t.degree, t.dim));
    }
    return a.over == 1 ? sum : poly_over(p, sum, a.over);
}

/* --- taking out --- */

static int power_of(const struct term *t, rk_dim d)
{
    int power = 0;
    for (int i = 0; i < t->degree; i++) power += t->dim[i] == d;
    return power;
}

static bool everywhere(int n, const struct poly *sums, rk_dim d, int power)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < sums[i].n; k++)
            if (power_of(&sums[i].term[k], d) != power) return false;
    return true;
}

struct term poly_common(int n, const struct poly *sums)
{
    struct term common = { .factor = 1 };
    const struct term *first = NULL;
    int terms = 0, degree = 0;
    for (int i = 0; i < n; i++) {
        if (sums[i].n == 0) continue;
        if (first == NULL) first = &sums[i].term[0];
        if (sums[i].term[0].degree > degree) degree = sums[i].term[0].degree;
        terms += sums[i].n;
    }
    for (int i = 0; terms > 1 && degree > 2 && i < first->degree; i++)
        if (everywhere(n, sums, first->dim[i], power_of(first, first->dim[i]))) common.dim[common.degree++] = first->dim[i];
    return common;
}

struct poly poly_without(struct polys *p, struct poly a, const struct term *common)
{
    struct poly rest = poly_zero();
    if (common->degree == 0) return a;
    for (int i = 0; i < a.n; i++) {
        struct term t = a.term[i];
        if (take_out(&t, common->degree, common->dim)) rest = poly_add(p, rest, poly_dims(p, t.factor, t.degree, t.dim));
    }
    return a.over == 1 ? rest : poly_over(p, rest, a.over);
}

/* --- writing --- */

static rk_status write_power(rk_ctx *ctx, int power, struct str *out)
{
    static const char *const raised[] = { "⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹" };
    if (power == 1) return RK_OK;
    if (power >= 10) TRY(str_text(ctx, out, raised[power / 10 % 10]));
    return str_text(ctx, out, raised[power % 10]);
}

static rk_status write_face(rk_ctx *ctx, const rk_graph *g, rk_dim d, struct str *out)
{
    return owns_letter(g, d) ? str_add(ctx, out, &g->dims.at[d].letter, 1) : str_text(ctx, out, dim_name(g, d));
}

rk_status term_write(rk_ctx *ctx, const rk_graph *g, const struct term *t, char letter, struct str *out)
{
    uint64_t number = t->factor < 0 ? (uint64_t)-t->factor : (uint64_t)t->factor;
    bool first = true;
    if (number != 1 || (t->degree == 0 && letter == 0)) {
        TRY(str_uint(ctx, out, number));                    /* texts are made by the hundred for one bill: no printf here */
        first = false;
    }
    if (letter != 0) {
        TRY(str_text(ctx, out, first ? "" : "·"));
        TRY(str_add(ctx, out, &letter, 1));
        first = false;
    }
    for (int i = 0, same; i < t->degree; i += same) {
        for (same = 1; i + same < t->degree && t->dim[i + same] == t->dim[i]; same++) continue;
        TRY(str_text(ctx, out, first ? "" : "·"));
        TRY(write_face(ctx, g, t->dim[i], out));
        TRY(write_power(ctx, same, out));
        first = false;
    }
    return RK_OK;
}

rk_status poly_write(rk_ctx *ctx, const rk_graph *g, struct poly a, struct str *out)
{
    if (a.n == 0) return str_text(ctx, out, "0");
    if (a.over > 1 && a.n > 1) TRY(str_text(ctx, out, "("));
    for (int i = 0; i < a.n; i++) {
        bool minus = a.term[i].factor < 0;
        TRY(str_text(ctx, out, i == 0 ? (minus ? "-" : "") : (minus ? " - " : " + ")));
        TRY(term_write(ctx, g, &a.term[i], 0, out));
    }
    if (a.over > 1) TRY(str_format(ctx, out, "%s/%" PRId64, a.n > 1 ? ")" : "", a.over));
    return RK_OK;
}

static rk_status write_factored(rk_ctx *ctx, const rk_graph *g, struct polys *p, struct poly a, struct str *out)
{
    struct term common = poly_common(1, &a);
    struct poly rest = poly_without(p, a, &common);
    TRY(p->status);
    if (common.degree == 0) return poly_write(ctx, g, rest, out);
    TRY(term_write(ctx, g, &common, 0, out));
    TRY(str_text(ctx, out, rest.over == 1 ? "·(" : "·"));
    TRY(poly_write(ctx, g, rest, out));
    return rest.over == 1 ? str_text(ctx, out, ")") : RK_OK;
}

rk_status poly_text(rk_ctx *ctx, const rk_graph *g, struct poly a, bool fold, struct str *out)
{
    struct arena arena = { 0 };
    struct polys p = { ctx, &arena, RK_OK };
    struct poly shown = fold ? poly_fold(&p, g, a) : a;
    rk_status status = p.status;
    if (status == RK_OK) status = fold ? write_factored(ctx, g, &p, shown, out) : poly_write(ctx, g, shown, out);
    arena_clear(ctx, &arena);
    return status;
}
