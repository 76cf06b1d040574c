/* fit.c: questions to the conventions: memory as a line in the batch, what lies in so many bytes, and what a formula of one's
 * own gives. Not here: which switches to try, and in which order (cli/fit_search.c): that is taste. */
#include "books/convention.h"
#include "books/facts.h"
#include "model/model.h"
#include <math.h>
#include <string.h>

static const rk_books standard = { 0 };

/* --- memory as a line in the batch --- */

struct fitting { rk_ctx *ctx; const rk_bill *bill; rk_model *model; rk_books books; const struct memory_rule *rule; struct facts facts; };

/* The convention's parts with `batch` sequences at once, those that hold its states among them, not rounded. */
static rk_status memory_at(struct fitting *f, int64_t batch, struct rational *sum)
{
    rk_ctx *ctx = f->ctx;
    struct rational value;
    TRY(facts_at(ctx, &f->facts, batch));
    *sum = rational_of(0);
    for (const struct memory_part *part = memory_parts; part->of != NULL; part++) {
        if ((strcmp(part->of, f->rule->name) != 0 && strcmp(part->of, f->rule->with) != 0) || !facts_hold(&f->facts, part->where)) continue;
        TRY(formula_value(ctx, part->formula, &f->facts.letters, &value));
        if (!rational_add(sum, value)) return FAIL(RK_E_LIMIT, "%s of %lld sequences is beyond 127 bits", f->rule->name, (long long)batch);
    }
    return RK_OK;
}

static rk_status fitting_of(const rk_bill *bill, rk_model *model, const rk_books *books, const char *convention, struct fitting *f)
{
    rk_ctx *ctx = model->ctx;
    f->ctx = ctx;
    f->bill = bill;
    f->model = model;
    f->books = books != NULL ? *books : standard;
    f->rule = memory_named(convention, strlen(convention));
    if (f->rule == NULL) return FAIL(RK_E_UNKNOWN, "there is no memory convention \"%.60s\"", convention);
    TRY(facts_of(ctx, bill, model, &f->books, &f->facts));
    const char *why = memory_refusal(f->rule, model->config.arch->name, &f->facts);
    if (why == NULL) return RK_OK;
    (void)FAIL(RK_E_DECLINED, "%s: the convention \"%s\" says nothing of it", model->name, f->rule->name);
    return ctx_hint(ctx, why == f->rule->families ? "it speaks of: %s" : "%s", why);
}

static rk_status line_of(struct fitting *f, rk_books_line *line)
{
    rk_ctx *ctx = f->ctx;
    struct rational one, two, three;
    bool exact;
    TRY(memory_at(f, 1, &one));
    TRY(memory_at(f, 2, &two));
    TRY(memory_at(f, 3, &three));
    struct rational each = three, fixed = two, of_two;
    bool small = rational_subtract(&each, two);
    of_two = each;
    small = small && rational_multiply(&of_two, rational_of(2)) && rational_subtract(&fixed, of_two);
    small = small && rational_to_u64(each, &line->each, &exact) && rational_to_u64(fixed, &line->fixed, &exact) && rational_to_u64(one, &line->one, &exact);
    return small ? RK_OK : FAIL(RK_E_LIMIT, "%s is beyond 2^64", f->rule->name);
}

rk_status rk_books_line_of(const rk_bill *bill, rk_model *model, const rk_books *books, const char *convention, rk_books_line *line)
{
    rk_ctx *ctx = model->ctx;
    struct fitting f;
    *line = (rk_books_line){ 0, 0, 0 };
    TRY(fitting_of(bill, model, books, convention, &f));
    return line_of(&f, line);
}

/* --- what lies in so many bytes --- */

uint64_t rk_books_batch(const rk_books_line *line, uint64_t bytes)
{
    uint64_t n = 0;
    if (line->each == 0) return line->fixed <= bytes ? UINT64_MAX : 0;
    if (bytes > line->fixed) n = (bytes - line->fixed) / line->each;
    return n > 1 ? n : line->one <= bytes;
}

/* What so many tokens take, as far as it was asked: the last three. */
struct asked { int n; double tokens[3], bytes[3]; };

static rk_status lies_in(struct fitting *f, struct asked *asked, int64_t tokens, uint64_t bytes, bool *lies)
{
    rk_ctx *ctx = f->ctx;
    struct rational sum;
    uint64_t needed;
    bool exact;
    f->books.seq = tokens;
    TRY(facts_of(ctx, f->bill, f->model, &f->books, &f->facts));
    TRY(memory_at(f, f->books.batch > 0 ? f->books.batch : 1, &sum));
    *lies = rational_to_u64(sum, &needed, &exact) && needed <= bytes;
    asked->tokens[asked->n % 3] = (double)tokens;
    asked->bytes[asked->n++ % 3] = rational_to_real(sum);
    return RK_OK;
}

/* Between low and high, neither of them: where a parabola through what was asked reaches so many bytes; without one, the middle. Memory
 * is a parabola in the tokens but for what is rounded, so that this is it, or its neighbour; to trust it is not needed. */
static int64_t between(const struct asked *asked, int64_t low, int64_t high, double bytes)
{
    const double *x = asked->tokens, *y = asked->bytes;
    int64_t middle = low + (high - low) / 2;
    if (asked->n < 3 || asked->n % 8 == 7) return middle;               /* now and then it is halved whatever the guess: it ends in any case */
    double slope = (y[1] - y[0]) / (x[1] - x[0]), bend = ((y[2] - y[1]) / (x[2] - x[1]) - slope) / (x[2] - x[0]);
    double b = slope - bend * (x[0] + x[1]), c = y[0] - slope * x[0] + bend * x[0] * x[1] - bytes;
    double root = -2 * c / (b + sqrt(b * b - 4 * bend * c));
    if (!(root > 0)) return middle;
    return root >= (double)high ? high - 1 : (int64_t)root <= low ? low + 1 : (int64_t)root;
}

/* Memory grows with the tokens: asked for books->seq, twice and four times as many, as far as they lie, then narrowed from both sides. */
rk_status rk_books_context(const rk_bill *bill, rk_model *model, const rk_books *books, const char *convention, uint64_t bytes, int64_t most, int64_t *tokens)
{
    rk_ctx *ctx = model->ctx;
    struct fitting f;
    struct asked asked = { .n = 0 };
    int64_t low = 0, high = most < INT64_MAX ? most + 1 : most;         /* more are not asked for */
    bool lies = true;
    *tokens = 0;
    TRY(fitting_of(bill, model, books, convention, &f));
    for (int64_t next = f.books.seq > 0 ? f.books.seq : 1; high - low > 1;) {
        if (!lies || asked.n >= 3 || next <= low || next >= high) next = between(&asked, low, high, (double)bytes);
        TRY(lies_in(&f, &asked, next, bytes, &lies));
        *(lies ? &low : &high) = next;
        if (next <= high / 2) next *= 2;
    }
    *tokens = low;
    return RK_OK;
}

/* --- switches --- */

const char *rk_books_switch(const char *convention, const char *name)
{
    const struct memory_only *only = memory_only(convention, name);
    if (memory_named(convention, strlen(convention)) == NULL) return "";
    return only != NULL ? only->words : facts_words(name);
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
