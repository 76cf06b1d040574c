/* mem.h: memory from the context's allocator, counted; and extents multiplied without overflow. */
#ifndef BASE_MEM_H
#define BASE_MEM_H
#include "base/ctx.h"

/* `what` names the thing for the message: "24 bytes for 3 dims". Fresh memory is zeroed. count 0 gives NULL. */
RK_CHECK rk_status mem_new(rk_ctx *ctx, void **p, size_t count, size_t size, const char *what);
RK_CHECK rk_status mem_resize(rk_ctx *ctx, void **p, size_t old_count, size_t count, size_t size, const char *what);
RK_CHECK rk_status mem_widen(rk_ctx *ctx, void **p, size_t old_count, size_t count, size_t size, const char *what);      /* the same, not zeroed: for those who fill what they asked for */
RK_CHECK rk_status mem_raw(rk_ctx *ctx, void **p, size_t bytes, const char *what);     /* bytes > 0, not zeroed: for those who hand it on in pieces */
void mem_free(rk_ctx *ctx, void *p, size_t count, size_t size);

#define NEW(pointer, count)    mem_new(ctx, (void **)&(pointer), (size_t)(count), sizeof *(pointer), #pointer)
#define GROW(pointer, old, count) mem_resize(ctx, (void **)&(pointer), (size_t)(old), (size_t)(count), sizeof *(pointer), #pointer)
#define FREE(pointer, count)   (mem_free(ctx, (void *)(pointer), (size_t)(count), sizeof *(pointer)), (pointer) = NULL)

static inline bool size_mul(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }
static inline bool size_add(size_t a, size_t b, size_t *out) { return !__builtin_add_overflow(a, b, out); }
static inline bool extent_mul(int64_t a, int64_t b, int64_t *out) { return !__builtin_mul_overflow(a, b, out); }

#endif
