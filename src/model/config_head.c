/* config_head.c: what a model ends in: of the heads that its family has, the one that was asked for, or that the file names. */
#include "model/config.h"
#include <stdio.h>
#include <string.h>

bool config_ends_in(const struct config *c, const char *head) { return strcmp(c->arch->heads[c->head].name, head) == 0; }

static rk_status no_such_head(rk_ctx *ctx, const struct arch *a, const char *where, const char *name, size_t n)
{
    char list[ERROR_HINT - 100] = "";
    for (int i = 0, used = 0; a->heads[i].name != NULL && used < (int)sizeof list; i++)
        used += snprintf(list + used, sizeof list - (size_t)used, "%s+%s (%s)", i > 0 ? ", " : "", a->heads[i].name, a->heads[i].classes);
    (void)FAIL(RK_E_UNKNOWN, "%s: %s has no head \"%.*s\"", where, a->title, (int)(n < 80 ? n : 80), name);
    return ctx_hint(ctx, "behind the model's name may stand %s", list);
}

rk_status config_set_head(rk_ctx *ctx, struct config *c, const char *where, const char *name, size_t n)
{
    for (int i = 0; c->arch->heads[i].name != NULL; i++)
        if (word_is((struct word){ name, n }, c->arch->heads[i].name, strlen(c->arch->heads[i].name))) {
            c->head = i;
            return RK_OK;
        }
    return no_such_head(ctx, c->arch, where, name, n);
}

rk_status config_find_head(rk_ctx *ctx, struct config *c, const struct json *root, bool *named)
{
    char path[JSON_SHOWN];
    const struct json *classes = json_find(root, "architectures"), *first = classes != NULL && classes->kind == JSON_ARRAY && classes->n > 0 ? &classes->at[0] : NULL;
    const char *text;
    c->head = 0;
    *named = first != NULL;
    if (first == NULL) return RK_OK;
    TRY(json_as_text(ctx, first, &text));
    for (int i = 0; c->arch->heads[i].name != NULL; i++)
        if (word_among(c->arch->heads[i].classes, text, strlen(text))) {
            c->head = i;
            return RK_OK;
        }
    return no_such_head(ctx, c->arch, json_path(first, path), text, strlen(text));
}
