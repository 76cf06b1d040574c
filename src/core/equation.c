/* equation.c: reads "b t d, f d -> b t f".
 *
 * A token stands for the dimension at its place in an operand; the same token must meet the same dimension everywhere, and
 * two tokens may not meet one dimension: names, not sizes, decide. Not here: what it computes (op/einsum). */
#include "core/graph.h"
#include <string.h>

static int token_find(const struct equation *q, const char *at, int length)
{
    for (int i = 0; i < q->n_names; i++)
        if (q->name[i].length == length && memcmp(q->name[i].at, at, (size_t)length) == 0) return i;
    return -1;
}

/* Small letters and capitals differ in one bit. */
static bool token_char(char c) { return (unsigned)((c | 32) - 'a') < 26 || (unsigned)(c - '0') < 10 || c == '_'; }

rk_status equation_parse(rk_ctx *ctx, const char *text, struct equation *q)
{
    int part = 0;
    memset(q, 0, sizeof *q);
    for (const char *s = text; *s != '\0';) {
        if (*s == ' ') { s++; continue; }
        if (*s == ',' && part == 0) { part = 1; s++; continue; }
        if (s[0] == '-' && s[1] == '>' && part == 1) { part = 2; s += 2; continue; }
        if (!token_char(*s)) return FAIL(RK_E_ARG, "einsum \"%s\": unexpected '%c' at character %d", text, *s, (int)(s - text) + 1);
        int length = 0;
        while (token_char(s[length])) length++;
        int name = token_find(q, s, length);
        if (name < 0 && part == 2) return FAIL(RK_E_SHAPE, "einsum \"%s\": %.*s is in the result but in no operand", text, length, s);
        if (name < 0) {
            if (q->n_names == 2 * RK_MAX_RANK) return FAIL(RK_E_LIMIT, "einsum \"%s\": more than %d names", text, 2 * RK_MAX_RANK);
            name = q->n_names++;
            q->name[name].at = s;
            q->name[name].length = length;
        }
        for (int i = 0; i < q->rank[part]; i++)
            if (q->axis[part][i] == name) return FAIL(RK_E_SHAPE, "einsum \"%s\": %.*s stands twice in one operand or result", text, length, s);
        if (q->rank[part] == RK_MAX_RANK) return FAIL(RK_E_LIMIT, "einsum \"%s\": more than %d dimensions", text, RK_MAX_RANK);
        q->axis[part][q->rank[part]++] = name;
        if (part == 2) q->name[name].out = true;
        else q->name[name].in[part] = true;
        s += length;
    }
    if (part != 2) return FAIL(RK_E_ARG, "einsum \"%s\": expected \"names, names -> names\"", text);
    for (int i = 0; i < q->n_names; i++) {
        bool alone = !q->name[i].out && q->name[i].in[0] != q->name[i].in[1];
        if (!alone) continue;
        (void)FAIL(RK_E_SHAPE, "einsum \"%s\": %.*s is in one operand only and not in the result", text, q->name[i].length, q->name[i].at);
        return ctx_hint(ctx, "sum it first with rk_reduce(g, \"sum\", ...)");
    }
    return RK_OK;
}

rk_status equation_bind(rk_ctx *ctx, const rk_graph *g, const char *text, struct equation *q, int operand, const struct node *n)
{
    if (n->rank != q->rank[operand])
        return FAIL(RK_E_SHAPE, "einsum \"%s\": operand %d has %d dimensions, the equation says %d", text, operand + 1, n->rank, q->rank[operand]);
    for (int i = 0; i < n->rank; i++) {
        int name = q->axis[operand][i];
        rk_dim d = n->dim[i];
        if (q->name[name].dim == 0) q->name[name].dim = d;
        if (q->name[name].dim != d)
            return FAIL(RK_E_SHAPE, "einsum \"%s\": %.*s is %s (%lld) in operand 1 and %s (%lld) in operand 2", text, q->name[name].length, q->name[name].at,
                        dim_name(g, q->name[name].dim), (long long)dim_size(g, q->name[name].dim), dim_name(g, d), (long long)dim_size(g, d));
        for (int k = 0; k < q->n_names; k++) {
            if (k == name || q->name[k].dim != d) continue;
            (void)FAIL(RK_E_SHAPE, "einsum \"%s\": %.*s and %.*s are both the dimension %s", text, q->name[k].length, q->name[k].at, q->name[name].length, q->name[name].at, dim_name(g, d));
            return ctx_hint(ctx, "rename one of them with rk_rename");
        }
    }
    return RK_OK;
}
