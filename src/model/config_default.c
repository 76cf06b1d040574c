/* config_default.c: what fields are where nobody says: constants and what follows from other fields; and the family's own check. */
#include "model/config.h"
#include <stdio.h>
#include <string.h>

/* What a default stands as in the table; behind a bar, what null means. */
static struct word standard_of(const struct config *c, int i, bool null)
{
    const char *s = c->arch->fields[i].standard;
    size_t n = strcspn(s, "|");
    return null && s[n] == '|' ? (struct word){ s + n + 1, strlen(s + n + 1) } : (struct word){ s, n };
}

rk_status config_standard(rk_ctx *ctx, struct config *c, int i, const char *where)
{
    const struct field *f = &c->arch->fields[i];
    struct word first, ours;
    const char *rest = f->spellings;
    if (f->standard == NULL) {
        bool some = word_next(&rest, &first);
        return FAIL(RK_E_MISSING, "%s: %.*s is missing, and there is no default for it", where, some ? (int)first.n : 0, first.at);
    }
    if (f->kind == FIELD_FLAG) {
        c->value[i] = f->standard[0] == 't';
        return RK_OK;
    }
    if (f->kind == FIELD_CHOICE) {
        c->spelled[i] = config_choice(f, f->standard, strlen(f->standard), &ours);
        PROMISE(c->spelled[i] != NULL && ours.n < sizeof c->text[0]);
        memcpy(c->text[i], ours.at, ours.n);
        return RK_OK;
    }
    struct word standard = standard_of(c, i, c->null[i]);
    TRY(config_formula(ctx, c, i, standard.at, standard.n, &c->value[i]));
    if (c->value[i] >= f->least && c->value[i] <= f->most) return RK_OK;
    return FAIL(RK_E_LIMIT, "%s: %s would be %s = %g, which does not lie within %g .. %g", where, f->name, f->standard, c->value[i], f->least, f->most);
}

/* "4*hidden" depends on a field, "1e-5" on none. */
static bool depends(const struct config *c, const struct field *f)
{
    const char *s = f->standard;            /* of what is given, never null: what stands before a bar */
    if (s == NULL || f->kind == FIELD_CHOICE || f->kind == FIELD_FLAG) return false;
    for (size_t n; *s != '\0' && *s != '|'; s += n + (s[n] != '\0' && s[n] != '|')) {
        n = strcspn(s, "*/+-()|");
        if (config_spelled(c->arch, s, n, true) >= 0) return true;
    }
    return false;
}

rk_status config_follow(rk_ctx *ctx, struct config *c, const struct config *typed, const char *where)
{
    struct config full = *c;
    for (int i = 0; c->arch->fields[i].name != NULL; i++) {
        double value;
        if (!full.given[i]) TRY(config_standard(ctx, &full, i, where));
        if (!c->given[i] || typed->given[i] || !depends(c, &c->arch->fields[i])) continue;
        struct word standard = standard_of(&full, i, false);
        TRY(config_formula(ctx, &full, i, standard.at, standard.n, &value));
        if (value == full.value[i]) c->given[i] = false;
    }
    return RK_OK;
}

rk_status config_finish(rk_ctx *ctx, struct config *c, const char *where)
{
    for (int i = 0; c->arch->fields[i].name != NULL; i++)
        if (!c->given[i]) TRY(config_standard(ctx, c, i, where));
    if (c->arch->check == NULL) return RK_OK;
    char message[ERROR_TEXT], hint[ERROR_HINT];
    rk_status status = c->arch->check(ctx, c);
    if (status == RK_OK) return RK_OK;
    (void)snprintf(message, sizeof message, "%s", ctx->message);            /* the family does not know which file it was */
    (void)snprintf(hint, sizeof hint, "%s", ctx->hint);
    (void)FAIL(status, "%s: %s", where, message);
    return hint[0] == '\0' ? status : ctx_hint(ctx, "%s", hint);
}
