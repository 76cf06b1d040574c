/* facts.c: under which conditions a convention's lines stand: "family=gpt2|gptj policy=fp32". Not here: letters (letters.c). */
#include "books/facts.h"
#include "model/config.h"
#include "model/model.h"
#include "pass/policy.h"
#include <string.h>

static const char optimizers[] =
#define ROW(name, word, title, reads) " " word
#include "reckon/optimizer.def"
#undef ROW
    ;

/* What may be asked for, the first word being the default. */
static const struct choice { const char *key, *words; size_t at; } choices[] = {
    { "policy",    "fp32 amp-bf16 mixed",           offsetof(rk_books, policy) },
    { "attention", "eager flash",                   offsetof(rk_books, attention) },
    { "recompute", "none gelu norm attention full", offsetof(rk_books, recompute) },
    { "logits",    "reuse keep inside",             offsetof(rk_books, logits) },
    { "offload",   "none optimizer all",            offsetof(rk_books, offload) },
    { "zero",      "0 1 2 3",                       offsetof(rk_books, zero) },
    { "optimizer", optimizers + 1,                  offsetof(rk_books, optimizer) },
};
enum { CHOICES = sizeof choices / sizeof *choices };

const char *facts_words(const char *key)
{
    for (int i = 0; i < CHOICES; i++)
        if (strcmp(choices[i].key, key) == 0) return choices[i].words;
    return "";
}

static const struct fact *fact_named(const struct facts *facts, const char *key, size_t n)
{
    for (int i = 0; i < facts->n; i++)
        if (strlen(facts->at[i].key) == n && memcmp(facts->at[i].key, key, n) == 0) return &facts->at[i];
    return NULL;
}

/* Is one of "a|b|c", up to a blank, the value of the fact? */
static bool among(const struct fact *fact, const char *words)
{
    for (size_t n; fact != NULL; words += n + 1) {
        n = strcspn(words, "| ");
        if (fact->n == n && memcmp(fact->value, words, n) == 0) return true;
        if (words[n] != '|') return false;
    }
    return false;
}

bool facts_hold(const struct facts *facts, const char *where)
{
    while (*where != '\0') {
        size_t key = strcspn(where, "="), n = strcspn(where, " ");
        if (!among(fact_named(facts, where, key), where + key + 1)) return false;
        where += n + strspn(where + n, " ");
    }
    return true;
}

static rk_status know(rk_ctx *ctx, struct facts *facts, const char *key, const char *value, size_t n)
{
    PROMISE(facts->n < MOST_FACTS);
    facts->at[facts->n++] = (struct fact){ key, value, n };
    return RK_OK;
}

static rk_status know_if(rk_ctx *ctx, struct facts *facts, const char *key, bool is) { return know(ctx, facts, key, is ? "yes" : "no", is ? 3 : 2); }

static rk_status choose(rk_ctx *ctx, struct facts *facts, const struct choice *choice, const char *given)
{
    if (given == NULL) return know(ctx, facts, choice->key, choice->words, strcspn(choice->words, " "));
    if (strcmp(choice->key, "policy") == 0 && !word_among(choice->words, given, strlen(given))) {
        TRY(policy_read(ctx, given, &(struct policy){ .n = 0 }));           /* a policy of this program's own: no convention speaks of it */
        return know(ctx, facts, choice->key, "other", 5);
    }
    if (word_among(choice->words, given, strlen(given)) && strchr(given, ' ') == NULL) return know(ctx, facts, choice->key, given, strlen(given));
    (void)FAIL(RK_E_UNKNOWN, "there is no %s \"%.60s\"", choice->key, given);
    return ctx_hint(ctx, "there are: %s", choice->words);
}

/* The handout's edition: as asked, else that of the model, else 2025. */
static rk_status know_edition(rk_ctx *ctx, struct facts *facts, const rk_model *model, const rk_books *books)
{
    static const struct { int64_t year; const char *text; } editions[] = { { 2024, "2024" }, { 2025, "2025" }, { 2026, "2026" } };
    int at;
    bool own = config_field(&model->config, "edition", &at) != NULL;
    int64_t year = books->edition != 0 ? books->edition : own ? config_int(&model->config, "edition") : 2025;
    for (int i = 0; i < 3; i++)
        if (editions[i].year == year) return know(ctx, facts, "edition", editions[i].text, 4);
    return FAIL(RK_E_UNKNOWN, "the CS336 handout has editions 2024, 2025 and 2026, not %lld", (long long)year);
}

static int64_t letter_is(const struct facts *facts, const char *name)
{
    const struct letter *l = letter_find(&facts->letters, name, strlen(name));
    return l != NULL ? (int64_t)l->value.over : 0;
}

/* Has the bill a module of that name, or below one? */
static bool has_module(const rk_bill *bill, const char *name)
{
    size_t n = strlen(name);
    for (int i = 0; i < rk_bill_groups(bill, RK_BY_MODULE); i++) {
        const char *module = rk_bill_group_at(bill, RK_BY_MODULE, i).name;
        if (strncmp(module, name, n) == 0 && (module[n] == '\0' || module[n] == '.')) return true;
    }
    return false;
}

static bool has_one_head(const struct facts *facts) { return letter_is(facts, "H") == 1 || letter_is(facts, "T") == 1; }
static bool is_alone(const struct facts *facts) { return has_one_head(facts) || letter_is(facts, "B") == 1; }       /* some copies are views then */

rk_status facts_of(rk_ctx *ctx, const rk_bill *bill, const rk_model *model, const rk_books *books, struct facts *facts)
{
    const struct arch *arch = model->config.arch;
    int at;
    facts->letters.n = facts->n = 0;
    TRY(letters_of(ctx, bill, model, books, &facts->letters));
    TRY(know(ctx, facts, "family", arch->name, strlen(arch->name)));
    for (int i = 0; i < CHOICES; i++) TRY(choose(ctx, facts, &choices[i], *(const char *const *)((const char *)books + choices[i].at)));
    TRY(know_edition(ctx, facts, model, books));
    TRY(know_if(ctx, facts, "alone", is_alone(facts)));
    TRY(know_if(ctx, facts, "alone_head", has_one_head(facts)));
    TRY(know_if(ctx, facts, "head", has_module(bill, "head")));                      /* no: the model ends in hidden states */
    TRY(know_if(ctx, facts, "pooler", has_module(bill, "pooler")));
    TRY(know_if(ctx, facts, "adamw", facts_hold(facts, "optimizer=adamw")));          /* most conventions know no other */
    TRY(know_if(ctx, facts, "traced", books->traced));
    TRY(know_if(ctx, facts, "sequence_parallel", books->sequence_parallel));
    TRY(know_if(ctx, facts, "pipelined", letter_is(facts, "p") > 1));
    return know_if(ctx, facts, "parallel", config_field(&model->config, "parallel", &at) == NULL || config_flag(&model->config, "parallel"));
}

rk_status facts_at(rk_ctx *ctx, struct facts *facts, int64_t batch)
{
    static const char *const letters[] = { "B", "b" };
    for (int i = 0; i < 2; i++) {
        const struct letter *l = letter_find(&facts->letters, letters[i], 1);
        PROMISE(l != NULL);
        TRY(letter_set(ctx, &facts->letters, l->name, batch, l->words));
    }
    const int known = facts->n;
    for (facts->n = 0; strcmp(facts->at[facts->n].key, "alone") != 0;) facts->n++;
    rk_status status = know_if(ctx, facts, "alone", is_alone(facts));
    facts->n = known;
    return status;
}
