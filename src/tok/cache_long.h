/* cache_long.h: words of up to 64 bytes that were encoded before and are too long for cache.h, or have too many ids: lines of dashes,
 * indentation, long names, numbers. Two places side by side for each word, by a hash; of two, the older one leaves. A byte of the hash stands apart for each place, so that
 * asking for a word that is not there seldom touches the place itself. */
#ifndef TOK_CACHE_LONG_H
#define TOK_CACHE_LONG_H
#include "tok/share.h"

enum { LONG_BYTES = 64, LONG_IDS = 14, LONG_MOST = 1 << 16 };         /* bytes and ids of a word, words (8 MiB) */
struct long_word { unsigned char text[LONG_BYTES]; uint32_t n, made, ids[LONG_IDS]; };
struct cache_long { struct long_word *at; uint8_t *tags; size_t room; };      /* tags: 0: empty; room: 0 or a power of two, 2 at least; zero it to begin */

RK_CHECK bool cache_long_make(struct share *s, struct cache_long *c, size_t words);       /* forgets; after a failure nothing is kept, and that is fine */
void cache_long_clear(rk_ctx *ctx, struct cache_long *c);

/* The place of a word of up to 64 bytes; LONG_NONE: it is not there. */
#define LONG_NONE UINT32_MAX
uint32_t long_find(const struct cache_long *c, const unsigned char *word, size_t n);
void long_keep(struct cache_long *c, const unsigned char *word, size_t n, const uint32_t *ids, size_t made);

#endif
