/* formula.c: small formulas and conditions over a family's fields, as its tables say them.
 *
 *   sum      product { + - product }         product   atom { * / atom }, a quotient rounded down
 *   atom     number, field, (sum)            condition [!] field [ = < > >= value ], [!] +head
 *
 * The texts stand in our own tables, so a mistake in one is a broken promise. */
#include "io/decimal.h"
#include "model/config.h"
#include <math.h>
#include <string.h>

struct reading { rk_ctx *ctx; const struct config *c; int before; const char *at, *end; };

static bool is_digit(char c)  { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || c == '_' || is_digit(c); }

static bool take(struct reading *r, char c)
{
    bool there = r->at < r->end && *r->at == c;
    r->at += there;
    return there;
}

/* The row of a field; -1: none. */
static int field_row(const struct config *c, const char *name, size_t n)
{
    for (int i = 0; c->arch->fields[i].name != NULL; i++)
        if (word_is((struct word){ name, n }, c->arch->fields[i].name, strlen(c->arch->fields[i].name))) return i;
    return -1;
}

static rk_status number(struct reading *r, double *value)
{
    const char *begin = r->at;
    while (r->at < r->end && (is_digit(*r->at) || *r->at == '.')) r->at++;
    if (r->at < r->end && *r->at == 'e') {
        r->at++;
        if (!take(r, '-')) (void)take(r, '+');
        while (r->at < r->end && is_digit(*r->at)) r->at++;
    }
    *value = decimal_read(begin, (size_t)(r->at - begin));
    return RK_OK;
}

static rk_status sum(struct reading *r, double *value);

static rk_status atom(struct reading *r, double *value)
{
    rk_ctx *ctx = r->ctx;
    if (take(r, '(')) {
        TRY(sum(r, value));
        PROMISE(take(r, ')'));
        return RK_OK;
    }
    PROMISE(r->at < r->end && is_letter(*r->at));
    if (is_digit(*r->at)) return number(r, value);
    const char *name = r->at;
    while (r->at < r->end && is_letter(*r->at)) r->at++;
    int row = field_row(r->c, name, (size_t)(r->at - name));
    if (row < 0 || row >= r->before) return FAIL(RK_E_BUG, "%s has no field \"%.*s\" that can stand in a formula here", r->c->arch->title, (int)(r->at - name), name);
    *value = r->c->value[row];
    return RK_OK;
}

static rk_status product(struct reading *r, double *value)
{
    rk_ctx *ctx = r->ctx;
    TRY(atom(r, value));
    for (double factor;;) {
        bool times = take(r, '*');
        if (!times && !take(r, '/')) return RK_OK;
        TRY(atom(r, &factor));
        *value = times ? *value * factor : floor(*value / factor);
    }
}

static rk_status sum(struct reading *r, double *value)
{
    rk_ctx *ctx = r->ctx;
    TRY(product(r, value));
    for (double other;;) {
        bool plus = take(r, '+');
        if (!plus && !take(r, '-')) return RK_OK;
        TRY(product(r, &other));
        *value = plus ? *value + other : *value - other;
    }
}

rk_status config_formula(rk_ctx *ctx, const struct config *c, int before, const char *text, size_t n, double *value)
{
    struct reading r = { ctx, c, before, text, text + n };
    TRY(sum(&r, value));
    PROMISE(r.at == r.end);
    return RK_OK;
}

static rk_status condition(rk_ctx *ctx, const struct config *c, struct word w, bool *holds)
{
    bool not = w.n > 0 && w.at[0] == '!';
    const char *name = w.at + not, *end = w.at + w.n, *op = name;
    while (op < end && is_letter(*op)) op++;
    if (name < end && *name == '+') {
        const char *head = c->arch->heads[c->head].name;
        *holds = word_is((struct word){ name + 1, (size_t)(end - name - 1) }, head, strlen(head)) != not;
        return RK_OK;
    }
    int row = field_row(c, name, (size_t)(op - name));
    if (row < 0) return FAIL(RK_E_BUG, "%s has no field for the condition \"%.*s\"", c->arch->title, (int)w.n, w.at);
    bool equal = op < end && op[op + 1 < end && op[1] == '='] == '=';
    const char *value = op + (op < end) + (equal && *op != '=');
    if (c->arch->fields[row].kind == FIELD_CHOICE) {
        PROMISE(op < end && *op == '=');
        *holds = word_is((struct word){ value, (size_t)(end - value) }, c->text[row], strlen(c->text[row])) != not;
        return RK_OK;
    }
    double x = c->value[row], against = op < end ? decimal_read(value, (size_t)(end - value)) : 0;
    bool is = op == end ? x != 0 : (equal && x == against) || (*op == '<' && x < against) || (*op == '>' && x > against);
    *holds = is != not;
    return RK_OK;
}

rk_status config_holds(rk_ctx *ctx, const struct config *c, const char *conditions, bool *holds)
{
    *holds = true;
    for (const char *rest = conditions != NULL ? conditions : ""; *holds;) {
        struct word w;
        if (!word_next(&rest, &w)) return RK_OK;
        TRY(condition(ctx, c, w, holds));
    }
    return RK_OK;
}
