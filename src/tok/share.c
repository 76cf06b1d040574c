/* share.c: the lock around the context. */
#include "tok/share.h"
#include "base/pages.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

rk_status share_begin(rk_ctx *ctx, struct share *s)
{
    s->ctx = ctx;
    s->limit = 0;
    atomic_init(&s->status, RK_OK);
    int error = pthread_mutex_init(&s->lock, NULL);
    return error == 0 ? RK_OK : FAIL(RK_E_NOMEM, "cannot make a lock: %s", strerror(error));
}

rk_status share_end(struct share *s)
{
    (void)pthread_mutex_destroy(&s->lock);
    return (rk_status)atomic_load(&s->status);
}

/* Under the lock: the first failure is kept. */
static bool keep(struct share *s, rk_status status)
{
    int none = RK_OK;
    if (status != RK_OK) (void)atomic_compare_exchange_strong(&s->status, &none, (int)status);
    return status == RK_OK;
}

/* Under the lock: `more` bytes beside those in use. */
static rk_status within(const struct share *s, size_t more, const char *what)
{
    rk_ctx *ctx = s->ctx;
    if (s->limit == 0 || (ctx->bytes <= s->limit && more <= s->limit - ctx->bytes)) return RK_OK;
    (void)FAIL(RK_E_LIMIT, "%s: %zu bytes more, beside the %zu in use, are beyond the %zu allowed", what, more, ctx->bytes, s->limit);
    return ctx_hint(ctx, "allow more memory");
}

static rk_status resize(struct share *s, void **p, size_t old_count, size_t count, size_t size, const char *what)
{
    size_t bytes;
    rk_status status = size_mul(count, size, &bytes) && count > old_count ? within(s, bytes - old_count * size, what) : RK_OK;
    return status == RK_OK ? mem_resize(s->ctx, p, old_count, count, size, what) : status;
}

static rk_status raw(struct share *s, void **p, size_t bytes, const char *what)
{
    rk_status status = within(s, bytes, what);
    return status == RK_OK ? mem_raw(s->ctx, p, bytes, what) : status;
}

bool share_resize(struct share *s, void **p, size_t old_count, size_t count, size_t size, const char *what)
{
    (void)pthread_mutex_lock(&s->lock);
    bool done = keep(s, share_failed(s) ? RK_E_NOMEM : resize(s, p, old_count, count, size, what));
    (void)pthread_mutex_unlock(&s->lock);
    return done;
}

bool share_raw(struct share *s, void **p, size_t bytes, const char *what)
{
    (void)pthread_mutex_lock(&s->lock);
    bool done = keep(s, share_failed(s) ? RK_E_NOMEM : raw(s, p, bytes, what));
    (void)pthread_mutex_unlock(&s->lock);
    return done;
}

void *share_zeroed(struct share *s, size_t count, size_t size, const char *what)
{
    void *p;
    if (!share_raw(s, &p, count * size, what)) return NULL;
    pages_large(p, count * size);
    return memset(p, 0, count * size);
}

void share_free(struct share *s, void *p, size_t count, size_t size)
{
    (void)pthread_mutex_lock(&s->lock);
    mem_free(s->ctx, p, count, size);
    (void)pthread_mutex_unlock(&s->lock);
}

bool share_fail(struct share *s, rk_status status, const char *format, ...)
{
    char words[ERROR_TEXT];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(words, sizeof words, format, list);
    va_end(list);
    (void)pthread_mutex_lock(&s->lock);
    if (!share_failed(s)) {
        rk_ctx *ctx = s->ctx;
        atomic_store(&s->status, (int)FAIL(status, "%s", words));
    }
    (void)pthread_mutex_unlock(&s->lock);
    return false;
}

bool share_room(struct share *s, void **p, size_t *room, size_t want, size_t size, const char *what)
{
    size_t fresh = *room < SIZE_MAX / 2 && *room * 2 > want ? *room * 2 : want;
    if (!share_resize(s, p, *room, fresh, size, what)) return false;
    *room = fresh;
    return true;
}
