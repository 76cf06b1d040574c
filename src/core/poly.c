/* poly.c: sums of products of dims, exactly.
 *
 * Terms stand in one order (higher degree first, then by dims), so that equal polynomials are equal arrays and adding is
 * merging. Every coefficient is checked: the bill is an integer or an error, never a rounded number.
 *
 * Not here: letters, relations, how it is written (poly_text.c). */
#include "core/poly.h"
#include <stdlib.h>
#include <string.h>

/* Values may pass through numbers far above 2^63 (sums that nearly cancel), but not above this. */
__extension__ typedef __int128 wide;
#define MOST_VALUE ((wide)1 << 120)

static int order_of(const struct term *a, const struct term *b)
{
    if (a->degree != b->degree) return a->degree > b->degree ? -1 : 1;
    for (int i = 0; i < a->degree; i++)
        if (a->dim[i] != b->dim[i]) return a->dim[i] < b->dim[i] ? -1 : 1;
    return 0;
}

bool term_alike(const struct term *a, const struct term *b) { return order_of(a, b) == 0; }

static int64_t divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

static void mistake(struct polys *p, rk_status status)
{
    if (p->status == RK_OK) p->status = status;
}

static void too_large(struct polys *p)
{
    rk_ctx *ctx = p->ctx;
    mistake(p, FAIL(RK_E_LIMIT, "a coefficient or degree of a bill is beyond what can be counted exactly (2^63, degree %d)", POLY_DEGREE));
}

static bool times(struct polys *p, int64_t a, int64_t b, int64_t *out)
{
    /* INT64_MIN has no absolute value: it counts as beyond. */
    if (extent_mul(a, b, out) && *out != INT64_MIN) return true;
    too_large(p);
    return false;
}

static struct poly room_for(struct polys *p, int n)
{
    struct poly a = poly_zero();
    rk_ctx *ctx = p->ctx;
    if (p->status != RK_OK || n == 0) return a;
    mistake(p, TAKE(p->arena, a.term, n));
    return p->status == RK_OK ? a : poly_zero();
}

/* The denominator without what all coefficients share with it. */
static struct poly reduced(struct poly a)
{
    if (a.n == 0) return poly_zero();
    int64_t common = a.over;
    for (int i = 0; i < a.n && common > 1; i++) common = divisor(common, a.term[i].factor);
    if (common <= 1) return a;
    for (int i = 0; i < a.n; i++) a.term[i].factor /= common;
    a.over /= common;
    return a;
}

struct poly poly_zero(void) { return (struct poly){ .over = 1 }; }
struct poly poly_number(struct polys *p, int64_t n) { return poly_dims(p, n, 0, NULL); }

struct poly poly_dims(struct polys *p, int64_t factor, int n, const rk_dim *dims)
{
    if (factor == 0 || p->status != RK_OK) return poly_zero();
    if (n > POLY_DEGREE || factor == INT64_MIN) {
        too_large(p);
        return poly_zero();
    }
    struct poly a = room_for(p, 1);
    if (a.term == NULL) return a;
    struct term *t = a.term;
    t->factor = factor;
    for (; t->degree < n; t->degree++) {
        int at = t->degree;
        for (; at > 0 && t->dim[at - 1] > dims[t->degree]; at--) t->dim[at] = t->dim[at - 1];
        t->dim[at] = dims[t->degree];
    }
    a.n = 1;
    return a;
}

/* Puts by · *t at the end of a, into the last term where that has the same dims; a has room. */
static bool append(struct polys *p, struct poly *a, const struct term *t, int64_t by)
{
    int64_t factor;
    if (!times(p, t->factor, by, &factor)) return false;
    struct term *last = a->n > 0 ? &a->term[a->n - 1] : NULL;
    if (last == NULL || order_of(last, t) != 0) {
        a->term[a->n] = *t;
        a->term[a->n++].factor = factor;
        return true;
    }
    if (__builtin_add_overflow(last->factor, factor, &last->factor) || last->factor == INT64_MIN) {
        too_large(p);
        return false;
    }
    if (last->factor == 0) a->n--;
    return true;
}

struct poly poly_copy(struct polys *p, struct poly a)
{
    struct poly copy = room_for(p, a.n);
    if (copy.term == NULL) return poly_zero();
    memcpy(copy.term, a.term, (size_t)a.n * sizeof *a.term);
    copy.n = a.n;
    copy.over = a.over;
    return copy;
}

struct poly poly_add(struct polys *p, struct poly a, struct poly b)
{
    if (p->status != RK_OK) return poly_zero();
    if (a.n == 0) return b;
    if (b.n == 0) return a;
    struct poly sum = room_for(p, a.n + b.n);
    int64_t by_a = b.over / divisor(a.over, b.over), by_b = a.over / divisor(a.over, b.over);
    if (sum.term == NULL || !times(p, a.over, by_a, &sum.over)) return poly_zero();
    for (int i = 0, k = 0; i < a.n || k < b.n;) {
        bool from_a = k == b.n || (i < a.n && order_of(&a.term[i], &b.term[k]) <= 0);
        bool fine = from_a ? append(p, &sum, &a.term[i], by_a) : append(p, &sum, &b.term[k], by_b);
        if (!fine) return poly_zero();
        if (from_a) i++;
        else k++;
    }
    return reduced(sum);
}

/* How many terms a has that sum has not. */
static int count_fresh(struct poly sum, struct poly a)
{
    int fresh = a.n;
    for (int i = 0, k = 0; i < sum.n && k < a.n;) {
        int order = order_of(&sum.term[i], &a.term[k]);
        fresh -= order == 0;
        i += order <= 0;
        k += order >= 0;
    }
    return fresh;
}

static void drop_zeros(struct poly *a)
{
    int n = 0;
    for (int i = 0; i < a->n; i++)
        if (a->term[i].factor != 0) a->term[n++] = a->term[i];
    a->n = n;
}

/* Merges a into the terms of sum, which has room for `fresh` more, from the last on. */
static bool merge(struct polys *p, struct poly *sum, struct poly a, int fresh)
{
    int i = sum->n - 1, k = a.n - 1;
    bool zeros = false;
    for (int at = i + fresh; k >= 0; at--) {
        int order = i < 0 ? -1 : order_of(&sum->term[i], &a.term[k]);
        struct term next = order > 0 ? sum->term[i] : a.term[k];
        if (order == 0 && (__builtin_add_overflow(next.factor, sum->term[i].factor, &next.factor) || next.factor == INT64_MIN)) {
            too_large(p);
            return false;
        }
        zeros = zeros || next.factor == 0;
        i -= order >= 0;
        k -= order <= 0;
        sum->term[at] = next;
    }
    sum->n += fresh;
    if (zeros) drop_zeros(sum);
    return true;
}

void poly_add_to(struct polys *p, struct poly *sum, int *room, struct poly a)
{
    if (p->status != RK_OK || a.n == 0) return;
    if (sum->over != 1 || a.over != 1) {
        *sum = sum->n == 0 ? poly_copy(p, a) : poly_add(p, *sum, a);
        *room = sum->n;
        return;
    }
    int fresh = count_fresh(*sum, a);
    if (sum->n + fresh > *room) {
        struct poly wider = room_for(p, 2 * (sum->n + fresh));
        if (wider.term == NULL) return;
        if (sum->n > 0) memcpy(wider.term, sum->term, (size_t)sum->n * sizeof *sum->term);
        sum->term = wider.term;
        *room = 2 * (sum->n + fresh);
    }
    if (!merge(p, sum, a, fresh)) *sum = poly_zero();
}

static bool multiply(struct polys *p, const struct term *a, const struct term *b, struct term *out)
{
    if (!times(p, a->factor, b->factor, &out->factor)) return false;
    if (a->degree + b->degree > POLY_DEGREE) {
        too_large(p);
        return false;
    }
    for (int i = 0, k = 0; i < a->degree || k < b->degree;) {
        bool from_a = k == b->degree || (i < a->degree && a->dim[i] <= b->dim[k]);
        out->dim[out->degree++] = from_a ? a->dim[i++] : b->dim[k++];
    }
    return true;
}

static int by_order(const void *a, const void *b) { return order_of(a, b); }

struct poly poly_mul(struct polys *p, struct poly a, struct poly b)
{
    if ((int64_t)a.n * b.n > INT32_MAX) too_large(p);
    if (p->status != RK_OK || a.n == 0 || b.n == 0) return poly_zero();
    struct poly all = room_for(p, a.n * b.n), product = room_for(p, a.n * b.n);
    if (p->status != RK_OK || !times(p, a.over, b.over, &product.over)) return poly_zero();
    for (int i = 0; i < a.n; i++)
        for (int k = 0; k < b.n; k++)
            if (!multiply(p, &a.term[i], &b.term[k], &all.term[all.n++])) return poly_zero();
    qsort(all.term, (size_t)all.n, sizeof *all.term, by_order);
    for (int i = 0; i < all.n; i++)
        if (!append(p, &product, &all.term[i], 1)) return poly_zero();
    return reduced(product);
}

struct poly poly_scale(struct polys *p, int64_t factor, struct poly a)
{
    if (factor == 0 || a.n == 0 || p->status != RK_OK) return poly_zero();
    if (factor == 1) return a;
    struct poly scaled = room_for(p, a.n);
    if (scaled.term == NULL) return scaled;
    scaled.over = a.over;
    for (int i = 0; i < a.n; i++)
        if (!append(p, &scaled, &a.term[i], factor)) return poly_zero();
    return reduced(scaled);
}

struct poly poly_over(struct polys *p, struct poly a, int64_t by)
{
    if (by < 1) too_large(p);
    struct poly part = room_for(p, a.n);
    if (p->status != RK_OK || a.n == 0 || !times(p, a.over, by, &part.over)) return poly_zero();
    for (int i = 0; i < a.n; i++) part.term[part.n++] = a.term[i];
    return reduced(part);
}

bool poly_equal(struct poly a, struct poly b)
{
    bool same = a.n == b.n && a.over == b.over;
    for (int i = 0; i < a.n && same; i++) same = a.term[i].factor == b.term[i].factor && order_of(&a.term[i], &b.term[i]) == 0;
    return same;
}

/* --- the number --- */

static bool term_value(const rk_graph *g, const struct term *t, const int64_t *extent, wide *value)
{
    wide v = t->factor < 0 ? -(wide)t->factor : t->factor;
    for (int i = 0; i < t->degree; i++)
        if ((extent != NULL ? extent[t->dim[i]] : dim_size(g, t->dim[i])) == 0) v = 0;
    for (int i = 0; i < t->degree && v != 0; i++) {
        int64_t size = extent != NULL ? extent[t->dim[i]] : dim_size(g, t->dim[i]);
        if (v >> 63 != 0 && v > MOST_VALUE / size) return false;        /* below that the product has 126 bits: no division is needed to know */
        v *= size;
        if (v > MOST_VALUE) return false;
    }
    *value = t->factor < 0 ? -v : v;
    return true;
}

rk_status poly_value(rk_ctx *ctx, const rk_graph *g, struct poly a, const int64_t *extent, uint64_t *value)
{
    wide sum = 0, v = 0;
    *value = 0;
    bool fine = true;
    for (int i = 0; i < a.n && fine; i++) {
        fine = term_value(g, &a.term[i], extent, &v);
        if (!fine) break;
        sum += v;
        fine = sum <= MOST_VALUE && sum >= -MOST_VALUE;
    }
    const bool whole = a.over == 1 || sum % a.over == 0;
    if (fine && a.over != 1) sum /= a.over;
    if (!fine || sum > INT64_MAX) return FAIL(RK_E_LIMIT, "a number of the bill is beyond 2^63");
    PROMISE(sum >= 0 && whole);                         /* costs are counts: never negative, never broken */
    *value = (uint64_t)sum;
    return RK_OK;
}
