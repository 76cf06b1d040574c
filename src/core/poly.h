/* poly.h: exact polynomials in named dimensions: integer coefficients over one denominator.
 *
 * 2·B·T·D·F is { 2, [B T D F] }; T(T+1)/2 has denominator 2. A polynomial is a value in an arena; the arena owns its terms. */
#ifndef CORE_POLY_H
#define CORE_POLY_H
#include "core/graph.h"

enum { POLY_DEGREE = 2 * RK_MAX_RANK };                                    /* as many names as an einsum can have */

struct term { int64_t factor; int degree; rk_dim dim[POLY_DEGREE]; };      /* dims ascending, repeated for powers */
struct poly { int n; struct term *term; int64_t over; };                   /* terms in a canonical order, no zero factor; over >= 1, reduced */

struct polys { rk_ctx *ctx; struct arena *arena; rk_status status; };       /* builders below: the first mistake is kept, as in a graph */

struct poly poly_zero(void);
struct poly poly_number(struct polys *p, int64_t n);
struct poly poly_dims(struct polys *p, int64_t factor, int n, const rk_dim *dims);     /* factor · Π dims */
struct poly poly_add(struct polys *p, struct poly a, struct poly b);
void        poly_add_to(struct polys *p, struct poly *sum, int *room, struct poly a);     /* in the place of sum, which owns its terms; begins as poly_zero() and 0 */
struct poly poly_mul(struct polys *p, struct poly a, struct poly b);
struct poly poly_scale(struct polys *p, int64_t factor, struct poly a);
struct poly poly_over(struct polys *p, struct poly a, int64_t by);
struct poly poly_copy(struct polys *p, struct poly a);                       /* into another arena */
bool poly_equal(struct poly a, struct poly b);
bool term_alike(const struct term *a, const struct term *b);               /* the same dims; factors may differ */
/* Value at the sizes of g (bounds for live dims), or at extent[dim] where extent is given. E_LIMIT beyond 2^63. */
rk_status poly_value(rk_ctx *ctx, const rk_graph *g, struct poly a, const int64_t *extent, uint64_t *value) RK_CHECK;

/* The rest is how people write it: core/poly_text.c.
 * fold: products of the graph's relations replaced (H·K -> D, F -> 4·D), dims of one letter and size made one (key and
 * seq, both T), dims without a letter made numbers. The value at the graph's sizes is the same. */
struct poly poly_fold(struct polys *p, const rk_graph *g, struct poly a);
/* What can be taken out of a sum of sums: the dims that stand in every term to the same power. Nothing of a sum of one
 * term or of degree below 3: people write 12·D² + 13·D, V·D + P·D, but B·T·(8·D + 3). */
struct term poly_common(int n, const struct poly *sums);
struct poly poly_without(struct polys *p, struct poly a, const struct term *common);    /* a / common, exact */
/* One product, its sign left out; `letter` (or 0) is written after the number. */
rk_status term_write(rk_ctx *ctx, const rk_graph *g, const struct term *t, char letter, struct str *out) RK_CHECK;
rk_status poly_write(rk_ctx *ctx, const rk_graph *g, struct poly a, struct str *out) RK_CHECK;          /* the terms in order, nothing taken out */
rk_status poly_text(rk_ctx *ctx, const rk_graph *g, struct poly a, bool fold, struct str *out) RK_CHECK; /* "12·D² + 13·D"; fold false: as it stands */

#endif
