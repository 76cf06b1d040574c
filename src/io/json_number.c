/* json_number.c: numbers, and the words that are values: null, true, false, and Python's three. Source: RFC 8259 sections 3 and 6. */
#include "io/decimal.h"
#include "io/json_parser.h"
#include <string.h>

enum { SURE_DIGITS = 18 };                      /* so many fit into 64 bits, whatever they are */
_Static_assert(DECIMAL_MOST == 1000, "a message below names this bound");

bool parser_skip_word(struct json_parser *p, const char *word)
{
    size_t n = strlen(word);
    if (p->n - p->at < n || memcmp(p->text + p->at, word, n) != 0) return false;
    p->at += n;
    return true;
}

static size_t digits(const struct json_parser *p, size_t at)
{
    size_t n = 0;
    while (p->text[at + n] >= '0' && p->text[at + n] <= '9') n++;
    return n;
}

/* Most numbers: a few digits, and nothing behind them. */
static bool plain_number(struct json_parser *p, struct json *v)
{
    const char *first = p->text + p->at, *t = first;
    uint64_t value = 0;
    for (unsigned digit; (digit = (unsigned)*t - '0') < 10; t++) value = value * 10 + digit;
    if (t == first || (*first == '0' && t - first > 1) || t - first > SURE_DIGITS || *t == '.' || (*t | 0x20) == 'e') return false;
    v->kind = JSON_INT;
    v->text = first;
    v->n = (uint32_t)(t - first);
    v->integer = (int64_t)value;
    p->at += v->n;
    return true;
}

rk_status parser_number(struct json_parser *p, struct json *v)
{
    if (plain_number(p, v)) return RK_OK;
    size_t first = p->at, at = first + (p->text[first] == '-'), n = digits(p, at);
    if (n == 0) return parser_expected(p, "a value");
    if (n > 1 && p->text[at] == '0') return parser_fail(p, first, RK_E_FORMAT, "a number with a leading zero", "");
    bool whole = true;
    at += n;
    if (p->text[at] == '.') {
        whole = false;
        if ((n = digits(p, at + 1)) == 0) return parser_fail(p, at, RK_E_FORMAT, "expected a digit after the decimal point", "");
        at += n + 1;
    }
    if (p->text[at] == 'e' || p->text[at] == 'E') {
        whole = false;
        at += p->text[at + 1] == '-' || p->text[at + 1] == '+' ? 2 : 1;
        if ((n = digits(p, at)) == 0) return parser_fail(p, at, RK_E_FORMAT, "expected a digit in the exponent", "");
        at += n;
    }
    if (at - first > DECIMAL_MOST) return parser_fail(p, first, RK_E_LIMIT, "a number of more than 1000 characters", "");
    v->text = p->text + first;
    v->n = (uint32_t)(at - first);
    v->kind = JSON_INT;
    p->at = at;
    if (whole && decimal_integer(v->text, v->n, &v->integer)) return RK_OK;
    v->kind = JSON_DOUBLE;
    v->real = decimal_read(v->text, v->n);
    if (v->real - v->real != 0) return parser_fail(p, first, RK_E_LIMIT, "a number beyond what a double can hold", "");
    return RK_OK;
}

/* null, true, false, and with JSON_NAN three more. */
bool parser_word(struct json_parser *p, struct json *v)
{
    static const struct { const char *text; unsigned flag; int kind; bool truth; double real; } words[] = {
        { "null", 0, JSON_NULL, false, 0 }, { "true", 0, JSON_BOOL, true, 0 }, { "false", 0, JSON_BOOL, false, 0 },
        { "NaN", JSON_NAN, JSON_DOUBLE, false, __builtin_nan("") }, { "Infinity", JSON_NAN, JSON_DOUBLE, false, __builtin_inf() },
        { "-Infinity", JSON_NAN, JSON_DOUBLE, false, -__builtin_inf() },
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if ((words[i].flag & ~p->flags) != 0 || !parser_skip_word(p, words[i].text)) continue;
        v->kind = (uint8_t)words[i].kind;
        v->n = (uint32_t)strlen(words[i].text);
        v->text = words[i].text;
        if (v->kind == JSON_BOOL) v->truth = words[i].truth;
        if (v->kind == JSON_DOUBLE) v->real = words[i].real;
        return true;
    }
    return false;
}
