/* cache.c: the tables' memory: brief words, then sets, both at multiples of a set's size; large ones in large pages, where the system has them. */
#include "tok/cache.h"
#include <string.h>
#include <sys/mman.h>

enum { LARGE_PAGE = 2 << 20 };

#define X(isa) \
    [ISA_##isa] = { cache_seek_brief_##isa, cache_ask_##isa, cache_find_##isa, cache_answer_##isa, cache_hash_##isa, cache_greatest_##isa },
const struct cache_body cache_bodies[ISA_COUNT] = { FOR_EVERY_ISA(X) };
#undef X

static bool make(struct share *s, struct cache *c, size_t room)
{
    size_t brief = 2 * room < BRIEF_MOST ? 2 * room : BRIEF_MOST, before = brief * sizeof *c->brief, size = before + room * sizeof *c->sets;
    size_t align = size >= LARGE_PAGE ? LARGE_PAGE : sizeof *c->sets;
    *c = (struct cache){ .shift = 64 - (unsigned)__builtin_ctzll(brief) };
    if (align == LARGE_PAGE) size += LARGE_PAGE - size % LARGE_PAGE;              /* the last page, too, is a large one */
    if (!share_raw(s, &c->block, size + align, "a cache of words")) return false;
    c->bytes = size + align;
    char *first = (char *)c->block + (align - (uintptr_t)c->block % align);
    if (align == LARGE_PAGE) (void)madvise(first, size, MADV_HUGEPAGE);        /* a wish, to be said before the first touch */
    memset(first, 0, before + room * sizeof *c->sets);
    c->brief = (void *)first;
    c->sets = (void *)(first + before);
    c->room = room;
    return true;
}

bool cache_make(struct share *s, struct cache *c, size_t words, cache_hash *hash)
{
    size_t room = 2;
    struct cache fresh;
    while (room < words / 2) room *= 2;
    if (!make(s, &fresh, room)) return false;
    for (size_t i = 0; i < c->room; i++)
        for (int k = 1; k >= 0; k--)                                  /* the older one first: it leaves first */
            if (c->sets[i].key[k][1] != 0) cache_put(&fresh, cache_home(&fresh, hash(c->sets[i].key[k])), c->sets[i].key[k], c->sets[i].ids[k]);
    share_free(s, c->block, c->bytes, 1);
    *c = fresh;
    return true;
}

void cache_clear(rk_ctx *ctx, struct cache *c)
{
    mem_free(ctx, c->block, c->bytes, 1);
    *c = (struct cache){ 0 };
}
