/* count_timeline.c: the memory of a training step over time: how much is alive at every step of the program, and what is
 * alive where most is.
 *
 * Values of repeated modules stand together, h.*.attn. What lives always (parameters, gradients, optimizer state) is not part of it. */
#include "count.h"
#include <stdlib.h>
#include <string.h>

/* "h.0.attn" is h.*.attn. */
static void fold(const char *module, char folded[MODULE_ROOM])
{
    size_t n = 0;
    for (bool begins = true; *module != '\0' && n + 1 < MODULE_ROOM; begins = module[-1] == '.') {
        size_t digits = begins ? strspn(module, "0123456789") : 0;
        bool number = digits > 0 && (module[digits] == '.' || module[digits] == '\0');
        folded[n++] = number ? '*' : *module;
        module += number ? digits : 1;
    }
    folded[n] = '\0';
}

static const char *alive_as(const rk_bill_value *v)
{
    if (v->kind == RK_WORKSPACE) return "workspace";
    return v->backward ? "made going back" : "kept going forward";
}

static int by_bytes(const void *a, const void *b)
{
    const struct alive *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    int order = strcmp(x->module, y->module);
    return order != 0 ? order : strcmp(x->as, y->as);
}

static void add_alive(struct peak *p, size_t *room, const rk_bill_value *v)
{
    char module[MODULE_ROOM];
    int i = 0;
    fold(v->module, module);
    while (i < p->n && !(strcmp(p->at[i].module, module) == 0 && strcmp(p->at[i].as, alive_as(v)) == 0)) i++;
    if (i == p->n) {
        p->at = cli_grow(p->at, room, (size_t)p->n + 1, sizeof *p->at);
        (void)strcpy(p->at[i].module, module);
        p->at[i].as = alive_as(v);
        p->n++;
    }
    p->at[i].bytes += v->bytes;
    p->at[i].values++;
}

struct peak peak_of(const rk_bill *bill)
{
    struct peak p = { 0 };
    size_t room = 0;
    for (int i = 0; i < rk_bill_steps(bill); i++) {
        uint64_t alive = rk_bill_step_at(bill, i).alive;
        if (alive > p.bytes) p.bytes = alive, p.step = i;
        p.forward += !rk_bill_step_at(bill, i).backward;
    }
    for (int i = 0; i < rk_bill_values(bill); i++) {
        rk_bill_value v = rk_bill_value_at(bill, i);
        if (v.first <= p.step && p.step <= v.last) add_alive(&p, &room, &v);
    }
    if (p.n > 0) qsort(p.at, (size_t)p.n, sizeof *p.at, by_bytes);
    return p;
}

/* --- the text --- */

/* The fullest of the steps that a column stands for. */
static uint64_t fullest(const rk_bill *bill, int column, int columns)
{
    int n = rk_bill_steps(bill), to = (int)((int64_t)(column + 1) * n / columns);
    uint64_t most = 0;
    for (int i = (int)((int64_t)column * n / columns); i < to; i++)
        if (rk_bill_step_at(bill, i).alive > most) most = rk_bill_step_at(bill, i).alive;
    return most;
}

/* Four lines of eighths, so that slopes can be seen. */
static void print_line(struct counting *k, const rk_bill *bill, const struct peak *p)
{
    enum { HIGH = 4 };
    static const char *const eighth[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    int n = rk_bill_steps(bill), columns = k->c->width - 4 < 72 ? k->c->width - 4 : 72;
    if (columns > n) columns = n;
    if (columns < 1) columns = 1;
    for (int row = HIGH - 1; row >= 0; row--) {
        (void)fputs("  ", k->c->out);
        for (int i = 0; i < columns; i++) {
            int eighths = (int)((double)fullest(bill, i, columns) / (double)p->bytes * 8 * HIGH + 0.5) - 8 * row;
            (void)fputs(eighth[eighths < 0 ? 0 : eighths > 8 ? 8 : eighths], k->c->out);
        }
        (void)fputc('\n', k->c->out);
    }
    int peak = (int)((int64_t)p->step * columns / n), turn = (int)((int64_t)p->forward * columns / n);
    (void)fputs("  ", k->c->out);
    for (int i = 0; i < columns; i++) (void)fputs(i == peak ? "▲" : i == turn ? "│" : "─", k->c->out);
    (void)fprintf(k->c->out, "\n  forward%*s%s\n", turn > 8 ? turn - 7 : 1, "", turn > 8 ? "backward" : "and backward");
}

static void print_alive(struct counting *k, const struct peak *p)
{
    struct table *t = table_new(k->c, "alive there|as|values|bytes||share", "llrrrr");
    for (int i = 0; i < p->n; i++) {
        table_cell(t, "%s", p->at[i].module[0] != '\0' ? p->at[i].module : "(top)");
        table_cell(t, "%s", p->at[i].as);
        table_cell(t, "%d", p->at[i].values);
        table_cell(t, "%s", say_count(p->at[i].bytes).at);
        table_cell(t, "%s", say_bytes(p->at[i].bytes).at);
        table_cell(t, "%s", say_percent((double)p->at[i].bytes / (double)p->bytes).at);
    }
    (void)fputc('\n', k->c->out);
    table_print(t);
}

int print_timeline(struct counting *k, struct counted *x)
{
    struct peak p = peak_of(x->bill);
    rk_bill_step s = rk_bill_step_at(x->bill, p.step);
    headline(k, x);
    (void)fprintf(k->c->out, "\n%s bytes, %s, are alive at step %d of %d: %s, %s %s\n", say_count(p.bytes).at, say_bytes(p.bytes).at, p.step + 1,
                  rk_bill_steps(x->bill), s.backward ? "backward" : "forward", s.module[0] != '\0' ? s.module : "(top)", s.kernel);
    (void)fputs("beside parameters, gradients and optimizer state, which live always\n\n", k->c->out);
    print_line(k, x->bill, &p);
    print_alive(k, &p);
    free(p.at);
    return CLI_OK;
}

/* --- what is behind the plan's numbers --- */

/* The steps of alike modules by one kernel. */
struct doing { char module[MODULE_ROOM]; const char *op, *kernel; int times; uint64_t flops; };

static void add_step(struct doing *all, size_t *n, const rk_bill_step *s, uint64_t flops)
{
    char module[MODULE_ROOM];
    size_t i = 0;
    fold(s->module, module);
    while (i < *n && !(strcmp(all[i].module, module) == 0 && strcmp(all[i].op, s->op) == 0 && strcmp(all[i].kernel, s->kernel) == 0)) i++;
    if (i == *n) {
        (void)strcpy(all[i].module, module);
        all[i].op = s->op;
        all[i].kernel = s->kernel;
        (*n)++;
    }
    all[i].times++;
    all[i].flops += flops;
}

static void print_steps(struct counting *k, const rk_bill *bill, bool products)
{
    struct doing *all = calloc((size_t)rk_bill_steps(bill) + 1, sizeof *all);
    size_t n = 0;
    if (all == NULL) cli_bug("no memory for a table");
    for (int i = 0; i < rk_bill_steps(bill); i++) {
        rk_bill_step s = rk_bill_step_at(bill, i);
        uint64_t flops = products ? s.product_flops : s.elementwise_flops;
        if (flops > 0) add_step(all, &n, &s, flops);
    }
    struct table *t = table_new(k->c, "module|operation|kernel|steps|together", "lllrr");
    for (size_t i = 0; i < n; i++) {
        table_cell(t, "%s", all[i].module[0] != '\0' ? all[i].module : "(top)");
        table_cell(t, "%s", all[i].op);
        table_cell(t, "%s", all[i].kernel);
        table_cell(t, "%d", all[i].times);
        table_cell(t, "%s", say_count(all[i].flops).at);
    }
    (void)fputc('\n', k->c->out);
    table_print(t);
    free(all);
}

void print_plan_why(struct counting *k, const rk_bill *bill, const char *name)
{
    if (rk_bill_steps(bill) == 0) return;
    if (strcmp(name, "flops.plan.step") == 0 || strcmp(name, "flops.plan.elementwise.step") == 0) print_steps(k, bill, strcmp(name, "flops.plan.step") == 0);
    if (strcmp(name, "bytes.plan.activations") != 0 && strcmp(name, "bytes.plan.workspace") != 0 && strcmp(name, "bytes.plan.arena") != 0) return;
    struct peak p = peak_of(bill);
    (void)fprintf(k->c->out, "\nat the fullest step, %d of %d, %s bytes are alive (--timeline):\n", p.step + 1, rk_bill_steps(bill), say_count(p.bytes).at);
    print_alive(k, &p);
    free(p.at);
}

/* --- JSON --- */

static void json_values(struct json *j, const rk_bill *bill)
{
    json_array(j, "values");
    for (int i = 0; i < rk_bill_values(bill); i++) {
        rk_bill_value v = rk_bill_value_at(bill, i);
        json_object(j, NULL);
        json_text(j, "module", v.module);
        json_text(j, "op", v.op);
        json_text(j, "kind", rk_kind_words(v.kind));
        json_int(j, "first", v.first);
        json_int(j, "last", v.last);
        json_uint(j, "bytes", v.bytes);
        json_uint(j, "at", v.at);
        json_end(j);
    }
    json_end(j);
}

/* "timeline": {"steps": 214, "forward": 80, "alive": [..], "peak": {"step": 118, "bytes": .., "alive": [..]}, "values": [..]};
 * steps from 0; `forward`: the first of the backward pass. */
void json_timeline(struct counted *x, struct json *j)
{
    struct peak p = peak_of(x->bill);
    json_object(j, "timeline");
    bool lines = j->one_line;
    j->one_line = true;
    json_int(j, "steps", rk_bill_steps(x->bill));
    json_int(j, "forward", p.forward);
    json_array(j, "alive");
    for (int i = 0; i < rk_bill_steps(x->bill); i++) json_uint(j, NULL, rk_bill_step_at(x->bill, i).alive);
    json_end(j);
    json_object(j, "peak");
    json_int(j, "step", p.step);
    json_uint(j, "bytes", p.bytes);
    json_array(j, "alive");
    for (int i = 0; i < p.n; i++) {
        json_object(j, NULL);
        json_text(j, "module", p.at[i].module);
        json_text(j, "as", p.at[i].as);
        json_int(j, "values", p.at[i].values);
        json_uint(j, "bytes", p.at[i].bytes);
        json_end(j);
    }
    json_end(j);
    json_end(j);
    json_values(j, x->bill);
    j->one_line = lines;
    json_end(j);
    free(p.at);
}
