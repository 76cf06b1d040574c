/* count_roofline.c: how long the operations of a bill take at least on a machine: by its arithmetic, or by its memory.
 *
 * By module, whose time is the sum over its own operations, those below it not counted, and by operation, the longest first.
 * Not here: the time of one operation (roof.c). */
#include "count.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_MODULES = 512 };
struct own { char name[96]; double flops, bytes, seconds, computing; };
struct roof { struct own at[MOST_MODULES]; int n; double seconds; };

static struct own *own_of(struct roof *r, const char *module)
{
    for (int i = 0; i < r->n; i++)
        if (strcmp(r->at[i].name, module) == 0) return &r->at[i];
    if (r->n == MOST_MODULES) cli_bug("more than %d modules", MOST_MODULES);
    (void)snprintf(r->at[r->n].name, sizeof r->at[r->n].name, "%.90s", module);
    return &r->at[r->n++];
}

/* --- operations --- */

struct operations { struct roof_op *at; size_t room; int n; };

static int by_time(const void *a, const void *b)
{
    double x = ((const struct roof_op *)a)->seconds, y = ((const struct roof_op *)b)->seconds;
    return (x < y) - (x > y);
}

static struct operations operations_of(const struct counting *k, const rk_bill *bill, const char *phase)
{
    struct operations o = { 0 };
    struct roof_walk w;
    struct roof_op op;
    roof_begin(&w, k, bill, phase);
    while (roof_next(&w, &op)) {
        o.at = cli_grow(o.at, &o.room, (size_t)o.n + 1, sizeof *o.at);
        o.at[o.n++] = op;
    }
    if (o.n > 0) qsort(o.at, (size_t)o.n, sizeof *o.at, by_time);
    return o;
}

static const char *bound_of(const struct roof_op *op) { return op->computing ? "arithmetic" : "memory"; }

static void operation_row(struct table *t, const struct roof_op *op, double all)
{
    table_cell(t, "%s%s%s", op->what.op, op->what.label[0] != '\0' ? " " : "", op->what.label);
    table_cell(t, "%s", op->what.module[0] != '\0' ? op->what.module : "(top)");
    table_cell(t, "%s", say_count((uint64_t)op->what.times).at);
    table_cell(t, "%s", rk_dtype_name(op->what.dtype));
    table_cell(t, "%s", say_si(op->flops, "").at);
    table_cell(t, "%s", say_bytes((uint64_t)op->bytes).at);
    table_cell(t, "%.2f", roof_intensity(op));
    table_cell(t, "%s", say_seconds(op->seconds).at);
    table_cell(t, "%s", say_percent(all > 0 ? op->seconds / all : 0).at);
    table_cell(t, "%s", bound_of(op));
}

/* The longest ones; what each of the rest takes is less than a hundredth. */
static void print_operations(struct counting *k, const rk_bill *bill, const char *phase, double all)
{
    struct operations o = operations_of(k, bill, phase);
    struct table *t = table_new(k->c, "operation|module|times|dtype|FLOPs|bytes|FLOPs a byte|at least|share|bound by", "wlrlrrrrrl");
    double rest = 0;
    int shown = 0;
    for (int i = 0; i < o.n; i++) {
        if (o.at[i].seconds >= all / 100) operation_row(t, &o.at[i], all), shown++;
        else rest += o.at[i].seconds;
    }
    (void)fputc('\n', k->c->out);
    table_print(t);
    if (shown < o.n) (void)fprintf(k->c->out, "%d others, less than 1 %% each: %s\n", o.n - shown, say_seconds(rest).at);
    free(o.at);
}

static void json_operations(const struct counting *k, const rk_bill *bill, const char *phase, struct json *j)
{
    struct operations o = operations_of(k, bill, phase);
    json_array(j, "operations");
    for (int i = 0; i < o.n; i++) {
        const struct roof_op *op = &o.at[i];
        json_object(j, NULL);
        json_text(j, "module", op->what.module);
        json_text(j, "op", op->what.op);
        json_text(j, "label", op->what.label);
        json_int(j, "times", op->what.times);
        json_text(j, "dtype", rk_dtype_name(op->what.dtype));
        json_real(j, "flops", op->flops);
        json_real(j, "bytes", op->bytes);
        json_real(j, "intensity", roof_intensity(op));
        json_real(j, "seconds", op->seconds);
        json_text(j, "bound", bound_of(op));
        json_end(j);
    }
    json_end(j);
    free(o.at);
}

/* --- modules --- */

static void add_phase(const struct counting *k, const rk_bill *bill, const char *phase, struct roof *roof)
{
    struct roof_walk w;
    struct roof_op op;
    roof_begin(&w, k, bill, phase);
    while (roof_next(&w, &op)) {
        struct own *own = own_of(roof, op.what.module);
        own->flops += op.flops;
        own->bytes += op.bytes;
        own->seconds += op.seconds;
        own->computing += op.computing ? op.seconds : 0;
        roof->seconds += op.seconds;
    }
}

static void print_phase(struct counting *k, const struct roof *roof, const char *phase)
{
    struct table *t = table_new(k->c, "module|FLOPs|bytes|FLOPs a byte|at least|share|bound by arithmetic", "lrrrrrr");
    for (int i = 0; i < roof->n; i++) {
        const struct own *o = &roof->at[i];
        table_cell(t, "%s", o->name[0] != '\0' ? o->name : "(top)");
        table_cell(t, "%s", say_si(o->flops, "").at);
        table_cell(t, "%s", say_bytes((uint64_t)o->bytes).at);
        table_cell(t, "%.1f", o->bytes > 0 ? o->flops / o->bytes : 0);
        table_cell(t, "%s", say_seconds(o->seconds).at);
        table_cell(t, "%s", say_percent(roof->seconds > 0 ? o->seconds / roof->seconds : 0).at);
        table_cell(t, "%s", say_percent(o->seconds > 0 ? o->computing / o->seconds : 0).at);
    }
    (void)fprintf(k->c->out, "\n%s: at least %s\n", phase, say_seconds(roof->seconds).at);
    table_print(t);
}

const char *const roof_phases[] = { "forward", "backward", "update", NULL };

/* False: the bill has no such phase. */
static bool roof_of(const struct counting *k, const struct counted *x, const char *phase, struct roof *roof)
{
    char entry[32];
    (void)snprintf(entry, sizeof entry, "flops.%s", phase);
    memset(roof, 0, sizeof *roof);
    if (rk_bill_has(x->bill, entry)) add_phase(k, x->bill, phase, roof);
    return roof->n > 0;
}

/* "roofline": {"forward": {"seconds": .., "modules": [{"name": "h.*.mlp.up", "flops": .., ..}, ..], "operations": [..]}, ..} */
void json_roofline(const struct counting *k, const struct counted *x, struct json *j)
{
    struct roof *roof = cli_take(sizeof *roof);
    json_object(j, "roofline");
    for (int p = 0; roof_phases[p] != NULL; p++) {
        if (!roof_of(k, x, roof_phases[p], roof)) continue;
        json_object(j, roof_phases[p]);
        json_real(j, "seconds", roof->seconds);
        json_array(j, "modules");
        for (int i = 0; i < roof->n; i++) {
            json_object(j, NULL);
            json_text(j, "name", roof->at[i].name);
            json_real(j, "flops", roof->at[i].flops);
            json_real(j, "bytes", roof->at[i].bytes);
            json_real(j, "seconds", roof->at[i].seconds);
            json_real(j, "computing", roof->at[i].computing);
            json_end(j);
        }
        json_end(j);
        json_operations(k, x->bill, roof_phases[p], j);
        json_end(j);
    }
    json_end(j);
    free(roof);
}

int print_roofline(struct counting *k, struct counted *x)
{
    struct roof *roof = cli_take(sizeof *roof);
    double all = 0;
    headline(k, x);
    (void)fprintf(k->c->out, "%s: %s in %s, %s/s; in balance at %.1f FLOPs a byte\n", k->machine.name != NULL ? k->machine.name : "the machine given",
                  say_si(k->machine.peak, "FLOP/s").at, k->machine.rate, say_bytes_si(k->machine.bandwidth).at, k->machine.peak / (double)k->machine.bandwidth);
    for (int p = 0; roof_phases[p] != NULL; p++) {
        if (!roof_of(k, x, roof_phases[p], roof)) continue;
        print_phase(k, roof, roof_phases[p]);
        print_operations(k, x->bill, roof_phases[p], roof->seconds);
        all += roof->seconds;
    }
    (void)fprintf(k->c->out, "\ntogether at least %s, nothing fused\n", say_seconds(all).at);
    free(roof);
    return CLI_OK;
}
