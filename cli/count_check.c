/* count_check.c: a run held against the bill: --check FILE.json --tolerance 1%. What used more than was predicted is named, by how much.
 *
 * Predicted is what this program says of MODEL, with the batch, context and dropout of the run: bytes by tag and FLOPs, of
 * which no more may be used than the tolerance allows. What is not the model's (the process's peak, seconds) is compared
 * with what the run itself expected, and is a failure only where it has a tolerance of its own: --tolerance seconds.step=50%. */
#include "count.h"
#include "reckon/train.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where a prediction comes from: the bill; the plan of this program, which is another on another kind of device; the run itself. */
enum source { BILL, PLAN, RUN };
static const struct { const char *entry; enum source source; bool counted, must; } entries[] = {
    { "bytes.plan.parameters", BILL, true,  true },
    { "bytes.plan.gradients",  BILL, true,  true },
    { "bytes.plan.optimizer",  BILL, true,  true },
    { "bytes.plan.master",     BILL, true,  false },        /* of narrow parameters alone: other runs have no such row */
    { "bytes.plan.constants",  BILL, true,  false },        /* of tables that are not trained: likewise */
    { "bytes.plan.arena",      PLAN, true,  false },        /* not measured where the system does not tell of pages */
    { "bytes.plan.inputs",     BILL, true,  true },
    { "flops.step",            PLAN, true,  true },
    { "bytes.resident",        RUN,  false, false },
    { "seconds.step",          RUN,  false, false },
};
enum { ENTRIES = sizeof entries / sizeof *entries };

/* limit: allowed above the prediction, NaN: any. */
struct checked { const char *entry, *unit; double predicted, measured, limit; bool beyond; };

/* A run on an accelerator had a plan of its own, which is not made here: what it said of itself beforehand is what it is held to. */
static bool is_priced_here(const rk_receipt *r, int i) { return entries[i].source == BILL || (entries[i].source == PLAN && strncmp(r->device, "cuda", 4) != 0); }

static double predicted_by_bill(const struct counted *x, const rk_receipt *r, const char *entry)
{
    if (strcmp(entry, "flops.step") != 0) return (double)number_of(x->bill, entry);
    return (double)r->accumulate * (double)number_of(x->bill, "flops.plan.step") + (double)number_of(x->bill, "flops.plan.update");
}

/* "1%", "0.01"; with "NAME=" before it that of one entry. */
static bool read_tolerance(const char *text, double *limit)
{
    char digits[32];
    size_t n = strlen(text);
    bool percent = n > 0 && text[n - 1] == '%';
    if (n == 0 || n >= sizeof digits) return false;
    memcpy(digits, text, n + 1);
    digits[n - percent] = '\0';
    char *end;
    *limit = strtod(digits, &end);
    if (percent) *limit /= 100;
    return end != digits && *end == '\0' && digits[strspn(digits, "0123456789.eE-+")] == '\0' && *limit >= 0 && isfinite(*limit);
}

static int read_tolerances(struct cli *c, double limit[ENTRIES])
{
    const char *text;
    for (int i = 0; i < ENTRIES; i++) limit[i] = entries[i].counted ? 0 : (double)NAN;
    for (int k = 0; (text = cli_list(c, "tolerance", k)) != NULL; k++) {
        const char *equals = strchr(text, '=');
        bool known = equals == NULL;
        double value;
        if (!read_tolerance(equals != NULL ? equals + 1 : text, &value)) return cli_usage(c, "--tolerance: a part such as 1%% or 0.01 expected, not \"%s\"", text);
        for (int i = 0; i < ENTRIES; i++) {
            bool named = equals != NULL && strlen(entries[i].entry) == (size_t)(equals - text) && memcmp(entries[i].entry, text, (size_t)(equals - text)) == 0;
            if (named || (equals == NULL && entries[i].counted)) limit[i] = value;
            known = known || named;
        }
        if (!known) return cli_usage(c, "--tolerance: there is no entry %.*s; see docs/json.md, reckon.gate/1", (int)(equals - text), text);
    }
    return CLI_OK;
}

static int find_row(struct cli *c, const rk_receipt *r, int i, int *row)
{
    for (*row = 0; *row < r->n; ++*row)
        if (strcmp(r->row[*row].entry, entries[i].entry) == 0) return CLI_OK;
    return cli_fail(c, CLI_DATA, NULL, "%s has no row %s", cli_text(c, "check"), entries[i].entry);
}

static int compare(struct cli *c, const struct counted *x, const rk_receipt *r, const double limit[ENTRIES], struct checked all[ENTRIES])
{
    for (int i = 0, row; i < ENTRIES; i++) {
        bool none = is_priced_here(r, i) && !entries[i].must && predicted_by_bill(x, r, entries[i].entry) <= 0;
        all[i] = (struct checked){ entries[i].entry, "bytes", (double)NAN, (double)NAN, (double)NAN, false };
        if (none) continue;
        int code = find_row(c, r, i, &row);
        if (code != CLI_OK) return code;
        all[i] = (struct checked){ entries[i].entry, r->row[row].unit, r->row[row].predicted, r->row[row].measured, limit[i], false };
        if (is_priced_here(r, i)) all[i].predicted = predicted_by_bill(x, r, entries[i].entry);
        if (entries[i].must && !isfinite(all[i].measured)) return cli_fail(c, CLI_DATA, "the run made no step", "%s: %s was not measured", cli_text(c, "check"), entries[i].entry);
        all[i].beyond = isfinite(all[i].limit) && isfinite(all[i].measured) && isfinite(all[i].predicted) && all[i].measured > all[i].predicted * (1 + all[i].limit);
        if (isfinite(limit[i]) && !entries[i].counted && !isfinite(all[i].measured)) return cli_fail(c, CLI_DATA, NULL, "%s: %s was not measured", cli_text(c, "check"), entries[i].entry);
    }
    return CLI_OK;
}

static void cell_number(struct table *t, const char *unit, double x)
{
    if (!isfinite(x)) table_cell(t, "unknown");
    else if (strcmp(unit, "s") == 0) table_cell(t, "%s", say_seconds(x).at);
    else table_cell(t, "%s", say_count((uint64_t)(x + 0.5)).at);
}

/* What this run has none of. */
static bool is_none(const struct checked *x, int i) { return entries[i].counted && !isfinite(x->predicted) && !isfinite(x->measured); }

static void table_entries(struct cli *c, const struct checked all[ENTRIES])
{
    struct table *t = table_new(c, "|predicted|used|more|allowed|", "lrrrrl");
    for (int i = 0; i < ENTRIES; i++) {
        const struct checked *x = &all[i];
        if (is_none(x, i)) continue;
        bool known = isfinite(x->measured) && isfinite(x->predicted) && x->predicted > 0;
        table_cell(t, "%s", x->entry);
        cell_number(t, x->unit, x->predicted);
        cell_number(t, x->unit, x->measured);
        table_cell(t, "%s", known ? say_percent(x->measured / x->predicted - 1).at : "");
        table_cell(t, "%s", isfinite(x->limit) ? say_percent(x->limit).at : "any");
        table_cell(t, "%s", x->beyond ? "too much" : "");
    }
    table_print(t);
}

static void json_entries(struct cli *c, const struct counted *x, const rk_receipt *r, const struct checked all[ENTRIES], bool held)
{
    struct json j;
    json_begin(&j, c->out);
    json_object(&j, NULL);
    json_text(&j, "schema", "reckon.gate/1");
    json_text(&j, "model", rk_model_name(x->model));
    json_text(&j, "run", r->model);
    json_int(&j, "batch", r->batch);
    json_int(&j, "accumulate", r->accumulate);
    json_int(&j, "seq", r->seq);
    if (r->source_seq > 0) json_int(&j, "source_seq", r->source_seq);
    json_bool(&j, "held", held);
    json_array(&j, "entries");
    for (int i = 0; i < ENTRIES; i++) {
        if (is_none(&all[i], i)) continue;
        json_object(&j, NULL);
        json_text(&j, "entry", all[i].entry);
        json_text(&j, "unit", all[i].unit);
        json_real(&j, "predicted", all[i].predicted);
        json_real(&j, "used", all[i].measured);
        json_real(&j, "tolerance", all[i].limit);
        json_bool(&j, "beyond", all[i].beyond);
        json_end(&j);
    }
    json_end(&j);
    json_end(&j);
}

/* The first line of a failure names the entry. */
static int verdict(struct cli *c, const struct checked all[ENTRIES])
{
    int code = CLI_OK;
    for (int i = 0; i < ENTRIES; i++) {
        const struct checked *x = &all[i];
        if (!x->beyond) continue;
        code = cli_fail(c, CLI_NO, NULL, "%s: the run used %s %s, %s more than the %s predicted; allowed are %s", x->entry, say_real(x->measured).at, x->unit,
                        x->predicted > 0 ? say_percent(x->measured / x->predicted - 1).at : "any amount", say_real(x->predicted).at, say_percent(x->limit).at);
    }
    return code;
}

/* Of the same run: what was said of batch and context must be what the run had. */
static int same_run(struct counting *k, const rk_receipt *r)
{
    struct cli *c = k->c;
    if (cli_given(c, "batch") && k->s.batch != r->batch) return cli_usage(c, "--batch %lld: the run in %s had %lld", (long long)k->s.batch, cli_text(c, "check"), (long long)r->batch);
    if (cli_given(c, "seq") && k->s.seq != r->seq) return cli_usage(c, "--seq %lld: the run in %s had %lld", (long long)k->s.seq, cli_text(c, "check"), (long long)r->seq);
    if (cli_given(c, "source-seq") && k->s.source_seq != r->source_seq)
        return cli_usage(c, "--source-seq %lld: the run in %s had %lld", (long long)k->s.source_seq, cli_text(c, "check"), (long long)r->source_seq);
    if (cli_given(c, "optimizer") && k->s.optimizer != r->optimizer)
        return cli_usage(c, "--optimizer %s: the run in %s was taken by %s", rk_optimizer_word(k->s.optimizer), cli_text(c, "check"), rk_optimizer_word(r->optimizer));
    const char *policy = r->policy[0] != '\0' ? r->policy : "fp32";
    if (cli_given(c, "policy") && strcmp(k->s.policy, policy) != 0) return cli_usage(c, "--policy %s: the run in %s was under %s", k->s.policy, cli_text(c, "check"), policy);
    k->s = (rk_bill_settings){ .batch = r->batch, .seq = r->seq, .source_seq = r->source_seq, .padded = true, .dtype = RK_f32, .zero_dtype_is_f64 = true, .dropout = r->dropout, .accumulate = r->accumulate,
                                .plan = true, .plan_untimed = true, .totals = true, .optimizer = r->optimizer, .no_momentum = r->no_momentum, .policy = r->policy };
    return CLI_OK;
}

int count_check(struct counting *k)
{
    struct cli *c = k->c;
    struct counted *x = &k->all[0];
    struct checked all[ENTRIES];
    double limit[ENTRIES];
    rk_receipt r;
    if (k->n != 1) return cli_usage(c, "--check: one MODEL");
    int code = read_tolerances(c, limit);
    if (code == CLI_OK) code = cli_try(c, rk_receipt_read(c->ctx, cli_text(c, "check"), &r));
    if (code == CLI_OK) code = same_run(k, &r);
    if (code != CLI_OK) return code;
    CLI_TRY(c, rk_model_open(c->ctx, c->args[0], &x->model));
    CLI_TRY(c, rk_bill_of(x->model, &k->s, &x->bill));
    if (number_of(x->bill, "parameters") != (uint64_t)r.parameters)
        return cli_fail(c, CLI_NO, NULL, "the run in %s trained %s parameters, %s has %s", cli_text(c, "check"), say_count((uint64_t)r.parameters).at, rk_model_name(x->model),
                        say_count(number_of(x->bill, "parameters")).at);
    code = compare(c, x, &r, limit, all);
    if (code != CLI_OK) return code;
    code = verdict(c, all);
    if (c->json) json_entries(c, x, &r, all, code == CLI_OK);
    else table_entries(c, all);
    return code;
}
