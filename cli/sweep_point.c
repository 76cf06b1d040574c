/* sweep_point.c: one point of a sweep: its model, its bill, and the cells that are shown of both. */
#include "out.h"
#include "reckon/books.h"
#include "sweep.h"
#include <stdlib.h>
#include <string.h>

/* --- what is shown --- */

/* Sums and products of entries that people ask for; tokens: times B·T. */
static const struct derived { const char *name, *parts; bool tokens; } derived[] = {
    { "bytes.cache",    "bytes.cache_per_token",                             true },
    { "bytes.state",    "bytes.parameters bytes.gradients bytes.optimizer bytes.master",  false },
    { "flops.training", "flops.forward flops.backward",                      false },
};

static const struct derived *derived_of(const char *name)
{
    for (size_t i = 0; i < sizeof derived / sizeof *derived; i++)
        if (strcmp(derived[i].name, name) == 0) return &derived[i];
    return NULL;
}

static int derive(struct cli *c, const rk_bill *bill, const struct derived *d, uint64_t tokens, uint64_t *sum)
{
    char name[64];
    *sum = 0;
    for (const char *at = d->parts; *at != '\0'; at += strspn(at, " ")) {
        uint64_t part = 0;
        size_t n = strcspn(at, " ");
        (void)snprintf(name, sizeof name, "%.*s", (int)n, at);
        if (rk_bill_has(bill, name)) CLI_TRY(c, rk_bill_number(bill, name, &part));
        if ((d->tokens && __builtin_mul_overflow(part, tokens, &part)) || __builtin_add_overflow(*sum, part, sum))
            return cli_fail(c, CLI_DATA, NULL, "%s is beyond 2^64", d->name);
        at += n;
    }
    return CLI_OK;
}

static bool find_field(const char *family, const char *name, rk_field *f)
{
    for (int i = 0; rk_family_field(family, i, f); i++)
        if (strcmp(f->name, name) == 0) return true;
    return false;
}

static int fill_cell(struct cli *c, const char *name, const rk_model *m, const rk_bill *bill, uint64_t tokens, struct cell *cell)
{
    rk_field field;
    double value;
    if (rk_bill_has(bill, name)) return cli_try(c, rk_bill_number(bill, name, &cell->number));
    if (derived_of(name) != NULL) return derive(c, bill, derived_of(name), tokens, &cell->number);
    if (!find_field(rk_model_family(m), name, &field)) return cli_try(c, rk_bill_number(bill, name, &cell->number));     /* says which there are */
    if (field.word) {
        (void)snprintf(cell->word, sizeof cell->word, "%s", rk_model_text(m, name));
        return CLI_OK;
    }
    CLI_TRY(c, rk_model_number(m, name, &value));
    if (value < 0 || value >= 0x1p53 || value != (double)(uint64_t)value) (void)snprintf(cell->word, sizeof cell->word, "%s", say_real(value).at);
    cell->number = value >= 0 && value < 0x1p53 ? (uint64_t)value : 0;
    return CLI_OK;
}

/* --- one point --- */

const char *sweep_at(const struct sweep *s, size_t row, int knob)
{
    for (int k = s->n_knobs - 1; k > knob; k--) row /= (size_t)s->knob[k].n;
    return s->knob[knob].point[row % (size_t)s->knob[knob].n].at;
}

static int take_size(struct cli *c, const char *name, const char *text, int64_t *size)
{
    char *end;
    *size = strtoll(text, &end, 10);
    return *end == '\0' && *size > 0 ? CLI_OK : cli_usage(c, "--over: %s: a whole number above 0 expected, not \"%s\"", name, text);
}

static int take_optimizer(struct cli *c, const char *text, rk_optimizer *optimizer)
{
    for (int i = 0; i < RK_OPTIMIZERS; i++) {
        *optimizer = (rk_optimizer)i;
        if (strcmp(rk_optimizer_word(*optimizer), text) == 0) return CLI_OK;
    }
    return cli_usage(c, "--over: there is no optimizer \"%s\"", text);
}

static int set_point(struct cli *c, const struct sweep *s, size_t row, struct sweep_point *p)
{
    for (int k = 0; k < s->n_knobs; k++) {
        const char *name = s->knob[k].name, *text = sweep_at(s, row, k);
        size_t used = strlen(p->overrides);
        int code = CLI_OK;
        if (strcmp(name, "seq") == 0) code = take_size(c, name, text, &p->settings.seq);
        else if (strcmp(name, "batch") == 0) code = take_size(c, name, text, &p->settings.batch);
        else if (strcmp(name, "policy") == 0) p->settings.policy = text;
        else if (strcmp(name, "optimizer") == 0) code = take_optimizer(c, text, &p->settings.optimizer);
        else if (strcmp(name, "dtype") == 0) code = rk_dtype_find(text, &p->settings.dtype) ? CLI_OK : cli_usage(c, "--over: there is no dtype \"%s\"", text);
        else (void)snprintf(p->overrides + used, sizeof p->overrides - used, "%s%s=%s", used > 0 ? "," : "", name, text);
        if (code != CLI_OK) return code;
    }
    return CLI_OK;
}

/* A sequence longer than the context asks for a model with a longer one. */
static int open_point(struct cli *c, struct sweep_point *p, rk_model **m, bool *stretched)
{
    CLI_TRY(c, rk_model_open_with(c->ctx, c->args[0], p->overrides, m));
    *stretched = p->settings.seq > 0 && (uint64_t)p->settings.seq > model_size(*m, "position");
    if (!*stretched) return CLI_OK;
    size_t used = strlen(p->overrides);
    rk_model_close(*m);
    *m = NULL;
    (void)snprintf(p->overrides + used, sizeof p->overrides - used, "%sposition=%lld", used > 0 ? "," : "", (long long)p->settings.seq);
    return cli_try(c, rk_model_open_with(c->ctx, c->args[0], p->overrides, m));
}

/* Which fields went along with those that were swept. */
static void compare_fields(struct sweep *s, const rk_model *m, bool first)
{
    rk_field f;
    double value;
    for (int i = 0; i < SWEEP_FIELDS && rk_family_field(rk_model_family(m), i, &f); i++) {
        if (f.word || rk_model_number(m, f.name, &value) != RK_OK) continue;
        if (first) s->field[i] = value;
        bool swept = strcmp(f.name, "position") == 0 && s->stretched;
        for (int k = 0; k < s->n_knobs; k++) swept = swept || strcmp(s->knob[k].name, f.name) == 0;
        for (int k = 0; k < s->n_knobs && !swept; k++) {
            size_t n = strlen(s->knob[k].name);
            for (const char *at = f.spellings; (at = strstr(at, s->knob[k].name)) != NULL && !swept; at += n)
                swept = (at == f.spellings || at[-1] == ' ') && (at[n] == '\0' || at[n] == ' ');
        }
        s->follows[i] = s->follows[i] || (!swept && value != s->field[i]);
    }
}

/* Columns of other people's conventions are added to the bill. */
static int add_conventions(struct cli *c, const struct sweep *s, const rk_bill_settings *at, rk_model *m, rk_bill *bill)
{
    const rk_books books = { .batch = at->batch, .seq = at->seq, .policy = at->policy, .optimizer = rk_optimizer_word(at->optimizer) };
    for (int i = 0; i < s->n_columns; i++)
        if (rk_convention_of(s->column[i]).name != NULL && !rk_bill_has(bill, s->column[i])) CLI_TRY(c, rk_books_add(bill, m, &books, s->column[i]));
    return CLI_OK;
}

/* The same model, run in the same way: batch and lengths may differ. */
static bool is_like(const struct sweep_point *a, const struct sweep_point *b)
{
    const rk_bill_settings *x = &a->settings, *y = &b->settings;
    bool same_policy = x->policy == y->policy || (x->policy != NULL && y->policy != NULL && strcmp(x->policy, y->policy) == 0);
    return strcmp(a->overrides, b->overrides) == 0 && same_policy && x->optimizer == y->optimizer && x->dtype == y->dtype;
}

/* Nobody asks for the plan over time. Points that differ in batch and lengths alone share a program. */
static int bill_of_point(struct cli *c, struct sweep *s, struct sweep_point *p, rk_model *m, rk_bill **bill)
{
    p->settings.totals = p->settings.plan_untimed = true;
    if (s->kept != NULL && !is_like(&s->kept_of, p)) {
        rk_bill_free(s->kept);
        s->kept = NULL;
    }
    p->settings.plan_kept = p->settings.plan;
    p->settings.like = s->kept;
    return cli_try(c, rk_bill_of(m, &p->settings, bill));
}

/* The first of its kind stays. */
static void keep_or_free(struct sweep *s, const struct sweep_point *p, rk_bill *bill)
{
    if (bill == NULL || s->kept != NULL || !p->settings.plan) {
        rk_bill_free(bill);
        return;
    }
    s->kept = bill;
    s->kept_of = *p;
}

int sweep_fill(struct cli *c, struct sweep *s, size_t row, const rk_bill_settings *settings)
{
    struct sweep_point p = { "", *settings };
    struct row *r = &s->rows[row];
    rk_model *m = NULL;
    rk_bill *bill = NULL;
    int code = set_point(c, s, row, &p);
    if (code == CLI_OK) code = open_point(c, &p, &m, &r->stretched);
    if (code != CLI_OK) goto out;
    s->stretched = s->stretched || r->stretched;
    compare_fields(s, m, row == 0);
    (void)snprintf(s->family, sizeof s->family, "%s", rk_model_family(m));
    (void)snprintf(s->title, sizeof s->title, "%s", rk_model_title(m));
    uint64_t tokens = (uint64_t)p.settings.batch * (p.settings.seq > 0 ? (uint64_t)p.settings.seq : model_size(m, "position"));
    code = bill_of_point(c, s, &p, m, &bill);
    if (code == CLI_OK) code = add_conventions(c, s, &p.settings, m, bill);
    for (int i = 0; i < s->n_columns && code == CLI_OK; i++)
        code = fill_cell(c, s->column[i], m, bill, tokens, &r->cell[i]);
out:
    keep_or_free(s, &p, bill);
    rk_model_close(m);
    return code;
}
