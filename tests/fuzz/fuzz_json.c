/* Any bytes: JSON is read or refused; what was read is written, and reads back as the same text. */
#include "fuzz.h"
#include "io/json.h"
#include <stdlib.h>
#include <string.h>

static struct str text_of(rk_ctx *ctx, const char *text, size_t n, bool *read)
{
    struct json_doc doc;
    struct str out = { NULL, 0, 0 };
    *read = json_read(ctx, &doc, "fuzz", text, n, JSON_NAN) == RK_OK;
    if (*read && json_put_tree(ctx, &(struct json_out){ .to = &out }, NULL, doc.root) != RK_OK) abort();
    json_clear(ctx, &doc);
    return out;
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    rk_ctx *ctx;
    bool read, again;
    if (rk_ctx_open(NULL, &ctx) != RK_OK) abort();
    struct str first = text_of(ctx, (const char *)bytes, n, &read);
    if (read) {
        struct str second = text_of(ctx, first.at, (size_t)first.n, &again);
        if (!again || first.n != second.n || memcmp(first.at, second.at, (size_t)first.n) != 0) abort();
        str_free(ctx, &second);
    } else if (rk_error_message(ctx)[0] == '\0') abort();
    str_free(ctx, &first);
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    return 0;
}
