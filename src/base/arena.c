/* arena.c: a list of chunks, each twice the last until 1 MiB. */
#include "base/arena.h"
#include <string.h>

struct arena_chunk { struct arena_chunk *next; size_t room; char pad[48]; };     /* 64 bytes, so that data stays aligned */

rk_status arena_take(rk_ctx *ctx, struct arena *a, size_t bytes, void **out)
{
    *out = NULL;
    if (bytes > SIZE_MAX / 2) return FAIL(RK_E_NOMEM, "an arena was asked for %zu bytes", bytes);
    bytes = (bytes + 15) & ~(size_t)15;
    if (a->chunks == NULL || a->chunks->room - a->used < bytes) {
        size_t room = a->chunks == NULL ? 4096 : a->chunks->room * 2;
        if (room > (size_t)1 << 20) room = (size_t)1 << 20;
        if (room < bytes) room = bytes;
        void *fresh;
        TRY(mem_new(ctx, &fresh, sizeof(struct arena_chunk) + room, 1, "arena"));
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

rk_status arena_text(rk_ctx *ctx, struct arena *a, const char *text, size_t length, const char **out)
{
    char *copy;
    TRY(TAKE(a, copy, length + 1));
    if (length > 0) memcpy(copy, text, length);
    *out = copy;
    return RK_OK;
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
