/* bind_report.c: for loading: every tensor must be a parameter's, known and ignored, or a tie whose numbers agree. What is not is
 * noted by name; the first of its kind makes the message. */
#include "core/graph.h"
#include "model/bind.h"
#include "model/forms.h"
#include "reckon/model.h"
#include <stdio.h>
#include <string.h>

struct recorder {
    rk_ctx *ctx;
    const struct bundle *b;
    const struct built *built;
    struct bind_report *report;
    struct str text;
    char first[MATCH_KINDS][NAME_SHOWN];        /* per kind: the first tensor that had it */
};

void bind_report_clear(rk_ctx *ctx, struct bind_report *r)
{
    str_free(ctx, &r->text);
    *r = (struct bind_report){ 0 };
}

static rk_status note(struct recorder *r, enum match kind, int *count, const char *name, size_t n, const char *what)
{
    char shown[NAME_SHOWN];
    rk_ctx *ctx = r->ctx;
    (void)name_show(shown, name, n);
    if ((*count)++ == 0) (void)snprintf(r->first[kind], sizeof r->first[kind], "%s", shown);
    return str_format(ctx, &r->report->text, "%s: %s\n", shown, what);
}

rk_status bind_shape_text(rk_ctx *ctx, int rank, const int64_t *shape, struct str *out)
{
    TRY(str_text(ctx, out, "["));
    for (int i = 0; i < rank; i++) TRY(str_format(ctx, out, "%s%lld", i > 0 ? " " : "", (long long)shape[i]));
    return str_text(ctx, out, "]");
}

static rk_status note_shape(struct recorder *r, const struct match_row *row)
{
    rk_ctx *ctx = r->ctx;
    const struct bundle_entry *e = row->entry;
    r->text.n = 0;
    TRY(bind_shape_text(ctx, e->rank, e->shape, &r->text));
    TRY(str_format(ctx, &r->text, " in the file, but by its config %s = ", row->binding->axes));
    TRY(bind_shape_text(ctx, row->stored.rank, row->stored.shape, &r->text));
    return note(r, MATCH_SHAPE, &r->report->misshapen, e->name.at, e->name.length, str_c(&r->text));
}

/* What no tensor has: a parameter is missing, a constant is computed. */
static rk_status note_absent(struct recorder *r, const struct match_row *row)
{
    rk_ctx *ctx = r->ctx;
    char shown[NAME_SHOWN];
    r->text.n = 0;
    TRY(bind_name(ctx, row->binding, row->number, 0, &r->text));
    (void)name_show(shown, str_c(&r->text), (size_t)r->text.n);
    if (row->kind == MATCH_COMPUTED) return note(r, MATCH_COMPUTED, &r->report->computed, shown, strlen(shown), "is not in the file: computed");
    return note(r, MATCH_MISSING, &r->report->missing, shown, strlen(shown), "is missing");
}

static bool equal(const struct bundle_entry *a, const struct bundle_entry *b)
{
    return a->dtype == b->dtype && a->rank == b->rank && memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0 && a->bytes == b->bytes
        && (a->data == b->data || memcmp(a->data, b->data, a->bytes) == 0);
}

static rk_status note_tie(struct recorder *r, const struct match_row *row)
{
    rk_ctx *ctx = r->ctx;
    const struct name *name = &row->entry->name;
    char shown[NAME_SHOWN];
    if (equal(row->entry, row->other)) return note(r, MATCH_TIED, &r->report->tied, name->at, name->length, "the same numbers once more: a tie");
    (void)FAIL(RK_E_DIFFERS, "%s: tensor \"%s\" should be tied to another one, but holds other numbers", row->entry->path, name_show(shown, name->at, name->length));
    return ctx_hint(ctx, "if head and embedding are two tables, say \"tie_word_embeddings\": false in config.json");
}

static void note_found(struct recorder *r, const struct match_row *row)
{
    struct bind_report *report = r->report;
    report->used++;
    report->converted += row->entry->dtype != node_of(r->built->g, r->built->parameters.at[row->parameter].ref)->dtype;
    report->turned += !reorder_is_none(&row->stored.read);
    report->dtypes |= 1u << row->entry->dtype;
    report->bytes += row->entry->bytes;
    const struct bundle_entry *scale = forms_scale(r->b, row->entry);
    if (scale == NULL) return;
    report->used++;                                 /* of integers: their scales, too */
    report->dtypes |= 1u << scale->dtype;
    report->bytes += scale->bytes;
}

static rk_status record(void *user, const struct match_row *row)
{
    struct recorder *r = user;
    rk_ctx *ctx = r->ctx;
    const struct name *name = row->entry != NULL ? &row->entry->name : NULL;
    char shown[NAME_SHOWN];
    if (row->kind == MATCH_FOUND) note_found(r, row);
    if (row->kind == MATCH_SHAPE) return note_shape(r, row);
    if (row->kind == MATCH_MISSING || row->kind == MATCH_COMPUTED) return note_absent(r, row);
    if (row->kind == MATCH_TIED) return note_tie(r, row);
    if (row->kind == MATCH_IGNORED) return note(r, MATCH_IGNORED, &r->report->ignored, name->at, name->length, row->why);
    if (row->kind == MATCH_UNEXPECTED) return note(r, MATCH_UNEXPECTED, &r->report->unexpected, name->at, name->length, "is in the file, but not in the model");
    if (row->kind == MATCH_FOUND) return RK_OK;
    const char *why = forms_trouble(r->b, row->entry);
    (void)FAIL(RK_E_DTYPE, "%s: tensor \"%s\" is a parameter, and of %s%s%s", row->entry->path, name_show(shown, name->at, name->length), rk_dtype_name(row->entry->dtype),
               why[0] != '\0' ? ": " : "", why);
    return ctx->status;
}

static rk_status verdict(rk_ctx *ctx, const struct recorder *m, const struct built *built)
{
    const struct bind_report *r = m->report;
    const char *path = m->b->path;
    if (r->misshapen > 0) {
        const char *line = strstr(str_c(&r->text), m->first[MATCH_SHAPE]);
        (void)FAIL(RK_E_SHAPE, "%s: %d of %d tensors %s another shape; %.*s", path, r->misshapen, m->b->entries.n, r->misshapen == 1 ? "has" : "have", (int)strcspn(line, "\n"), line);
        return ctx_hint(ctx, "the sizes of config.json and the weights must be of one model");
    }
    if (r->missing > 0) {
        (void)FAIL(RK_E_MISSING, "%s: %d of %d parameters %s missing, the first is %s", path, r->missing, built->parameters.n, r->missing == 1 ? "is" : "are", m->first[MATCH_MISSING]);
        if (r->unexpected == 0) return ctx->status;
        return ctx_hint(ctx, "%d tensor%s there that the model does not have, the first is %s", r->unexpected, r->unexpected == 1 ? " is" : "s are", m->first[MATCH_UNEXPECTED]);
    }
    if (r->unexpected > 0) {
        (void)FAIL(RK_E_DECLINED, "%s: %d tensor%s not of this model, the first is %s", path, r->unexpected, r->unexpected == 1 ? " is" : "s are", m->first[MATCH_UNEXPECTED]);
        return ctx_hint(ctx, "if they belong to another task, save the model without them; if not, config.json describes another model");
    }
    return RK_OK;
}

/* To whoever asked for it: what became of every tensor, before the verdict. */
static void announce(rk_ctx *ctx, const struct bundle *b, const struct bind_report *r)
{
    char dtypes[256] = "";
    if (ctx->loaded == NULL) return;
    for (int d = 0; d < RK_DTYPE_COUNT; d++)
        if ((r->dtypes >> d & 1) != 0) (void)snprintf(dtypes + strlen(dtypes), sizeof dtypes - strlen(dtypes), "%s%s", dtypes[0] != '\0' ? " " : "", rk_dtype_name((rk_dtype)d));
    const rk_loaded told = {
        .path = b->path, .format = b->format, .tensors = (uint64_t)b->entries.n, .used = (uint64_t)r->used, .converted = (uint64_t)r->converted, .turned = (uint64_t)r->turned,
        .ignored = (uint64_t)r->ignored, .tied = (uint64_t)r->tied, .computed = (uint64_t)r->computed, .missing = (uint64_t)r->missing, .unexpected = (uint64_t)r->unexpected,
        .misshapen = (uint64_t)r->misshapen, .bytes = r->bytes, .dtypes = dtypes, .notes = str_c(&r->text),
    };
    ctx->loaded(ctx->loaded_user, &told);
}

rk_status bind_match(rk_ctx *ctx, const struct arch *arch, const struct built *built, const struct bundle *b, const struct bundle_entry **found,
                     struct bind_report *report)
{
    struct recorder r = { .ctx = ctx, .b = b, .built = built, .report = report };
    *report = (struct bind_report){ 0 };
    rk_status status = bind_compare(ctx, arch, built, b, found, record, &r);
    str_free(ctx, &r.text);
    if (status != RK_OK) return status;
    announce(ctx, b, report);
    return verdict(ctx, &r, built);
}
