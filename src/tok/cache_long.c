/* cache_long.c: a word is at its place, or at the one beside it, or nowhere. */
#include "tok/cache_long.h"
#include "tok/words.h"
#include <string.h>

bool cache_long_make(struct share *s, struct cache_long *c, size_t words)
{
    size_t room = 2;
    while (room < words && room < LONG_MOST) room *= 2;
    struct cache_long fresh = { 0 };
    share_free(s, c->at, c->room, sizeof *c->at);
    share_free(s, c->tags, c->room, 1);
    *c = fresh;
    if (!share_resize(s, (void **)&fresh.at, 0, room, sizeof *fresh.at, "a cache of long words")) return false;
    if (!share_resize(s, (void **)&fresh.tags, 0, room, 1, "a cache of long words")) {
        share_free(s, fresh.at, room, sizeof *fresh.at);
        return false;
    }
    fresh.room = room;
    *c = fresh;
    return true;
}

void cache_long_clear(rk_ctx *ctx, struct cache_long *c)
{
    FREE(c->at, c->room);
    FREE(c->tags, c->room);
    *c = (struct cache_long){ 0 };
}

static inline uint8_t tag_of(uint64_t hash) { return (uint8_t)(hash >> 56 | 1); }

uint32_t long_find(const struct cache_long *c, const unsigned char *word, size_t n)
{
    uint64_t hash = word_hash_long(word, n);
    size_t i = (size_t)hash & (c->room - 1);
    if (c->room == 0) return LONG_NONE;
    for (int k = 0; k < 2; k++, i ^= 1)
        if (c->tags[i] == tag_of(hash) && c->at[i].n == n && memcmp(c->at[i].text, word, n) == 0) return (uint32_t)i;
    return LONG_NONE;
}

void long_keep(struct cache_long *c, const unsigned char *word, size_t n, const uint32_t *ids, size_t made)
{
    uint64_t hash = word_hash_long(word, n);
    size_t i = (size_t)hash & (c->room - 1);
    if (c->room == 0 || made > LONG_IDS || long_find(c, word, n) != LONG_NONE) return;
    if (c->tags[i] != 0) {
        c->tags[i ^ 1] = c->tags[i];
        c->at[i ^ 1] = c->at[i];
    }
    c->tags[i] = tag_of(hash);
    memcpy(c->at[i].text, word, n);
    memcpy(c->at[i].ids, ids, made * sizeof *ids);
    c->at[i].n = (uint32_t)n;
    c->at[i].made = (uint32_t)made;
}
