/* fit.c: questions to the conventions: memory as a line in the batch, and what a formula of one's own gives. */
#include "books/convention.h"
#include "books/facts.h"
#include "model/model.h"
#include <string.h>

static const rk_books standard = { 0 };

/* --- memory as a line in the batch --- */

/* The sum of a convention's parts with `batch` sequences, not rounded. */
static rk_status parts_at(rk_ctx *ctx, const rk_bill *bill, const rk_model *model, const rk_books *books, const char *convention, int64_t batch,
                          struct rational *sum)
{
    rk_books at = *books;
    struct facts facts;
    struct rational value;
    at.batch = batch;
    at.micro_batch = 0;
    TRY(facts_of(ctx, bill, model, &at, &facts));
    *sum = rational_of(0);
    for (const struct memory_part *part = memory_parts; part->of != NULL; part++) {
        if (strcmp(part->of, convention) != 0 || !facts_hold(&facts, part->where)) continue;
        TRY(formula_value(ctx, part->formula, &facts.letters, &value));
        if (!rational_add(sum, value)) return FAIL(RK_E_LIMIT, "%s of %lld sequences is beyond 127 bits", convention, (long long)batch);
    }
    return RK_OK;
}

rk_status rk_books_line_of(const rk_bill *bill, rk_model *model, const rk_books *books, const char *convention, rk_books_line *line)
{
    rk_ctx *ctx = model->ctx;
    const rk_books *k = books != NULL ? books : &standard;
    const struct memory_rule *rule = memory_named(convention, strlen(convention));
    struct rational two, three, states;
    struct facts facts;
    const char *why;
    bool exact;
    *line = (rk_books_line){ 0, 0 };
    if (rule == NULL) return FAIL(RK_E_UNKNOWN, "there is no memory convention \"%.60s\"", convention);
    TRY(facts_of(ctx, bill, model, k, &facts));
    why = memory_refusal(rule, model->config.arch->name, &facts);
    if (why != NULL) {
        (void)FAIL(RK_E_DECLINED, "%s: the convention \"%s\" says nothing of it", model->name, rule->name);
        return ctx_hint(ctx, "%s", why);
    }
    TRY(parts_at(ctx, bill, model, k, rule->name, 2, &two));
    TRY(parts_at(ctx, bill, model, k, rule->name, 3, &three));
    TRY(parts_at(ctx, bill, model, k, rule->with, 2, &states));
    struct rational each = three, fixed = two;
    bool small = rational_subtract(&each, two);
    struct rational of_two = each;
    small = small && rational_multiply(&of_two, rational_of(2)) && rational_subtract(&fixed, of_two) && rational_add(&fixed, states);
    if (small && rational_to_u64(each, &line->each, &exact) && rational_to_u64(fixed, &line->fixed, &exact)) return RK_OK;
    return FAIL(RK_E_LIMIT, "%s is beyond 2^64", convention);
}

/* --- a formula of one's own --- */

rk_status rk_books_formula(const rk_bill *bill, rk_model *model, const rk_books *books, const char *formula, rk_quotient *value)
{
    rk_ctx *ctx = model->ctx;
    struct facts facts;
    struct rational r;
    *value = (rk_quotient){ 0, 1 };
    TRY(facts_of(ctx, bill, model, books != NULL ? books : &standard, &facts));
    TRY(formula_value(ctx, formula, &facts.letters, &r));
    bool fits = r.over >= 0 && r.over <= (whole)UINT64_MAX && r.under <= (whole)UINT64_MAX;
    if (!fits) return FAIL(RK_E_LIMIT, "\"%.200s\" does not lie within 0 .. 2^64", formula);
    *value = (rk_quotient){ (uint64_t)r.over, (uint64_t)r.under };
    return RK_OK;
}
