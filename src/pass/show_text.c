/* show_text.c: the module tree as lines, their columns aligned:
 *
 *   h.* (12 ×)                                        85,054,464    324.46 MiB   68.35 %
 *     mlp.up
 *       weight  [ff hidden]  3,072 × 768               2,359,296      9.00 MiB   22.75 %
 *       b t d, f d -> b t f:  4,831,838,208 FLOPs = 8·B·T·D²
 *
 *   head
 *     weight: embed.weight, [vocab hidden]  50,257 × 768, a tie
 *
 * A repeated module stands once: what stands inside is of one, shares are of all. */
#include "base/utf8.h"
#include "pass/show.h"
#include <inttypes.h>
#include <string.h>

enum { COLUMNS = 5 };               /* name, dims, count, bytes, share */
struct line { const char *cell[COLUMNS]; bool free; };           /* free: one cell, which makes no column wider */
struct page { rk_ctx *ctx; struct arena arena; VEC(struct line) lines; struct str cell; };

static rk_status keep(struct page *page, const char **kept)
{
    rk_ctx *ctx = page->ctx;
    TRY(arena_text(ctx, &page->arena, str_c(&page->cell), (size_t)page->cell.n, kept));
    page->cell.n = 0;
    return RK_OK;
}

static rk_status put_number(rk_ctx *ctx, struct str *out, uint64_t number)
{
    if (number >= 1000) {
        TRY(put_number(ctx, out, number / 1000));
        return str_format(ctx, out, ",%03u", (unsigned)(number % 1000));
    }
    return str_format(ctx, out, "%u", (unsigned)number);
}

static rk_status put_bytes(rk_ctx *ctx, struct str *out, uint64_t bytes)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    double shown = (double)bytes;
    int unit = 0;
    for (; shown >= 1024; unit++) shown /= 1024;
    return str_format(ctx, out, unit == 0 ? "%.0f %s" : "%.2f %s", shown, units[unit]);
}

static rk_status put_share(rk_ctx *ctx, struct str *out, uint64_t part, uint64_t whole)
{
    return str_format(ctx, out, "%.2f %%", whole == 0 ? 0.0 : 100 * (double)part / (double)whole);
}

static rk_status put_indent(rk_ctx *ctx, struct str *out, int depth)
{
    for (int i = 0; i < depth; i++) TRY(str_text(ctx, out, "  "));
    return RK_OK;
}

static rk_status module_line(struct page *page, const struct show *show, int m)
{
    rk_ctx *ctx = page->ctx;
    const struct count_module *module = &show->count.modules.at[m];
    int64_t times = show->count.repeats.at[module->repeat].n;
    struct line line = { { "", "", "", "", "" }, false };
    bool begins = module->repeat != 0 && strcmp(show->count.repeats.at[module->repeat].path, module->path) == 0;
    TRY(put_indent(ctx, &page->cell, module->depth - (m != 0)));
    TRY(str_text(ctx, &page->cell, m == 0 ? "(all)" : module->path));
    if (begins) TRY(str_format(ctx, &page->cell, " (%" PRId64 " ×)", times));
    TRY(keep(page, &line.cell[0]));
    if (show->parameters[m] > 0) {
        TRY(put_number(ctx, &page->cell, show->parameters[m]));
        TRY(keep(page, &line.cell[2]));
        TRY(put_bytes(ctx, &page->cell, show->bytes[m]));
        TRY(keep(page, &line.cell[3]));
        TRY(put_share(ctx, &page->cell, show->parameters[m], show->parameters[0]));
        TRY(keep(page, &line.cell[4]));
    }
    VEC_PUSH(&page->lines, line);
    return RK_OK;
}

/* "2 × " where it stands twice in each repetition, "(3 of 12) " where not all have it. */
static rk_status put_times(rk_ctx *ctx, struct str *out, const struct show *show, const struct count_row *row)
{
    int64_t n = show->count.repeats.at[row->repeat].n;
    bool even = true;
    for (int i = 1; row->repeat != 0 && i < show->count.repeats.at[row->repeat].instances.n; i++) even = even && row->per[i] == row->per[0];
    if (!even) return str_format(ctx, out, "(%" PRId64 " in %" PRId64 ") ", row->times, n);
    return row->times == n ? RK_OK : str_format(ctx, out, "%" PRId64 " × ", row->times / n);
}

static rk_status put_shape(rk_ctx *ctx, struct str *out, const rk_graph *g, const struct node *n)
{
    TRY(str_text(ctx, out, "["));
    for (int i = 0; i < n->rank; i++) TRY(str_format(ctx, out, "%s%s", i > 0 ? " " : "", dim_name(g, n->dim[i])));
    TRY(str_text(ctx, out, n->rank > 0 ? "]  " : "]"));
    for (int i = 0; i < n->rank; i++) {
        TRY(str_text(ctx, out, i > 0 ? " × " : ""));
        TRY(put_number(ctx, out, (uint64_t)dim_size(g, n->dim[i])));
    }
    return RK_OK;
}

static rk_status tensor_line(struct page *page, const struct show *show, const struct count_row *row, int depth)
{
    rk_ctx *ctx = page->ctx;
    const struct count_class *class = &show->count.classes.at[row->class];
    struct line line = { { "", "", "", "", "" }, false };
    uint64_t elements, bytes;
    TRY(show_each(ctx, show, row, ELEMENTS, &elements));
    TRY(show_each(ctx, show, row, BYTES, &bytes));
    TRY(put_indent(ctx, &page->cell, depth));
    TRY(put_times(ctx, &page->cell, show, row));
    TRY(str_text(ctx, &page->cell, class->label));
    TRY(keep(page, &line.cell[0]));
    TRY(put_shape(ctx, &page->cell, show->count.g, node_of(show->count.g, class->first)));
    TRY(keep(page, &line.cell[1]));
    TRY(put_number(ctx, &page->cell, elements));
    TRY(keep(page, &line.cell[2]));
    TRY(put_bytes(ctx, &page->cell, bytes));
    TRY(keep(page, &line.cell[3]));
    if (show_is_constant(show, row)) TRY(str_text(ctx, &page->cell, "constant"));
    else TRY(put_share(ctx, &page->cell, elements * (uint64_t)row->times, show->parameters[0]));
    TRY(keep(page, &line.cell[4]));
    VEC_PUSH(&page->lines, line);
    return RK_OK;
}

static rk_status product_line(struct page *page, const struct show *show, const struct count_row *row, int depth)
{
    rk_ctx *ctx = page->ctx;
    const struct count_class *class = &show->count.classes.at[row->class];
    struct line line = { { "", "", "", "", "" }, true };
    uint64_t flops;
    TRY(show_each(ctx, show, row, PRODUCTS, &flops));
    TRY(put_indent(ctx, &page->cell, depth));
    TRY(put_times(ctx, &page->cell, show, row));
    TRY(str_format(ctx, &page->cell, "%s:  ", class->label));
    TRY(put_number(ctx, &page->cell, flops));
    TRY(str_text(ctx, &page->cell, " FLOPs = "));
    TRY(poly_text(ctx, show->count.g, class->price[PRODUCTS], true, &page->cell));
    TRY(keep(page, &line.cell[0]));
    VEC_PUSH(&page->lines, line);
    return RK_OK;
}

static rk_status put_mark(rk_ctx *ctx, const struct show *show, const struct show_mark *mark, struct str *out)
{
    if (mark->tied != 0) {
        TRY(str_format(ctx, out, "%s, ", node_of(show->given, mark->tied)->text));
        TRY(put_shape(ctx, out, show->given, node_of(show->given, mark->tied)));
        return str_text(ctx, out, ", a tie");
    }
    TRY(str_format(ctx, out, "%s %s", mark->dtype, mark->rank == 0 ? "scalar" : ""));
    for (int i = 0; i < mark->rank; i++) {
        TRY(str_text(ctx, out, i > 0 ? " × " : ""));
        TRY(put_number(ctx, out, (uint64_t)mark->shape[i]));
    }
    return str_text(ctx, out, ", a buffer in PyTorch, computed here where it is used");
}

static rk_status mark_line(struct page *page, const struct show *show, int i, int depth)
{
    rk_ctx *ctx = page->ctx;
    const struct show_mark *mark = &show->marks.at[i];
    size_t within = strlen(show->count.modules.at[show->marked[i]].path);       /* the rest of its path is in no module that is shown */
    struct line line = { { "", "", "", "", "" }, true };
    TRY(put_indent(ctx, &page->cell, depth));
    if (mark->module[within] != '\0') TRY(str_format(ctx, &page->cell, "%s.", mark->module + within + (within > 0)));
    TRY(str_format(ctx, &page->cell, "%s: ", mark->name));
    TRY(put_mark(ctx, show, mark, &page->cell));
    TRY(keep(page, &line.cell[0]));
    VEC_PUSH(&page->lines, line);
    return RK_OK;
}

static rk_status module_lines(struct page *page, const struct show *show, int m)
{
    rk_ctx *ctx = page->ctx;
    int depth = show->count.modules.at[m].depth;
    TRY(module_line(page, show, m));
    for (int i = show->first[m]; i > 0; i = show->next[i - 1])
        if (show_is_tensor(show, &show->count.rows.at[i - 1]) || show_is_constant(show, &show->count.rows.at[i - 1])) TRY(tensor_line(page, show, &show->count.rows.at[i - 1], depth));
    for (int i = 0; i < show->marks.n; i++)
        if (show->marked[i] == m) TRY(mark_line(page, show, i, depth));
    for (int i = show->first[m]; i > 0; i = show->next[i - 1])
        if (show_is_product(show, &show->count.rows.at[i - 1])) TRY(product_line(page, show, &show->count.rows.at[i - 1], depth));
    return RK_OK;
}

/* --- the page --- */

static int width_of(const char *text)
{
    int width = 0;
    size_t n = strlen(text);
    uint32_t code;
    for (size_t at = 0; at < n; width++) at += utf8_next(text + at, n - at, &code);
    return width;
}

static rk_status put_spaces(rk_ctx *ctx, struct str *out, int n)
{
    for (; n > 0; n--) TRY(str_add(ctx, out, " ", 1));
    return RK_OK;
}

/* Names and dims to the left, numbers to the right; no spaces at the end of a line. */
static rk_status put_line(rk_ctx *ctx, const struct line *line, const int *width, struct str *out)
{
    int last = COLUMNS - 1, owed = 0;
    while (last > 0 && line->cell[last][0] == '\0') last--;
    for (int c = 0; c <= last; c++) {
        int pad = width[c] - width_of(line->cell[c]);
        TRY(put_spaces(ctx, out, owed + (c > 1 ? pad : 0)));
        TRY(str_text(ctx, out, line->cell[c]));
        owed = 2 + (c > 1 ? 0 : pad);
    }
    return str_text(ctx, out, "\n");
}

static rk_status put_page(struct page *page, struct str *out)
{
    rk_ctx *ctx = page->ctx;
    int width[COLUMNS] = { 0 };
    for (int i = 0; i < page->lines.n; i++)
        for (int c = 0; c < COLUMNS && !page->lines.at[i].free; c++) {
            int wide = width_of(page->lines.at[i].cell[c]);
            if (wide > width[c]) width[c] = wide;
        }
    for (int i = 0; i < page->lines.n; i++) TRY(put_line(ctx, &page->lines.at[i], width, out));
    return RK_OK;
}

rk_status pass_show(rk_ctx *ctx, const rk_graph *g, const struct bill_terms *terms, const struct show_marks *marks, struct str *out)
{
    struct show show;
    struct page page = { .ctx = ctx };
    rk_status status = show_begin(ctx, g, terms, marks, &show);
    for (int i = 0; i < show.n_order && status == RK_OK; i++)
        if (show_has(&show, show.order[i])) status = module_lines(&page, &show, show.order[i]);
    if (status == RK_OK) status = put_page(&page, out);
    VEC_FREE(&page.lines);
    str_free(ctx, &page.cell);
    arena_clear(ctx, &page.arena);
    show_end(ctx, &show);
    return status;
}
