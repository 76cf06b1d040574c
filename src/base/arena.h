/* arena.h: many small things with one lifetime: taken one by one, freed all at once. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include "base/mem.h"

struct arena { struct arena_chunk *chunks; size_t used; };       /* zero it to begin */

RK_CHECK rk_status arena_take(rk_ctx *ctx, struct arena *a, size_t bytes, void **out);        /* zeroed, aligned to 16 */
RK_CHECK rk_status arena_raw(rk_ctx *ctx, struct arena *a, size_t bytes, void **out);         /* not zeroed: for those who fill it */
RK_CHECK rk_status arena_text(rk_ctx *ctx, struct arena *a, const char *text, size_t length, const char **out);
void arena_reuse(rk_ctx *ctx, struct arena *a);                          /* as if cleared, but keeps its newest chunk for what comes next */
void arena_clear(rk_ctx *ctx, struct arena *a);

#define TAKE(arena, pointer, count) arena_take(ctx, (arena), (size_t)(count) * sizeof *(pointer), (void **)&(pointer))

#endif
