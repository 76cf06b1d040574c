/* mem.c: the only caller of the allocator. */
#include "base/mem.h"
#include <string.h>

static rk_status resize(rk_ctx *ctx, void **p, size_t old, size_t bytes, const char *what)
{
    void *fresh = ctx->allocator.resize(ctx->allocator.user, *p, old, bytes);
    if (fresh == NULL) return FAIL(RK_E_NOMEM, "no memory for %s: %zu bytes wanted, %zu in use", what, bytes, ctx->bytes);
    ctx->bytes = ctx->bytes - old + bytes;
    if (ctx->bytes > ctx->peak) ctx->peak = ctx->bytes;
    *p = fresh;
    return RK_OK;
}

rk_status mem_widen(rk_ctx *ctx, void **p, size_t old_count, size_t count, size_t size, const char *what)
{
    size_t bytes;
    if (!size_mul(count, size, &bytes)) return FAIL(RK_E_NOMEM, "%zu elements of %zu bytes for %s: more than an address can hold", count, size, what);
    if (bytes == 0) {
        mem_free(ctx, *p, old_count, size);
        *p = NULL;
        return RK_OK;
    }
    return resize(ctx, p, old_count * size, bytes, what);
}

rk_status mem_resize(rk_ctx *ctx, void **p, size_t old_count, size_t count, size_t size, const char *what)
{
    TRY(mem_widen(ctx, p, old_count, count, size, what));
    if (count > old_count) memset((char *)*p + old_count * size, 0, (count - old_count) * size);
    return RK_OK;
}

rk_status mem_raw(rk_ctx *ctx, void **p, size_t bytes, const char *what)
{
    *p = NULL;
    return resize(ctx, p, 0, bytes, what);
}

rk_status mem_new(rk_ctx *ctx, void **p, size_t count, size_t size, const char *what)
{
    *p = NULL;
    return mem_resize(ctx, p, 0, count, size, what);
}

void mem_free(rk_ctx *ctx, void *p, size_t count, size_t size)
{
    if (p == NULL) return;
    ctx->bytes -= count * size;
    ctx->allocator.resize(ctx->allocator.user, p, count * size, 0);
}
