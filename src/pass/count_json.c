/* count_json.c: a bill as JSON: entries nested by the dots of their names, exact integers; then formulas, modules, ops.
 *
 *   {"bytes": {"parameters": 497759232}, "flops": {"backward": .., "elementwise": {"forward": ..}, "forward": ..},
 *    "parameters": 124439808, "formulas": {"parameters": "V·D + ..", ..},
 *    "modules": [{"name": "h.*", "depth": 1, "times": 12, "flops.forward": ..}, ..], "ops": [..]} */
#include "pass/count_bill.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Sorted with the dot below every letter, so that what shares a prefix stands together. */
static int by_name(const void *a, const void *b)
{
    const unsigned char *x = (const unsigned char *)(*(const rk_bill_entry *const *)a)->name, *y = (const unsigned char *)(*(const rk_bill_entry *const *)b)->name;
    while (*x != '\0' && *x == *y) x++, y++;
    int left = *x == '.' ? 1 : *x, right = *y == '.' ? 1 : *y;
    return left - right;
}

static size_t shared_prefix(const char *a, const char *b)
{
    size_t shared = 0;
    for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++)
        if (a[i] == '.') shared = i + 1;
    return shared;
}

static int dots(const char *s)
{
    int n = 0;
    for (; *s != '\0'; s++) n += *s == '.';
    return n;
}

static rk_status put_text(rk_ctx *ctx, struct str *out, const char *text) { return str_json(ctx, out, text, strlen(text)); }

/* "a.b.c" after "a.d.e": closes d, opens b, puts c. */
static rk_status put_number(rk_ctx *ctx, struct str *out, const char *before, const rk_bill_entry *e)
{
    size_t at = before == NULL ? 0 : shared_prefix(before, e->name);
    for (int open = before == NULL ? 0 : dots(before + at); open > 0; open--) TRY(str_text(ctx, out, "}"));
    TRY(str_text(ctx, out, before == NULL ? "" : ", "));
    for (const char *dot; (dot = strchr(e->name + at, '.')) != NULL; at = (size_t)(dot - e->name) + 1) {
        TRY(str_json(ctx, out, e->name + at, (size_t)(dot - (e->name + at))));
        TRY(str_text(ctx, out, ": {"));
    }
    TRY(put_text(ctx, out, e->name + at));
    TRY(str_text(ctx, out, ": "));
    return str_uint(ctx, out, e->number);
}

static rk_status put_numbers(rk_ctx *ctx, const rk_bill *bill, const rk_bill_entry **sorted, struct str *out)
{
    const char *before = NULL;
    for (int i = 0; i < bill->entries.n; i++) sorted[i] = &bill->entries.at[i].shown;
    if (bill->entries.n > 0) qsort(sorted, (size_t)bill->entries.n, sizeof *sorted, by_name);
    for (int i = 0; i < bill->entries.n; i++) {
        TRY(put_number(ctx, out, before, sorted[i]));
        before = sorted[i]->name;
    }
    for (int open = before == NULL ? 0 : dots(before); open > 0; open--) TRY(str_text(ctx, out, "}"));
    return str_text(ctx, out, before == NULL ? "" : ", ");
}

static rk_status put_formulas(rk_ctx *ctx, const rk_bill *bill, struct str *out)
{
    bool first = true;
    TRY(str_text(ctx, out, "\"formulas\": {"));
    for (int i = 0; i < bill->entries.n; i++) {
        const rk_bill_entry *e = &bill->entries.at[i].shown;
        if (e->formula[0] == '\0') continue;
        TRY(str_text(ctx, out, first ? "" : ", "));
        TRY(put_text(ctx, out, e->name));
        TRY(str_text(ctx, out, ": "));
        TRY(put_text(ctx, out, e->formula));
        first = false;
    }
    return str_text(ctx, out, "}");
}

/* cell_of: of each entry, zeros between groups. */
static rk_status put_group(rk_ctx *ctx, const rk_bill *bill, rk_bill_by by, int group, int *cell_of, struct str *out)
{
    const rk_bill_group *g = &bill->groups[by].at[group];
    TRY(str_text(ctx, out, "{\"name\": "));
    TRY(put_text(ctx, out, g->name));
    if (by == RK_BY_MODULE) TRY(str_format(ctx, out, ", \"depth\": %d, \"times\": %" PRId64, g->depth, g->times));
    for (int cell = bill->first_cell[by].at[group]; cell > 0; cell = bill->cells[by].at[cell - 1].next) cell_of[bill->cells[by].at[cell - 1].entry] = cell;
    for (int i = 0; i < bill->entries.n; i++) {
        if (cell_of[i] == 0) continue;
        const rk_bill_entry *share = &bill->cells[by].at[cell_of[i] - 1].shown;
        cell_of[i] = 0;
        TRY(str_text(ctx, out, ", "));
        TRY(put_text(ctx, out, share->name));
        TRY(str_text(ctx, out, ": "));
        TRY(str_uint(ctx, out, share->number));
    }
    return str_text(ctx, out, "}");
}

static rk_status put_groups(rk_ctx *ctx, const rk_bill *bill, rk_bill_by by, const char *name, int *cell_of, struct str *out)
{
    TRY(str_format(ctx, out, ", \"%s\": [", name));
    for (int i = 0; i < bill->groups[by].n; i++) {
        TRY(str_text(ctx, out, i > 0 ? ", " : ""));
        TRY(put_group(ctx, bill, by, i, cell_of, out));
    }
    return str_text(ctx, out, "]");
}

static rk_status put_all(rk_ctx *ctx, const rk_bill *bill, const rk_bill_entry **sorted, int *cell_of, struct str *out)
{
    out->n = 0;
    TRY(str_text(ctx, out, "{"));
    TRY(put_numbers(ctx, bill, sorted, out));
    TRY(put_formulas(ctx, bill, out));
    TRY(put_groups(ctx, bill, RK_BY_MODULE, "modules", cell_of, out));
    TRY(put_groups(ctx, bill, RK_BY_OP, "ops", cell_of, out));
    return str_text(ctx, out, "}");
}

rk_status rk_bill_json(rk_bill *bill, const char **text)
{
    rk_ctx *ctx = bill->ctx;
    const rk_bill_entry **sorted = NULL;
    int *cell_of = NULL;
    rk_status status;
    *text = "";
    GO(NEW(sorted, bill->entries.n));
    GO(NEW(cell_of, bill->entries.n));
    GO(put_all(ctx, bill, sorted, cell_of, &bill->json));
    *text = str_c(&bill->json);
out:
    FREE(sorted, bill->entries.n);
    FREE(cell_of, bill->entries.n);
    return status;
}
