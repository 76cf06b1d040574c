/* str.c: appending, formatting, quoting. */
#include "base/str.h"
#include "base/utf8.h"
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

rk_status str_add(rk_ctx *ctx, struct str *s, const char *bytes, size_t n)
{
    if (n > (size_t)(INT_MAX / 2 - s->n - 1)) return FAIL(RK_E_LIMIT, "a text would grow beyond %d bytes", INT_MAX / 2);
    TRY(VEC_ROOM(s, (int)n + 1));
    if (n > 0) memcpy(s->at + s->n, bytes, n);
    s->n += (int)n;
    s->at[s->n] = '\0';
    return RK_OK;
}

rk_status str_text(rk_ctx *ctx, struct str *s, const char *text) { return str_add(ctx, s, text, strlen(text)); }

rk_status str_format(rk_ctx *ctx, struct str *s, const char *format, ...)
{
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int room = s->room - s->n, n = vsnprintf(room > 0 ? s->at + s->n : NULL, (size_t)room, format, list);      /* mostly it fits */
    va_end(list);
    rk_status status = n < 0 ? FAIL(RK_E_BUG, "cannot format \"%s\"", format) : VEC_ROOM(s, n + 1);
    if (status == RK_OK && n >= room) (void)vsnprintf(s->at + s->n, (size_t)n + 1, format, again);
    if (status == RK_OK) s->n += n;
    else if (room > 0) s->at[s->n] = '\0';
    va_end(again);
    return status;
}

rk_status str_uint(rk_ctx *ctx, struct str *s, uint64_t number)
{
    char digits[24];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    return str_add(ctx, s, digits + at, sizeof digits - at);
}

/* Most of what is quoted: letters that stand for themselves. */
static bool is_plain(char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

rk_status str_json(rk_ctx *ctx, struct str *s, const char *bytes, size_t n)
{
    TRY(str_add(ctx, s, "\"", 1));
    for (size_t i = 0, plain; i < n;) {
        uint32_t code;
        for (plain = i; plain < n && is_plain(bytes[plain]);) plain++;
        if (plain > i) TRY(str_add(ctx, s, bytes + i, plain - i));
        i = plain;
        if (i == n) break;
        size_t step = utf8_next(bytes + i, n - i, &code);
        if (code == '"' || code == '\\') TRY(str_format(ctx, s, "\\%c", (char)code));
        else if (code == '\n') TRY(str_add(ctx, s, "\\n", 2));
        else if (code == '\t') TRY(str_add(ctx, s, "\\t", 2));
        else if (code == '\r') TRY(str_add(ctx, s, "\\r", 2));
        else if (code < 0x20 || code == 0x7f) TRY(str_format(ctx, s, "\\u%04x", code));
        else if (code == UTF8_INVALID) TRY(str_add(ctx, s, "\xef\xbf\xbd", 3));
        else TRY(str_add(ctx, s, bytes + i, step));
        i += step;
    }
    return str_add(ctx, s, "\"", 1);
}

void str_free(rk_ctx *ctx, struct str *s) { VEC_FREE(s); }

bool str_ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && memcmp(text + n - m, end, m) == 0;
}
