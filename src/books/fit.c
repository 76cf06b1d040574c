/* fit.c: questions to the conventions: what fits, what a formula of one's own gives, how it reads in other letters. */
#include "books/convention.h"
#include "books/facts.h"
#include "model/model.h"
#include "pass/count_bill.h"
#include <stdio.h>
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

/* --- other letters --- */

enum { MOST_RENAMES = 16, NAME = 24 };
struct renaming { int n; struct rename at[MOST_RENAMES]; char to[MOST_RENAMES][NAME]; };

/* The letter that a word stands for: "positions", or the letter itself. */
static const char *letter_meant(const char *word, size_t n)
{
    rk_books_letter l;
    for (int i = 0; (l = rk_books_letter_at(i)).name != NULL; i++)
        if ((strlen(l.words) == n && memcmp(l.words, word, n) == 0) || (strlen(l.name) == n && memcmp(l.name, word, n) == 0)) return l.name;
    return NULL;
}

static const char *words_of(const char *letter)
{
    rk_books_letter l;
    for (int i = 0; (l = rk_books_letter_at(i)).name != NULL; i++)
        if (strcmp(l.name, letter) == 0) return l.words;
    return letter;
}

static rk_status unknown_word(rk_ctx *ctx, const char *word, size_t n)
{
    char list[ERROR_HINT - 32] = "";
    rk_books_letter l;
    for (int i = 0, used = 0; (l = rk_books_letter_at(i)).name != NULL && used < (int)sizeof list; i++)
        used += snprintf(list + used, sizeof list - (size_t)used, "%s%s", i > 0 ? " " : "", l.words);
    (void)FAIL(RK_E_UNKNOWN, "letters: nothing here is called \"%.*s\"", (int)(n > 60 ? 60 : n), word);
    return ctx_hint(ctx, "there are: %s", list);
}

static rk_status take_rename(rk_ctx *ctx, struct renaming *all, const char *text, size_t n)
{
    const char *equals = memchr(text, '=', n), *from;
    size_t name = equals != NULL ? (size_t)(equals - text) : 0;
    bool fine = name > 0 && name < NAME && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") >= name;
    if (!fine) return FAIL(RK_E_ARG, "letters: \"%.*s\" is not LETTER=WORD", (int)(n > 60 ? 60 : n), text);
    from = letter_meant(equals + 1, n - name - 1);
    if (from == NULL) return unknown_word(ctx, equals + 1, n - name - 1);
    if (all->n == MOST_RENAMES) return FAIL(RK_E_LIMIT, "letters: at most %d", MOST_RENAMES);
    memcpy(all->to[all->n], text, name);
    all->to[all->n][name] = '\0';
    all->at[all->n] = (struct rename){ from, all->to[all->n] };
    all->n++;
    return RK_OK;
}

/* A letter may stand for one thing only, once all are renamed. */
static rk_status check_renames(rk_ctx *ctx, const struct renaming *all)
{
    for (int i = 0; i < all->n; i++) {
        const char *taken = letter_meant(all->to[i], strlen(all->to[i]));
        for (int k = 0; k < all->n; k++) {
            if (taken != NULL && strcmp(all->at[k].from, taken) == 0) taken = NULL;             /* which is called otherwise now */
            bool twice = k != i && (strcmp(all->to[k], all->to[i]) == 0 || strcmp(all->at[k].from, all->at[i].from) == 0);
            if (twice) return FAIL(RK_E_ARG, "letters: %s stands there twice", all->to[i]);
        }
        if (taken == NULL) continue;
        (void)FAIL(RK_E_ARG, "letters: %s would stand for two things", all->to[i]);
        return ctx_hint(ctx, "say what its old meaning is called then, for instance W=%s", words_of(taken));
    }
    return RK_OK;
}

rk_status rk_books_spell(rk_bill *bill, const char *formula, const char *letters, const char **text)
{
    rk_ctx *ctx = bill->ctx;
    struct renaming all = { .n = 0 };
    struct str spelled = { 0 };
    *text = "";
    for (const char *at = letters; *(at += strspn(at, " ,")) != '\0'; at += strcspn(at, " ,")) TRY(take_rename(ctx, &all, at, strcspn(at, " ,")));
    TRY(check_renames(ctx, &all));
    rk_status status = formula_spell(ctx, formula, all.n, all.at, &spelled);
    if (status == RK_OK) status = arena_text(ctx, &bill->arena, str_c(&spelled), (size_t)spelled.n, text);
    str_free(ctx, &spelled);
    return status;
}
