/* tokens.c: ids to a file and back. Not here: the formats with a header. */
#include "reckon/tokens.h"
#include "base/file.h"
#include <string.h>

enum { BATCH = 4096 };

struct rk_tokens_writer { struct file_writer file; unsigned bytes_each; uint64_t n; };

static rk_status check_width(rk_ctx *ctx, unsigned bytes_each)
{
    return bytes_each == 2 || bytes_each == 4 ? RK_OK : FAIL(RK_E_ARG, "ids of %u bytes: 2 and 4 are known", bytes_each);
}

rk_status rk_tokens_create(rk_ctx *ctx, const char *path, unsigned bytes_each, rk_tokens_writer **out)
{
    rk_tokens_writer *w;
    *out = NULL;
    TRY(check_width(ctx, bytes_each));
    TRY(NEW(w, 1));
    w->bytes_each = bytes_each;
    rk_status status = file_create(ctx, &w->file, path);
    if (status != RK_OK) {
        FREE(w, 1);
        return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
    }
    *out = w;
    return RK_OK;
}

rk_status rk_tokens_add(rk_ctx *ctx, rk_tokens_writer *w, const uint32_t *ids, size_t n)
{
    unsigned char bytes[BATCH * 4];
    for (size_t at = 0; at < n;) {
        size_t batch = n - at < BATCH ? n - at : BATCH;
        for (size_t i = 0; i < batch; i++) {
            uint32_t id = ids[at + i];
            if (w->bytes_each == 2 && id > UINT16_MAX) {
                (void)FAIL(RK_E_LIMIT, "id %u, number %llu of the file, does not fit into 2 bytes", id, (unsigned long long)w->n + at + i);
                return ctx_hint(ctx, "write 4 bytes per id (u32)");
            }
            for (unsigned k = 0; k < w->bytes_each; k++) bytes[i * w->bytes_each + k] = (unsigned char)(id >> 8 * k);
        }
        TRY(file_write(ctx, &w->file, bytes, batch * w->bytes_each));
        at += batch;
    }
    w->n += n;
    return RK_OK;
}

rk_status rk_tokens_commit(rk_ctx *ctx, rk_tokens_writer *w)
{
    rk_status status = file_commit(ctx, &w->file);
    FREE(w, 1);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}

void rk_tokens_abandon(rk_ctx *ctx, rk_tokens_writer *w)
{
    if (w == NULL) return;
    file_abandon(ctx, &w->file);
    FREE(w, 1);
}

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

rk_status rk_tokens_open(rk_ctx *ctx, const char *path, unsigned bytes_each, rk_tokens *tokens)
{
    struct file_view view;
    *tokens = (rk_tokens){ 0 };
    if (bytes_each == 0) bytes_each = ends_in(path, ".u32") || ends_in(path, ".u32.bin") ? 4 : 2;
    TRY(check_width(ctx, bytes_each));
    TRY(file_map(ctx, path, &view));
    if (view.n % bytes_each != 0) {
        file_unmap(&view);
        return FAIL(RK_E_FORMAT, "%s: %zu bytes are no whole number of ids of %u bytes", path, view.n, bytes_each);
    }
    *tokens = (rk_tokens){ view.at, view.n / bytes_each, bytes_each, view.kept };
    return RK_OK;
}

void rk_tokens_close(rk_tokens *t)
{
    struct file_view view = { t->at, t->n * t->bytes_each, t->kept };
    file_unmap(&view);
    *t = (rk_tokens){ 0 };
}
