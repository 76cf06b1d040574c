/* count_flops.c: what others would say of training one token, and the utilisation that each of them would print.
 *
 * A convention is never chosen in silence: every line has its name and formula. Without a peak there is no utilisation. */
#include "count.h"
#include <string.h>

static const char *const usual = "bill causal six_n palm";          /* of the short table; those that speak of the family */

bool utilisation_asked(const struct counting *k) { return cli_given(k->c, "tokens-per-second"); }

static bool all_asked(const struct counting *k) { return cli_flag(k->c, "conventions") || utilisation_asked(k); }

static double tokens_of(const struct counting *k, const struct counted *x)
{
    uint64_t seq = k->s.seq > 0 ? (uint64_t)k->s.seq : model_size(x->model, "position");
    return (double)k->s.batch * (double)seq;
}

/* Of one of the `gpus`, at the rate that was measured over all of them. */
static double utilisation(const struct counting *k, double per_token)
{
    double gpus = k->books.gpus > 0 ? (double)k->books.gpus : 1;
    return per_token * cli_real(k->c, "tokens-per-second") / (gpus * k->machine.peak);
}

static bool among(const char *words, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = words; (at = strstr(at, name)) != NULL; at += n)
        if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0')) return true;
    return false;
}

static void print_row(struct counting *k, struct counted *x, struct table *t, const rk_convention *v, double exact)
{
    char name[64];
    bool all = all_asked(k), mfu = utilisation_asked(k) && k->machine.peak > 0;
    (void)snprintf(name, sizeof name, "flops.convention.%s", v->name);
    double per_token = (double)number_of(x->bill, name) / tokens_of(k, x);
    table_cell(t, "  %s", v->name);
    table_cell(t, "%s", say_count((uint64_t)(per_token + 0.5)).at);
    table_cell(t, "%s", say_percent(per_token / exact).at);
    if (mfu) table_cell(t, "%s", say_percent(utilisation(k, per_token)).at);
    table_cell(t, "%s%s%s", all ? v->words : "", all ? ": " : "", spelled(k, x->bill, formula_of(x->bill, name)));
}

/* The names of those conventions of the short table that speak of this family. */
static void usual_names(const struct counted *x, char *names, size_t room)
{
    rk_convention v;
    names[0] = '\0';
    for (int i = 0; (v = rk_convention_at(i)).name != NULL; i++) {
        size_t used = strlen(names);
        bool speaks = v.families[0] == '*' || among(v.families, rk_model_family(x->model));
        if (!v.is_memory && speaks && among(usual, v.name)) (void)snprintf(names + used, room - used, "%s ", v.name);
    }
}

/* Of a bill with a backward pass; others have nothing to say of training. */
int print_conventions(struct counting *k, struct counted *x)
{
    struct cli *c = k->c;
    bool all = all_asked(k), mfu = utilisation_asked(k) && k->machine.peak > 0;
    if (!rk_bill_has(x->bill, "flops.backward")) return CLI_OK;
    char names[128] = "flops";
    if (!all) usual_names(x, names, sizeof names);
    CLI_TRY(c, rk_books_add(x->bill, x->model, &k->books, names));
    (void)fprintf(c->out, "\nFLOPs to train one token, by convention%s\n", mfu ? ", and what it makes of the measured rate" : "");
    struct table *t = table_new(c, mfu ? "|a token|of the bill|MFU|" : NULL, mfu ? "lrrrw" : "lrrw");
    double exact = (double)(number_of(x->bill, "flops.forward") + number_of(x->bill, "flops.backward")) / tokens_of(k, x);
    for (int i = 0; rk_convention_at(i).name != NULL; i++) {
        rk_convention v = rk_convention_at(i);
        char name[64];
        (void)snprintf(name, sizeof name, "flops.convention.%s", v.name);
        if (!v.is_memory && rk_bill_has(x->bill, name)) print_row(k, x, t, &v, exact);
    }
    table_print(t);
    if (mfu && k->machine.reached > 0)
        (void)fprintf(c->out, "A real product reached %s of the %s peak on this machine.\n", say_percent(k->machine.reached / k->machine.peak).at,
                      k->machine.rate);
    if (utilisation_asked(k) && !mfu)
        (void)fprintf(c->out, "%s tokens/s measured; no utilisation without a peak: --device or --peak.\n", say_real(cli_real(c, "tokens-per-second")).at);
    return CLI_OK;
}

void json_utilisation(const struct counting *k, struct counted *x, struct json *j)
{
    if (!(k->machine.peak > 0)) return;
    json_object(j, "mfu");
    for (int i = 0; rk_convention_at(i).name != NULL; i++) {
        rk_convention v = rk_convention_at(i);
        char name[64];
        (void)snprintf(name, sizeof name, "flops.convention.%s", v.name);
        if (!v.is_memory && rk_bill_has(x->bill, name)) json_real(j, v.name, utilisation(k, (double)number_of(x->bill, name) / tokens_of(k, x)));
    }
    json_end(j);
}
