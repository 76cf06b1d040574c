/* cache_long.c: a table without collisions to follow: a word is at its place or nowhere. */
#include "tok/cache_long.h"
#include "tok/words.h"
#include <string.h>

bool cache_long_make(struct share *s, struct cache_long *c, size_t words)
{
    size_t room = 1;
    while (room < words && room < LONG_MOST) room *= 2;
    share_free(s, c->at, c->room, sizeof *c->at);
    *c = (struct cache_long){ 0 };
    if (!share_resize(s, (void **)&c->at, 0, room, sizeof *c->at, "a cache of long words")) return false;
    c->room = room;
    return true;
}

void cache_long_clear(rk_ctx *ctx, struct cache_long *c)
{
    FREE(c->at, c->room);
    *c = (struct cache_long){ 0 };
}

struct long_word *long_place(const struct cache_long *c, const unsigned char *word, size_t n)
{
    return &c->at[word_hash_long(word, n) & (c->room - 1)];
}

bool long_is(const struct long_word *w, const unsigned char *word, size_t n) { return w->n == n && memcmp(w->text, word, n) == 0; }

void long_keep(struct long_word *w, const unsigned char *word, size_t n, const uint32_t *ids, size_t made)
{
    if (made > LONG_IDS) return;
    memcpy(w->text, word, n);
    memcpy(w->ids, ids, made * sizeof *ids);
    w->n = (uint32_t)n;
    w->made = (uint32_t)made;
}
