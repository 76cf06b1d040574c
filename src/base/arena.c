/* arena.c: a list of chunks, each twice the last until 1 MiB. A piece is zeroed when it is taken: nobody touches the pages
 * of a chunk that nobody asked for. */
#include "base/arena.h"
#include <string.h>

struct arena_chunk { struct arena_chunk *next; size_t room; char pad[48]; };     /* 64 bytes, so that data stays aligned */

rk_status arena_raw(rk_ctx *ctx, struct arena *a, size_t bytes, void **out)
{
    *out = NULL;
    if (bytes > SIZE_MAX / 2) return FAIL(RK_E_NOMEM, "an arena was asked for %zu bytes", bytes);
    bytes = (bytes + 15) & ~(size_t)15;
    if (a->chunks == NULL || a->chunks->room - a->used < bytes) {
        size_t room = a->chunks == NULL ? 4096 : a->chunks->room * 2;
        if (room > (size_t)1 << 20) room = (size_t)1 << 20;
        if (room < bytes) room = bytes;
        void *fresh;
        TRY(mem_raw(ctx, &fresh, sizeof(struct arena_chunk) + room, "arena"));
        struct arena_chunk *chunk = fresh;
        chunk->next = a->chunks;
        chunk->room = room;
        a->chunks = chunk;
        a->used = 0;
    }
    *out = (char *)(a->chunks + 1) + a->used;
    a->used += bytes;
    return RK_OK;
}

rk_status arena_take(rk_ctx *ctx, struct arena *a, size_t bytes, void **out)
{
    TRY(arena_raw(ctx, a, bytes, out));
    memset(*out, 0, bytes);
    return RK_OK;
}

rk_status arena_text(rk_ctx *ctx, struct arena *a, const char *text, size_t length, const char **out)
{
    void *copy;
    TRY(arena_raw(ctx, a, length + 1, &copy));
    if (length > 0) memcpy(copy, text, length);
    ((char *)copy)[length] = '\0';
    *out = copy;
    return RK_OK;
}

void arena_reuse(rk_ctx *ctx, struct arena *a)
{
    if (a->chunks == NULL) return;
    struct arena rest = { a->chunks->next, 0 };
    a->chunks->next = NULL;
    a->used = 0;
    arena_clear(ctx, &rest);
}

void arena_clear(rk_ctx *ctx, struct arena *a)
{
    while (a->chunks != NULL) {
        struct arena_chunk *chunk = a->chunks;
        a->chunks = chunk->next;
        mem_free(ctx, chunk, sizeof *chunk + chunk->room, 1);
    }
    a->used = 0;
}
