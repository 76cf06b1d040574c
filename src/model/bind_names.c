/* bind_names.c: names in files held against a family's table: prefixes stripped, * a number. */
#include "model/bind.h"
#include <string.h>

static const char *const prefixes = "transformer. model. module. _orig_mod.";

void bind_prefixes(const struct arch *arch, struct prefixes *all)
{
    const char *lists[] = { prefixes, arch->prefix };
    all->n = 0;
    for (int i = 0; i < 2; i++)
        while (all->n < MOST_PREFIXES && word_next(&lists[i], &all->at[all->n])) all->n++;
}

struct word bind_strip_with(const struct prefixes *all, const char *name, size_t n)
{
    struct word left = { name, n };
    for (int i = 0; i < all->n; i++) {
        struct word p = all->at[i];
        if (left.n <= p.n || left.at[0] != p.at[0] || memcmp(left.at, p.at, p.n) != 0) continue;
        left = (struct word){ left.at + p.n, left.n - p.n };
        i = -1;                         /* they stand in any order: from the first again */
    }
    return left;
}

struct word bind_strip(const struct arch *arch, const char *name, size_t n)
{
    struct prefixes all;
    bind_prefixes(arch, &all);
    return bind_strip_with(&all, name, n);
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

rk_status bind_fill(rk_ctx *ctx, struct word pattern, struct word number, struct str *out)
{
    const char *at = pattern.at, *end = at + pattern.n;
    for (const char *star; (star = memchr(at, '*', (size_t)(end - at))) != NULL; at = star + 1) {
        TRY(str_add(ctx, out, at, (size_t)(star - at)));
        TRY(str_add(ctx, out, number.at, number.n));
    }
    return str_add(ctx, out, at, (size_t)(end - at));
}

rk_status bind_name(rk_ctx *ctx, const struct binding *row, struct word number, int k, struct str *out)
{
    const char *rest = row->names;
    for (struct word w; word_next(&rest, &w);)
        if (k-- == 0) return bind_fill(ctx, w, number, out);
    return FAIL(RK_E_MISSING, "%s has no further name", row->role);
}

/* The parameter in which a role's number has been filled in. */
static rk_status parameter_of(rk_ctx *ctx, const struct built *built, const struct binding *row, struct word number, int *parameter)
{
    struct str role = { 0 };
    rk_status status = bind_fill(ctx, (struct word){ row->role, strlen(row->role) }, number, &role);
    if (status == RK_OK) *parameter = built_find(built, str_c(&role), (size_t)role.n);
    str_free(ctx, &role);
    return status;
}

rk_status bind_find(rk_ctx *ctx, const struct arch *arch, const struct built *built, const char *name, size_t n, int *parameter)
{
    struct word plain = bind_strip(arch, name, n), number;
    *parameter = -1;
    for (const struct binding *row = arch->bindings; row->names != NULL; row++) {
        const char *rest = row->names;
        for (struct word w; row->role != NULL && word_next(&rest, &w);) {
            if (bind_matches(w, plain.at, plain.n, false, &number)) TRY(parameter_of(ctx, built, row, number, parameter));
            if (*parameter >= 0) return RK_OK;
        }
    }
    return RK_OK;
}
