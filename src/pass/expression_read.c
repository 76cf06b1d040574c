/* expression_read.c: "b s (h k), h k d -> b s d" into sides and names; and the mistakes that names can show by themselves.
 *
 * Not here: what the expression means (expression.c), what an einsum may look like (core/equation.c). */
#include "pass/expression.h"
#include <string.h>

bool said_is(const struct said *a, const char *name, int length) { return a->length == length && memcmp(a->at, name, (size_t)length) == 0; }

int side_find(const struct side *s, const struct said *name)
{
    for (int i = 0; i < s->n; i++)
        if (said_is(&s->name[i], name->at, name->length)) return i;
    return -1;
}

int side_group(const struct side *s, int group, int *n)
{
    int first = 0;
    while (s->name[first].group != group) first++;
    for (*n = 0; first + *n < s->n && s->name[first + *n].group == group;) ++*n;
    return first;
}

static bool name_char(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/* --- reading --- */

static rk_status read_name(rk_ctx *ctx, const char *text, const char **at, bool open, struct side *side)
{
    int length = 0;
    while (name_char((*at)[length])) length++;
    if (length == 0) return FAIL(RK_E_ARG, "expression \"%s\": unexpected '%c' at character %d", text, **at, (int)(*at - text) + 1);
    if (side->n == MOST_NAMES || (!open && side->rank == RK_MAX_RANK)) return FAIL(RK_E_LIMIT, "expression \"%s\": more than %d dimensions", text, RK_MAX_RANK);
    struct said name = { *at, length, side->rank };
    if (side_find(side, &name) >= 0) {
        (void)FAIL(RK_E_SHAPE, "expression \"%s\": %.*s stands twice in \"%.*s\"", text, length, *at, side->length, side->at);
        if (strchr(text, ',') == NULL && strstr(text, "->") != NULL) return ctx_hint(ctx, "two operands have a comma between them: \"b s h, b u h -> b s u\"");
        return RK_E_SHAPE;
    }
    side->name[side->n++] = name;
    side->rank += !open;
    *at += length;
    return RK_OK;
}

static rk_status read_side(rk_ctx *ctx, const char *text, const char *from, const char *to, struct side *side)
{
    bool open = false;
    int before = 0;
    while (from < to && *from == ' ') from++;
    while (from < to && to[-1] == ' ') to--;
    *side = (struct side){ .at = from, .length = (int)(to - from) };
    for (const char *s = from; s < to;) {
        if (*s == ' ') { s++; continue; }
        if (*s != '(' && *s != ')') { TRY(read_name(ctx, text, &s, open, side)); continue; }
        if ((*s == '(') == open) return FAIL(RK_E_ARG, "expression \"%s\": unexpected '%c' at character %d", text, *s, (int)(s - text) + 1);
        if (*s == ')' && side->n == before) return FAIL(RK_E_ARG, "expression \"%s\": nothing in the parentheses at character %d", text, (int)(s - text));
        if (*s == '(' && side->rank == RK_MAX_RANK) return FAIL(RK_E_LIMIT, "expression \"%s\": more than %d dimensions", text, RK_MAX_RANK);
        before = side->n;
        side->rank += open;
        open = !open;
        s++;
    }
    return open ? FAIL(RK_E_ARG, "expression \"%s\": a parenthesis is not closed", text) : RK_OK;
}

rk_status expression_read(rk_ctx *ctx, const char *text, struct sides *sides)
{
    const char *arrow = strstr(text, "->"), *end = arrow != NULL ? arrow : text + strlen(text), *comma = memchr(text, ',', (size_t)(end - text));
    *sides = (struct sides){ .operands = comma != NULL ? 2 : 1, .arrow = arrow != NULL };
    TRY(read_side(ctx, text, text, comma != NULL ? comma : end, &sides->in[0]));
    if (comma != NULL && arrow == NULL) return FAIL(RK_E_ARG, "expression \"%s\": expected \"names, names -> names\"", text);
    if (comma != NULL) TRY(read_side(ctx, text, comma + 1, end, &sides->in[1]));
    if (arrow == NULL) sides->out = sides->in[0];
    else TRY(read_side(ctx, text, arrow + 2, text + strlen(text), &sides->out));
    return RK_OK;
}

/* --- names that are wrong --- */

/* The fewest letters to insert, drop or change; more than 3 count as 4. */
static int distance(const struct said *a, const char *b, int n)
{
    int row[24];
    if (a->length > 20 || n > 20) return 4;
    for (int k = 0; k <= n; k++) row[k] = k;
    for (int i = 1; i <= a->length; i++) {
        int corner = row[0];
        row[0] = i;
        for (int k = 1; k <= n; k++) {
            int change = corner + (a->at[i - 1] != b[k - 1]), step = (row[k] < row[k - 1] ? row[k] : row[k - 1]) + 1;
            corner = row[k];
            row[k] = change < step ? change : step;
        }
    }
    return row[n] > 3 ? 4 : row[n];
}

/* The name with a size that is nearest to this one: it shares at least half of its letters. NULL: none does. */
static const char *nearest(const struct said *name, const rk_size *sizes, int n)
{
    const char *best = NULL;
    int least = 4;
    for (int i = 0; i < n; i++) {
        int length = (int)strlen(sizes[i].name), far = distance(name, sizes[i].name, length);
        if (far < least && 2 * far <= (length > name->length ? length : name->length)) best = sizes[i].name, least = far;
    }
    return best;
}

static bool has_size(const struct said *name, const rk_size *sizes, int n)
{
    for (int i = 0; i < n; i++)
        if (said_is(name, sizes[i].name, (int)strlen(sizes[i].name))) return true;
    return false;
}

static rk_status no_size(rk_ctx *ctx, const char *text, const char *where, const struct said *name, const rk_size *sizes, int n)
{
    const char *near = nearest(name, sizes, n);
    (void)FAIL(RK_E_UNKNOWN, "expression \"%s\": %.*s, in %s, has no size", text, name->length, name->at, where);
    if (near != NULL) return ctx_hint(ctx, "did you mean %s? If not, say how large %.*s is", near, name->length, name->at);
    return ctx_hint(ctx, "say how large it is: %.*s=64", name->length, name->at);
}

/* Every side is one name, of several letters: as those write who give each letter a name. */
static bool is_letters(const struct sides *s)
{
    bool all = s->arrow && s->out.n == 1 && s->out.name[0].length > 1;
    for (int k = 0; k < s->operands; k++) all = all && s->in[k].n == 1 && s->in[k].name[0].length > 1;
    return all;
}

static rk_status check_result(rk_ctx *ctx, const char *text, const struct sides *s)
{
    for (int i = 0; i < s->out.n; i++) {
        const struct said *name = &s->out.name[i];
        rk_size names[2 * MOST_NAMES];
        char copy[2 * MOST_NAMES][24];
        int n = 0;
        if (side_find(&s->in[0], name) >= 0 || side_find(&s->in[1], name) >= 0) continue;
        for (int k = 0; k < 2; k++)
            for (int j = 0; j < s->in[k].n; j++) {
                if (side_find(&s->out, &s->in[k].name[j]) >= 0 || s->in[k].name[j].length > 20) continue;
                memcpy(copy[n], s->in[k].name[j].at, (size_t)s->in[k].name[j].length);
                copy[n][s->in[k].name[j].length] = '\0';
                names[n] = (rk_size){ copy[n], 0 };
                n++;
            }
        const char *near = nearest(name, names, n);
        (void)FAIL(RK_E_UNKNOWN, "expression \"%s\": %.*s is in the result but in no operand", text, name->length, name->at);
        if (is_letters(s)) return ctx_hint(ctx, "names are words, apart by blanks: \"b s h, b u h -> b s u\"");
        return near == NULL ? ctx_hint(ctx, "a result has names of its operands only") : ctx_hint(ctx, "did you mean %s?", near);
    }
    return RK_OK;
}

/* A name that meets nobody in a product: two of them in two operands were probably meant as one. */
static rk_status check_alone(rk_ctx *ctx, const char *text, const struct sides *s)
{
    const struct said *alone[2] = { NULL, NULL };
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < s->in[k].n && alone[k] == NULL; i++)
            if (side_find(&s->in[1 - k], &s->in[k].name[i]) < 0 && side_find(&s->out, &s->in[k].name[i]) < 0) alone[k] = &s->in[k].name[i];
    int k = alone[0] != NULL ? 0 : 1;
    if (alone[k] == NULL) return RK_OK;
    (void)FAIL(RK_E_SHAPE, "expression \"%s\": %.*s is in operand %d only and not in the result", text, alone[k]->length, alone[k]->at, k + 1);
    if (alone[0] == NULL || alone[1] == NULL) return ctx_hint(ctx, "sum over it first, or keep it in the result");
    return ctx_hint(ctx, "so is %.*s of operand 2: should both be one name?", alone[1]->length, alone[1]->at);
}

rk_status expression_check(rk_ctx *ctx, const char *text, const struct sides *s, const rk_size *sizes, int n)
{
    static const char *const where[] = { "operand 1", "operand 2", "the result" };
    const struct side *sides[] = { &s->in[0], &s->in[1], &s->out };
    bool renames = s->operands == 1 && s->out.n == s->in[0].n;             /* a new name may stand for an old one */
    if (!renames) TRY(check_result(ctx, text, s));
    if (s->operands == 2) TRY(check_alone(ctx, text, s));
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < sides[k]->n; i++)
            if (!has_size(&sides[k]->name[i], sizes, n)) return no_size(ctx, text, s->operands == 1 && k == 0 ? "the operand" : where[k], &sides[k]->name[i], sizes, n);
    for (int i = 0; i < n; i++) {
        struct said name = { sizes[i].name, (int)strlen(sizes[i].name), 0 };
        if (side_find(&s->in[0], &name) < 0 && side_find(&s->in[1], &name) < 0 && side_find(&s->out, &name) < 0)
            return FAIL(RK_E_UNKNOWN, "expression \"%s\": %s=%lld is a size of no name in it", text, sizes[i].name, (long long)sizes[i].size);
        for (int k = 0; k < i; k++)
            if (strcmp(sizes[k].name, sizes[i].name) == 0) return FAIL(RK_E_ARG, "%s has two sizes, %lld and %lld", sizes[i].name, (long long)sizes[k].size, (long long)sizes[i].size);
    }
    return RK_OK;
}
