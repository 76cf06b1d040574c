/* show_json.c: the module tree for programs: every number exact, every module with its depth, in the order of the tree. */
#include "pass/show.h"
#include <inttypes.h>
#include <string.h>

static rk_status put_text(rk_ctx *ctx, struct str *out, const char *text) { return str_json(ctx, out, text, strlen(text)); }

static rk_status put_dims(rk_ctx *ctx, const rk_graph *g, const struct node *n, struct str *out)
{
    TRY(str_text(ctx, out, ", \"dims\": ["));
    for (int i = 0; i < n->rank; i++) TRY(str_format(ctx, out, "%s\"%s\"", i > 0 ? ", " : "", dim_name(g, n->dim[i])));
    TRY(str_text(ctx, out, "], \"shape\": ["));
    for (int i = 0; i < n->rank; i++) TRY(str_format(ctx, out, "%s%" PRId64, i > 0 ? ", " : "", dim_size(g, n->dim[i])));
    return str_text(ctx, out, "]");
}

static rk_status put_mark(rk_ctx *ctx, const struct show *show, const struct show_mark *mark, struct str *out)
{
    TRY(str_text(ctx, out, "{\"module\": "));
    TRY(put_text(ctx, out, mark->module));
    TRY(str_text(ctx, out, ", \"name\": "));
    TRY(put_text(ctx, out, mark->name));
    if (mark->tied != 0) {
        TRY(str_text(ctx, out, ", \"tie\": "));
        TRY(put_text(ctx, out, node_of(show->given, mark->tied)->text));
        TRY(put_dims(ctx, show->given, node_of(show->given, mark->tied), out));
    } else {
        TRY(str_format(ctx, out, ", \"dtype\": \"%s\", \"shape\": [", mark->dtype));
        for (int i = 0; i < mark->rank; i++) TRY(str_format(ctx, out, "%s%" PRId64, i > 0 ? ", " : "", mark->shape[i]));
        TRY(str_text(ctx, out, "]"));
    }
    return str_text(ctx, out, "}");
}

static rk_status put_marks(rk_ctx *ctx, const struct show *show, int m, const char *name, bool ties, struct str *out)
{
    bool first = true;
    TRY(str_format(ctx, out, ", \"%s\": [", name));
    for (int i = 0; i < show->marks.n; i++) {
        if (show->marked[i] != m || (show->marks.at[i].tied != 0) != ties) continue;
        TRY(str_text(ctx, out, first ? "" : ", "));
        TRY(put_mark(ctx, show, &show->marks.at[i], out));
        first = false;
    }
    return str_text(ctx, out, "]");
}

static rk_status put_tensor(rk_ctx *ctx, const struct show *show, const struct count_row *row, struct str *out)
{
    const rk_graph *g = show->count.g;
    const struct count_class *class = &show->count.classes.at[row->class];
    const struct node *n = node_of(g, class->first);
    uint64_t elements, bytes;
    TRY(show_each(ctx, show, row, ELEMENTS, &elements));
    TRY(show_each(ctx, show, row, BYTES, &bytes));
    TRY(str_text(ctx, out, "{\"name\": "));
    TRY(put_text(ctx, out, class->label));
    TRY(str_format(ctx, out, ", \"dtype\": \"%s\"", rk_dtype_name(class->dtype)));
    TRY(put_dims(ctx, g, n, out));
    const char *what = show_is_constant(show, row) ? "elements" : "parameters";
    return str_format(ctx, out, ", \"%s\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"times\": %" PRId64 "}", what, elements, bytes, row->times);
}

static rk_status put_product(rk_ctx *ctx, const struct show *show, const struct count_row *row, struct str *out)
{
    const struct count_class *class = &show->count.classes.at[row->class];
    struct str formula = { 0 };
    uint64_t flops;
    TRY(show_each(ctx, show, row, PRODUCTS, &flops));
    TRY(str_text(ctx, out, "{\"equation\": "));
    TRY(put_text(ctx, out, class->label));
    rk_status status = poly_text(ctx, show->count.g, class->price[PRODUCTS], true, &formula);
    if (status == RK_OK) status = str_text(ctx, out, ", \"formula\": ");
    if (status == RK_OK) status = str_json(ctx, out, str_c(&formula), (size_t)formula.n);
    str_free(ctx, &formula);
    TRY(status);
    return str_format(ctx, out, ", \"flops\": %" PRIu64 ", \"times\": %" PRId64 "}", flops, row->times);
}

typedef bool is_fn(const struct show *show, const struct count_row *row);
typedef rk_status put_fn(rk_ctx *ctx, const struct show *show, const struct count_row *row, struct str *out);

static rk_status put_rows(rk_ctx *ctx, const struct show *show, int m, const char *name, is_fn *is, put_fn *put, struct str *out)
{
    bool first = true;
    TRY(str_format(ctx, out, ", \"%s\": [", name));
    for (int i = show->first[m]; i > 0; i = show->next[i - 1]) {
        const struct count_row *row = &show->count.rows.at[i - 1];
        if (!is(show, row)) continue;
        TRY(str_text(ctx, out, first ? "" : ", "));
        TRY(put(ctx, show, row, out));
        first = false;
    }
    return str_text(ctx, out, "]");
}

static rk_status put_module(rk_ctx *ctx, const struct show *show, int m, struct str *out)
{
    const struct count_module *module = &show->count.modules.at[m];
    TRY(str_text(ctx, out, "{\"path\": "));
    TRY(put_text(ctx, out, module->path));
    TRY(str_format(ctx, out, ", \"depth\": %d, \"times\": %" PRId64, module->depth, show->count.repeats.at[module->repeat].n));
    TRY(str_format(ctx, out, ", \"parameters\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"flops\": %" PRIu64, show->parameters[m], show->bytes[m], show->flops[m]));
    TRY(put_rows(ctx, show, m, "tensors", show_is_tensor, put_tensor, out));
    TRY(put_rows(ctx, show, m, "constants", show_is_constant, put_tensor, out));
    TRY(put_marks(ctx, show, m, "ties", true, out));
    TRY(put_marks(ctx, show, m, "buffers", false, out));
    TRY(put_rows(ctx, show, m, "einsums", show_is_product, put_product, out));
    return str_text(ctx, out, "}");
}

static rk_status put_all(rk_ctx *ctx, const struct show *show, struct str *out)
{
    TRY(str_text(ctx, out, "{\"modules\": ["));
    for (int i = 0; i < show->n_order; i++) {
        if (!show_has(show, show->order[i])) continue;
        TRY(str_text(ctx, out, i > 0 ? ", " : ""));
        TRY(put_module(ctx, show, show->order[i], out));
    }
    return str_text(ctx, out, "]}");
}

rk_status pass_show_json(rk_ctx *ctx, const rk_graph *g, const struct bill_terms *terms, const struct show_marks *marks, struct str *out)
{
    struct show show;
    rk_status status = show_begin(ctx, g, terms, marks, &show);
    if (status == RK_OK) status = put_all(ctx, &show, out);
    show_end(ctx, &show);
    return status;
}
