/* stops.c: see stops.h. */
#include "infer/stops.h"
#include <string.h>

/* How many bytes at the end of `text` are the beginning of a stop: a longer beginning first. */
static int hold(const struct stops *s, const char *text, int n)
{
    for (int from = 0; from < n; from++)
        for (size_t i = 0; i < s->n; i++)
            if (strlen(s->texts[i]) > (size_t)(n - from) && memcmp(text + from, s->texts[i], (size_t)(n - from)) == 0) return n - from;
    return 0;
}

/* Where the first stop begins; n: nowhere. */
static int find(const struct stops *s, const char *text, int n)
{
    for (int from = 0; from < n; from++)
        for (size_t i = 0; i < s->n; i++) {
            size_t length = strlen(s->texts[i]);
            if (length > 0 && length <= (size_t)(n - from) && memcmp(text + from, s->texts[i], length) == 0) return from;
        }
    return n;
}

rk_status stops_push(rk_ctx *ctx, struct stops *s, rk_text piece, rk_text *ready)
{
    *ready = (rk_text){ "", 0 };
    if (s->found) return RK_OK;
    if (s->given > 0) {                                                 /* what the last call gave away */
        memmove(s->held.at, s->held.at + s->given, (size_t)(s->held.n - s->given));
        s->held.n -= s->given;
    }
    s->given = 0;
    TRY(str_add(ctx, &s->held, piece.at, piece.n));
    int end = find(s, str_c(&s->held), s->held.n);
    s->found = end < s->held.n;
    s->given = s->found ? end : end - hold(s, str_c(&s->held), s->held.n);
    *ready = (rk_text){ str_c(&s->held), (size_t)s->given };
    return RK_OK;
}

rk_text stops_end(struct stops *s)
{
    if (s->found) return (rk_text){ "", 0 };
    rk_text rest = { str_c(&s->held) + s->given, (size_t)(s->held.n - s->given) };
    s->given = s->held.n;
    return rest;
}

void stops_clear(rk_ctx *ctx, struct stops *s) { str_free(ctx, &s->held); }
