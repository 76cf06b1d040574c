/* Any bytes as a config.json: a model, or a message; what became a model is written and read back as the same. */
#include "fuzz.h"
#include "model/config.h"
#include <stdlib.h>
#include <string.h>

static rk_status read_text(rk_ctx *ctx, const char *text, size_t n, struct config *c)
{
    struct json_doc doc = { .root = NULL };
    rk_status status = json_read(ctx, &doc, "fuzz", text, n, 0);
    if (status == RK_OK) status = config_read(ctx, doc.root, c);
    if (status == RK_OK) status = config_finish(ctx, c, "fuzz");
    json_clear(ctx, &doc);
    return status;
}

static void same(rk_ctx *ctx, const struct config *c)
{
    struct config again;
    struct str text = { NULL, 0, 0 };
    if (config_write(ctx, c, NULL, &text) != RK_OK || read_text(ctx, text.at, (size_t)text.n, &again) != RK_OK || again.arch != c->arch) abort();
    for (int i = 0; c->arch->fields[i].name != NULL; i++)
        if (again.value[i] != c->value[i] || strcmp(again.text[i], c->text[i]) != 0) abort();
    str_free(ctx, &text);
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    rk_ctx *ctx;
    struct config c;
    if (rk_ctx_open(NULL, &ctx) != RK_OK) abort();
    if (read_text(ctx, (const char *)bytes, n, &c) == RK_OK) same(ctx, &c);
    else if (rk_error_message(ctx)[0] == '\0') abort();
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    return 0;
}
