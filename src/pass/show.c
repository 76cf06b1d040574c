/* show.c: a graph's modules with what stands in them; made of the same rows as the bill, so that they cannot disagree.
 *
 * Not here: how it is written (show_text.c, show_json.c). */
#include "pass/show.h"
#include <string.h>

static bool is_state(const struct show *show, const struct count_row *row, rk_kind kind)
{
    const struct count_class *class = &show->count.classes.at[row->class];
    return row->phase < 0 && class->op == &op_state && class->kind == kind;
}

bool show_is_tensor(const struct show *show, const struct count_row *row)   { return is_state(show, row, RK_PARAMETER); }
bool show_is_constant(const struct show *show, const struct count_row *row) { return is_state(show, row, RK_CONSTANT); }

bool show_is_product(const struct show *show, const struct count_row *row)
{
    return row->phase == 0 && show->count.classes.at[row->class].price[PRODUCTS].n > 0;
}

bool show_has(const struct show *show, int m) { return m == 0 || show->parameters[m] > 0 || show->constants[m] > 0 || show->flops[m] > 0; }

rk_status show_each(rk_ctx *ctx, const struct show *show, const struct count_row *row, enum quantity q, uint64_t *each)
{
    return poly_value(ctx, show->count.g, show->count.classes.at[row->class].price[q], NULL, each);
}

/* Adds the row's share to its module and all above. */
static rk_status add_up(rk_ctx *ctx, struct show *show, const struct count_row *row, enum quantity q, uint64_t *sums)
{
    uint64_t all;
    TRY(show_each(ctx, show, row, q, &all));
    bool fine = !__builtin_mul_overflow(all, (uint64_t)row->times, &all);
    for (int m = row->module; fine; m = show->count.modules.at[m].parent) {
        fine = !__builtin_add_overflow(sums[m], all, &sums[m]);
        if (m == 0) break;
    }
    return fine ? RK_OK : FAIL(RK_E_LIMIT, "a sum over a module is beyond 2^64");
}

static rk_status sum_rows(rk_ctx *ctx, struct show *show)
{
    for (int i = show->n_rows - 1; i >= 0; i--) {
        const struct count_row *row = &show->count.rows.at[i];
        show->next[i] = show->first[row->module];
        show->first[row->module] = i + 1;
        if (show_is_product(show, row)) TRY(add_up(ctx, show, row, PRODUCTS, show->flops));
        if (show_is_constant(show, row)) TRY(add_up(ctx, show, row, ELEMENTS, show->constants));
        if (!show_is_tensor(show, row)) continue;
        TRY(add_up(ctx, show, row, ELEMENTS, show->parameters));
        TRY(add_up(ctx, show, row, BYTES, show->bytes));
    }
    return RK_OK;
}

/* The module of a path, or of the longest beginning of it. */
static int module_of(const struct show *show, const char *path, bool exactly)
{
    for (size_t n = strlen(path);; n--) {
        for (int m = 0; m < show->n_modules; m++)
            if (strncmp(show->count.modules.at[m].path, path, n) == 0 && show->count.modules.at[m].path[n] == '\0' && show_has(show, m)) return m;
        if (exactly || n == 0) return exactly ? -1 : 0;
        while (n > 1 && path[n - 1] != '.') n--;
    }
}

rk_status show_begin(rk_ctx *ctx, const rk_graph *g, const struct bill_terms *terms, const struct show_marks *marks, struct show *show)
{
    *show = (struct show){ .count.ctx = ctx, .phases = { { "forward", g->nodes.n }, { "rest", 0 } }, .given = g };
    if (marks != NULL) show->marks = *marks;
    if (terms != NULL) {
        show->terms = *terms;
        show->terms.seen = NULL;
        if (terms->n_phases > 1) show->phases[0].end = terms->phases[0].end;
    }
    TRY(bill_expand(ctx, g, 1, show->phases, &show->own));
    show->terms.n_phases = 2;
    show->terms.phases = show->phases;
    TRY(count_graph(ctx, show->own != NULL ? show->own : g, &show->terms, &show->count));
    show->n_modules = show->count.modules.n;
    show->n_rows = show->count.rows.n;
    TRY(NEW(show->order, show->n_modules));
    TRY(NEW(show->first, show->n_modules));
    TRY(NEW(show->next, show->n_rows));
    TRY(NEW(show->marked, show->marks.n));
    TRY(NEW(show->parameters, show->n_modules));
    TRY(NEW(show->bytes, show->n_modules));
    TRY(NEW(show->constants, show->n_modules));
    TRY(NEW(show->flops, show->n_modules));
    TRY(count_tree(ctx, &show->count, show->order, &show->n_order));
    TRY(sum_rows(ctx, show));
    for (int i = 0; i < show->marks.n; i++) show->marked[i] = module_of(show, show->marks.at[i].module, show->marks.at[i].tied != 0);
    return RK_OK;
}

void show_end(rk_ctx *ctx, struct show *show)
{
    FREE(show->order, show->n_modules);
    FREE(show->first, show->n_modules);
    FREE(show->next, show->n_rows);
    FREE(show->marked, show->marks.n);
    FREE(show->parameters, show->n_modules);
    FREE(show->bytes, show->n_modules);
    FREE(show->constants, show->n_modules);
    FREE(show->flops, show->n_modules);
    count_clear(&show->count);
    rk_graph_close(show->own);
}
