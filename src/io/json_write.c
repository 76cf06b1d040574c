/* json_write.c: JSON onto the end of a text, one call per value; the calls can only make what is well formed. */
#include "io/decimal.h"
#include "io/json.h"
#include <math.h>
#include <string.h>

static rk_status new_line(rk_ctx *ctx, struct json_out *o)
{
    return o->indent > 0 ? str_format(ctx, o->to, "\n%*s", o->indent * o->depth, "") : RK_OK;
}

/* The comma and the line before a key or a value. */
static rk_status separate(rk_ctx *ctx, struct json_out *o)
{
    if (o->depth == 0) {
        PROMISE(!o->filled[0]);                                     /* one value per text */
        o->filled[0] = true;
        return RK_OK;
    }
    bool *filled = &o->filled[o->depth - 1];
    if (*filled) TRY(str_text(ctx, o->to, o->indent > 0 || o->compact ? "," : ", "));
    *filled = true;
    return new_line(ctx, o);
}

rk_status json_key(rk_ctx *ctx, struct json_out *o, const char *key, size_t length)
{
    PROMISE(o->depth > 0 && o->object[o->depth - 1] && !o->keyed);
    TRY(separate(ctx, o));
    TRY(str_json(ctx, o->to, key, length));
    TRY(str_text(ctx, o->to, o->compact ? ":" : ": "));
    o->keyed = true;
    return RK_OK;
}

static rk_status begin(rk_ctx *ctx, struct json_out *o, const char *key)
{
    if (key != NULL) TRY(json_key(ctx, o, key, strlen(key)));
    bool inside = o->depth > 0 && o->object[o->depth - 1];
    PROMISE(inside == o->keyed);
    if (!inside) TRY(separate(ctx, o));
    o->keyed = false;
    return RK_OK;
}

static rk_status open(rk_ctx *ctx, struct json_out *o, const char *key, bool object)
{
    TRY(begin(ctx, o, key));
    if (o->depth == JSON_DEPTH) return FAIL(RK_E_LIMIT, "writing JSON: arrays and objects inside each other more than %d deep", JSON_DEPTH);
    o->object[o->depth] = object;
    o->filled[o->depth++] = false;
    return str_text(ctx, o->to, object ? "{" : "[");
}

rk_status json_open_object(rk_ctx *ctx, struct json_out *o, const char *key) { return open(ctx, o, key, true); }

rk_status json_open_array(rk_ctx *ctx, struct json_out *o, const char *key) { return open(ctx, o, key, false); }

rk_status json_close(rk_ctx *ctx, struct json_out *o)
{
    PROMISE(o->depth > 0 && !o->keyed);
    bool filled = o->filled[--o->depth];
    if (filled) TRY(new_line(ctx, o));
    o->filled[o->depth > 0 ? o->depth - 1 : 0] = true;
    return str_text(ctx, o->to, o->object[o->depth] ? "}" : "]");
}

rk_status json_put_null(rk_ctx *ctx, struct json_out *o, const char *key)
{
    TRY(begin(ctx, o, key));
    return str_text(ctx, o->to, "null");
}

rk_status json_put_bool(rk_ctx *ctx, struct json_out *o, const char *key, bool value)
{
    TRY(begin(ctx, o, key));
    return str_text(ctx, o->to, value ? "true" : "false");
}

rk_status json_put_int(rk_ctx *ctx, struct json_out *o, const char *key, int64_t value)
{
    TRY(begin(ctx, o, key));
    return str_format(ctx, o->to, "%lld", (long long)value);
}

rk_status json_put_uint(rk_ctx *ctx, struct json_out *o, const char *key, uint64_t value)
{
    TRY(begin(ctx, o, key));
    return str_format(ctx, o->to, "%llu", (unsigned long long)value);
}

rk_status json_put_double(rk_ctx *ctx, struct json_out *o, const char *key, double value)
{
    char text[DECIMAL_ROOM];
    if (!isfinite(value) && (o->flags & JSON_NAN) == 0) {
        (void)FAIL(RK_E_ARG, "writing JSON: %s has no spelling in it", isnan(value) ? "NaN" : "infinity");
        return ctx_hint(ctx, "write null, or ask for Python's spelling with JSON_NAN");
    }
    TRY(begin(ctx, o, key));
    if (isnan(value)) return str_text(ctx, o->to, "NaN");
    if (isinf(value)) return str_text(ctx, o->to, value > 0 ? "Infinity" : "-Infinity");
    return str_add(ctx, o->to, text, decimal_write(value, text));
}

rk_status json_put_bytes(rk_ctx *ctx, struct json_out *o, const char *key, const char *text, size_t length)
{
    TRY(begin(ctx, o, key));
    return str_json(ctx, o->to, text, length);
}

rk_status json_put_text(rk_ctx *ctx, struct json_out *o, const char *key, const char *text)
{
    return json_put_bytes(ctx, o, key, text, strlen(text));
}

/* A value inside what was opened: its key is its own. */
static rk_status put_inner(rk_ctx *ctx, struct json_out *o, const struct json *value);

static rk_status put_all(rk_ctx *ctx, struct json_out *o, const char *key, const struct json *value)
{
    TRY(open(ctx, o, key, value->kind == JSON_OBJECT));
    for (uint32_t i = 0; i < value->n; i++) TRY(put_inner(ctx, o, &value->at[i]));
    return json_close(ctx, o);
}

static rk_status put_inner(rk_ctx *ctx, struct json_out *o, const struct json *value)
{
    if (value->up->kind == JSON_OBJECT) TRY(json_key(ctx, o, value->key.at, value->key.length));
    return json_put_tree(ctx, o, NULL, value);
}

rk_status json_put_tree(rk_ctx *ctx, struct json_out *o, const char *key, const struct json *value)
{
    if (value->kind >= JSON_ARRAY) return put_all(ctx, o, key, value);
    if (value->kind == JSON_STRING) return json_put_bytes(ctx, o, key, value->text, value->n);
    TRY(begin(ctx, o, key));
    return str_add(ctx, o->to, value->text, value->n);
}
