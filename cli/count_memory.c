/* count_memory.c: memory as others keep it, part by part, and how many sequences would fit into a machine by each. */
#include "count.h"
#include <string.h>

static bool has_total(const struct counted *x, const char *convention)
{
    char name[64];
    (void)snprintf(name, sizeof name, "bytes.%s.total", convention);
    return rk_bill_has(x->bill, name);
}

/* Entries of one convention, the total last, as they came. */
static void print_entries(struct counting *k, struct counted *x, const char *convention)
{
    struct table *t = table_new(k->c, NULL, "lrrlw");
    char prefix[64];
    size_t n = (size_t)snprintf(prefix, sizeof prefix, "bytes.%s.", convention);
    for (int i = 0; i < rk_bill_entries(x->bill); i++) {
        rk_bill_entry e = rk_bill_entry_at(x->bill, i);
        if (strncmp(e.name, prefix, n) != 0) continue;
        bool total = strcmp(e.name + n, "total") == 0;
        if (total) table_rule(t);
        table_cell(t, "  %s", e.name + n);
        table_cell(t, "%s", say_count(e.number).at);
        table_cell(t, "%s", say_bytes(e.number).at);
        table_cell(t, "%s", total ? "" : spelled(k, x->bill, e.formula));
        table_cell(t, "%s", total ? "" : rk_bill_reason_at(x->bill, e.name, 0).label);
    }
    table_print(t);
}

/* States alone have no line: what does not grow with the batch fits or does not. */
static int print_fit(struct counting *k, struct counted *x, const char *convention)
{
    struct cli *c = k->c;
    rk_books_line line;
    CLI_TRY(c, rk_books_line_of(x->bill, x->model, &k->books, convention, &line));
    if (line.each == 0) return CLI_OK;
    (void)fprintf(c->out, "  with states: %s · batch + %s bytes", say_count(line.each).at, say_count(line.fixed).at);
    if (k->machine.bytes >= line.fixed)
        (void)fprintf(c->out, "; %s sequences in %s", say_count(rk_books_batch(&line, k->machine.bytes)).at, say_count(k->machine.bytes).at);
    else if (k->machine.bytes > 0) (void)fprintf(c->out, "; the states alone are more than %s", say_count(k->machine.bytes).at);
    (void)fputc('\n', c->out);
    return CLI_OK;
}

static int print_convention(struct counting *k, struct counted *x, const rk_convention *v)
{
    (void)fprintf(k->c->out, "\n%s: %s (%s)\n", v->name, v->words, v->source);
    print_entries(k, x, v->name);
    int code = print_fit(k, x, v->name);
    return code == CLI_OK && cli_flag(k->c, "switches") ? print_switches(k, x, v->name) : code;
}

/* What this program allocates: the lines of the bill that speak of it. */
static void print_plan(struct counting *k, struct counted *x)
{
    struct table *t = table_new(k->c, NULL, "lrrl");
    int n;
    const struct line *line = count_lines(k, &n), *end = line + n;
    (void)fputs("\nplan: what this program allocates to train (reckon count --plan)\n", k->c->out);
    for (; line < end; line++) {
        if (line->entry == NULL || strncmp(line->entry, "bytes.plan.", 11) != 0 || !line_shown(k, line, end)) continue;
        uint64_t number = number_of(x->bill, line->entry);
        if (strcmp(line->entry, "bytes.plan.total") == 0) table_rule(t);
        table_cell(t, "%s", line->words);
        table_cell(t, "%s", say_count(number).at);
        table_cell(t, "%s", say_bytes(number).at);
        table_cell(t, "%s", formula_of(x->bill, line->entry));
    }
    table_print(t);
}

/* Adds the conventions that --memory names, each known and saying something of the model, but for our own. */
int memory_add(struct counting *k, struct counted *x)
{
    char others[512] = "";
    size_t used = 0;
    const char *name = cli_text(k->c, "memory");
    if (strcmp(name, "all") == 0) return cli_try(k->c, rk_books_add(x->bill, x->model, &k->books, NULL));
    if (strlen(name) >= sizeof others) return cli_usage(k->c, "--memory: a list of names");
    for (size_t n; *(name += strspn(name, " ,")) != '\0'; name += n) {
        n = strcspn(name, " ,");
        if (n == 4 && memcmp(name, "plan", 4) == 0) continue;
        used += (size_t)snprintf(others + used, sizeof others - used, "%s%.*s", used > 0 ? "," : "", (int)n, name);
    }
    return cli_try(k->c, rk_books_add(x->bill, x->model, &k->books, others));
}

bool memory_of_plan(struct cli *c)
{
    const char *name = cli_given(c, "memory") ? cli_text(c, "memory") : "";
    for (size_t n; *(name += strspn(name, " ,")) != '\0'; name += n) {
        n = strcspn(name, " ,");
        if (n == 4 && memcmp(name, "plan", 4) == 0) return true;
    }
    return false;
}

int print_memory(struct counting *k, struct counted *x)
{
    struct cli *c = k->c;
    int code = memory_add(k, x);
    if (code != CLI_OK) return code;
    headline(k, x);
    (void)fprintf(c->out, "policy %s, attention %s, recompute %s\n", cli_text(c, "policy"), cli_text(c, "attention"), cli_text(c, "recompute"));
    if (memory_of_plan(c)) print_plan(k, x);
    for (int i = 0; rk_convention_at(i).name != NULL; i++) {
        rk_convention v = rk_convention_at(i);
        if (!v.is_memory || !has_total(x, v.name)) continue;
        code = print_convention(k, x, &v);
        if (code != CLI_OK) return code;
    }
    return CLI_OK;
}

/* "fits": {"eager": {"each": .., "fixed": .., "batch": ..}, ..} of the machine's memory, where it is known. */
void json_memory(struct counting *k, struct counted *x, struct json *j)
{
    rk_books_line line;
    if (k->machine.bytes == 0) return;
    json_object(j, "fits");
    for (int i = 0; rk_convention_at(i).name != NULL; i++) {
        rk_convention v = rk_convention_at(i);
        if (!v.is_memory || !has_total(x, v.name) || rk_books_line_of(x->bill, x->model, &k->books, v.name, &line) != RK_OK || line.each == 0) continue;
        json_object(j, v.name);
        json_uint(j, "each", line.each);
        json_uint(j, "fixed", line.fixed);
        json_uint(j, "batch", rk_books_batch(&line, k->machine.bytes));
        json_end(j);
    }
    json_end(j);
}
