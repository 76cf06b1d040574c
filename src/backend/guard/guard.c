/* guard.c: see guard.h. */
#include "backend/guard/guard.h"
#include "core/arith.h"
#include "core/opdef.h"
#include <string.h>

enum { FENCE = 64, FENCE_BYTE = 0xa5, POISON = 0xff, PIECE = 512 };

/* --- memory between fences --- */

static rk_status fenced_alloc(rk_ctx *ctx, size_t bytes, void **at)
{
    unsigned char *base;
    *at = NULL;
    TRY(NEW(base, bytes + 2 * FENCE));
    memset(base, FENCE_BYTE, FENCE);
    memset(base + FENCE + bytes, FENCE_BYTE, FENCE);
    *at = base + FENCE;
    return RK_OK;
}

static void fenced_free(rk_ctx *ctx, void *at, size_t bytes)
{
    unsigned char *base = (unsigned char *)at - FENCE;
    FREE(base, bytes + 2 * FENCE);
}

static bool fences_stand(const struct guard_region *r)
{
    for (size_t i = 0; i < FENCE; i++)
        if (r->at[-(ptrdiff_t)i - 1] != FENCE_BYTE || r->at[r->bytes + i] != FENCE_BYTE) return false;
    return true;
}

/* --- the elements of an operand as bytes --- */

static size_t width(const struct guard *g, const struct operand *o) { return g->inner->bytes_of(o->dtype); }

static unsigned char *element(const struct guard *g, void *address, const struct operand *o, const struct walk *w)
{
    return (unsigned char *)address + (size_t)w->at[0] * width(g, o);
}

static struct guard_region *region_of(struct guard *g, const unsigned char *p)
{
    for (int i = 0; i < g->n; i++)
        if (p >= g->region[i].at && p < g->region[i].at + g->region[i].bytes) return &g->region[i];
    return NULL;
}

static rk_status allow(rk_ctx *ctx, struct guard *g, const unsigned char *p, size_t bytes, bool workspace)
{
    struct guard_region *r = region_of(g, p);
    if (r == NULL) return RK_OK;                                /* memory nobody asked to watch */
    size_t at = (size_t)(p - r->at), *end = workspace ? &r->workspace_end : &r->results_end;
    if (bytes > r->bytes - at) return FAIL(RK_E_BUG, "%s reaches %zu bytes beyond %s", workspace ? "a workspace" : "a result", bytes - (r->bytes - at), r->name);
    memset(r->allowed + at, 1, bytes);
    if (at + bytes > *end) *end = at + bytes;
    return RK_OK;
}

static const unsigned char *first_byte(const struct guard *g, void *address, const struct operand *o)
{
    return (const unsigned char *)address + (size_t)o->at.offset * width(g, o);
}

static size_t span_bytes(const struct guard *g, const struct operand *o)
{
    int64_t span = 1;
    for (int i = 0; i < o->at.rank; i++) {
        if (o->at.size[i] == 0) return 0;
        span += (o->at.size[i] - 1) * o->at.stride[i];
    }
    return (size_t)span * width(g, o);
}

/* A result that takes what is there into account, or lies where an operand lies, cannot be poisoned first. */
static bool starts_blank(const struct guard *g, const struct call *c, int k)
{
    const struct problem *p = c->problem;
    const unsigned char *y = first_byte(g, c->out[k], &p->out[k]), *y_end = y + span_bytes(g, &p->out[k]);
    if (p->accumulate || (p->op->flags & OP_SINK) != 0) return false;
    for (int i = 0; i < p->n_in; i++) {
        const unsigned char *x = first_byte(g, c->in[i], &p->in[i]);
        if (x < y_end && y < x + span_bytes(g, &p->in[i])) return false;
    }
    return true;
}

/* --- around a call --- */

/* Allows what is result k of a call, and poisons it where it starts blank; elements that lie one behind the other at once. */
static rk_status open_result(rk_ctx *ctx, struct guard *g, const struct call *c, int k)
{
    const struct operand *y = &c->problem->out[k];
    const size_t each = width(g, y);
    const bool blank = starts_blank(g, c, k);
    unsigned char *at = NULL, *end = NULL;
    struct walk w;
    for (walk_along(&w, &y->at);; walk_next(&w)) {
        unsigned char *e = w.valid ? element(g, c->out[k], y, &w) : NULL;
        if (e == NULL || e != end) {
            if (at != NULL) TRY(allow(ctx, g, at, (size_t)(end - at), false));
            if (at != NULL && blank) memset(at, POISON, (size_t)(end - at));
            if (e == NULL) return RK_OK;
            at = end = e;
        }
        end += each;
    }
}

static rk_status before(rk_ctx *ctx, void *watch, const struct call *c)
{
    struct guard *g = watch;
    const struct problem *p = c->problem;
    if (g == NULL) return RK_OK;
    for (int i = 0; i < g->n; i++) memset(g->region[i].allowed, 0, g->region[i].bytes);
    if (c->prepared->scratch > 0) {
        TRY(allow(ctx, g, c->scratch, c->prepared->scratch, true));
        memset(c->scratch, POISON, c->prepared->scratch);
    }
    for (int k = 0; k < p->n_out; k++) TRY(open_result(ctx, g, c, k));
    for (int i = 0; i < g->n; i++) memcpy(g->region[i].shadow, g->region[i].at, g->region[i].bytes);
    return RK_OK;
}

static bool all_ones(const unsigned char *e, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (e[i] != POISON) return false;
    return true;
}

static rk_status check_written(rk_ctx *ctx, const struct guard *g, const struct call *c, int k)
{
    const struct problem *p = c->problem;
    const struct operand *y = &p->out[k];
    int64_t n = 0;
    struct walk w;
    bool floating = y->dtype <= RK_f8e5m2 || width(g, y) != rk_dtype_bytes(y->dtype);
    if (!floating || !starts_blank(g, c, k)) return RK_OK;
    for (walk_along(&w, &y->at); w.valid; walk_next(&w), n++)
        if (all_ones(element(g, c->out[k], y, &w), width(g, y)))
            return FAIL(RK_E_BUG, "%s at %s left element %lld of result %d unwritten, or computed it from what was never written", p->op->name, p->g->paths.at[p->node->path], (long long)n, k);
    return RK_OK;
}

/* The next byte that is not what it was; r->bytes: none. Most are, and are compared by the piece. */
static size_t next_change(const struct guard_region *r, size_t i)
{
    while (i < r->bytes && r->at[i] == r->shadow[i]) {
        size_t n = r->bytes - i < PIECE ? r->bytes - i : PIECE;
        if (memcmp(r->at + i, r->shadow + i, n) == 0) i += n;
        else while (r->at[i] == r->shadow[i]) i++;
    }
    return i;
}

static rk_status check_region(rk_ctx *ctx, struct guard_region *r, const struct problem *p)
{
    for (size_t i = 0; (i = next_change(r, i)) < r->bytes; i++) {
        if (r->allowed[i] == 0) return FAIL(RK_E_BUG, "%s at %s wrote byte %zu of %s, which is no part of its result", p->op->name, p->g->paths.at[p->node->path], i, r->name);
        if (i + 1 > r->changed_end) r->changed_end = i + 1;
    }
    if (!fences_stand(r)) return FAIL(RK_E_BUG, "%s at %s wrote outside %s", p->op->name, p->g->paths.at[p->node->path], r->name);
    return RK_OK;
}

static rk_status after(rk_ctx *ctx, void *watch, const struct call *c)
{
    struct guard *g = watch;
    if (g == NULL) return RK_OK;
    g->calls++;
    for (int i = 0; i < g->n; i++) TRY(check_region(ctx, &g->region[i], c->problem));
    for (int k = 0; k < c->problem->n_out; k++) TRY(check_written(ctx, g, c, k));
    return RK_OK;
}

void guard_over(const struct backend *inner, struct backend *out)
{
    static const struct kernel none[] = { { .op = NULL } };
    *out = *inner;
    out->name = "guard";
    out->next = inner;
    out->kernels = none;
    out->alloc = fenced_alloc;
    out->free = fenced_free;
    out->before = before;
    out->after = after;
}

rk_status guard_open(rk_ctx *ctx, const struct backend *inner, struct guard **out)
{
    struct guard *g;
    *out = NULL;
    TRY(NEW(g, 1));
    g->ctx = ctx;
    g->inner = inner;
    *out = g;
    return RK_OK;
}

void guard_close(struct guard *g)
{
    if (g == NULL) return;
    rk_ctx *ctx = g->ctx;
    for (int i = 0; i < g->n; i++) {
        FREE(g->region[i].shadow, g->region[i].bytes);
        FREE(g->region[i].allowed, g->region[i].bytes);
    }
    FREE(g, 1);
}

rk_status guard_watch(rk_ctx *ctx, struct guard *g, const char *name, void *at, size_t bytes, bool fresh)
{
    PROMISE(g->n < MOST_REGIONS);
    struct guard_region *r = &g->region[g->n];
    if (bytes == 0) return RK_OK;
    *r = (struct guard_region){ .name = name, .at = at, .bytes = bytes };
    TRY(NEW(r->shadow, bytes));
    rk_status status = NEW(r->allowed, bytes);
    if (status != RK_OK) {
        FREE(r->shadow, bytes);
        return status;
    }
    if (fresh) memset(at, POISON, bytes);
    g->n++;
    return RK_OK;
}
