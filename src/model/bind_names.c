/* bind_names.c: names in files held against a family's table: prefixes stripped, * a number. */
#include "model/bind.h"
#include <string.h>

static const char *const prefixes = "transformer. model. module. _orig_mod.";

struct word bind_strip(const struct arch *arch, const char *name, size_t n)
{
    struct word left = { name, n };
    for (bool again = true; again;) {
        const char *lists[] = { prefixes, arch->prefix };
        again = false;
        for (int i = 0; i < 2; i++)
            for (struct word p; word_next(&lists[i], &p);) {
                if (left.n <= p.n || memcmp(left.at, p.at, p.n) != 0) continue;
                left = (struct word){ left.at + p.n, left.n - p.n };
                again = true;
            }
    }
    return left;
}

bool bind_matches(struct word pattern, const char *text, size_t n, bool loose, struct word *number)
{
    size_t at = 0;
    *number = (struct word){ "", 0 };
    for (size_t i = 0; i < pattern.n; i++) {
        if (pattern.at[i] != '*') {
            if (at == n || text[at++] != pattern.at[i]) return false;
            continue;
        }
        if (loose && i + 1 == pattern.n) return at < n;
        struct word digits = { text + at, 0 };
        while (at < n && text[at] >= '0' && text[at] <= '9') at++, digits.n++;
        if (digits.n == 0 || (number->n > 0 && !word_is(*number, digits.at, digits.n))) return false;
        *number = digits;
    }
    return at == n;
}

const struct binding *bind_row(const struct arch *arch, const char *role, struct word *number)
{
    for (const struct binding *row = arch->bindings; row->names != NULL; row++)
        if (row->role != NULL && bind_matches((struct word){ row->role, strlen(row->role) }, role, strlen(role), false, number)) return row;
    return NULL;
}

static rk_status fill_in(rk_ctx *ctx, struct word pattern, struct word number, struct str *out)
{
    for (size_t i = 0; i < pattern.n; i++) {
        if (pattern.at[i] == '*') TRY(str_add(ctx, out, number.at, number.n));
        else TRY(str_add(ctx, out, pattern.at + i, 1));
    }
    return RK_OK;
}

rk_status bind_name(rk_ctx *ctx, const struct binding *row, struct word number, int k, struct str *out)
{
    const char *rest = row->names;
    for (struct word w; word_next(&rest, &w);)
        if (k-- == 0) return fill_in(ctx, w, number, out);
    return FAIL(RK_E_MISSING, "%s has no further name", row->role);
}

/* The parameter in which a role's number has been filled in. */
static int parameter_of(rk_ctx *ctx, const struct built *built, const struct binding *row, struct word number)
{
    struct str role = { 0 };
    int found = -1;
    if (fill_in(ctx, (struct word){ row->role, strlen(row->role) }, number, &role) == RK_OK)
        for (int i = 0; i < built_stored(built) && found < 0; i++)
            if (strcmp(built->parameters.at[i].name, str_c(&role)) == 0) found = i;
    str_free(ctx, &role);
    return found;
}

int bind_find(rk_ctx *ctx, const struct arch *arch, const struct built *built, const char *name, size_t n)
{
    struct word plain = bind_strip(arch, name, n), number;
    for (const struct binding *row = arch->bindings; row->names != NULL; row++) {
        const char *rest = row->names;
        for (struct word w; row->role != NULL && word_next(&rest, &w);) {
            if (!bind_matches(w, plain.at, plain.n, false, &number)) continue;
            int found = parameter_of(ctx, built, row, number);
            if (found >= 0) return found;
        }
    }
    return -1;
}
