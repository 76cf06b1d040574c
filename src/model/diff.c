/* diff.c: two models beside each other: both are built as they train, their modules are aligned and compared, their fields listed.
 *
 * No family is known here: everything is read off the graphs, the tables of fields and the tables of names. */
#include "model/diff.h"
#include <stdio.h>
#include <string.h>

const char *rk_diff_verdict_words(rk_diff_verdict verdict)
{
    static const char *const words[] = { "same", "same up to layout", "same in another size", "different", "only left", "only right" };
    return (unsigned)verdict < RK_DIFF_VERDICT_COUNT ? words[verdict] : "?";
}

void rk_diff_free(rk_diff *d)
{
    if (d == NULL) return;
    rk_ctx *ctx = d->ctx;
    VEC_FREE(&d->pairs);
    VEC_FREE(&d->rows);
    VEC_FREE(&d->fields);
    arena_clear(ctx, &d->arena);
    FREE(d, 1);
}

/* --- fields --- */

static rk_status field_text(rk_ctx *ctx, rk_diff *d, const struct config *c, int i, const char **out)
{
    const struct field *f = &c->arch->fields[i];
    char text[48];
    if (f->kind == FIELD_CHOICE) (void)snprintf(text, sizeof text, "%s", c->text[i]);
    else if (f->kind == FIELD_FLAG) (void)snprintf(text, sizeof text, "%s", c->value[i] != 0 ? "true" : "false");
    else (void)snprintf(text, sizeof text, f->kind == FIELD_INT ? "%.0f" : "%.10g", c->value[i]);
    return arena_text(ctx, &d->arena, text, strlen(text), out);
}

static rk_status compare_fields(rk_ctx *ctx, rk_diff *d, const struct config *left, const struct config *right)
{
    int at;
    for (int i = 0; left->arch->fields[i].name != NULL; i++) {
        rk_diff_field f = { left->arch->fields[i].name, "", "", false, left->arch->fields[i].training };
        TRY(field_text(ctx, d, left, i, &f.left));
        if (config_field(right, f.name, &at) != NULL) TRY(field_text(ctx, d, right, at, &f.right));
        f.same = strcmp(f.left, f.right) == 0;
        VEC_PUSH(&d->fields, f);
    }
    for (int i = 0; right->arch->fields[i].name != NULL; i++) {
        rk_diff_field f = { right->arch->fields[i].name, "", "", false, right->arch->fields[i].training };
        if (config_field(left, f.name, &at) != NULL) continue;
        TRY(field_text(ctx, d, right, i, &f.right));
        VEC_PUSH(&d->fields, f);
    }
    return RK_OK;
}

/* --- all of it --- */

static rk_status compare(rk_ctx *ctx, rk_diff *d, const rk_model *left, const rk_model *right, struct wiring side[2])
{
    const struct arch *const arch[] = { left->config.arch, right->config.arch };
    TRY(wiring_read(ctx, left, &side[0]));
    TRY(wiring_read(ctx, right, &side[1]));
    for (int s = 0; s < 2; s++) TRY(wiring_texts(ctx, &side[s]));
    TRY(diff_align(ctx, d, side));
    TRY(wiring_texts(ctx, &side[1]));                           /* once more, in the left's names */
    TRY(diff_rows(ctx, d, side, arch));
    return compare_fields(ctx, d, &left->config, &right->config);
}

rk_status rk_diff_of(rk_model *left, rk_model *right, rk_diff **out)
{
    rk_ctx *ctx = left->ctx;
    struct wiring side[2] = { { .ctx = NULL }, { .ctx = NULL } };
    rk_diff *d = NULL;
    rk_status status;
    *out = NULL;
    GO(NEW(d, 1));
    d->ctx = ctx;
    GO(compare(ctx, d, left, right, side));
    *out = d;
    d = NULL;
out:
    wiring_clear(ctx, &side[0]);
    wiring_clear(ctx, &side[1]);
    rk_diff_free(d);
    return status;
}

int rk_diff_rows(const rk_diff *d) { return d->rows.n; }

rk_diff_row rk_diff_row_at(const rk_diff *d, int row)
{
    return row >= 0 && row < d->rows.n ? d->rows.at[row].row : (rk_diff_row){ .role = "", .left = "", .right = "" };
}

rk_diff_detail rk_diff_detail_at(const rk_diff *d, int row, int detail)
{
    bool there = row >= 0 && row < d->rows.n && detail >= 0 && detail < d->rows.at[row].row.details;
    return there ? d->rows.at[row].detail[detail] : (rk_diff_detail){ "", "", "" };
}

bool rk_diff_field_at(const rk_diff *d, int i, rk_diff_field *field)
{
    bool there = i >= 0 && i < d->fields.n;
    *field = there ? d->fields.at[i] : (rk_diff_field){ "", "", "", false, false };
    return there;
}
