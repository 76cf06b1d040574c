/* store.c: see store.h. */
#include "run/store.h"
#include "core/opdef.h"
#include <string.h>

rk_status store_open(rk_ctx *ctx, const struct backend *backend, struct store **out)
{
    struct store *s;
    *out = NULL;
    TRY(NEW(s, 1));
    s->ctx = ctx;
    s->backend = backend;
    *out = s;
    return RK_OK;
}

void store_close(struct store *s)
{
    if (s == NULL) return;
    rk_ctx *ctx = s->ctx;
    for (int k = 0; k < RK_KIND_COUNT; k++) {
        if (s->base[k] != NULL) s->backend->free(ctx, s->base[k], (size_t)s->bytes[k]);
        map_free(ctx, &s->names[k]);
    }
    VEC_FREE(&s->entries);
    arena_clear(ctx, &s->arena);
    FREE(s, 1);
}

int store_find(const struct store *s, rk_kind kind, const char *name)
{
    int entry;
    return map_get(&s->names[kind], name, strlen(name), &entry) ? entry : -1;
}

const struct store_entry *store_entry(const struct store *s, rk_kind kind, const char *name)
{
    for (; s != NULL; s = s->shared) {
        int entry = store_find(s, kind, name);
        if (entry >= 0) return &s->entries.at[entry];
    }
    return NULL;
}

static rk_status agree(rk_ctx *ctx, const struct store_entry *e, const struct store_entry *fresh)
{
    if (e->dtype != fresh->dtype) return FAIL(RK_E_DTYPE, "state %s is %s here and %s there", e->name, rk_dtype_name(e->dtype), rk_dtype_name(fresh->dtype));
    bool same = e->rank == fresh->rank;
    for (int i = 0; i < e->rank && same; i++) same = e->shape[i] == fresh->shape[i];
    return same ? RK_OK : FAIL(RK_E_SHAPE, "state %s has two shapes", e->name);
}

static rk_status declare(rk_ctx *ctx, struct store *s, const rk_graph *g, const struct node *n)
{
    struct store_entry fresh = { .name = n->text, .kind = (rk_kind)n->at.i[0], .dtype = n->dtype, .rank = n->rank, .elements = 1 };
    for (int i = 0; i < n->rank; i++) {
        fresh.shape[i] = dim_size(g, n->dim[i]);
        fresh.elements *= fresh.shape[i];
    }
    const struct store_entry *known = store_entry(s, fresh.kind, fresh.name);
    if (known != NULL) return agree(ctx, known, &fresh);
    if (s->allocated > 0) return FAIL(RK_E_BUG, "state %s was declared after the store was allocated", n->text);
    int64_t bytes = fresh.elements * (int64_t)s->backend->bytes_of(fresh.dtype);
    TRY(arena_text(ctx, &s->arena, n->text, strlen(n->text), &fresh.name));
    fresh.at = s->bytes[fresh.kind];
    fresh.address = s->lend == NULL ? NULL : (void *)(uintptr_t)s->lend(s->lender, &fresh);
    if (fresh.address != NULL) s->lent[fresh.kind] += bytes;
    else s->bytes[fresh.kind] += (bytes + PLAN_ALIGNMENT - 1) & ~(int64_t)(PLAN_ALIGNMENT - 1);
    VEC_PUSH(&s->entries, fresh);
    return map_put(ctx, &s->names[fresh.kind], fresh.name, strlen(fresh.name), s->entries.n - 1);
}

rk_status store_declare(rk_ctx *ctx, struct store *s, const rk_graph *g)
{
    for (rk_ref r = 1; r < g->nodes.n; r++)
        if (node_of(g, r)->op == &op_state) TRY(declare(ctx, s, g, node_of(g, r)));
    return RK_OK;
}

rk_status store_allocate(rk_ctx *ctx, struct store *s)
{
    for (int k = 0; k < RK_KIND_COUNT; k++)
        if (s->bytes[k] > 0) TRY(s->backend->alloc(ctx, (size_t)s->bytes[k], &s->base[k]));
    for (int i = 0; i < s->entries.n; i++) {
        struct store_entry *e = &s->entries.at[i];
        if (e->address == NULL) e->address = s->base[e->kind] == NULL ? NULL : (char *)s->base[e->kind] + e->at;
    }
    s->allocated = s->entries.n;
    return RK_OK;
}

rk_status store_write(rk_ctx *ctx, struct store *s, int entry, const void *from, rk_dtype dtype)
{
    const struct store_entry *e = &s->entries.at[entry];
    return s->backend->write(ctx, e->address, e->dtype, from, dtype, (size_t)e->elements);
}

rk_status store_read(rk_ctx *ctx, const struct store *s, int entry, void *to, rk_dtype dtype)
{
    const struct store_entry *e = &s->entries.at[entry];
    return s->backend->read(ctx, to, dtype, e->address, e->dtype, (size_t)e->elements);
}
