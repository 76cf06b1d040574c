/* count_table.c: the bill of one model as a table, each number with its formula. */
#include "count.h"
#include <stdlib.h>
#include <string.h>

/* What the table shows, in order; entries that a bill does not have are left out. */
static const struct line training[] = {
    { "parameters",                 "parameters", COUNT },
    { NULL,                         "FLOPs of matrix products in a training step", PART },
    { "flops.forward",              "  forward", FLOPS },
    { "flops.backward",             "  backward", FLOPS },
    { "flops.update",               "  update", FLOPS },
    { NULL,                         "FLOPs of everything else", PART },
    { "flops.elementwise.forward",  "  forward", FLOPS },
    { "flops.elementwise.backward", "  backward", FLOPS },
    { "flops.elementwise.update",   "  update", FLOPS },
    { NULL,                         "bytes", PART },
    { "bytes.parameters",           "  parameters", BYTES },
    { "bytes.gradients",            "  gradients", BYTES },
    { "bytes.optimizer",            "  optimizer state", BYTES },
    { "bytes.master",               "  master weights", BYTES },
    { "bytes.cache_per_token",      "  KV cache, each token", BYTES },
    { NULL,                         "bytes read and written, each operation by itself", PART },
    { "traffic.forward",            "  forward", BYTES },
    { "traffic.backward",           "  backward", BYTES },
    { "traffic.update",             "  update", BYTES },
    { NULL,                         "bytes that this program allocates", PART },
    { "bytes.plan.parameters",      "  parameters", BYTES },
    { "bytes.plan.gradients",       "  gradients", BYTES },
    { "bytes.plan.optimizer",       "  optimizer state", BYTES },
    { "bytes.plan.master",          "  master weights", BYTES },
    { "bytes.plan.constants",       "  constants", BYTES },
    { "bytes.plan.activations",     "  activations", BYTES },
    { "bytes.plan.workspace",       "  workspace", BYTES },
    { "bytes.plan.update",          "  update", BYTES },
    { "bytes.plan.arena",           "  step and update, in turn", BYTES },
    { "bytes.plan.inputs",          "  inputs", BYTES },
    { "bytes.plan.total",           "  together", BYTES },
    { NULL,                         "FLOPs of matrix products that it computes", PART },
    { "flops.plan.step",            "  forward and backward", FLOPS },
    { "flops.plan.update",          "  update", FLOPS },
    { NULL,                         "FLOPs of everything else that it computes", PART },
    { "flops.plan.elementwise.step",   "  forward and backward", FLOPS },
    { "flops.plan.elementwise.update", "  update", FLOPS },
};
/* Scoring, prefill and decoding: one phase, and no state but parameters and the cache. */
static const struct line forward[] = {
    { "parameters",                 "parameters", COUNT },
    { NULL,                         "FLOPs", PART },
    { "flops.forward",              "  matrix products", FLOPS },
    { "flops.elementwise.forward",  "  everything else", FLOPS },
    { NULL,                         "elements, each operation by itself", PART },
    { "elements.read.forward",      "  read", COUNT },
    { "elements.written.forward",   "  written", COUNT },
    { "traffic.forward",            "  bytes of both", BYTES },
    { NULL,                         "bytes", PART },
    { "bytes.parameters",           "  parameters", BYTES },
    { "bytes.cache",                "  KV cache", BYTES },
    { "bytes.cache_per_token",      "  KV cache, each token", BYTES },
};

const struct line *count_lines(const struct counting *k, int *n)
{
    bool all = k->s.mode == RK_MODE_TRAIN;
    *n = (int)(all ? sizeof training / sizeof *training : sizeof forward / sizeof *forward);
    return all ? training : forward;
}

struct say short_form(enum unit unit, uint64_t n)
{
    if (unit == BYTES) return say_bytes(n);
    if (unit == FLOPS) return say_si((double)n, "FLOP");
    return say_si((double)n, "");
}

/* A part is headed only where one of its lines has a number. */
bool line_shown(const struct counting *k, const struct line *line, const struct line *end)
{
    const struct line *last = line->unit == PART ? line + 1 : line;
    for (; last < end && last->unit != PART; last++) {
        for (int i = 0; i < k->n; i++)
            if (rk_bill_has(k->all[i].bill, last->entry)) return true;
        if (line->unit != PART) break;
    }
    return false;
}

uint64_t number_of(const rk_bill *bill, const char *entry)
{
    uint64_t n;
    return rk_bill_has(bill, entry) && rk_bill_number(bill, entry, &n) == RK_OK ? n : 0;
}

const char *formula_of(const rk_bill *bill, const char *entry)
{
    const char *formula;
    return rk_bill_has(bill, entry) && rk_bill_formula(bill, entry, &formula) == RK_OK ? formula : "";
}

const char *spelled(const struct counting *k, rk_bill *bill, const char *formula)
{
    const char *text;
    if (k->letters == NULL || formula[0] == '\0') return formula;
    return rk_books_spell(bill, formula, k->letters, &text) == RK_OK ? text : formula;      /* --letters was checked before */
}

/* "policy amp-bf16: products in bf16 ..", and what modules do instead. */
static void say_policy(const struct counting *k, const char *policy)
{
    size_t n = strcspn(policy, ",");
    (void)fprintf(k->c->out, "policy %s", policy);
    for (int i = 0; rk_policy_at(i).word != NULL; i++)
        if (strlen(rk_policy_at(i).word) == n && memcmp(rk_policy_at(i).word, policy, n) == 0)
            (void)fprintf(k->c->out, ": %s%s%s", rk_policy_at(i).words, policy[n] == ',' ? "; but " : "", policy[n] == ',' ? policy + n + 1 : "");
    (void)fputc('\n', k->c->out);
}

/* The sizes of the model under the letters that formulas have. */
void headline(const struct counting *k, const struct counted *x)
{
    struct cli plain = *k->c;
    rk_bill_settings s = k->s;
    char *text = NULL, *semicolon;
    size_t n = 0;
    int64_t context = s.seq > 0 ? s.seq : (int64_t)model_size(x->model, "position");
    if (s.mode == RK_MODE_DECODE) s.seq = 1;
    plain.out = open_memstream(&text, &n);
    if (plain.out == NULL) cli_bug("no memory for a line");
    model_headline(&plain, x->model, &s);
    if (fclose(plain.out) != 0 || (semicolon = strchr(text, ';')) == NULL) cli_bug("a headline without sizes");
    (void)fprintf(k->c->out, "%.*s%s", (int)(semicolon - text), text, spelled(k, x->bill, semicolon));
    free(text);
    if (s.policy != NULL && strcmp(s.policy, "fp32") != 0) say_policy(k, s.policy);
    if (s.optimizer != RK_OPTIMIZER_adamw) (void)fprintf(k->c->out, "a step ends with %s\n", rk_optimizer_title(s.optimizer));
    if (s.mode == RK_MODE_DECODE)
        (void)fprintf(k->c->out, "one token of each sequence, which looks at %s positions (key), its own included\n", say_count((uint64_t)context).at);
}

static struct table *begin_part(struct counting *k, struct table *before, const char *words)
{
    table_print(before);
    (void)fprintf(k->c->out, "\n%s\n", words);
    return table_new(k->c, NULL, "lrrw");
}

int print_one(struct counting *k, struct counted *x)
{
    struct table *t = table_new(k->c, NULL, "lrrw");
    int n;
    const struct line *lines = count_lines(k, &n);
    headline(k, x);
    (void)fputc('\n', k->c->out);
    for (const struct line *line = lines; line < lines + n; line++) {
        if (!line_shown(k, line, lines + n)) continue;
        if (line->unit == PART) {
            t = begin_part(k, t, line->words);
            continue;
        }
        uint64_t number = number_of(x->bill, line->entry);
        table_cell(t, "%-24s", line->words);
        table_cell(t, "%20s", say_count(number).at);
        table_cell(t, "%12s", short_form(line->unit, number).at);
        table_cell(t, "%s", spelled(k, x->bill, formula_of(x->bill, line->entry)));
    }
    table_print(t);
    return print_conventions(k, x);
}
