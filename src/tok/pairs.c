/* pairs.c: linear probing, a heap of four children per node (fewer levels, one cache line per family), chunks. */
#include "tok/pairs.h"
#include "base/pages.h"
#include <string.h>

/* ---- counts ---- */

struct pair *pairs_find(const struct pairs *p, uint64_t key)
{
    if (p->room == 0) return NULL;
    struct pair *found = pairs_probe(p, key);
    return found->key == 0 ? NULL : found;
}

static bool grow(struct share *s, struct pairs *p)
{
    struct pairs fresh = { NULL, p->n, p->room == 0 ? 1 << 12 : p->room * 2 };
    fresh.at = share_zeroed(s, fresh.room, sizeof *fresh.at, "counts of pairs");
    if (fresh.at == NULL) return false;
    for (size_t i = 0; i < p->room; i++)
        if (p->at[i].key != 0) *pairs_probe(&fresh, p->at[i].key - 1) = p->at[i];
    share_free(s, p->at, p->room, sizeof *p->at);
    *p = fresh;
    return true;
}

bool pairs_add(struct share *s, struct pairs *p, uint64_t key, struct pair **pair)
{
    if (p->n + 1 > p->room / 2 && !grow(s, p)) return false;
    *pair = pairs_probe(p, key);
    if ((*pair)->key == 0) {
        **pair = (struct pair){ key + 1, 0 };
        p->n++;
    }
    return true;
}

void pairs_clear(struct share *s, struct pairs *p)
{
    share_free(s, p->at, p->room, sizeof *p->at);
    *p = (struct pairs){ 0 };
}

/* ---- heap ---- */

static int compare(const rk_text *a, const rk_text *b)
{
    int r = memcmp(a->at, b->at, a->n < b->n ? a->n : b->n);
    return r != 0 ? r : (a->n > b->n) - (a->n < b->n);
}

static bool greater_bytes(const rk_text *tokens, uint64_t a, uint64_t b)
{
    int r = compare(&tokens[a >> 32], &tokens[b >> 32]);
    if (r == 0) r = compare(&tokens[a & UINT32_MAX], &tokens[b & UINT32_MAX]);
    return r != 0 ? r > 0 : a < b;       /* two ids of the same bytes: the older pair first */
}

static inline bool before(const struct heap *h, const struct candidate *a, const struct candidate *b)
{
    if (a->count != b->count) return a->count > b->count;
    return h->ties == RK_TIES_CS336 ? greater_bytes(h->tokens, a->key, b->key) : a->key < b->key;
}

rk_status heap_push(rk_ctx *ctx, struct heap *h, struct candidate c)
{
    if (h->n == h->room) {
        size_t room = h->room == 0 ? 1 << 12 : h->room * 2;
        TRY(GROW(h->at, h->room, room));
        h->room = room;
    }
    size_t i = h->n++;
    while (i > 0 && before(h, &c, &h->at[(i - 1) / 4])) {
        h->at[i] = h->at[(i - 1) / 4];
        i = (i - 1) / 4;
    }
    h->at[i] = c;
    return RK_OK;
}

struct candidate heap_pop(struct heap *h)
{
    struct candidate top = h->at[0], last = h->at[--h->n];
    size_t i = 0;
    for (size_t child = 1; child < h->n; child = 4 * i + 1) {
        size_t best = child, end = child + 4 < h->n ? child + 4 : h->n;
        for (size_t k = child + 1; k < end; k++)
            if (before(h, &h->at[k], &h->at[best])) best = k;
        if (!before(h, &h->at[best], &last)) break;
        h->at[i] = h->at[best];
        i = best;
    }
    h->at[i] = last;
    return top;
}

void heap_clear(rk_ctx *ctx, struct heap *h)
{
    FREE(h->at, h->room);
    *h = (struct heap){ 0 };
}

/* ---- lists ---- */

enum { FIRST_CHUNK = 1 << 10, LARGEST_CHUNK = 1 << 22 };              /* words; each chunk doubles the last */

struct list_chunk { struct list_chunk *next; size_t room; uint32_t at[]; };

bool lists_take(struct share *s, struct lists *l, size_t n, uint32_t **at)
{
    if (n > l->room - l->used) {
        size_t room = l->room == 0 ? FIRST_CHUNK : l->room < LARGEST_CHUNK ? l->room * 2 : LARGEST_CHUNK;
        if (room < n) room = n;
        void *bytes;
        if (!share_raw(s, &bytes, sizeof(struct list_chunk) + room * sizeof(uint32_t), "lists of words")) return false;
        pages_large(bytes, sizeof(struct list_chunk) + room * sizeof(uint32_t));
        struct list_chunk *c = bytes;
        *c = (struct list_chunk){ l->chunks, room };
        *l = (struct lists){ c, 0, room };
    }
    *at = l->chunks == NULL ? NULL : l->chunks->at + l->used;
    l->used += n;
    return true;
}

static void free_chunk(struct share *s, struct list_chunk *c) { share_free(s, c, sizeof *c + c->room * sizeof(uint32_t), 1); }

/* What is larger than any chunk has one of its own. */
void lists_give(struct share *s, struct lists *l, uint32_t *at, size_t n)
{
    if (n <= LARGEST_CHUNK) return;
    for (struct list_chunk **c = &l->chunks; *c != NULL; c = &(*c)->next) {
        if ((*c)->at != at) continue;
        struct list_chunk *own = *c;
        if (c == &l->chunks) l->used = l->room = 0;
        *c = own->next;
        free_chunk(s, own);
        return;
    }
}

void lists_clear(struct share *s, struct lists *l)
{
    while (l->chunks != NULL) {
        struct list_chunk *next = l->chunks->next;
        free_chunk(s, l->chunks);
        l->chunks = next;
    }
    *l = (struct lists){ 0 };
}
