/* strided.c: views that are not row-major in their file become arrays that are, in the bundle's own memory.
 *
 * PyTorch files hold such views (a transposed weight); who uses a bundle never meets one. Together they may take as much
 * memory as their file has bytes: a few bytes that claim to be many numbers are refused. */
#include "io/format.h"
#include <string.h>

/* The next index, last dimension but one first; false after the last. */
static bool next(const struct bundle_entry *e, int64_t *index, int64_t *offset)
{
    for (int i = e->rank - 2; i >= 0; i--) {
        *offset += e->strides[i];
        if (++index[i] < e->shape[i]) return true;
        *offset -= e->strides[i] * e->shape[i];
        index[i] = 0;
    }
    return false;
}

static void copy(const struct bundle_entry *e, char *to)
{
    int64_t index[RK_MAX_RANK] = { 0 }, offset = 0, n = e->shape[e->rank - 1], step = e->strides[e->rank - 1];
    size_t width = dtype_bytes(e->dtype);
    const char *from = e->data;
    do {
        for (int64_t i = 0; i < n; i++, to += width) memcpy(to, from + (size_t)(offset + i * step) * width, width);
    } while (next(e, index, &offset));
}

rk_status strided_dense(rk_ctx *ctx, struct bundle *b)
{
    size_t left = 0;
    char shown[NAME_SHOWN];
    for (int i = 0; i < b->files.n; i++) left += (size_t)b->files.at[i].bytes;
    for (int i = 0; i < b->entries.n; i++) {
        struct bundle_entry *e = &b->entries.at[i];
        void *to;
        if (e->strides == NULL) continue;
        if (e->bytes > left)
            return FAIL(RK_E_LIMIT, "%s: tensor \"%s\" is no row-major array in its file, and with those before it would take more memory than the file has bytes",
                        e->path, name_show(shown, e->name.at, e->name.length));
        left -= e->bytes;
        TRY(arena_take(ctx, &b->arena, e->bytes, &to));
        copy(e, to);
        e->data = to;
        e->strides = NULL;
        e->aligned = true;                      /* an arena aligns to 16 */
    }
    return RK_OK;
}
