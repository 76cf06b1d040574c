/* reconcile_match.c: each parameter and each tensor in turn; what is trouble is told of with what would fit it. */
#include "model/forms.h"
#include "model/reconcile.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_PADDING = 1024 };           /* more rows than this are another vocabulary, not padding */

bool axis_next(const char **rest, struct word *dims)
{
    *rest += strspn(*rest, " ");
    bool group = **rest == '(';
    *rest += group;
    dims->at = *rest;
    dims->n = strcspn(*rest, group ? ")" : " ");
    *rest += dims->n + (group && (*rest)[dims->n] == ')');
    return dims->n > 0;
}

/* The field that is the size of this axis alone; -1: several dimensions share it, or none is a field. */
static int field_of(const struct config *c, struct word dims)
{
    char name[32];
    int i;
    if (dims.n >= sizeof name || memchr(dims.at, ' ', dims.n) != NULL) return -1;
    memcpy(name, dims.at, dims.n);
    name[dims.n] = '\0';
    const struct field *f = config_field(c, name, &i);
    return f != NULL && f->kind == FIELD_INT ? i : -1;
}

static rk_status say_padding(struct reconcile *r, const struct field *f, int64_t stored, int64_t described)
{
    rk_ctx *ctx = r->ctx;
    int64_t multiple = 1024;
    if (strcmp(f->name, "vocab") != 0 || stored <= described || stored - described > MOST_PADDING) return RK_OK;
    while (multiple > 1 && stored % multiple != 0) multiple /= 2;
    if (multiple < 8) return RK_OK;
    return str_format(ctx, &r->text, "; %lld rows of padding: %lld is %lld x %lld", (long long)(stored - described), (long long)stored, (long long)(stored / multiple),
                      (long long)multiple);
}

/* "; vocab_size=50304 would fit" for each axis that disagrees and is a field. */
static rk_status say_fields(struct reconcile *r, const struct match_row *row)
{
    rk_ctx *ctx = r->ctx;
    const char *rest = row->binding->axes;
    struct word dims, key;
    for (int i = 0; axis_next(&rest, &dims) && row->entry->rank == row->stored.rank; i++) {
        int64_t stored = row->entry->shape[i];
        int at = stored == row->stored.shape[i] ? -1 : field_of(&r->m->config, dims);
        if (at < 0) continue;
        const struct field *f = &r->m->config.arch->fields[at];
        const char *spellings = f->spellings;
        PROMISE(word_next(&spellings, &key));
        TRY(str_format(ctx, &r->text, "; %.*s=%lld would fit", (int)key.n, key.at, (long long)stored));
        TRY(say_padding(r, f, stored, row->stored.shape[i]));
        if (!r->evidence.given[at]) r->evidence.value[at] = stored;
        r->evidence.given[at] = true;
    }
    return RK_OK;
}

/* Another number of dimensions, a transposed one, or other sizes. */
static rk_status say_shape(struct reconcile *r, const struct match_row *row)
{
    rk_ctx *ctx = r->ctx;
    const struct bundle_entry *e = row->entry;
    bool turned = e->rank == 2 && row->stored.rank == 2 && e->shape[0] == row->stored.shape[1] && e->shape[1] == row->stored.shape[0];
    r->text.n = 0;
    TRY(str_format(ctx, &r->text, "described as %s = ", row->binding->axes));
    TRY(bind_shape_text(ctx, row->stored.rank, row->stored.shape, &r->text));
    if (forms_in_panels(e)) return RK_OK;
    return turned ? str_text(ctx, &r->text, ": the same, transposed") : say_fields(r, row);
}

static void count_blocks(struct reconcile *r, const struct match_row *row)
{
    int64_t number = row->number.n > 0 && row->number.n < 10 ? strtoll(row->number.at, NULL, 10) : -1;
    if (number >= r->evidence.blocks) r->evidence.blocks = number + 1;
}

static bool same_shape(const struct bundle_entry *a, const struct bundle_entry *b)
{
    return a->dtype == b->dtype && a->rank == b->rank && memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0;
}

static rk_check_row row_of(const struct bundle_entry *e, rk_finding finding, const char *text)
{
    return (rk_check_row){ .finding = finding, .name = e->name.at, .text = text, .has_dtype = true, .dtype = e->dtype, .rank = e->rank, .shape = e->shape,
                           .tensors = 1, .numbers = e->bytes / rk_dtype_bytes(e->dtype), .bytes = e->bytes };
}

static rk_status missing(struct reconcile *r, const struct match_row *row)
{
    rk_ctx *ctx = r->ctx;
    uint64_t numbers = 1;
    r->name.n = 0;
    TRY(bind_name(ctx, row->binding, row->number, 0, &r->name));
    for (int i = 0; i < row->stored.rank; i++) numbers *= (uint64_t)row->stored.shape[i];
    return reconcile_tell(r, (rk_check_row){ .finding = RK_CHECK_MISSING, .name = str_c(&r->name), .text = "", .rank = row->stored.rank, .shape = row->stored.shape,
                                             .tensors = 1, .numbers = numbers });
}

static rk_status unexpected(struct reconcile *r, const struct match_row *row)
{
    return reconcile_tell(r, row_of(row->entry, RK_CHECK_EXTRA, row->binding == NULL ? "nothing of this family has such a name" : "named as a parameter that the description does not have"));
}

static rk_status each_match(void *user, const struct match_row *row)
{
    struct reconcile *r = user;
    rk_ctx *ctx = r->ctx;
    r->unmatched += match_is_trouble(row->kind);
    if (row->entry == NULL) return row->kind == MATCH_COMPUTED ? RK_OK : missing(r, row);
    struct seen *seen = &r->seen[row->entry - r->b.entries.at];
    *seen = (struct seen){ row->kind, row->binding, row->pattern, row->other, row->why };
    if (row->kind == MATCH_FOUND && row->parameter >= r->built.parameters.n) seen->kind = MATCH_IGNORED, seen->why = "a table that is not trained";
    if (row->kind != MATCH_IGNORED && row->kind != MATCH_TIED && row->binding != NULL) count_blocks(r, row);
    if (row->kind == MATCH_UNEXPECTED) return unexpected(r, row);
    if (row->kind == MATCH_DTYPE) return reconcile_tell(r, row_of(row->entry, RK_CHECK_DTYPE, forms_trouble(&r->b, row->entry)));
    if (row->kind == MATCH_TIED && !same_shape(row->entry, row->other)) {
        seen->kind = MATCH_SHAPE;
        return reconcile_tell(r, row_of(row->entry, RK_CHECK_SHAPE, "it is tied to a tensor of another shape or dtype"));
    }
    if (row->kind != MATCH_SHAPE) return RK_OK;
    TRY(say_shape(r, row));
    return reconcile_tell(r, row_of(row->entry, RK_CHECK_SHAPE, str_c(&r->text)));
}

rk_status reconcile_match(rk_ctx *ctx, struct reconcile *r)
{
    return bind_compare(ctx, r->m->config.arch, &r->built, &r->b, r->found, each_match, r);
}
