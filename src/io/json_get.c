/* json_get.c: looking into a tree, and saying where something is not what it should be. */
#include "io/json.h"
#include <stdio.h>
#include <string.h>

const struct json *json_find_bytes(const struct json *object, const char *key, size_t length)
{
    if (object == NULL || object->kind != JSON_OBJECT) return NULL;
    if (object->index != NULL) {
        uint32_t item;
        struct names names = { .items = object->at, .stride = sizeof *object->at, .n = object->n, .index = object->index };
        return names_find(&names, key, length, &item) ? &object->at[item] : NULL;
    }
    for (uint32_t i = 0; i < object->n; i++) {
        const struct name *name = &object->at[i].key;
        if (name->length == length && memcmp(name->at, key, length) == 0) return &object->at[i];
    }
    return NULL;
}

const struct json *json_find(const struct json *object, const char *key) { return json_find_bytes(object, key, strlen(key)); }

/* Appends the way to `value` from below its root; a depth of at most JSON_DEPTH calls. */
static size_t steps(const struct json *value, char *out, size_t used)
{
    char shown[NAME_SHOWN];
    if (value->up == NULL) return used;
    used = steps(value->up, out, used);
    bool top = value->up->up == NULL;
    int n = value->up->kind == JSON_ARRAY ? snprintf(out + used, JSON_SHOWN - used, "%s[%td]", top ? ": " : "", value - value->up->at)
          : snprintf(out + used, JSON_SHOWN - used, "%s%s", top ? ": " : ".", name_show(shown, value->key.at, value->key.length));
    used += (size_t)n;
    return used < JSON_SHOWN ? used : JSON_SHOWN - 1;
}

/* The end of a long file name says more than its beginning. */
const char *json_path(const struct json *value, char out[JSON_SHOWN])
{
    const struct json *root = value;
    while (root->up != NULL) root = root->up;
    size_t cut = root->key.length > JSON_SHOWN / 2 ? root->key.length - JSON_SHOWN / 2 : 0;
    int n = snprintf(out, JSON_SHOWN, "%s%s", cut > 0 ? "..." : "", root->key.at + cut);
    (void)steps(value, out, (size_t)n);
    return out;
}

const char *json_words(const struct json *value, char out[JSON_SHOWN])
{
    char shown[NAME_SHOWN];
    const char *text = value->kind <= JSON_STRING && value->kind >= JSON_INT ? name_show(shown, value->text, value->n) : "";
    switch ((enum json_kind)value->kind) {
    case JSON_NULL:   (void)snprintf(out, JSON_SHOWN, "null"); break;
    case JSON_BOOL:   (void)snprintf(out, JSON_SHOWN, "%s", value->truth ? "true" : "false"); break;
    case JSON_INT:
    case JSON_DOUBLE: (void)snprintf(out, JSON_SHOWN, "the number %s", text); break;
    case JSON_STRING: (void)snprintf(out, JSON_SHOWN, "the string \"%s\"", text); break;
    case JSON_ARRAY:  (void)snprintf(out, JSON_SHOWN, "an array of %u values", value->n); break;
    case JSON_OBJECT: (void)snprintf(out, JSON_SHOWN, "an object of %u keys", value->n); break;
    }
    return out;
}

static rk_status mismatch(rk_ctx *ctx, const struct json *value, const char *wanted)
{
    char path[JSON_SHOWN], words[JSON_SHOWN];
    return FAIL(RK_E_FORMAT, "%s: expected %s, found %s", json_path(value, path), wanted, json_words(value, words));
}

rk_status json_as_int(rk_ctx *ctx, const struct json *value, int64_t low, int64_t high, int64_t *out)
{
    if (value->kind != JSON_INT) return mismatch(ctx, value, "an integer");
    if (value->integer < low || value->integer > high) {
        char wanted[80];
        (void)snprintf(wanted, sizeof wanted, "an integer from %lld to %lld", (long long)low, (long long)high);
        return mismatch(ctx, value, wanted);
    }
    *out = value->integer;
    return RK_OK;
}

rk_status json_as_double(rk_ctx *ctx, const struct json *value, double *out)
{
    if (value->kind != JSON_INT && value->kind != JSON_DOUBLE) return mismatch(ctx, value, "a number");
    *out = value->kind == JSON_INT ? (double)value->integer : value->real;
    return RK_OK;
}

rk_status json_as_bool(rk_ctx *ctx, const struct json *value, bool *out)
{
    if (value->kind != JSON_BOOL) return mismatch(ctx, value, "true or false");
    *out = value->truth;
    return RK_OK;
}

rk_status json_as_text(rk_ctx *ctx, const struct json *value, const char **out)
{
    if (value->kind != JSON_STRING) return mismatch(ctx, value, "a string");
    if (memchr(value->text, '\0', value->n) != NULL) return mismatch(ctx, value, "a string without \\u0000");
    *out = value->text;
    return RK_OK;
}

rk_status json_as_array(rk_ctx *ctx, const struct json *value) { return value->kind == JSON_ARRAY ? RK_OK : mismatch(ctx, value, "an array"); }

rk_status json_as_object(rk_ctx *ctx, const struct json *value) { return value->kind == JSON_OBJECT ? RK_OK : mismatch(ctx, value, "an object"); }

rk_status json_get(rk_ctx *ctx, const struct json *object, const char *key, const struct json **out)
{
    char path[JSON_SHOWN];
    TRY(json_as_object(ctx, object));
    *out = json_find(object, key);
    if (*out != NULL) return RK_OK;
    return FAIL(RK_E_MISSING, "%s: the key \"%s\" is missing", json_path(object, path), key);
}

rk_status json_get_int(rk_ctx *ctx, const struct json *object, const char *key, int64_t low, int64_t high, int64_t *out)
{
    const struct json *value;
    TRY(json_get(ctx, object, key, &value));
    return json_as_int(ctx, value, low, high, out);
}

rk_status json_get_double(rk_ctx *ctx, const struct json *object, const char *key, double *out)
{
    const struct json *value;
    TRY(json_get(ctx, object, key, &value));
    return json_as_double(ctx, value, out);
}

rk_status json_get_bool(rk_ctx *ctx, const struct json *object, const char *key, bool *out)
{
    const struct json *value;
    TRY(json_get(ctx, object, key, &value));
    return json_as_bool(ctx, value, out);
}

rk_status json_get_text(rk_ctx *ctx, const struct json *object, const char *key, const char **out)
{
    const struct json *value;
    TRY(json_get(ctx, object, key, &value));
    return json_as_text(ctx, value, out);
}

rk_status json_get_array(rk_ctx *ctx, const struct json *object, const char *key, const struct json **out)
{
    TRY(json_get(ctx, object, key, out));
    return json_as_array(ctx, *out);
}

rk_status json_get_object(rk_ctx *ctx, const struct json *object, const char *key, const struct json **out)
{
    TRY(json_get(ctx, object, key, out));
    return json_as_object(ctx, *out);
}
