/* profile_rows.c: rows of a profile put together: by op and kernel, by module, or each step for itself. */
#include "run/profile.h"
#include <stdlib.h>
#include <string.h>

struct grouping { rk_ctx *ctx; rk_profile_by by; struct str name; struct map index; struct arena arena; VEC(rk_profile_row) rows; };

/* "h.3.attn" -> "h.*.attn": alike modules are one. */
static rk_status star(rk_ctx *ctx, struct str *out, const char *module)
{
    while (*module != '\0') {
        size_t n = strcspn(module, "."), digits = strspn(module, "0123456789");
        if (n > 0 && digits >= n) TRY(str_text(ctx, out, "*"));
        else TRY(str_add(ctx, out, module, n));
        module += n;
        if (*module == '.') TRY(str_add(ctx, out, module++, 1));
    }
    return RK_OK;
}

static rk_status group_name(rk_ctx *ctx, struct grouping *g, const rk_profile_row *r)
{
    g->name.n = 0;
    TRY(str_text(ctx, &g->name, ""));
    return g->by == RK_PROFILE_BY_OP ? str_format(ctx, &g->name, "%s|%s", r->op, r->kernel) : star(ctx, &g->name, r->module);
}

static rk_status new_group(rk_ctx *ctx, struct grouping *g, const rk_profile_row *r, int *at)
{
    rk_profile_row fresh = { .op = "", .kernel = "", .module = "", .text = "" };
    const char *name;
    TRY(arena_text(ctx, &g->arena, str_c(&g->name), (size_t)g->name.n, &name));
    if (g->by == RK_PROFILE_BY_OP) fresh.op = r->op, fresh.kernel = r->kernel;
    else fresh.module = name;
    *at = g->rows.n;
    VEC_PUSH(&g->rows, fresh);
    return map_put(ctx, &g->index, name, strlen(name), *at);
}

static rk_status add(rk_ctx *ctx, struct grouping *g, const rk_profile_row *r)
{
    int at;
    TRY(group_name(ctx, g, r));
    if (!map_get(&g->index, str_c(&g->name), (size_t)g->name.n, &at)) TRY(new_group(ctx, g, r, &at));
    rk_profile_row *to = &g->rows.at[at];
    to->calls += r->calls;
    to->seconds += r->seconds;
    to->product_flops += r->product_flops;
    to->elementwise_flops += r->elementwise_flops;
    to->bytes += r->bytes;
    to->bf16_flops += r->bf16_flops;
    to->f16_flops += r->f16_flops;
    return RK_OK;
}

static int slower(const void *a, const void *b)
{
    const rk_profile_row *x = a, *y = b;
    int by = (x->seconds < y->seconds) - (x->seconds > y->seconds);
    if (by == 0) by = strcmp(x->op, y->op);
    if (by == 0) by = strcmp(x->kernel, y->kernel);
    return by != 0 ? by : strcmp(x->module, y->module);
}

static rk_status tell(rk_ctx *ctx, const rk_profile_row *row, rk_profile_fn *each, void *user)
{
    return row->calls == 0 || each(user, row) ? RK_OK : FAIL(RK_E_CANCELLED, "stopped while telling of a profile");
}

rk_status rk_profile_rows(rk_profile *p, rk_profile_by by, rk_profile_fn *each, void *user)
{
    rk_ctx *ctx = p->ctx;
    struct grouping g = { .ctx = ctx, .by = by };
    rk_status status = RK_OK;
    for (int i = 0; i < p->steps.n; i++)
        if (by == RK_PROFILE_BY_STEP) GO(tell(ctx, &p->steps.at[i].row, each, user));
        else GO(add(ctx, &g, &p->steps.at[i].row));
    if (g.rows.n > 0) qsort(g.rows.at, (size_t)g.rows.n, sizeof *g.rows.at, slower);
    for (int i = 0; i < g.rows.n; i++) GO(tell(ctx, &g.rows.at[i], each, user));
out:
    VEC_FREE(&g.rows);
    map_free(ctx, &g.index);
    arena_clear(ctx, &g.arena);
    str_free(ctx, &g.name);
    return status;
}
