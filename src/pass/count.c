/* count.c: rows of equal nodes.
 *
 * An op is asked for the price of each *different* node once: two nodes with the same op, text, attributes and shapes cost
 * the same, and a 48-layer training graph has ten thousand nodes but a few hundred different ones. What an op may look at
 * when it says its price is therefore exactly what stands in the key below.
 *
 * Not here: sums and how they print (count_sum.c), the bill that customers see (bill_of.c). */
#include "pass/count.h"
#include "pass/count_table.h"
#include "pass/pass.h"
#include <string.h>

struct counting {
    struct count *count;
    struct placing placing;
    struct table shapes, signatures, classes, rows;
    struct words key;
    VEC(int) class_of;                  /* signature -> class */
    int *shape, *place;                 /* of each node */
    int *place_of_path;                 /* -1: not asked yet */
    bool *needed;
    int n_nodes, n_paths;
};

/* Dims, and along which of them a view only repeats: all that a price may depend on. */
static rk_status find_shape(rk_ctx *ctx, struct counting *c, rk_ref r)
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

static bool holds(const struct node *n) { return n->op == &op_state || n->op == &op_input; }

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
        words_add(&c->key, holds(n) ? (uint64_t)n->at.i[0] : 0);
        return RK_OK;
    }
    for (int i = 0; i < 4; i++) words_add(&c->key, (uint64_t)n->at.i[i]);
    for (int i = 0; i < 2; i++) words_add(&c->key, f[i]);
    for (int i = 0; i < n->arity; i++) words_add(&c->key, (uint64_t)c->shape[n->in[i]] << 16 | (uint64_t)node_of(c->count->g, n->in[i])->dtype << 8 | first_equal(n, i));
    return RK_OK;
}

/* --- what a node costs --- */

/* What an op says, on the way through many sums. */
static rk_status price_in(rk_ctx *ctx, const struct counting *c, rk_ref r, struct polys *polys, struct poly price[QUANTITIES])
{
    const rk_graph *g = c->count->g;
    const struct node *n = node_of(g, r);
    struct bill_line line = { polys, poly_zero(), poly_zero(), poly_zero(), poly_zero(), poly_zero() };
    if (holds(n)) {
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
    if (holds(n)) fill.kind = (rk_kind)n->at.i[0];
    TRY(price_of(ctx, c, r, fill.price));
    TRY(words_begin(ctx, &c->key, 2));
    words_add(&c->key, (uint64_t)(uintptr_t)n->op);
    words_add(&c->key, (uint64_t)fill.kind << 32 | (uint64_t)fill.dtype);
    TRY(words_text(ctx, &c->key, fill.label, 0));
    for (int q = 0; q < QUANTITIES; q++) TRY(words_poly(ctx, &c->key, fill.price[q]));
    for (int i = 0; holds(n) && i < n->rank; i++) words_add(&c->key, (uint64_t)n->dim[i]);
    TRY(table_find(ctx, &c->classes, &c->count->arena, &c->key, class, &fresh));
    if (fresh) VEC_PUSH(&c->count->classes, fill);
    return RK_OK;
}

static rk_status class_of_node(rk_ctx *ctx, struct counting *c, rk_ref r, int *class)
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

/* --- where it stands --- */

/* A state stands where its name says, since it may have been declared anywhere; other nodes where they were built. */
static rk_status place_of(rk_ctx *ctx, struct counting *c, rk_ref r, int *place)
{
    const struct node *n = node_of(c->count->g, r);
    const char *dot = n->op == &op_state ? strrchr(n->text, '.') : NULL;
    if (dot != NULL) return place_find(c->count, &c->placing, n->text, (size_t)(dot - n->text), n->times, place);
    if (c->place_of_path[n->path] < 0) {
        const char *path = c->count->g->paths.at[n->path];
        TRY(place_find(c->count, &c->placing, path, strlen(path), n->times, &c->place_of_path[n->path]));
    }
    *place = c->place_of_path[n->path];
    return RK_OK;
}

/* Every place before any row, so that rows know how many repetitions there are. */
static rk_status find_places(rk_ctx *ctx, struct counting *c)
{
    for (rk_ref r = 1; r < c->n_nodes; r++) TRY(place_of(ctx, c, r, &c->place[r]));
    return RK_OK;
}

static int phase_of(const struct bill_terms *terms, rk_ref r)
{
    int phase = 0;
    while (phase < terms->n_phases - 1 && r >= terms->phases[phase].end) phase++;
    return phase;
}

static rk_status add_row(rk_ctx *ctx, struct counting *c, rk_ref r, int phase)
{
    struct count *count = c->count;
    int class, id;
    bool fresh;
    TRY(class_of_node(ctx, c, r, &class));
    const struct count_place p = count->places.at[c->place[r]];
    TRY(words_begin(ctx, &c->key, 2));
    words_add(&c->key, (uint64_t)p.module << 32 | (uint64_t)class);
    words_add(&c->key, (uint64_t)(phase + 1));
    TRY(table_find(ctx, &c->rows, &count->arena, &c->key, &id, &fresh));
    if (fresh) {
        struct count_row row = { p.module, p.repeat, phase, class, r, 0, NULL };
        if (p.repeat != 0) TRY(TAKE(&count->arena, row.per, count->repeats.at[p.repeat].instances.n));
        VEC_PUSH(&count->rows, row);
    }
    int64_t times = (int64_t)node_of(count->g, r)->times * node_of(count->g, r)->alike, blocks = p.repeat != 0 ? count->repeats.at[p.repeat].instances.at[p.instance] : 1;
    PROMISE(times % blocks == 0);                       /* more of them: what one block sums of many others */
    count->rows.at[id].times += times;
    if (p.repeat != 0) count->rows.at[id].per[p.instance] += times / blocks;
    for (int m = p.module; !count->modules.at[m].used; m = count->modules.at[m].parent) count->modules.at[m].used = true;
    return RK_OK;
}

/* Marks a state as counted; *before: an earlier graph had it. */
static rk_status see(rk_ctx *ctx, struct bill_seen *seen, const struct node *n, bool *before)
{
    struct map *names = &seen->names[n->at.i[0]];
    size_t length = strlen(n->text);
    const char *kept;
    int value;
    *before = map_get(names, n->text, length, &value);
    if (*before) return RK_OK;
    TRY(arena_text(ctx, &seen->arena, n->text, length, &kept));
    return map_put(ctx, names, kept, length, 0);
}

static rk_status add_rows(rk_ctx *ctx, struct counting *c)
{
    const rk_graph *g = c->count->g;
    for (rk_ref r = 1; r < c->n_nodes; r++) {
        const struct node *n = node_of(g, r);
        bool before = false;
        TRY(find_shape(ctx, c, r));
        if (holds(n) && (uint64_t)n->at.i[0] >= RK_KIND_COUNT) return FAIL(RK_E_ARG, "%s %s is of no kind of memory", n->op->name, n->text);
        if (holds(n) && c->count->terms->seen != NULL) TRY(see(ctx, c->count->terms->seen, n, &before));
        if (before) continue;
        if (holds(n)) TRY(add_row(ctx, c, r, -1));
        else if (c->needed[r]) TRY(add_row(ctx, c, r, phase_of(c->count->terms, r)));
    }
    return RK_OK;
}

static rk_status begin(rk_ctx *ctx, struct counting *c)
{
    struct count *count = c->count;
    c->n_nodes = count->g->nodes.n;
    c->n_paths = count->g->paths.n;
    TRY(NEW(c->shape, c->n_nodes));
    TRY(NEW(c->place, c->n_nodes));
    TRY(NEW(c->needed, c->n_nodes));
    TRY(NEW(c->place_of_path, c->n_paths));
    for (int i = 0; i < c->n_paths; i++) c->place_of_path[i] = -1;
    VEC_PUSH(&count->repeats, ((struct count_repeat){ .path = "", .n = 1 }));
    VEC_PUSH(&count->modules, ((struct count_module){ .path = "", .used = true }));
    VEC_PUSH(&count->places, ((struct count_place){ 0, 0, 0 }));
    TRY(VEC_ROOM(&count->rows, c->n_nodes));
    pass_needed(count->g, c->needed);
    return RK_OK;
}

rk_status count_graph(rk_ctx *ctx, const rk_graph *g, const struct bill_terms *terms, struct count *count)
{
    struct counting c = { .count = count };
    rk_status status;
    *count = (struct count){ .ctx = ctx, .g = g, .terms = terms };
    count->polys = (struct polys){ ctx, &count->arena, RK_OK };
    GO(terms->n_phases < 1 ? FAIL(RK_E_ARG, "a bill needs the names of its phases") : RK_OK);
    GO(begin(ctx, &c));
    GO(find_places(ctx, &c));
    GO(add_rows(ctx, &c));
out:
    FREE(c.shape, c.n_nodes);
    FREE(c.place, c.n_nodes);
    FREE(c.needed, c.n_nodes);
    FREE(c.place_of_path, c.n_paths);
    VEC_FREE(&c.class_of);
    words_free(ctx, &c.key);
    table_free(ctx, &c.shapes);
    table_free(ctx, &c.signatures);
    table_free(ctx, &c.classes);
    table_free(ctx, &c.rows);
    placing_clear(ctx, &c.placing);
    return status;
}

rk_status count_tree(rk_ctx *ctx, const struct count *count, int *order, int *n)
{
    int modules = count->modules.n, *child, *last, *next, *work;
    TRY(NEW(work, 3 * modules));
    child = work, last = work + modules, next = work + 2 * modules;        /* 0: none, since the root is nobody's child */
    for (int m = 1; m < modules; m++) {
        int parent = count->modules.at[m].parent;
        if (last[parent] == 0) child[parent] = m;
        else next[last[parent]] = m;
        last[parent] = m;
    }
    *n = 0;
    for (int m = 0;;) {
        bool used = count->modules.at[m].used;
        if (used) order[(*n)++] = m;
        if (used && child[m] != 0) {
            m = child[m];
            continue;
        }
        while (m != 0 && next[m] == 0) m = count->modules.at[m].parent;
        if (m == 0) break;
        m = next[m];
    }
    FREE(work, 3 * modules);
    return RK_OK;
}

void count_clear(struct count *count)
{
    rk_ctx *ctx = count->ctx;
    for (int i = 0; i < count->repeats.n; i++) VEC_FREE(&count->repeats.at[i].instances);
    VEC_FREE(&count->repeats);
    VEC_FREE(&count->modules);
    VEC_FREE(&count->places);
    VEC_FREE(&count->classes);
    VEC_FREE(&count->rows);
    arena_clear(ctx, &count->arena);
    arena_clear(ctx, &count->scratch);
}
