/* pairs.h: counts of pairs of ids, the heap of pairs by count, and the lists of words that hold them. */
#ifndef TOK_PAIRS_H
#define TOK_PAIRS_H
#include "base/mem.h"
#include "reckon/tok.h"

struct pair { uint64_t key; int64_t count; };                         /* key: left id << 32 | right id */
struct pairs { struct pair *at; size_t n, room; };

static inline uint64_t pair_key(uint32_t left, uint32_t right) { return (uint64_t)left << 32 | right; }
struct pair *pairs_find(const struct pairs *p, uint64_t key);         /* NULL: never counted */
RK_CHECK rk_status pairs_add(rk_ctx *ctx, struct pairs *p, uint64_t key, struct pair **pair);      /* finds or makes; makes old pointers stale */
void pairs_clear(rk_ctx *ctx, struct pairs *p);

/* The heap: greatest count first, ties by rule. */
struct candidate { int64_t count; uint64_t key; const uint32_t *words; size_t n; };
struct heap { struct candidate *at; size_t n, room; rk_ties ties; const rk_text *tokens; };        /* tokens: bytes of every id so far */

RK_CHECK rk_status heap_push(rk_ctx *ctx, struct heap *h, struct candidate c);
struct candidate heap_pop(struct heap *h);                            /* h->n > 0 */
void heap_clear(rk_ctx *ctx, struct heap *h);

/* Lists that are written once and freed together. */
struct lists { struct list_chunk *chunks; size_t used, room; };
RK_CHECK rk_status lists_take(rk_ctx *ctx, struct lists *l, size_t n, uint32_t **at);
void lists_clear(rk_ctx *ctx, struct lists *l);

#endif
