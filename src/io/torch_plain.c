/* torch_plain.c: plain values of a pickle as JSON, so that hyper-parameters beside the weights can be read.
 *
 * A value may contain itself: depth and length are bounded, and what is beyond is no plain value. A text alone is that text;
 * a torch.dtype is its name. */
#include "base/utf8.h"
#include "io/torch.h"
#include <string.h>

enum { DEEPEST = 32, LONGEST = 1 << 16 };

struct writing { rk_ctx *ctx; struct json_out o; bool plain; };

static rk_status put(struct writing *w, const struct pickled *key, const struct pickled *v, int depth);

static rk_status put_list(struct writing *w, const struct pickled *v, int depth)
{
    rk_ctx *ctx = w->ctx;
    TRY(json_open_array(ctx, &w->o, NULL));
    if (v->kind == PICKLE_TUPLE)
        for (uint32_t i = 0; i < v->n && w->plain; i++) TRY(put(w, NULL, v->items[i], depth + 1));
    else
        for (const struct pickled_link *l = v->first; l != NULL && w->plain; l = l->next) TRY(put(w, NULL, l->value, depth + 1));
    return json_close(ctx, &w->o);
}

static rk_status put_dict(struct writing *w, const struct pickled *v, int depth)
{
    rk_ctx *ctx = w->ctx;
    TRY(json_open_object(ctx, &w->o, NULL));
    for (const struct pickled_link *l = v->first; l != NULL && w->plain; l = l->next) TRY(put(w, l->key, l->value, depth + 1));
    return json_close(ctx, &w->o);
}

static rk_status put(struct writing *w, const struct pickled *key, const struct pickled *v, int depth)
{
    rk_ctx *ctx = w->ctx;
    struct json_out *o = &w->o;
    w->plain = v->kind <= PICKLE_GLOBAL && depth <= DEEPEST && o->to->n <= LONGEST && (key == NULL || key->kind == PICKLE_TEXT);
    if (!w->plain) return RK_OK;
    if (key != NULL) TRY(json_key(ctx, o, key->text, key->n));
    if (v->kind == PICKLE_DICT) return put_dict(w, v, depth);
    if (v->kind == PICKLE_LIST || v->kind == PICKLE_TUPLE) return put_list(w, v, depth);
    if (v->kind == PICKLE_TEXT) return json_put_bytes(ctx, o, NULL, v->text, v->n);
    if (v->kind == PICKLE_GLOBAL) return json_put_text(ctx, o, NULL, torch_global_name(v));
    if (v->kind == PICKLE_BOOL) return json_put_bool(ctx, o, NULL, v->truth);
    if (v->kind == PICKLE_INT) return json_put_int(ctx, o, NULL, v->integer);
    if (v->kind == PICKLE_REAL) return json_put_double(ctx, o, NULL, v->real);
    return json_put_null(ctx, o, NULL);
}

rk_status torch_plain(rk_ctx *ctx, const struct pickled *v, struct str *text, bool *plain)
{
    struct writing w = { .ctx = ctx, .o = { .to = text, .flags = JSON_NAN }, .plain = true };
    *plain = v->kind == PICKLE_TEXT && v->n <= LONGEST && utf8_valid(v->text, v->n) && memchr(v->text, '\0', v->n) == NULL;
    if (*plain) return str_add(ctx, text, v->text, v->n);
    TRY(put(&w, NULL, v, 0));
    *plain = w.plain && text->n <= LONGEST;
    return RK_OK;
}
