/* reconcile_fit.c: which fields would make the description fit the files. Nothing is guessed: what sizes and names suggest is
 * tried, and told only if it leaves less trouble.
 *
 * First all sizes together, without those that follow from others by default; then flags, one by one. Numbers that no
 * shape shows (heads) are not found. */
#include "model/reconcile.h"
#include <stdio.h>
#include <string.h>

enum { MOST_TRIED = 10000 };            /* parameters and tensors: beyond, flags are not tried one by one */

static rk_status count_trouble(void *user, const struct match_row *row)
{
    int *troubles = user;
    *troubles += match_is_trouble(row->kind);
    return RK_OK;
}

static rk_status compare(rk_ctx *ctx, const struct reconcile *r, const rk_model *m, int *troubles)
{
    struct built built;
    const struct bundle_entry **found = NULL;
    int n = 0;
    TRY(model_build(ctx, m, &(struct build_options){ .purpose = FOR_SCORING, .seq = 1 }, &built));
    n = built_stored(&built);
    rk_status status = NEW(found, n);
    if (status == RK_OK) status = bind_compare(ctx, m->config.arch, &built, &r->b, found, count_trouble, troubles);
    FREE(found, n);
    built_close(&built);
    return status;
}

/* How much trouble there would be with these fields; INT32_MAX where they make no model. */
static rk_status try(rk_ctx *ctx, const struct reconcile *r, const struct config *c, int *troubles)
{
    rk_model m = *r->m;
    m.config = *c;
    *troubles = 0;
    rk_status status = config_finish(ctx, &m.config, m.name);
    if (status == RK_OK) status = compare(ctx, r, &m, troubles);
    if (status == RK_OK || status == RK_E_NOMEM) return status;
    rk_error_clear(ctx);
    *troubles = INT32_MAX;
    return RK_OK;
}

/* The description's own fields, and what tensors say about sizes; `all`: also about those that have a default. */
static struct config suggested(const struct reconcile *r, bool all)
{
    struct config c = r->m->config;
    int layer;
    const struct field *blocks = config_field(&c, "layer", &layer);
    for (int i = 0; c.arch->fields[i].name != NULL; i++) {
        if (!r->evidence.given[i] || (!all && c.arch->fields[i].standard != NULL && !c.given[i])) continue;
        c.value[i] = (double)r->evidence.value[i];
        c.given[i] = true;
    }
    if (blocks == NULL || r->evidence.blocks == 0 || r->evidence.blocks > (int64_t)blocks->most) return c;
    c.value[layer] = (double)r->evidence.blocks;
    c.given[layer] = true;
    return c;
}

static rk_status try_flags(rk_ctx *ctx, const struct reconcile *r, struct config *best, int *troubles)
{
    for (int i = 0; best->arch->fields[i].name != NULL && *troubles > 0; i++) {
        const struct field *f = &best->arch->fields[i];
        struct config c = *best;
        int left;
        if (f->kind != FIELD_FLAG || f->training) continue;
        c.value[i] = c.value[i] == 0;
        c.given[i] = true;
        TRY(try(ctx, r, &c, &left));
        if (left >= *troubles) continue;
        *best = c;
        *troubles = left;
    }
    return RK_OK;
}

static rk_status say_changes(rk_ctx *ctx, const struct reconcile *r, const struct config *c, struct str *text)
{
    const struct config *old = &r->m->config;
    for (int i = 0; c->arch->fields[i].name != NULL; i++) {
        const struct field *f = &c->arch->fields[i];
        const char *spellings = f->spellings;
        struct word key;
        if (!c->given[i] || c->value[i] == old->value[i]) continue;
        PROMISE(word_next(&spellings, &key));
        TRY(str_format(ctx, text, "%s%.*s=", text->n > 0 ? ", " : "", (int)key.n, key.at));
        if (f->kind == FIELD_FLAG) TRY(str_text(ctx, text, c->value[i] != 0 ? "true" : "false"));
        else TRY(str_format(ctx, text, "%lld", (long long)c->value[i]));
    }
    return RK_OK;
}

rk_status reconcile_fit(rk_ctx *ctx, struct reconcile *r)
{
    int before = r->unmatched, troubles = before, fewer;
    struct config best = r->m->config, c = suggested(r, false);
    for (int all = 0; all < 2 && troubles > 0; all++, c = suggested(r, true)) {
        if (memcmp(c.value, r->m->config.value, sizeof c.value) == 0) continue;          /* sizes and names suggest nothing else */
        TRY(try(ctx, r, &c, &fewer));
        if (fewer >= troubles) continue;
        best = c;
        troubles = fewer;
    }
    if (r->built.parameters.n + r->b.entries.n <= MOST_TRIED) TRY(try_flags(ctx, r, &best, &troubles));
    if (troubles >= before) return RK_OK;
    r->text.n = 0;
    TRY(say_changes(ctx, r, &best, &r->text));
    if (troubles == 0) TRY(str_text(ctx, &r->text, " would fit"));
    else TRY(str_format(ctx, &r->text, " would leave %d of %d", troubles, before));
    return reconcile_tell(r, (rk_check_row){ .finding = RK_CHECK_NOTE, .name = "", .text = str_c(&r->text), .rank = -1 });
}
