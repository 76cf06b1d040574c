/* decode_text.c: ids to text that is valid UTF-8, or is said not to be: what a caller needs who has no use for bytes. */
#include "base/utf8.h"
#include "tok/tok.h"

/* Where the first byte that is no UTF-8 stands; n when there is none. */
static size_t first_invalid(const char *bytes, size_t n)
{
    for (size_t i = 0, step; (i += utf8_ascii(bytes + i, n - i)) < n; i += step) {
        uint32_t code;
        step = utf8_next(bytes + i, n - i, &code);
        if (code == UTF8_INVALID) return i;
    }
    return n;
}

static rk_status take(rk_ctx *ctx, const rk_bytes *raw, rk_errors errors, rk_bytes *text)
{
    size_t at = errors == RK_ERRORS_STRICT ? first_invalid(raw->at, raw->n) : raw->n;
    if (at == raw->n) return rk_bytes_replace(ctx, raw->at, raw->n, text);
    (void)FAIL(RK_E_FORMAT, "the ids decode to %zu bytes, and what begins with 0x%02x at byte %zu is no UTF-8", raw->n, (unsigned char)raw->at[at], at);
    return ctx_hint(ctx, "a text that was cut between tokens may end, or begin, inside a character: decode with U+FFFD for it, or to bytes");
}

rk_status rk_tok_decode_text(rk_ctx *ctx, const rk_tok *tok, const uint32_t *ids, size_t n, unsigned flags, rk_errors errors, rk_bytes *text)
{
    rk_bytes raw = { 0 };
    if ((unsigned)errors > RK_ERRORS_STRICT) return FAIL(RK_E_ARG, "errors %d: no such choice", (int)errors);
    rk_status status = rk_tok_decode(ctx, tok, ids, n, flags, &raw);
    if (status == RK_OK) status = take(ctx, &raw, errors, text);
    rk_bytes_free(ctx, &raw);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}
