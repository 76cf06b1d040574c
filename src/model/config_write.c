/* config_write.c: a config.json in the family's own spelling, with every field written out that has a choice: what is read
 * back is the same. */
#include "model/config.h"
#include <string.h>

/* The word that the file had, or the default's. */
static struct word choice_file(const char *spelled) { return (struct word){ spelled, strcspn(spelled, " =") }; }

/* It can have one value only, and says nothing. */
static bool is_fixed(const struct field *f) { return f->kind == FIELD_CHOICE ? strchr(f->choices, ' ') == NULL : f->least == f->most; }

static rk_status put_field(rk_ctx *ctx, const struct config *c, int i, struct json_out *o)
{
    const struct field *f = &c->arch->fields[i];
    const char *rest = f->spellings;
    struct word key;
    if (is_fixed(f)) return RK_OK;
    PROMISE(word_next(&rest, &key) && memchr(key.at, '.', key.n) == NULL);
    TRY(json_key(ctx, o, key.at, key.n));
    if (f->kind == FIELD_INT) return json_put_int(ctx, o, NULL, (int64_t)c->value[i]);
    if (f->kind == FIELD_REAL) return json_put_double(ctx, o, NULL, c->value[i]);
    if (f->kind == FIELD_FLAG) return json_put_bool(ctx, o, NULL, c->value[i] != 0);
    struct word word = choice_file(c->spelled[i]);
    return json_put_bytes(ctx, o, NULL, word.at, word.n);
}

rk_status config_write(rk_ctx *ctx, const struct config *c, const char *dtype, struct str *out)
{
    struct json_out o = { .to = out, .indent = 2 };
    const char *types = c->arch->model_types;
    const char *classes = c->arch->heads[c->head].classes;
    struct word type, class;
    PROMISE(word_next(&types, &type) && word_next(&classes, &class));
    TRY(json_open_object(ctx, &o, NULL));
    TRY(json_open_array(ctx, &o, "architectures"));
    TRY(json_put_bytes(ctx, &o, NULL, class.at, class.n));
    TRY(json_close(ctx, &o));
    TRY(json_key(ctx, &o, "model_type", strlen("model_type")));
    TRY(json_put_bytes(ctx, &o, NULL, type.at, type.n));
    for (int i = 0; c->arch->fields[i].name != NULL; i++) TRY(put_field(ctx, c, i, &o));
    if (dtype != NULL) TRY(json_put_text(ctx, &o, "torch_dtype", dtype));
    TRY(json_close(ctx, &o));
    return str_text(ctx, out, "\n");
}
