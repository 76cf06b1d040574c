/* json_string.c: a string, decoded where it stands: what it says is never longer than how it is written. Sources: RFC 8259 section 7, RFC 3629. */
#include "base/utf8.h"
#include "io/json_parser.h"
#include <string.h>

static bool hex4(const char *text, size_t n, uint32_t *code)
{
    *code = 0;
    if (n < 4) return false;
    for (int i = 0; i < 4; i++) {
        uint32_t digit = (uint32_t)(unsigned char)text[i] - '0', letter = ((uint32_t)(unsigned char)text[i] | 0x20) - 'a';
        if (digit > 9 && letter > 5) return false;
        *code = *code * 16 + (digit <= 9 ? digit : letter + 10);
    }
    return true;
}

/* \uXXXX, or two of them for a code point beyond U+FFFF; p->at is after the u. */
static rk_status unicode(struct json_parser *p, size_t *to)
{
    uint32_t code, low;
    size_t from = p->at - 2;
    if (!hex4(p->text + p->at, p->n - p->at, &code)) return parser_fail(p, from, RK_E_FORMAT, "expected four hexadecimal digits after \\u", "");
    p->at += 4;
    if (code >= 0xd800 && code < 0xe000) {
        bool pair = code < 0xdc00 && p->n - p->at >= 6 && p->text[p->at] == '\\' && p->text[p->at + 1] == 'u'
                    && hex4(p->text + p->at + 2, 4, &low) && low >= 0xdc00 && low < 0xe000;
        if (!pair) return parser_fail(p, from, RK_E_FORMAT, "half of a surrogate pair, which is no character", "");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        p->at += 6;
    }
    *to += utf8_put(p->text + *to, code);
    return RK_OK;
}

static rk_status escape(struct json_parser *p, size_t *to)
{
    static const char written[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char c = p->text[p->at + 1];
    if (c == 'u') {
        p->at += 2;
        return unicode(p, to);
    }
    const char *known = c == '\0' ? NULL : strchr(written, c);
    if (known == NULL) return parser_fail(p, p->at, RK_E_FORMAT, "expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u after a backslash", "");
    p->text[(*to)++] = meant[known - written];
    p->at += 2;
    return RK_OK;
}

/* One character of a string, from p->at to `to`. */
static rk_status character(struct json_parser *p, size_t *to)
{
    unsigned char c = (unsigned char)p->text[p->at];
    uint32_t code;
    if (c == '\\') return escape(p, to);
    if (p->at == p->n) return parser_expected(p, "the closing quote of a string");
    if (c < 0x20) return parser_fail(p, p->at, RK_E_FORMAT, "a control character inside a string: it must be written as \\u00XX", "");
    size_t step = utf8_next(p->text + p->at, p->n - p->at, &code);
    if (code == UTF8_INVALID) return parser_fail(p, p->at, RK_E_FORMAT, "invalid UTF-8 inside a string", "");
    memmove(p->text + *to, p->text + p->at, step);
    *to += step;
    p->at += step;
    return RK_OK;
}

/* How many bytes from `at` on stand for themselves: eight at a time, until one of them is a quote, a backslash, a
 * control character or no ASCII; fewer where less than eight are left. Source of the test for a zero byte: Warren, Hacker's Delight 6-1; a borrow goes upwards, so
 * the lowest byte that it finds is one, and the first of the text where the lowest byte lies first. */
static size_t plain_run(const char *at, const char *end)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    const char *t = at;
    for (uint64_t v; end - t >= 8; t += 8) {
        memcpy(&v, t, 8);
        uint64_t quote = v ^ ones * '"', slash = v ^ ones * '\\';
        uint64_t found = (((quote - ones) & ~quote) | ((slash - ones) & ~slash) | (v - ones * 0x20) | v) & tops;
        if (found != 0) return (size_t)(t - at) + (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? (size_t)__builtin_ctzll(found) / 8 : 0);
    }
    return (size_t)(t - at);
}

/* A short string, as keys and spellings are, whose characters stand for themselves. false: it is another, and nothing is read. */
static inline bool plain_string(struct json_parser *p, const char **text, uint32_t *n)
{
    enum { HERE = 1, TWO = 2, SHORT = 24 };
    static const uint8_t is[256] = {
#define Y HERE, HERE, HERE, HERE
#define D TWO, TWO, TWO, TWO
        [0x20] = HERE, HERE, 0, HERE, Y, Y, Y, Y, Y, Y, Y, Y, Y, Y, Y, Y, Y, Y, [0x5c] = 0, HERE, HERE, HERE, Y, Y, Y, Y, Y, Y, Y, Y,
        [0xc2] = TWO, TWO, D, D, D, D, D, D, D
#undef Y
#undef D
    };
    char *first = p->text + p->at + 1, *t = first;
    const char *end = p->n - p->at > SHORT ? first + SHORT : first;
    for (; t < end; t++) {
        uint8_t what = is[(unsigned char)*t];
        if (what == HERE) continue;
        if (what != TWO || (t[1] & 0xc0) != 0x80) break;
        t++;
    }
    if (*t != '"' || t >= end) return false;
    *t = '\0';
    *text = first;
    *n = (uint32_t)(t - first);
    p->at += *n + 2;
    return true;
}

rk_status parser_string(struct json_parser *p, const char **text, uint32_t *n)
{
    rk_ctx *ctx = p->ctx;
    if (plain_string(p, text, n)) return RK_OK;
    size_t first = ++p->at, run = plain_run(p->text + first, p->text + p->n), to = first + run;
    p->at += run;
    for (unsigned char c; (c = (unsigned char)p->text[p->at]) != '"';) {
        bool plain = c >= 0x20 && c < 0x80 && c != '\\';
        if (plain) {
            p->text[to++] = (char)c;
            p->at++;
        } else TRY(character(p, &to));
    }
    p->at++;
    p->text[to] = '\0';
    *text = p->text + first;
    *n = (uint32_t)(to - first);
    return RK_OK;
}
