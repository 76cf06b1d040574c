/* share.h: one context for the workers of one loop: memory and the first error, under a lock.
 *
 * A context belongs to one thread; workers of a par_for reach it through this. They ask seldom (buffers grow by halves), so
 * the lock costs nothing. A worker that fails says so with `false` and returns; the others see share_failed and stop; the
 * caller passes share_end's status up. */
#ifndef TOK_SHARE_H
#define TOK_SHARE_H
#include "base/mem.h"
#include <pthread.h>
#include <stdatomic.h>

struct share { rk_ctx *ctx; pthread_mutex_t lock; atomic_int status; size_t limit; };       /* limit: bytes that the context may have in use; 0: any */

RK_CHECK rk_status share_begin(rk_ctx *ctx, struct share *s);
rk_status share_end(struct share *s);                                 /* the first failure, or RK_OK */
RK_CHECK bool share_resize(struct share *s, void **p, size_t old_count, size_t count, size_t size, const char *what);
RK_CHECK bool share_raw(struct share *s, void **p, size_t bytes, const char *what);      /* not zeroed */
/* Zeroed, in large pages where it is large; NULL: failed. */
void *share_zeroed(struct share *s, size_t count, size_t size, const char *what);
void share_free(struct share *s, void *p, size_t count, size_t size);
bool share_fail(struct share *s, rk_status status, const char *format, ...) RK_PRINTF(3, 4);       /* always false */
static inline bool share_failed(struct share *s) { return atomic_load_explicit(&s->status, memory_order_relaxed) != RK_OK; }

/* Makes room for `want` elements in all, at least doubling. */
#define SHARE_ROOM(s, pointer, room, want)                                                                            \
    ((want) <= (room) || share_room((s), (void **)&(pointer), &(room), (want), sizeof *(pointer), #pointer))
RK_CHECK bool share_room(struct share *s, void **p, size_t *room, size_t want, size_t size, const char *what);

#endif
