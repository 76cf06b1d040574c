/* formula.c: see formula.h. Read and computed in one walk, without a tree: a formula is looked at once. */
#include "books/formula.h"
#include <stdio.h>
#include <string.h>

struct reading {
    rk_ctx *ctx;
    const char *text, *at;
    const struct letters *letters;
    int depth;
};

const struct letter *letter_find(const struct letters *letters, const char *name, size_t length)
{
    for (int i = 0; i < letters->n; i++)
        if (strlen(letters->at[i].name) == length && memcmp(letters->at[i].name, name, length) == 0) return &letters->at[i];
    return NULL;
}

rk_status letter_set(rk_ctx *ctx, struct letters *letters, const char *name, int64_t value, const char *words)
{
    const struct letter *old = letter_find(letters, name, strlen(name));
    int i = old != NULL ? (int)(old - letters->at) : letters->n;
    if (i == MOST_LETTERS) return FAIL(RK_E_LIMIT, "%s: more than %d letters", name, MOST_LETTERS);
    letters->at[i] = (struct letter){ name, words, rational_of(value) };
    letters->n += old == NULL;
    return RK_OK;
}

/* --- the text, sign by sign --- */

static rk_status wrong(struct reading *r, rk_status status, const char *what)
{
    rk_ctx *ctx = r->ctx;
    return FAIL(status, "formula \"%.200s\", byte %d: %s", r->text, (int)(r->at - r->text), what);
}

static void blanks(struct reading *r) { r->at += strspn(r->at, " \t\n"); }

static bool take(struct reading *r, const char *sign)
{
    size_t n = strlen(sign);
    blanks(r);
    if (strncmp(r->at, sign, n) != 0) return false;
    r->at += n;
    return true;
}

static bool take_any(struct reading *r, const char *const *signs)
{
    for (; *signs != NULL; signs++)
        if (take(r, *signs)) return true;
    return false;
}

static const char *const signs_plus[] = { "+", NULL }, *const signs_minus[] = { "-", "−", NULL };
static const char *const signs_times[] = { "·", "*", "×", NULL }, *const signs_over[] = { "/", "÷", NULL };

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

static size_t name_length(const char *at)
{
    size_t n = 0;
    if (!is_letter(at[0])) return 0;
    while (is_letter(at[n]) || is_digit(at[n])) n++;
    return n;
}

/* --- values --- */

static rk_status sum(struct reading *r, struct rational *value);

static rk_status number(struct reading *r, struct rational *value)
{
    *value = rational_of(0);
    for (; is_digit(*r->at); r->at++)
        if (!rational_multiply(value, rational_of(10)) || !rational_add(value, rational_of(*r->at - '0')))
            return wrong(r, RK_E_LIMIT, "a number beyond 127 bits");
    return *r->at == '.' ? wrong(r, RK_E_ARG, "numbers are whole; write 3/2 for 1.5") : RK_OK;
}

static bool least(struct rational *value, struct rational other)
{
    int order;
    if (!rational_compare(other, *value, &order)) return false;
    if (order < 0) *value = other;
    return true;
}

static bool greatest(struct rational *value, struct rational other)
{
    int order;
    if (!rational_compare(other, *value, &order)) return false;
    if (order > 0) *value = other;
    return true;
}

static bool up(struct rational *value, struct rational none) { (void)none; return rational_ceil(value); }

static bool down(struct rational *value, struct rational none)
{
    (void)none;
    *value = rational_floor(*value);
    return true;
}

static const struct function { const char *name; bool several; bool (*apply)(struct rational *value, struct rational next); } functions[] = {
    { "min", true, least }, { "max", true, greatest }, { "ceil", false, up }, { "floor", false, down },
};

static rk_status call(struct reading *r, const struct function *f, struct rational *value)
{
    rk_ctx *ctx = r->ctx;
    struct rational next = rational_of(0);
    int n = 1;
    TRY(sum(r, value));
    for (; take(r, ","); n++) {
        if (!f->several) return wrong(r, RK_E_ARG, "this function takes one value");
        TRY(sum(r, &next));
        if (!f->apply(value, next)) return wrong(r, RK_E_LIMIT, "a number beyond 127 bits");
    }
    if (!take(r, ")")) return wrong(r, RK_E_ARG, "\")\" expected");
    if (f->several && n < 2) return wrong(r, RK_E_ARG, "this function takes two values or more");
    return f->several || f->apply(value, next) ? RK_OK : wrong(r, RK_E_LIMIT, "a number beyond 127 bits");
}

static rk_status unknown_letter(struct reading *r, size_t length)
{
    rk_ctx *ctx = r->ctx;
    char names[ERROR_HINT - 64] = "";
    for (int i = 0, used = 0; i < r->letters->n && used < (int)sizeof names; i++)
        used += snprintf(names + used, sizeof names - (size_t)used, "%s%s", i > 0 ? " " : "", r->letters->at[i].name);
    (void)FAIL(RK_E_UNKNOWN, "formula \"%.200s\", byte %d: %.*s has no value here", r->text, (int)(r->at - r->text), (int)(length > 40 ? 40 : length), r->at);
    return ctx_hint(ctx, "letters: %s; products are written with a sign, 2·B·T", names);
}

static rk_status name(struct reading *r, struct rational *value)
{
    size_t length = name_length(r->at);
    const struct letter *letter = letter_find(r->letters, r->at, length);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (strlen(functions[i].name) != length || memcmp(functions[i].name, r->at, length) != 0) continue;
        r->at += length;
        return take(r, "(") ? call(r, &functions[i], value) : wrong(r, RK_E_ARG, "\"(\" expected after a function");
    }
    if (letter == NULL) return unknown_letter(r, length);
    r->at += length;
    *value = letter->value;
    return RK_OK;
}

static rk_status atom(struct reading *r, struct rational *value)
{
    rk_ctx *ctx = r->ctx;
    if (take(r, "(")) {
        TRY(sum(r, value));
        return take(r, ")") ? RK_OK : wrong(r, RK_E_ARG, "\")\" expected");
    }
    if (is_digit(*r->at)) return number(r, value);
    if (is_letter(*r->at)) return name(r, value);
    return wrong(r, RK_E_ARG, "a number, a letter or \"(\" expected");
}

static rk_status exponent(struct reading *r, int *n)
{
    rk_ctx *ctx = r->ctx;
    struct rational written;
    *n = 1;
    if (take(r, "²")) *n = 2;
    else if (take(r, "³")) *n = 3;
    else if (take(r, "^")) {
        blanks(r);
        if (!is_digit(*r->at)) return wrong(r, RK_E_ARG, "a whole exponent expected");
        TRY(number(r, &written));
        if (written.over > FORMULA_POWER) return wrong(r, RK_E_LIMIT, "an exponent beyond 64");
        *n = (int)written.over;
    }
    return RK_OK;
}

static rk_status power(struct reading *r, struct rational *value)
{
    rk_ctx *ctx = r->ctx;
    struct rational base;
    int n;
    if (take_any(r, signs_minus)) {                         /* -2² is -(2²) */
        if (++r->depth > FORMULA_DEPTH) return wrong(r, RK_E_LIMIT, "nested too deeply");
        TRY(power(r, value));
        r->depth--;
        value->over = -value->over;
        return RK_OK;
    }
    TRY(atom(r, &base));
    TRY(exponent(r, &n));
    *value = n > 0 ? base : rational_of(1);
    for (; n > 1; n--)
        if (!rational_multiply(value, base)) return wrong(r, RK_E_LIMIT, "a number beyond 127 bits");
    return RK_OK;
}

static rk_status product(struct reading *r, struct rational *value)
{
    rk_ctx *ctx = r->ctx;
    struct rational next;
    TRY(power(r, value));
    for (;;) {
        bool times = take_any(r, signs_times), over = !times && take_any(r, signs_over);
        if (!times && !over) return RK_OK;
        TRY(power(r, &next));
        if (over && next.over == 0) return wrong(r, RK_E_LIMIT, "a division by zero");
        if (!(times ? rational_multiply(value, next) : rational_divide(value, next))) return wrong(r, RK_E_LIMIT, "a number beyond 127 bits");
    }
}

static rk_status sum(struct reading *r, struct rational *value)
{
    rk_ctx *ctx = r->ctx;
    struct rational next;
    if (++r->depth > FORMULA_DEPTH) return wrong(r, RK_E_LIMIT, "nested too deeply");
    TRY(product(r, value));
    for (;;) {
        bool plus = take_any(r, signs_plus), minus = !plus && take_any(r, signs_minus);
        if (!plus && !minus) break;
        TRY(product(r, &next));
        if (!(plus ? rational_add(value, next) : rational_subtract(value, next))) return wrong(r, RK_E_LIMIT, "a number beyond 127 bits");
    }
    r->depth--;
    return RK_OK;
}

rk_status formula_value(rk_ctx *ctx, const char *text, const struct letters *letters, struct rational *value)
{
    struct reading r = { ctx, text, text, letters, 0 };
    if (strlen(text) > FORMULA_BYTES) return FAIL(RK_E_LIMIT, "a formula of %zu bytes: at most %d", strlen(text), FORMULA_BYTES);
    TRY(sum(&r, value));
    blanks(&r);
    return *r.at == '\0' ? RK_OK : wrong(&r, RK_E_ARG, "a sign or the end expected");
}

rk_status formula_spell(rk_ctx *ctx, const char *text, int n, const struct rename *renames, struct str *out)
{
    for (const char *at = text; *at != '\0';) {
        size_t length = name_length(at);
        const char *to = NULL;
        for (int i = 0; i < n; i++)
            if (strlen(renames[i].from) == length && memcmp(renames[i].from, at, length) == 0) to = renames[i].to;
        if (length == 0) length = 1;
        TRY(to != NULL ? str_text(ctx, out, to) : str_add(ctx, out, at, length));
        at += length;
    }
    return RK_OK;
}
