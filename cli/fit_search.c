/* fit_search.c: which ways of running a model there are under a convention, the cheapest first.
 *
 * Cheap is what takes the least time: a step's products and those computed again, at the rate of the policy on the machine
 * that was named; without one, the fewest FLOPs. Of equals the one that changes least: less split by ZeRO, then numbers as
 * they are, then less forgotten. A way that takes no less memory than a cheaper one is of no use and left out. */
#include "fit.h"
#include <stdlib.h>
#include <string.h>

/* From the most exact to the most general; the first that speaks of the model is taken. */
static const char *const order[] = { "eager", "llmc", "cs336", "megatron", FIT_PLAN };
enum { ORDER = sizeof order / sizeof *order };

enum { POLICY, ATTENTION, RECOMPUTE, ZERO, SWITCHES };
static const char *const switches[SWITCHES] = { "policy", "attention", "recompute", "zero" };
enum { WORDS = 8, WORD = 16 };
struct words { int n; char word[WORDS][WORD]; };
/* Words that ways point to; the conventions' own stand in one text each. */
static struct words tried[MOST_ANSWERS][SWITCHES];

static void split(const char *text, struct words *to)
{
    for (size_t n; *text != '\0' && to->n < WORDS; text += n + strspn(text + n, " ")) {
        n = strcspn(text, " ");
        if (n < WORD) (void)snprintf(to->word[to->n++], WORD, "%.*s", (int)n, text);
    }
}

/* The words of a switch to be tried: that which was given, else all; false: the convention does not tell the given one apart. */
static bool words_of(const struct fit *f, const char *convention, int s, struct words *to)
{
    struct words all = { 0 };
    const struct cli *c = f->k.c;
    *to = (struct words){ 0 };
    split(rk_books_switch(convention, switches[s]), &all);
    if (s == ZERO && f->k.books.data < 2) all.n = 1;            /* nothing to split over */
    for (int i = 0; i < all.n; i++)
        if (!cli_given(c, switches[s]) || strcmp(cli_text(c, switches[s]), all.word[i]) == 0) memcpy(to->word[to->n++], all.word[i], WORD);
    return to->n > 0;
}

/* Products of a second under a policy; 0: no machine. */
static double rate_under(const struct fit *f, const char *policy)
{
    const struct cli *c = f->k.c;
    if (f->device == NULL || cli_given(c, "rate") || cli_given(c, "peak")) return 0;
    return f->device->rate[policy_rate(c->ctx, policy)];
}

static void price(struct fit *f, struct way *w)
{
    const struct counted *x = &f->k.all[0];
    double flops = (double)(number_of(x->bill, "flops.forward") + number_of(x->bill, "flops.backward")), rate = rate_under(f, w->policy);
    w->again = flops_again(x, w->attention, w->recompute);
    w->cost = (flops + (w->again != FLOPS_UNKNOWN ? (double)w->again : 0)) / (rate > 0 ? rate : 1);
    if (f->device != NULL && rate <= 0 && !cli_given(f->k.c, "rate") && !cli_given(f->k.c, "peak")) w->cost *= 1e30;     /* a rate that the machine lacks */
}

static bool line_total(const rk_books_line *line, int64_t batch, uint64_t *bytes)
{
    *bytes = line->one;
    return batch == 1 || (!__builtin_mul_overflow(line->each, (uint64_t)batch, bytes) && !__builtin_add_overflow(*bytes, line->fixed, bytes));
}

/* Tries one combination: a way more, or none where the convention says nothing of it. */
static int try_way(struct fit *f, struct answer *a, const struct words *words, const int at[SWITCHES])
{
    const struct counted *x = &f->k.all[0];
    struct way *w = &a->way[a->n];
    rk_books books = f->k.books;
    *w = (struct way){ words[POLICY].word[at[POLICY]], words[ATTENTION].word[at[ATTENTION]], words[RECOMPUTE].word[at[RECOMPUTE]], words[ZERO].word[at[ZERO]],
                       .is_line = true, .rank = { at[ZERO], at[POLICY], at[RECOMPUTE], at[ATTENTION] } };
    books.policy = w->policy;
    books.attention = w->attention;
    books.recompute = w->recompute;
    books.zero = w->zero;
    rk_status status = rk_books_line_of(x->bill, x->model, &books, a->convention, &w->line);
    if (status == RK_E_DECLINED) return CLI_OK;
    CLI_TRY(f->k.c, status);
    price(f, w);
    if (!line_total(&w->line, f->batch, &w->needed)) w->needed = UINT64_MAX;
    a->n++;
    return CLI_OK;
}

static int cheaper(const void *a, const void *b)
{
    const struct way *x = a, *y = b;
    if (x->cost < y->cost || x->cost > y->cost) return x->cost < y->cost ? -1 : 1;
    for (int i = 0; i < 4; i++)
        if (x->rank[i] != y->rank[i]) return x->rank[i] - y->rank[i];
    return 0;
}

/* Only what takes less than everything cheaper: of the sequences asked for, or of each one more. */
static void keep_useful(struct answer *a)
{
    int n = 0;
    for (int i = 0; i < a->n; i++) {
        bool useful = true;
        for (int k = 0; k < n && useful; k++) useful = a->way[i].needed < a->way[k].needed || a->way[i].line.each < a->way[k].line.each;
        if (useful) a->way[n++] = a->way[i];
    }
    a->n = n;
}

static int try_all(struct fit *f, struct answer *a, const struct words *words)
{
    int at[SWITCHES] = { 0 };
    for (;;) {
        int code = a->n < MOST_WAYS ? try_way(f, a, words, at) : CLI_OK, s = SWITCHES - 1;
        if (code != CLI_OK) return code;
        while (s >= 0 && ++at[s] == words[s].n) at[s--] = 0;
        if (s < 0) break;
    }
    qsort(a->way, (size_t)a->n, sizeof *a->way, cheaper);
    keep_useful(a);
    return CLI_OK;
}

/* How many, how long, and which is the first that fits. */
static int measure(struct fit *f, struct answer *a)
{
    const struct counted *x = &f->k.all[0];
    a->best = -1;
    for (int i = 0; i < a->n && f->memory > 0; i++) {
        struct way *w = &a->way[i];
        rk_books books = f->k.books;
        w->batch = rk_books_batch(&w->line, fit_room(f, f->memory));
        w->other_batch = rk_books_batch(&w->line, fit_room(f, f->other));
        if (a->best < 0 && w->batch > 0) a->best = i;
        books.batch = f->batch;
        books.policy = w->policy;
        books.attention = w->attention;
        books.recompute = w->recompute;
        books.zero = w->zero;
        if (w->batch > 0) CLI_TRY(f->k.c, rk_books_context(x->bill, x->model, &books, a->convention, fit_room(f, f->memory), 1 << 24, &w->context));
    }
    return CLI_OK;
}

static int ask_plan(struct fit *f, struct answer *a)
{
    for (int s = 0; s < SWITCHES; s++)
        if (s != POLICY && cli_given(f->k.c, switches[s]) && strcmp(cli_text(f->k.c, switches[s]), s == ZERO ? "0" : "") != 0) return CLI_OK;
    int code = fit_plan(f, &a->way[0]);
    a->n = code == CLI_OK ? 1 : 0;
    a->best = a->n > 0 && f->memory > 0 && a->way[0].batch > 0 ? 0 : -1;
    return code;
}

/* What a convention says; n 0: nothing. */
static int ask(struct fit *f, const char *convention, struct answer *a)
{
    struct words *words = tried[a - f->answer];
    *a = (struct answer){ .convention = convention, .best = -1 };
    if (strcmp(convention, FIT_PLAN) == 0) return ask_plan(f, a);
    for (int s = 0; s < SWITCHES; s++)
        if (!words_of(f, convention, s, &words[s])) return CLI_OK;
    int code = try_all(f, a, words);
    rk_error_clear(f->k.c->ctx);
    return code == CLI_OK ? measure(f, a) : code;
}

static int says_nothing(struct fit *f, const char *convention)
{
    char hint[256] = "it is of one device, with attention as this program computes it";
    int n = 0;
    for (int s = 0; s < SWITCHES && n < (int)sizeof hint && strcmp(convention, FIT_PLAN) != 0; s++)
        n += snprintf(hint + n, sizeof hint - (size_t)n, "%s%s %s", s > 0 ? "; " : "it tells apart: ", switches[s], rk_books_switch(convention, switches[s]));
    if (f->k.s.optimizer != RK_OPTIMIZER_adamw && strcmp(convention, FIT_PLAN) != 0)
        (void)snprintf(hint, sizeof hint, "it counts the states of AdamW; --convention %s has those of %s", FIT_PLAN, rk_optimizer_title(f->k.s.optimizer));
    return cli_fail(f->k.c, CLI_USAGE, hint, "the convention \"%s\" says nothing of %s run like that", convention, rk_model_name(f->k.all[0].model));
}

static int ask_named(struct fit *f, const char *convention)
{
    struct counted *x = &f->k.all[0];
    struct answer *a = &f->answer[0];
    bool plan = strcmp(convention, FIT_PLAN) == 0;
    f->n = 1;
    if (!plan) CLI_TRY(f->k.c, rk_books_add(x->bill, x->model, &f->k.books, ""));
    if (!plan && rk_books_switch(convention, "policy")[0] == '\0') return cli_usage(f->k.c, "--convention: there is no memory convention \"%s\"; `reckon count MODEL --memory all` has them", convention);
    int code = ask(f, convention, a);
    if (code != CLI_OK) return code;
    if (a->n == 0) return says_nothing(f, convention);
    if (a->way[0].line.each > 0 || plan) return CLI_OK;
    return cli_usage(f->k.c, "--convention %s: it does not grow with the batch; take one of activations", convention);
}

int fit_search(struct fit *f)
{
    struct counted *x = &f->k.all[0];
    int code = cli_try(f->k.c, rk_books_add(x->bill, x->model, &f->k.books, "flops"));
    if (code == CLI_OK && cli_given(f->k.c, "convention")) return ask_named(f, cli_text(f->k.c, "convention"));
    for (int i = 0; i < ORDER && code == CLI_OK && f->answer[0].n == 0; i++) code = ask(f, order[i], &f->answer[0]);
    if (code != CLI_OK) return code;
    f->n = 1;
    if (f->answer[0].n == 0) return says_nothing(f, order[0]);
    if (f->memory == 0 || f->answer[0].best >= 0 || strcmp(f->answer[0].convention, "megatron") == 0) return CLI_OK;
    code = ask(f, "megatron", &f->answer[1]);
    f->n += f->answer[1].n > 0;
    return code;
}

const struct way *fit_cheapest(const struct answer *a, uint64_t room)
{
    for (int i = 0; i < a->n; i++)
        if (a->way[i].needed <= room) return &a->way[i];
    return NULL;
}

int64_t fit_micro_batch(const struct fit *f, uint64_t at_once)
{
    int64_t b = at_once < (uint64_t)f->batch ? (int64_t)at_once : f->batch;
    while (b > 0 && f->batch % b != 0) b--;
    return b;
}
