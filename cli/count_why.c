/* count_why.c: what is behind one number of a bill, and the whole bill as JSON. Conventions of others are added when asked for. */
#include "count.h"
#include <string.h>

/* Whatever else the bill lacks is asked of all conventions. */
static int add_what_is_asked(struct counting *k, struct counted *x, const char *name)
{
    if (rk_bill_has(x->bill, name)) return CLI_OK;
    return cli_try(k->c, rk_books_add(x->bill, x->model, &k->books, rk_convention_of(name).name != NULL ? name : NULL));
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/* Does the letter stand in the formula, as a name of its own? */
bool stands_in(const char *formula, const char *letter)
{
    size_t n = strlen(letter);
    for (const char *at = formula; (at = strstr(at, letter)) != NULL; at += n)
        if ((at == formula || !is_letter(at[-1])) && !is_letter(at[n])) return true;
    return false;
}

/* What the letters of a convention's formula stand for here. */
static void print_letters(struct counting *k, struct counted *x, const char *formula)
{
    struct table *t = table_new(k->c, NULL, "lrl");
    rk_books_letter l;
    rk_quotient q;
    for (int i = 0; (l = rk_books_letter_at(i)).name != NULL; i++) {
        if (!stands_in(formula, l.name) || rk_books_formula(x->bill, x->model, &k->books, l.name, &q) != RK_OK) continue;
        table_cell(t, "  %s", spelled(k, x->bill, l.name));
        table_cell(t, "%s", say_count(q.over).at);
        table_cell(t, "%s", l.words);
    }
    (void)fputc('\n', k->c->out);
    table_print(t);
}

/* A convention is one formula of somebody's: what it says, who says it, with which letters. */
static int why_convention(struct counting *k, struct counted *x, const char *name, const rk_convention *v)
{
    struct cli *c = k->c;
    const char *formula;
    uint64_t n;
    CLI_TRY(c, rk_bill_number(x->bill, name, &n));
    CLI_TRY(c, rk_bill_formula(x->bill, name, &formula));
    headline(k, x);
    (void)fprintf(c->out, "\n%s = %s = %s\n", name, say_count(n).at, spelled(k, x->bill, formula));
    (void)fprintf(c->out, "\n%s: %s\n%s\n", v->name, v->words, v->source);
    if (v->is_memory) {
        struct table *t = table_new(c, "part|bytes|formula|", "lrlw");
        for (int i = 0; i < rk_bill_reasons(x->bill, name); i++) {
            rk_bill_reason r = rk_bill_reason_at(x->bill, name, i);
            table_cell(t, "%s", r.module);
            table_cell(t, "%s", say_count(r.number).at);
            table_cell(t, "%s", spelled(k, x->bill, r.formula));
            table_cell(t, "%s", r.label);
        }
        (void)fputc('\n', c->out);
        table_print(t);
    }
    print_letters(k, x, formula);
    return CLI_OK;
}

/* Blocks by their module, "h.*", "decoder.h.*"; what the model has before them is embedding, what it has after them head; what is
 * of the stack that blocks are in stands under its name: "encoder" is its norm. */
struct subtotal { const char *name; size_t length; uint64_t number; };
enum { MOST_SUBTOTALS = 8 };

static bool is_blocks(const char *module) { return strstr(module, ".*") != NULL; }

static bool has_blocks(const rk_bill *bill, const char *stack, size_t length)
{
    for (int i = 0; i < rk_bill_groups(bill, RK_BY_MODULE); i++) {
        const char *module = rk_bill_group_at(bill, RK_BY_MODULE, i).name;
        if (strncmp(module, stack, length) == 0 && is_blocks(module)) return true;
    }
    return false;
}

/* Modules of a bill stand in the order of the model; what is behind a number need not. */
static bool is_before_blocks(const rk_bill *bill, const char *module)
{
    for (int i = 0; i < rk_bill_groups(bill, RK_BY_MODULE); i++) {
        const char *next = rk_bill_group_at(bill, RK_BY_MODULE, i).name;
        if (is_blocks(next)) return false;
        if (strcmp(next, module) == 0) return true;
    }
    return false;
}

static struct subtotal part_of_reason(const rk_bill *bill, const rk_bill_reason *r)
{
    const char *star = strstr(r->module, ".*");
    size_t stack = strcspn(r->module, ".");
    if (star != NULL) return (struct subtotal){ r->module, (size_t)(star - r->module) + 2, r->number };
    if (r->module[stack] == '.' && has_blocks(bill, r->module, stack + 1)) return (struct subtotal){ r->module, stack, r->number };
    bool before = is_before_blocks(bill, r->module);
    return (struct subtotal){ before ? "embedding" : "head", before ? 9 : 4, r->number };
}

static int subtotals_of(const rk_bill *bill, const char *name, struct subtotal all[MOST_SUBTOTALS])
{
    int n = 0;
    for (int i = 0; i < rk_bill_reasons(bill, name); i++) {
        rk_bill_reason r = rk_bill_reason_at(bill, name, i);
        if (r.module[0] == '\0' && strcmp(r.op, "plan") == 0) return 0;           /* of the whole program */
        struct subtotal s = part_of_reason(bill, &r);
        int at = 0;
        while (at < n && (all[at].length != s.length || memcmp(all[at].name, s.name, s.length) != 0)) at++;
        if (at == MOST_SUBTOTALS) return 0;                     /* no model, but some graph of one's own */
        if (at < n) all[at].number += s.number;
        else all[n++] = s;
    }
    return n;
}

static void print_subtotals(struct counting *k, const rk_bill *bill, const char *name, uint64_t whole)
{
    struct subtotal all[MOST_SUBTOTALS];
    int n = subtotals_of(bill, name, all);
    if (n < 2 || whole == 0) return;
    struct table *t = table_new(k->c, NULL, "lrr");
    for (int i = 0; i < n; i++) {
        bool blocks = all[i].name[all[i].length - 1] == '*';
        table_cell(t, blocks ? "blocks %.*s" : "%.*s", (int)all[i].length, all[i].name);
        table_cell(t, "%s", say_count(all[i].number).at);
        table_cell(t, "%s", say_percent((double)all[i].number / (double)whole).at);
    }
    (void)fputc('\n', k->c->out);
    table_print(t);
}

static int why_text(struct counting *k, struct counted *x, const char *name)
{
    struct cli *c = k->c;
    const char *formula;
    uint64_t n;
    CLI_TRY(c, rk_bill_number(x->bill, name, &n));
    CLI_TRY(c, rk_bill_formula(x->bill, name, &formula));
    headline(k, x);
    (void)fprintf(c->out, "\n%s = %s%s%s\n\n", name, say_count(n).at, formula[0] != '\0' ? " = " : "", spelled(k, x->bill, formula));
    struct table *t = table_new(c, "module|operation|times|each|together|one is", "lwrrrl");
    for (int i = 0; i < rk_bill_reasons(x->bill, name); i++) {
        rk_bill_reason r = rk_bill_reason_at(x->bill, name, i);
        table_cell(t, "%s", r.module[0] != '\0' ? r.module : "(top)");
        table_cell(t, "%s%s%s", r.op, r.label[0] != '\0' ? " " : "", r.label);
        table_cell(t, "%s", say_count((uint64_t)r.times).at);
        table_cell(t, "%s", say_count(r.each).at);
        table_cell(t, "%s", say_count(r.number).at);
        table_cell(t, "%s", spelled(k, x->bill, r.formula));
    }
    table_print(t);
    print_subtotals(k, x->bill, name, n);
    print_plan_why(k, x->bill, name);
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

static void json_subtotals(struct json *j, const rk_bill *bill, const char *name)
{
    struct subtotal all[MOST_SUBTOTALS];
    int n = subtotals_of(bill, name, all);
    char part[MODULE_ROOM];
    json_array(j, "subtotals");
    for (int i = 0; i < n; i++) {
        (void)snprintf(part, sizeof part, "%.*s", (int)all[i].length, all[i].name);
        json_object(j, NULL);
        json_text(j, "name", part);
        json_uint(j, "number", all[i].number);
        json_end(j);
    }
    json_end(j);
}

static int why_json(struct counting *k, struct counted *x, const char *name)
{
    struct cli *c = k->c;
    const char *formula;
    struct json j;
    uint64_t n;
    CLI_TRY(c, rk_bill_number(x->bill, name, &n));
    CLI_TRY(c, rk_bill_formula(x->bill, name, &formula));
    json_begin(&j, c->out);
    json_object(&j, NULL);
    json_text(&j, "schema", "reckon.why/1");
    json_text(&j, "model", rk_model_name(x->model));
    json_text(&j, "name", name);
    json_uint(&j, "number", n);
    json_text(&j, "formula", formula);
    json_subtotals(&j, x->bill, name);
    json_reasons(&j, x->bill, name);
    json_end(&j);
    return CLI_OK;
}

int print_why(struct counting *k, struct counted *x)
{
    const char *name = cli_text(k->c, "why");
    rk_convention v = rk_convention_of(name);
    int code = add_what_is_asked(k, x, name);
    if (code != CLI_OK) return code;
    if (v.name != NULL && !k->c->json) return why_convention(k, x, name, &v);
    return k->c->json ? why_json(k, x, name) : why_text(k, x, name);
}

/* What was asked, and then the bill as the library writes it, in one object. */
int print_json(struct counting *k, struct counted *x)
{
    static const char *const modes[] = { [RK_MODE_TRAIN] = "train", [RK_MODE_EVAL] = "eval", [RK_MODE_PREFILL] = "prefill", [RK_MODE_DECODE] = "decode" };
    struct cli *c = k->c;
    const char *text;
    struct json j;
    int code = cli_given(c, "memory") ? memory_add(k, x) : CLI_OK;             /* refused where they are without --json */
    if (code != CLI_OK) return code;
    CLI_TRY(c, rk_books_add(x->bill, x->model, &k->books, NULL));
    CLI_TRY(c, rk_bill_json(x->bill, &text));
    json_begin(&j, c->out);
    json_object(&j, NULL);
    json_text(&j, "schema", "reckon.bill/1");
    json_text(&j, "model", rk_model_name(x->model));
    json_text(&j, "family", rk_model_family(x->model));
    json_text(&j, "mode", modes[k->s.mode]);
    if (k->s.mode == RK_MODE_TRAIN) json_text(&j, "optimizer", rk_optimizer_word(k->s.optimizer));
    json_int(&j, "batch", k->s.batch);
    json_uint(&j, "seq", k->s.seq > 0 ? (uint64_t)k->s.seq : model_size(x->model, "position"));
    json_text(&j, "dtype", rk_dtype_name(k->s.dtype));
    json_text(&j, "policy", k->s.policy != NULL ? k->s.policy : "fp32");
    json_machine(k, &j);
    json_memory(k, x, &j);
    if (utilisation_asked(k)) json_utilisation(k, x, &j);
    if (cli_flag(c, "roofline") || (cli_given(c, "html") && roof_known(k))) json_roofline(k, x, &j);
    if (cli_flag(c, "timeline") || (cli_given(c, "html") && k->s.plan)) json_timeline(x, &j);
    if (cli_given(c, "html")) json_contexts(x, &j);
    if (training_asked(k)) code = json_training(k, x, &j);
    (void)fprintf(c->out, ",\n%s\n", text + 1);
    return code;
}
