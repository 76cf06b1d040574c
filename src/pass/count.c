/* count.c: rows of equal nodes: where each stands, in which phase, how often. What one costs: count_class.c.
 *
 * Not here: sums and how they print (count_sum.c), the bill that customers see (count_bill.c). */
#include "pass/count_class.h"
#include "pass/pass.h"
#include <string.h>

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
    TRY(count_class_of(ctx, c, r, &class));
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
        TRY(count_shape(ctx, c, r));
        if (count_holds(n) && (uint64_t)n->at.i[0] >= RK_KIND_COUNT) return FAIL(RK_E_ARG, "%s %s is of no kind of memory", n->op->name, n->text);
        if (count_holds(n) && c->count->terms->seen != NULL) TRY(see(ctx, c->count->terms->seen, n, &before));
        if (before) continue;
        if (count_holds(n)) TRY(add_row(ctx, c, r, -1));
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
