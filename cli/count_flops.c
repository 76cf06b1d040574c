/* count_flops.c: what others would say of training one token, and the utilisation that each of them would print.
 *
 * A convention is never chosen in silence: every line has its name and formula. Without a peak there is no utilisation. */
#include "count.h"
#include <string.h>

static const char *const usual[] = { "bill", "causal", "six_n", "palm", NULL };         /* of the short table; those that speak of the model */

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

static int add_usual(struct counting *k, struct counted *x)
{
    for (int i = 0; usual[i] != NULL; i++) {
        rk_status status = rk_books_add(x->bill, x->model, &k->books, usual[i]);
        if (status == RK_E_DECLINED) rk_error_clear(k->c->ctx);
        else CLI_TRY(k->c, status);
    }
    return CLI_OK;
}

/* Of a bill with a backward pass; others have nothing to say of training. */
int print_conventions(struct counting *k, struct counted *x)
{
    struct cli *c = k->c;
    bool all = all_asked(k), mfu = utilisation_asked(k) && k->machine.peak > 0;
    if (!rk_bill_has(x->bill, "flops.backward")) return CLI_OK;
    int code = all ? cli_try(c, rk_books_add(x->bill, x->model, &k->books, "flops")) : add_usual(k, x);
    if (code != CLI_OK) return code;
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
