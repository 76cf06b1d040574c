/* ctx.c: contexts and the error record. Not here: memory (mem.c), threads (par.c). */
#include "base/ctx.h"
#include "base/mem.h"
#include "base/par.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *resize_libc(void *user, void *old, size_t old_bytes, size_t bytes)
{
    (void)user;
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    void *fresh = NULL;
    if (posix_memalign(&fresh, 64, bytes) != 0) return NULL;
    if (old != NULL) {
        memcpy(fresh, old, old_bytes < bytes ? old_bytes : bytes);
        free(old);
    }
    return fresh;
}

rk_status rk_ctx_open(const rk_options *options, rk_ctx **out)
{
    static const rk_options defaults;
    if (out == NULL) return RK_E_ARG;
    *out = NULL;
    if (options == NULL) options = &defaults;
    if (options->threads < 0 || options->threads > PAR_MOST) return RK_E_ARG;
    rk_allocator allocator = options->allocator;
    if (allocator.resize == NULL) allocator.resize = resize_libc;
    rk_ctx *ctx = allocator.resize(allocator.user, NULL, 0, sizeof *ctx);
    if (ctx == NULL) return RK_E_NOMEM;
    memset(ctx, 0, sizeof *ctx);
    ctx->allocator = allocator;
    ctx->log       = options->log;
    ctx->log_user  = options->log_user;
    ctx->loaded    = options->loaded;
    ctx->loaded_user = options->loaded_user;
    ctx->threads   = options->threads > 0 ? options->threads : par_processors();
    *out = ctx;
    return RK_OK;
}

void rk_ctx_close(rk_ctx *ctx)
{
    if (ctx == NULL) return;
    par_free(ctx);
    rk_allocator allocator = ctx->allocator;
    allocator.resize(allocator.user, ctx, sizeof *ctx, 0);
}

const char *rk_error_message(const rk_ctx *ctx) { return ctx == NULL ? "" : ctx->message; }
const char *rk_error_hint(const rk_ctx *ctx)    { return ctx == NULL ? "" : ctx->hint; }
const char *rk_error_trail(const rk_ctx *ctx)   { return ctx == NULL ? "" : ctx->trail; }
rk_status   rk_error_status(const rk_ctx *ctx)  { return ctx == NULL ? RK_E_ARG : ctx->status; }
int         rk_ctx_threads(const rk_ctx *ctx)   { return ctx->threads; }
size_t      rk_ctx_bytes(const rk_ctx *ctx)     { return ctx->bytes; }
size_t      rk_ctx_peak_bytes(const rk_ctx *ctx) { return ctx->peak; }

void rk_error_clear(rk_ctx *ctx)
{
    ctx->status = RK_OK;
    ctx->message[0] = ctx->hint[0] = ctx->trail[0] = '\0';
}

const char *rk_status_name(rk_status status)
{
    static const char *const names[] = {
#define ROW(name, words) #name,
#include "reckon/status.def"
#undef ROW
    };
    return (unsigned)status < RK_STATUS_COUNT ? names[status] : "?";
}

const char *rk_status_words(rk_status status)
{
    static const char *const words_of[] = {
#define ROW(name, words) words,
#include "reckon/status.def"
#undef ROW
    };
    return (unsigned)status < RK_STATUS_COUNT ? words_of[status] : "?";
}

rk_status ctx_fail(rk_ctx *ctx, rk_status status, const char *file, int line, const char *function, const char *format, ...)
{
    rk_error_clear(ctx);
    ctx->status = status;
    va_list list;
    va_start(list, format);
    (void)vsnprintf(ctx->message, sizeof ctx->message, format, list);
    va_end(list);
    return ctx_pass(ctx, status, file, line, function);
}

rk_status ctx_pass(rk_ctx *ctx, rk_status status, const char *file, int line, const char *function)
{
    if (ctx->status == RK_OK) ctx->status = status;            /* a status that nobody recorded: keep at least that */
    const char *room = strstr(file, "src/");
    size_t used = strlen(ctx->trail);
    (void)snprintf(ctx->trail + used, sizeof ctx->trail - used, "%s:%d %s\n", room != NULL ? room : file, line, function);
    return status;
}

rk_status ctx_hint(rk_ctx *ctx, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    (void)vsnprintf(ctx->hint, sizeof ctx->hint, format, list);
    va_end(list);
    return ctx->status;
}

void ctx_log(rk_ctx *ctx, rk_level level, const char *format, ...)
{
    if (ctx->log == NULL) return;
    char line[1024];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(line, sizeof line, format, list);
    va_end(list);
    ctx->log(ctx->log_user, level, line);
}
