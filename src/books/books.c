/* books.c: conventions become entries of a bill: flops.convention.NAME, bytes.NAME.PART, bytes.NAME.total.
 *
 * A number that is not whole is rounded up, and its formula then says so. Not here: the formulas (flops.def, memory.def),
 * what fits (fit.c). */
#include "books/convention.h"
#include "books/facts.h"
#include "model/model.h"
#include "pass/count_bill.h"
#include <stdio.h>
#include <string.h>

static const rk_books standard = { 0 };

/* `text` holds one entry's formula. */
struct writing { rk_ctx *ctx; rk_bill *bill; const rk_model *model; struct facts facts; struct str text; };

/* Sets an entry, its formula and one reason. */
static rk_status write_entry(struct writing *w, const char *name, const char *formula, const rk_bill_reason *why, uint64_t *number)
{
    rk_ctx *ctx = w->ctx;
    struct rational value;
    rk_bill_reason reason = *why;
    bool exact;
    int id;
    TRY(formula_value(ctx, formula, &w->facts.letters, &value));
    if (!rational_to_u64(value, number, &exact)) return FAIL(RK_E_LIMIT, "%s = %s does not lie within 0 .. 2^64", name, formula);
    w->text.n = 0;
    TRY(str_format(ctx, &w->text, exact ? "%s" : "ceil(%s)", formula));
    TRY(bill_set(w->bill, name, *number, str_c(&w->text)));
    TRY(bill_find_entry(w->bill, name, &id));
    w->bill->entries.at[id].reasons.n = 0;
    reason.formula = str_c(&w->text);
    reason.each = reason.number = *number;
    reason.times = 1;
    return bill_reason(w->bill, name, &reason);
}

/* --- FLOPs --- */

static rk_status add_flops_rule(struct writing *w, const struct flops_rule *rule)
{
    rk_ctx *ctx = w->ctx;
    char name[64];
    uint64_t number;
    (void)snprintf(name, sizeof name, "flops.convention.%s", rule->name);
    rk_bill_reason why = { .module = rule->words, .op = "convention", .label = rule->source };
    TRY(write_entry(w, name, rule->formula, &why, &number));
    return RK_OK;
}

static bool holds(const struct writing *w, const struct flops_rule *rule)
{
    return family_among(rule->families, w->model->config.arch->name) && facts_hold(&w->facts, rule->where);
}

static bool has_step(const struct writing *w) { return rk_bill_has(w->bill, "flops.backward"); }

static rk_status add_flops(struct writing *w)
{
    rk_ctx *ctx = w->ctx;
    if (!has_step(w)) return RK_OK;                     /* a bill of a forward pass alone: these are counts of training */
    for (const struct flops_rule *rule = flops_rules; rule->name != NULL; rule++)
        if (holds(w, rule)) TRY(add_flops_rule(w, rule));
    return RK_OK;
}

/* --- memory --- */

static const char *why_not(const struct writing *w, const struct memory_rule *rule) { return memory_refusal(rule, w->model->config.arch->name, &w->facts); }

static rk_status refuse_memory(rk_ctx *ctx, const rk_model *model, const struct memory_rule *rule, const char *why)
{
    (void)FAIL(RK_E_DECLINED, "%s: the convention \"%s\" says nothing of it", model->name, rule->name);
    return ctx_hint(ctx, why == rule->families ? "it speaks of: %s" : "%s", why);
}

static rk_status add_part(struct writing *w, const struct memory_part *part, uint64_t *number)
{
    char name[96];
    (void)snprintf(name, sizeof name, "bytes.%s.%s", part->of, part->name);
    rk_bill_reason why = { .module = part->name, .op = part->of, .label = part->words };
    return write_entry(w, name, part->formula, &why, number);
}

/* The total: its formula is the sum of the parts, its reasons are the parts. */
static rk_status add_total(struct writing *w, const struct memory_rule *rule, uint64_t total, const struct str *sum)
{
    rk_ctx *ctx = w->ctx;
    char name[96], part_name[96];
    int id;
    (void)snprintf(name, sizeof name, "bytes.%s.total", rule->name);
    TRY(bill_set(w->bill, name, total, str_c(sum)));
    TRY(bill_find_entry(w->bill, name, &id));
    w->bill->entries.at[id].reasons.n = 0;
    for (const struct memory_part *part = memory_parts; part->of != NULL; part++) {
        if (strcmp(part->of, rule->name) != 0 || !facts_hold(&w->facts, part->where)) continue;
        (void)snprintf(part_name, sizeof part_name, "bytes.%s.%s", part->of, part->name);
        rk_bill_reason why = rk_bill_reason_at(w->bill, part_name, 0);
        TRY(bill_reason(w->bill, name, &why));
    }
    return RK_OK;
}

static rk_status add_memory(struct writing *w, const struct memory_rule *rule)
{
    rk_ctx *ctx = w->ctx;
    struct str sum = { 0 };
    uint64_t total = 0, number;
    rk_status status = RK_OK;
    for (const struct memory_part *part = memory_parts; part->of != NULL; part++) {
        if (strcmp(part->of, rule->name) != 0 || !facts_hold(&w->facts, part->where)) continue;
        GO(add_part(w, part, &number));
        GO(str_text(ctx, &sum, sum.n > 0 ? " + " : ""));
        GO(str_text(ctx, &sum, str_c(&w->text)));
        if (__builtin_add_overflow(total, number, &total)) GO(FAIL(RK_E_LIMIT, "bytes.%s.total is beyond 2^64", rule->name));
    }
    GO(add_total(w, rule, total, &sum));
out:
    str_free(ctx, &sum);
    return status;
}

/* --- by name --- */

/* Those of FLOPs, then those of memory: how long the list is now. */
static int write_names(char *list, int room, int used, bool memory)
{
    rk_convention v;
    used += snprintf(list + used, (size_t)(room - used), memory ? "; of memory:" : "of FLOPs:");
    for (int i = 0; (v = rk_convention_at(i)).name != NULL && used < room; i++)
        if (v.is_memory == memory) used += snprintf(list + used, (size_t)(room - used), " %s", v.name);
    return used < room ? used : room - 1;
}

static rk_status unknown(rk_ctx *ctx, const char *name, size_t n)
{
    char list[ERROR_HINT];
    (void)write_names(list, sizeof list, write_names(list, sizeof list, 0, false), true);
    (void)FAIL(RK_E_UNKNOWN, "there is no convention \"%.*s\"", (int)(n > 60 ? 60 : n), name);
    return ctx_hint(ctx, "%s", list);
}

static rk_status add_flops_named(struct writing *w, const char *name, size_t n)
{
    rk_ctx *ctx = w->ctx;
    for (const struct flops_rule *rule = flops_rules; rule->name != NULL; rule++) {
        if (!convention_is(rule->name, name, n)) continue;
        if (holds(w, rule) && has_step(w)) return add_flops_rule(w, rule);
        (void)FAIL(RK_E_DECLINED, "%s: the convention \"%s\" says nothing of it", w->model->name, rule->name);
        return ctx_hint(ctx, "it speaks of training, and of: %s%s%s", rule->families, rule->where[0] != '\0' ? ", where " : "", rule->where);
    }
    return unknown(ctx, name, n);
}

/* Some have rules of both kinds, and are meant with that of memory, but for an entry's whole name. */
static rk_status add_named(struct writing *w, const char *name, size_t n)
{
    static const char flops[] = "flops.convention.", bytes[] = "bytes.";
    rk_ctx *ctx = w->ctx;
    if (n == 5 && memcmp(name, "flops", 5) == 0) return add_flops(w);
    if (strncmp(name, flops, sizeof flops - 1) == 0 && n > sizeof flops - 1) return add_flops_named(w, name + sizeof flops - 1, n - (sizeof flops - 1));
    const bool entry = strncmp(name, bytes, sizeof bytes - 1) == 0 && n > sizeof bytes - 1;
    if (entry) name += sizeof bytes - 1, n = strcspn(name, ". ,");
    const struct memory_rule *m = memory_named(name, n);
    if (m == NULL) return entry ? unknown(ctx, name, n) : add_flops_named(w, name, n);
    const char *not = why_not(w, m);
    return not == NULL ? add_memory(w, m) : refuse_memory(ctx, w->model, m, not);
}

static rk_status add_everything(struct writing *w)
{
    rk_ctx *ctx = w->ctx;
    TRY(add_flops(w));
    for (const struct memory_rule *m = memory_rules; m->name != NULL; m++)
        if (why_not(w, m) == NULL) TRY(add_memory(w, m));
    return RK_OK;
}

rk_status rk_books_add(rk_bill *bill, rk_model *model, const rk_books *books, const char *conventions)
{
    rk_ctx *ctx = model->ctx;
    struct writing w = { .ctx = ctx, .bill = bill, .model = model };
    rk_status status;
    GO(facts_of(ctx, bill, model, books != NULL ? books : &standard, &w.facts));
    if (conventions == NULL) GO(add_everything(&w));
    for (const char *name = conventions; name != NULL && *(name += strspn(name, " ,")) != '\0'; name += strcspn(name, " ,"))
        GO(add_named(&w, name, strcspn(name, " ,")));
out:
    str_free(ctx, &w.text);
    return status;
}
