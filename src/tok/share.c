/* share.c: the lock around the context. */
#include "tok/share.h"
#include "base/pages.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

rk_status share_begin(rk_ctx *ctx, struct share *s)
{
    s->ctx = ctx;
    atomic_init(&s->status, RK_OK);
    int error = pthread_mutex_init(&s->lock, NULL);
    return error == 0 ? RK_OK : FAIL(RK_E_NOMEM, "cannot make a lock: %s", strerror(error));
}

rk_status share_end(struct share *s)
{
    (void)pthread_mutex_destroy(&s->lock);
    return (rk_status)atomic_load(&s->status);
}

bool share_resize(struct share *s, void **p, size_t old_count, size_t count, size_t size, const char *what)
{
    (void)pthread_mutex_lock(&s->lock);
    rk_status status = share_failed(s) ? RK_E_NOMEM : mem_resize(s->ctx, p, old_count, count, size, what);
    int none = RK_OK;
    if (status != RK_OK) (void)atomic_compare_exchange_strong(&s->status, &none, (int)status);
    (void)pthread_mutex_unlock(&s->lock);
    return status == RK_OK;
}

void *share_raw(struct share *s, size_t bytes, const char *what)
{
    void *p = NULL;
    (void)pthread_mutex_lock(&s->lock);
    rk_status status = share_failed(s) ? RK_E_NOMEM : mem_raw(s->ctx, &p, bytes, what);
    int none = RK_OK;
    if (status != RK_OK) (void)atomic_compare_exchange_strong(&s->status, &none, (int)status);
    (void)pthread_mutex_unlock(&s->lock);
    if (p != NULL) pages_large(p, bytes);
    return p;
}

void *share_zeroed(struct share *s, size_t count, size_t size, const char *what)
{
    void *p = share_raw(s, count * size, what);
    return p != NULL ? memset(p, 0, count * size) : NULL;
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
