/* diff_cost.c: what two models cost at the same batch and length, and what a machine would make of it in tokens a second. */
#include "diff.h"

/* What is compared by cost. */
static const struct cost { const char *entry, *words; } costs[] = {
    { "parameters",                 "parameters" },
    { "flops.forward",              "FLOPs of products, forward" },
    { "flops.backward",             "backward" },
    { "flops.elementwise.forward",  "FLOPs of everything else, forward" },
    { "flops.elementwise.backward", "backward" },
    { "bytes.parameters",           "bytes of parameters" },
    { "bytes.gradients",            "of gradients" },
    { "bytes.optimizer",            "of optimizer state" },
    { "bytes.cache_per_token",      "of KV cache, each token" },
};
enum { COSTS = sizeof costs / sizeof *costs };

/* What a machine would do of them; 0: there is none, or nothing to decode. */
static double train_rate(const struct both *b, int side)
{
    double flops = (double)number_of(b->bill[side], "flops.forward") + (double)number_of(b->bill[side], "flops.backward");
    return flops > 0 ? b->machine.peak * b->mfu * (double)b->settings.batch * (double)b->settings.seq / flops : 0;
}

/* A step reads all weights, and what each sequence has kept of T tokens. */
static double decode_rate(const struct both *b, int side)
{
    double cache = (double)number_of(b->bill[side], "bytes.cache_per_token"), sequences = (double)b->settings.batch;
    double bytes = (double)number_of(b->bill[side], "bytes.parameters") + sequences * (double)b->settings.seq * cache;
    return cache > 0 ? sequences * (double)b->machine.bandwidth / bytes : 0;
}

static const struct { const char *name, *words; double (*of)(const struct both *b, int side); } rates[] = {
    { "tokens_per_second.training", "tokens a second of training",            train_rate },
    { "tokens_per_second.decoding", "of decoding at context T, at most",      decode_rate },
};
enum { RATES = sizeof rates / sizeof *rates };

static void rate_cell(struct table *t, double rate)
{
    if (rate >= 100) table_cell(t, "%s", say_count((uint64_t)(rate + 0.5)).at);
    else table_cell(t, rate > 0 ? "%.3g" : "-", rate);
}

static void print_rates(struct table *t, const struct both *b)
{
    for (int i = 0; i < RATES; i++) {
        double left = rates[i].of(b, 0), right = rates[i].of(b, 1);
        if (!(left > 0 || right > 0)) continue;
        table_cell(t, "%s", rates[i].words);
        rate_cell(t, left);
        rate_cell(t, right);
        if (left > 0 && right > 0) table_cell(t, "%.4f", right / left);
        else table_cell(t, "%s", "");
    }
}

void diff_print_costs(struct cli *c, const struct both *b)
{
    (void)fprintf(c->out, "\nB %s, T %s, %s\n", say_count((uint64_t)b->settings.batch).at, say_count((uint64_t)b->settings.seq).at, rk_dtype_name(b->settings.dtype));
    struct table *t = diff_table(c, b, "|%s|%s|ratio", "lrrr");
    for (int i = 0; i < COSTS; i++) {
        uint64_t left = number_of(b->bill[0], costs[i].entry), right = number_of(b->bill[1], costs[i].entry);
        if (left == 0 && right == 0) continue;
        table_cell(t, "%s", costs[i].words);
        table_cell(t, "%s", say_count(left).at);
        table_cell(t, "%s", say_count(right).at);
        if (left > 0) table_cell(t, "%.4f", (double)right / (double)left);
        else table_cell(t, "%s", "");
    }
    print_rates(t, b);
    table_print(t);
    if (b->machine.peak > 0)
        (void)fprintf(c->out, "on %s: %s of %s\n", b->machine.name != NULL ? b->machine.name : "the machine given", say_percent(b->mfu).at, say_si(b->machine.peak, "FLOP/s").at);
}

void diff_json_costs(struct json *j, const struct both *b)
{
    json_array(j, "costs");
    for (int i = 0; i < COSTS; i++) {
        json_object(j, NULL);
        json_text(j, "name", costs[i].entry);
        json_uint(j, "left", number_of(b->bill[0], costs[i].entry));
        json_uint(j, "right", number_of(b->bill[1], costs[i].entry));
        json_end(j);
    }
    for (int i = 0; i < RATES; i++) {
        double left = rates[i].of(b, 0), right = rates[i].of(b, 1);
        if (!(left > 0 || right > 0)) continue;
        json_object(j, NULL);
        json_text(j, "name", rates[i].name);
        json_real(j, "left", left);
        json_real(j, "right", right);
        json_end(j);
    }
    json_end(j);
}
