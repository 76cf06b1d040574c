/* price_update.c: of the parameters of a model those that an optimizer has to be priced for: of blocks that are alike, one.
 *
 * Exact, because an optimizer looks at one parameter after the other, and clipping at a sum over all: a node that stands for n
 * counts n times (node.times), the sum's additions too. Blocks are alike where each has parameters of the same names, dims and
 * dtypes, which are kept alike: else all of them stay. Within a block, parameters that are alike but for their names may be taken
 * together too (node.alike), where nobody asks which is which. Law: tests/law/test_shorten.c. */
#include "price.h"
#include <string.h>

/* "h.*.attn.q.weight", of how many blocks. */
struct group { int first, times, blocks, kept; bool alike; };      /* kept: as which parameter, + 1 */
/* "h.*" */
struct blocks { int times; bool alike; };
struct grouping {
    rk_ctx *ctx;
    const struct built *all;
    struct arena arena;
    struct map names, prefixes;
    VEC(struct group) groups;
    VEC(struct blocks) blocks;
    int *group_of;                          /* of each parameter; -1: it stands in no block */
};

/* The first part of the name that is a number. */
static bool find_number(const char *name, size_t *at, size_t *length)
{
    for (const char *part = name; *part != '\0'; part += strcspn(part, "."), part += *part == '.') {
        *at = (size_t)(part - name);
        *length = strspn(part, "0123456789");
        if (*length > 0 && part[*length] == '.') return true;
    }
    return false;
}

static int times_of(const struct built *b, const struct parameter *p) { return node_of(b->g, p->ref)->times; }

static bool same_kind(const struct built *b, const struct parameter *p, const struct parameter *q)
{
    const struct node *x = node_of(b->g, p->ref), *y = node_of(b->g, q->ref);
    bool same = x->dtype == y->dtype && x->rank == y->rank && p->decays == q->decays && p->in_block == q->in_block && p->axes == q->axes;
    for (int i = 0; i < x->rank && same; i++) same = x->dim[i] == y->dim[i] && p->axis[i] == q->axis[i];
    return same;
}

static rk_status find_blocks(rk_ctx *ctx, struct grouping *g, const char *name, size_t n, int *id)
{
    const char *kept;
    if (map_get(&g->prefixes, name, n, id)) return RK_OK;
    TRY(arena_text(ctx, &g->arena, name, n, &kept));
    VEC_PUSH(&g->blocks, ((struct blocks){ 0, true }));
    *id = g->blocks.n - 1;
    return map_put(ctx, &g->prefixes, kept, n, *id);
}

/* The name without its number. */
static rk_status find_group(rk_ctx *ctx, struct grouping *g, int i, size_t at, size_t length, int *id)
{
    const char *name = g->all->parameters.at[i].name, *kept;
    size_t n = strlen(name) - length;
    char *bare;
    struct group fresh = { .first = i, .alike = true };
    void *room;
    TRY(arena_take(ctx, &g->arena, n + 1, &room));
    bare = room;
    memcpy(bare, name, at);
    memcpy(bare + at, name + at + length, n - at);
    kept = bare;
    if (map_get(&g->names, kept, n, id)) return RK_OK;
    TRY(find_blocks(ctx, g, name, at, &fresh.blocks));
    VEC_PUSH(&g->groups, fresh);
    *id = g->groups.n - 1;
    return map_put(ctx, &g->names, kept, n, *id);
}

static rk_status group_all(rk_ctx *ctx, struct grouping *g)
{
    const struct parameters *list = &g->all->parameters;
    for (int i = 0; i < list->n; i++) {
        size_t at, length;
        g->group_of[i] = -1;
        if (!find_number(list->at[i].name, &at, &length)) continue;
        TRY(find_group(ctx, g, i, at, length, &g->group_of[i]));
        struct group *group = &g->groups.at[g->group_of[i]];
        group->times += times_of(g->all, &list->at[i]);
        group->alike = group->alike && same_kind(g->all, &list->at[group->first], &list->at[i]);
    }
    for (int i = 0; i < g->groups.n; i++) {
        const struct group *group = &g->groups.at[i];
        struct blocks *b = &g->blocks.at[group->blocks];
        if (b->times == 0) b->times = group->times;
        b->alike = b->alike && group->alike && b->times == group->times;
    }
    return RK_OK;
}

/* The parameter of the same block that was kept and is like this one, + 1; 0: none. */
static int find_like(const struct grouping *g, int group)
{
    const struct parameter *p = &g->all->parameters.at[g->groups.at[group].first];
    for (int i = 0; i < group; i++) {
        const struct group *other = &g->groups.at[i];
        if (other->kept != 0 && other->blocks == g->groups.at[group].blocks && same_kind(g->all, &g->all->parameters.at[other->first], p)) return other->kept;
    }
    return 0;
}

static rk_status keep(rk_ctx *ctx, struct grouping *g, bool together, struct built *one)
{
    const struct parameters *list = &g->all->parameters;
    TRY(graph_like(ctx, g->all->g, &one->g));
    for (int i = 0; i < list->n; i++) {
        struct group *group = g->group_of[i] >= 0 ? &g->groups.at[g->group_of[i]] : NULL;
        bool merged = group != NULL && g->blocks.at[group->blocks].alike;
        struct parameter p = list->at[i];
        if (merged && group->first != i) continue;
        p.like = merged && together ? find_like(g, g->group_of[i]) : 0;
        p.ref = graph_repeat(one->g, g->all->g, p.ref, NULL);
        if (p.ref == 0) break;
        if (merged) one->g->nodes.at[p.ref].times = group->times;
        if (merged && p.like == 0) group->kept = one->parameters.n + 1;
        if (p.like != 0) one->g->nodes.at[one->parameters.at[p.like - 1].ref].alike++;
        p.name = node_of(one->g, p.ref)->text;
        VEC_PUSH(&one->parameters, p);
    }
    return rk_graph_seal(one->g);
}

rk_status price_one_block(rk_ctx *ctx, const struct built *all, bool together, struct built *one)
{
    struct grouping g = { .ctx = ctx, .all = all };
    rk_status status;
    *one = (struct built){ .ctx = ctx };
    GO(NEW(g.group_of, all->parameters.n));
    GO(group_all(ctx, &g));
    GO(keep(ctx, &g, together, one));
out:
    FREE(g.group_of, all->parameters.n);
    VEC_FREE(&g.groups);
    VEC_FREE(&g.blocks);
    map_free(ctx, &g.names);
    map_free(ctx, &g.prefixes);
    arena_clear(ctx, &g.arena);
    return status;
}
