/* reckon count: the bill of a model, without running it: every number exact, each with the formula it comes from. */
#include "model.h"
#include "out.h"
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

static const struct option options[] = {
    OPTIONS_OF_SIZE,
    { "why",  'w', OPT_TEXT, "NAME", NULL, "what is behind one number: flops.forward, parameters, bytes.gradients ..." },
    { "plan", 'p', OPT_FLAG, NULL,   NULL, "also what this program will allocate and compute on this machine" },
    { 0 }
};

/* What the table shows, in order; entries that a bill does not have are left out. A row without an entry begins a part. */
enum unit { PART, COUNT, FLOPS, BYTES };
static const struct line { const char *entry, *words; enum unit unit; } lines[] = {
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
    { "bytes.cache_per_token",      "  KV cache, each token", BYTES },
    { NULL,                         "bytes that this program allocates", PART },
    { "bytes.plan.parameters",      "  parameters", BYTES },
    { "bytes.plan.gradients",       "  gradients", BYTES },
    { "bytes.plan.optimizer",       "  optimizer state", BYTES },
    { "bytes.plan.activations",     "  activations", BYTES },
    { "bytes.plan.workspace",       "  workspace", BYTES },
    { "bytes.plan.update",          "  update", BYTES },
    { NULL,                         "FLOPs of matrix products that it computes", PART },
    { "flops.plan.step",            "  forward and backward", FLOPS },
    { "flops.plan.update",          "  update", FLOPS },
};
enum { LINES = sizeof lines / sizeof *lines };

struct counted { rk_model *model; rk_bill *bill; };

static struct say short_form(enum unit unit, uint64_t n)
{
    if (unit == BYTES) return say_bytes(n);
    if (unit == FLOPS) return say_si((double)n, "FLOP");
    return say_si((double)n, "");
}

/* A part is headed only where one of its lines has a number. */
static bool shown(const struct line *line, const struct counted *all, int n)
{
    const struct line *last = line->unit == PART ? line + 1 : line;
    for (; last < lines + LINES && last->unit != PART; last++) {
        for (int i = 0; i < n; i++)
            if (rk_bill_has(all[i].bill, last->entry)) return true;
        if (line->unit != PART) break;
    }
    return false;
}

static uint64_t number_of(const rk_bill *bill, const char *entry)
{
    uint64_t n;
    return rk_bill_has(bill, entry) && rk_bill_number(bill, entry, &n) == RK_OK ? n : 0;
}

static const char *formula_of(const rk_bill *bill, const char *entry)
{
    const char *formula;
    return rk_bill_has(bill, entry) && rk_bill_formula(bill, entry, &formula) == RK_OK ? formula : "";
}

/* What others would say of training one token: whoever prints MFU uses one of these. */
static void conventions(struct cli *c, const struct counted *x, const rk_bill_settings *s)
{
    uint64_t n = number_of(x->bill, "parameters"), seq = s->seq > 0 ? (uint64_t)s->seq : model_size(x->model, "position");
    double exact = (double)(number_of(x->bill, "flops.forward") + number_of(x->bill, "flops.backward")) / ((double)s->batch * (double)seq);
    double six = 6 * (double)n, palm = six + 12 * (double)model_size(x->model, "layer") * (double)model_size(x->model, "hidden") * (double)seq;
    struct table *t = table_new(c, NULL, "lrrw");
    const struct { const char *words; double flops; const char *formula; } rows[] = {
        { "  this bill", exact, "(forward + backward) / (B·T)" },
        { "  6N", six, "6·N, N parameters (Kaplan 2020)" },
        { "  PaLM", palm, "6·N + 12·L·D·T (Chowdhery 2022)" },
    };
    (void)fprintf(c->out, "\nFLOPs to train one token, by convention\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        table_cell(t, "%s", rows[i].words);
        table_cell(t, "%s", say_count((uint64_t)(rows[i].flops + 0.5)).at);
        table_cell(t, "%s", say_percent(rows[i].flops / exact).at);
        table_cell(t, "%s", rows[i].formula);
    }
    table_print(t);
}

static void print_one(struct cli *c, const struct counted *x, const rk_bill_settings *s)
{
    struct table *t = table_new(c, NULL, "lrrw");
    model_headline(c, x->model, s);
    (void)fputc('\n', c->out);
    for (const struct line *line = lines; line < lines + LINES; line++) {
        if (!shown(line, x, 1)) continue;
        bool part = line->unit == PART;
        uint64_t n = part ? 0 : number_of(x->bill, line->entry);
        if (part) {
            table_print(t);
            (void)fprintf(c->out, "\n%s\n", line->words);
            t = table_new(c, NULL, "lrrw");
            continue;
        }
        table_cell(t, "%-22s", line->words);
        table_cell(t, "%20s", say_count(n).at);
        table_cell(t, "%12s", short_form(line->unit, n).at);
        table_cell(t, "%s", formula_of(x->bill, line->entry));
    }
    table_print(t);
    conventions(c, x, s);
}

static void print_many(struct cli *c, const struct counted *all, int n)
{
    char heads[2048] = "", align[32] = "l";
    for (int i = 0; i < n; i++) {
        size_t used = strlen(heads);
        const char *name = rk_model_name(all[i].model);
        (void)snprintf(heads + used, sizeof heads - used, "|%.60s", name);
        for (char *bar = strchr(heads + used + 1, '|'); bar != NULL; bar = strchr(bar, '|')) *bar = '/';
        align[1 + i] = 'r';
    }
    struct table *t = table_new(c, heads, align);
    for (const struct line *line = lines; line < lines + LINES; line++) {
        if (!shown(line, all, n)) continue;
        table_cell(t, "%s", line->words);
        for (int i = 0; i < n; i++) table_cell(t, "%s", line->unit == PART ? "" : say_count(number_of(all[i].bill, line->entry)).at);
    }
    table_print(t);
}

/* --- why --- */

static int print_why(struct cli *c, const struct counted *x, const rk_bill_settings *s)
{
    const char *name = cli_text(c, "why"), *formula;
    uint64_t n;
    CLI_TRY(c, rk_bill_number(x->bill, name, &n));
    CLI_TRY(c, rk_bill_formula(x->bill, name, &formula));
    model_headline(c, x->model, s);
    (void)fprintf(c->out, "\n%s = %s%s%s\n\n", name, say_count(n).at, formula[0] != '\0' ? " = " : "", formula);
    struct table *t = table_new(c, "module|operation|times|each|together|one is", "lwrrrl");
    for (int i = 0; i < rk_bill_reasons(x->bill, name); i++) {
        rk_bill_reason r = rk_bill_reason_at(x->bill, name, i);
        table_cell(t, "%s", r.module[0] != '\0' ? r.module : "(top)");
        table_cell(t, "%s%s%s", r.op, r.label[0] != '\0' ? " " : "", r.label);
        table_cell(t, "%s", say_count((uint64_t)r.times).at);
        table_cell(t, "%s", say_count(r.each).at);
        table_cell(t, "%s", say_count(r.number).at);
        table_cell(t, "%s", r.formula);
    }
    table_print(t);
    return CLI_OK;
}

static void json_reasons(struct json *j, const rk_bill *bill, const char *name)
{
    json_array(j, "reasons");
    for (int i = 0; i < rk_bill_reasons(bill, name); i++) {
        rk_bill_reason r = rk_bill_reason_at(bill, name, i);
        json_object(j, NULL);
        json_text(j, "module", r.module);
        json_text(j, "op", r.op);
        json_text(j, "label", r.label);
        json_int(j, "times", r.times);
        json_uint(j, "each", r.each);
        json_uint(j, "number", r.number);
        json_text(j, "formula", r.formula);
        json_end(j);
    }
    json_end(j);
}

static int print_why_json(struct cli *c, const struct counted *x)
{
    const char *name = cli_text(c, "why"), *formula;
    struct json j;
    uint64_t n;
    CLI_TRY(c, rk_bill_number(x->bill, name, &n));
    CLI_TRY(c, rk_bill_formula(x->bill, name, &formula));
    json_begin(&j, c->out);
    json_object(&j, NULL);
    json_text(&j, "model", rk_model_name(x->model));
    json_text(&j, "name", name);
    json_uint(&j, "number", n);
    json_text(&j, "formula", formula);
    json_reasons(&j, x->bill, name);
    json_end(&j);
    return CLI_OK;
}

/* --- JSON --- */

/* What was asked, and then the bill as the library writes it, in one object. */
static int print_json(struct cli *c, const struct counted *x, const rk_bill_settings *s)
{
    const char *text;
    struct json j;
    CLI_TRY(c, rk_bill_json(x->bill, &text));
    json_begin(&j, c->out);
    json_object(&j, NULL);
    json_text(&j, "model", rk_model_name(x->model));
    json_text(&j, "family", rk_model_family(x->model));
    json_int(&j, "batch", s->batch);
    json_uint(&j, "seq", s->seq > 0 ? (uint64_t)s->seq : model_size(x->model, "position"));
    json_text(&j, "dtype", rk_dtype_name(s->dtype));
    (void)fprintf(c->out, ",\n%s\n", text + 1);
    return CLI_OK;
}

static int print(struct cli *c, const struct counted *all, int n, const rk_bill_settings *s)
{
    int code = CLI_OK;
    bool why = cli_given(c, "why");
    if (c->json && n > 1) (void)fputs("[\n", c->out);
    for (int i = 0; i < n && code == CLI_OK && (c->json || why || n == 1); i++) {
        if (i > 0) (void)fputs(c->json ? ",\n" : "\n", c->out);
        if (why) code = c->json ? print_why_json(c, &all[i]) : print_why(c, &all[i], s);
        else if (c->json) code = print_json(c, &all[i], s);
        else print_one(c, &all[i], s);
    }
    if (c->json && n > 1) (void)fputs("]\n", c->out);
    if (!c->json && !why && n > 1) print_many(c, all, n);
    return code;
}

/* A bill takes a few milliseconds, half of them for memory that comes from the system and goes back to it, again and again. */
static void keep_memory(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 30);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
    (void)mallopt(M_TOP_PAD, 4 << 20);
#endif
}

static int run(struct cli *c)
{
    enum { MOST = 8 };
    struct counted all[MOST] = { { NULL, NULL } };
    rk_bill_settings settings;
    int n = c->n_args, code = model_settings(c, &settings);
    if (code != CLI_OK) return code;
    keep_memory();
    if (n > MOST) return cli_usage(c, "at most %d models side by side", MOST);
    settings.plan = cli_flag(c, "plan") || (c->json && settings.dtype == RK_f32);        /* what is done here is done in f32 */
    for (int i = 0; i < n; i++) {
        CLI_GO(c, rk_model_open(c->ctx, c->args[i], &all[i].model));
        CLI_GO(c, rk_bill_of(all[i].model, &settings, &all[i].bill));
    }
    code = print(c, all, n, &settings);
out:
    for (int i = 0; i < n; i++) {
        rk_bill_free(all[i].bill);
        rk_model_close(all[i].model);
    }
    return code;
}

static const struct example examples[] = {
    { "count gpt2",                               "what is in GPT-2", NULL },
    { "count gpt2 --why flops.forward",           "and why", NULL },
    { "count cs336-small cs336-small-2024",       "two models side by side", NULL },
    { "count cs336-17m -b 32 --plan",             "also what training it here will allocate", NULL },
    { "count gpt2:n_layer=2 --json",              "for a program: exact integers, formulas, modules, operations", NULL },
    { 0 }
};

const struct command cmd_count = {
    .name = "count", .arguments = "MODEL...", .purpose = "the bill of a model: parameters, FLOPs, bytes, each with its formula", .options = options,
    .examples = examples, .complete = model_complete, .json = true, .run = run,
    .notes = MODEL_NOTES
             "\nBy meaning, unless the words say that this program does it: products in full, attention without regard to its mask, nothing fused, one "
             "multiply-add is 2 FLOPs. The step ends with clipping by the global norm and AdamW.",
};
