/* pairs.h: counts of pairs of ids, the heap of pairs by count, and the lists of places where they are. */
#ifndef TOK_PAIRS_H
#define TOK_PAIRS_H
#include "tok/share.h"
#include "reckon/tok.h"

struct pair { uint64_t key; int64_t count; };                         /* key: left id << 32 | right id, + 1; 0: empty */
struct pairs { struct pair *at; size_t n, room; };

static inline uint64_t pair_key(uint32_t left, uint32_t right) { return (uint64_t)left << 32 | right; }
static inline size_t pair_home(uint64_t key, size_t room)
{
    uint64_t h = (key + 1) * 0x9e3779b97f4a7c15u;
    return (size_t)(h ^ h >> 32) & (room - 1);
}
static inline void pairs_prefetch(const struct pairs *p, uint64_t key) { __builtin_prefetch(p->at + pair_home(key, p->room), 1); }

/* The slot of a key, or the empty one where it would go; p->room > 0. */
static inline struct pair *pairs_probe(const struct pairs *p, uint64_t key)
{
    size_t i = pair_home(key, p->room);
    while (p->at[i].key != key + 1 && p->at[i].key != 0) i = (i + 1) & (p->room - 1);
    return &p->at[i];
}

struct pair *pairs_find(const struct pairs *p, uint64_t key);         /* NULL: never counted */
RK_CHECK bool pairs_add(struct share *s, struct pairs *p, uint64_t key, struct pair **pair);       /* finds or makes; makes old pointers stale */
void pairs_clear(struct share *s, struct pairs *p);

/* The heap: greatest count first, ties by rule. */
struct candidate { int64_t count; uint64_t key; int32_t pair; };      /* pair: the number of its lists */
struct heap { struct candidate *at; size_t n, room; rk_ties ties; const rk_text *tokens; };        /* tokens: bytes of every id so far */

RK_CHECK rk_status heap_push(rk_ctx *ctx, struct heap *h, struct candidate c);
struct candidate heap_pop(struct heap *h);                            /* h->n > 0 */
void heap_clear(rk_ctx *ctx, struct heap *h);

/* Lists that are written once and freed together. */
struct lists { struct list_chunk *chunks; size_t used, room; };
RK_CHECK bool lists_take(struct share *s, struct lists *l, size_t n, uint32_t **at);
void lists_give(struct share *s, struct lists *l, uint32_t *at, size_t n);             /* back, if it is large; the others go with lists_clear */
void lists_clear(struct share *s, struct lists *l);

#endif
