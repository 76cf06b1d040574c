/* count_class.c: what a node costs.
 *
 * An op is asked for the price of each *different* node once: two nodes with the same op, text, attributes and shapes cost
 * the same, and a 48-layer training graph has ten thousand nodes but a few hundred different ones. What an op may look at
 * when it says its price is therefore exactly what stands in the key below. */
#include "pass/count_class.h"
#include <string.h>

/* Dims, and along which of them a view only repeats: all that a price may depend on. */
rk_status count_shape(rk_ctx *ctx, struct counting *c, rk_ref r)
{
    const rk_graph *g = c->count->g;
    const struct node *n = node_of(g, r);
    uint64_t repeats = 0;
    bool fresh;
    if ((n->op->flags & OP_VIEW) != 0) {
        struct layout l = layout_of(g, r, NULL);
        for (int i = 0; i < l.rank; i++) repeats |= (uint64_t)(l.stride[i] == 0) << i;
    }
    TRY(words_begin(ctx, &c->key, 1 + RK_MAX_RANK));
    words_add(&c->key, repeats << 8 | (uint64_t)n->rank);
    for (int i = 0; i < n->rank; i += 2) words_add(&c->key, (uint64_t)n->dim[i] << 32 | (uint64_t)(i + 1 < n->rank ? n->dim[i + 1] : 0));
    return table_find(ctx, &c->shapes, &c->count->arena, &c->key, &c->shape[r], &fresh);
}

static uint64_t first_equal(const struct node *n, int i)
{
    int k = 0;
    while (n->in[k] != n->in[i]) k++;
    return (uint64_t)k;
}

/* The text says what a node is, but for sources, where it is a name: of a state, its last part. */
static const char *label_of(const struct node *n)
{
    if (n->op != &op_state && n->op != &op_input) return (n->op->flags & OP_SOURCE) != 0 ? "" : n->text;
    const char *dot = strrchr(n->text, '.');
    return dot == NULL ? n->text : dot + 1;
}

static rk_status write_signature(rk_ctx *ctx, struct counting *c, rk_ref r)
{
    const struct node *n = node_of(c->count->g, r);
    uint64_t f[2];
    memcpy(f, n->at.f, sizeof f);
    TRY(words_begin(ctx, &c->key, 1));
    words_add(&c->key, (uint64_t)(uintptr_t)n->op);
    TRY(words_text(ctx, &c->key, label_of(n), 8 + MOST_OPERANDS));
    words_add(&c->key, (uint64_t)c->shape[r] << 32 | (uint64_t)n->dtype);
    if ((n->op->flags & OP_SOURCE) != 0) {              /* its attributes say which one, not how large: that is its shape */
        words_add(&c->key, count_holds(n) ? (uint64_t)n->at.i[0] : 0);
        return RK_OK;
    }
    for (int i = 0; i < 4; i++) words_add(&c->key, (uint64_t)n->at.i[i]);
    for (int i = 0; i < 2; i++) words_add(&c->key, f[i]);
    for (int i = 0; i < n->arity; i++) words_add(&c->key, (uint64_t)c->shape[n->in[i]] << 16 | (uint64_t)node_of(c->count->g, n->in[i])->dtype << 8 | first_equal(n, i));
    return RK_OK;
}

/* What an op says, on the way through many sums. */
static rk_status price_in(rk_ctx *ctx, const struct counting *c, rk_ref r, struct polys *polys, struct poly price[QUANTITIES])
{
    const rk_graph *g = c->count->g;
    const struct node *n = node_of(g, r);
    struct bill_line line = { polys, poly_zero(), poly_zero(), poly_zero(), poly_zero(), poly_zero() };
    if (count_holds(n)) {
        price[ELEMENTS] = bill_elements(polys, g, r);
        price[BYTES] = poly_scale(polys, (int64_t)rk_dtype_bytes(n->dtype), price[ELEMENTS]);
        return polys->status;
    }
    if (n->op->bill == NULL) {
        rk_status status = FAIL(RK_E_DECLINED, "%s %s at \"%s\" has no price of its own", n->op->name, n->text, g->paths.at[n->path]);
        (void)ctx_hint(ctx, "write fused operations out (pass_expand) before gradients are taken: their expansion has a price");
        return status;
    }
    TRY(n->op->bill(ctx, g, r, &line));
    price[PRODUCTS] = line.products;
    price[ELEMENTWISE] = line.elementwise;
    price[READ] = line.read;
    price[WRITTEN] = line.written;
    price[MOVED] = line.moved;
    return polys->status;
}

/* Only what it came to is kept. */
static rk_status price_of(rk_ctx *ctx, struct counting *c, rk_ref r, struct poly price[QUANTITIES])
{
    struct polys polys = { ctx, &c->count->scratch, RK_OK };
    for (int q = 0; q < QUANTITIES; q++) price[q] = poly_zero();
    TRY(price_in(ctx, c, r, &polys, price));
    for (int q = 0; q < QUANTITIES; q++) price[q] = poly_copy(&c->count->polys, price[q]);
    arena_reuse(ctx, &c->count->scratch);
    return c->count->polys.status;
}

static rk_status words_poly(rk_ctx *ctx, struct words *w, struct poly a)
{
    TRY(VEC_ROOM(w, 2 + a.n * (2 + POLY_DEGREE) + RK_MAX_RANK));
    words_add(w, (uint64_t)a.n);
    words_add(w, (uint64_t)a.over);
    for (int i = 0; i < a.n; i++) {
        words_add(w, (uint64_t)a.term[i].factor);
        words_add(w, (uint64_t)a.term[i].degree);
        for (int k = 0; k < a.term[i].degree; k++) words_add(w, (uint64_t)a.term[i].dim[k]);
    }
    return RK_OK;
}

/* The widest float that it reads; what reads none is computed in what it gives. */
static rk_dtype computed_in(const rk_graph *g, const struct node *n)
{
    rk_dtype dtype = n->dtype;
    size_t widest = 0;
    for (int i = 0; i < n->arity; i++) {
        const struct node *x = node_of(g, n->in[i]);
        if (x->dtype > RK_f8e5m2 || (x->op->flags & OP_VIRTUAL) != 0 || rk_dtype_bytes(x->dtype) <= widest) continue;
        dtype = x->dtype;
        widest = rk_dtype_bytes(dtype);
    }
    return dtype;
}

static rk_status find_class(rk_ctx *ctx, struct counting *c, rk_ref r, int *class)
{
    const struct node *n = node_of(c->count->g, r);
    bool fresh;
    struct count_class fill = { .op = n->op, .label = label_of(n), .kind = RK_ACTIVATION, .dtype = computed_in(c->count->g, n), .first = r };
    if (count_holds(n)) fill.kind = (rk_kind)n->at.i[0];
    TRY(price_of(ctx, c, r, fill.price));
    TRY(words_begin(ctx, &c->key, 2));
    words_add(&c->key, (uint64_t)(uintptr_t)n->op);
    words_add(&c->key, (uint64_t)fill.kind << 32 | (uint64_t)fill.dtype);
    TRY(words_text(ctx, &c->key, fill.label, 0));
    for (int q = 0; q < QUANTITIES; q++) TRY(words_poly(ctx, &c->key, fill.price[q]));
    for (int i = 0; count_holds(n) && i < n->rank; i++) words_add(&c->key, (uint64_t)n->dim[i]);
    TRY(table_find(ctx, &c->classes, &c->count->arena, &c->key, class, &fresh));
    if (fresh) VEC_PUSH(&c->count->classes, fill);
    return RK_OK;
}

rk_status count_class_of(rk_ctx *ctx, struct counting *c, rk_ref r, int *class)
{
    int signature;
    bool fresh;
    TRY(write_signature(ctx, c, r));
    TRY(table_find(ctx, &c->signatures, &c->count->arena, &c->key, &signature, &fresh));
    if (fresh) {
        TRY(find_class(ctx, c, r, class));
        VEC_PUSH(&c->class_of, *class);
    }
    *class = c->class_of.at[signature];
    return RK_OK;
}
