/* count_roofline.c: how long the operations of a bill take at least on a machine: by its arithmetic, or by its memory.
 *
 * Each operation by itself, nothing fused: what it computes at the peak rate, or what it reads and writes at the full
 * bandwidth, whichever is longer. A module's time is the sum over its own operations, those below it not counted.
 * Source: Williams, Waterman and Patterson 2009. */
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

/* Reasons of one entry come in the order of the operations, so what an operation has of several entries is found by walking
 * them side by side. */
static uint64_t next_of(struct walk *w, const rk_bill_reason *of)
{
    rk_bill_reason r = rk_bill_reason_at(w->bill, w->name, w->i);
    bool same = w->i < rk_bill_reasons(w->bill, w->name) && r.times == of->times && strcmp(r.module, of->module) == 0 && strcmp(r.op, of->op) == 0 &&
                strcmp(r.label, of->label) == 0;
    w->i += same;
    return same ? r.number : 0;
}

void roof_begin(struct roof_walk *w, const struct counting *k, const rk_bill *bill, const char *phase)
{
    static const char *const entries[] = { "elements.written", "elements.read", "flops", "flops.elementwise" };
    *w = (struct roof_walk){ .k = k, .width = strcmp(phase, "update") == 0 ? 4 : (double)rk_dtype_bytes(k->s.dtype) };      /* the optimizer works in f32 */
    for (int i = 0; i < 4; i++) {
        w->entry[i].bill = bill;
        (void)snprintf(w->entry[i].name, sizeof w->entry[i].name, "%s.%s", entries[i], phase);
    }
}

bool roof_next(struct roof_walk *w, struct roof_op *op)
{
    const struct walk *written = &w->entry[0];
    if (w->i == rk_bill_reasons(written->bill, written->name)) {
        for (int i = 1; i < 4; i++)
            if (w->entry[i].i != rk_bill_reasons(written->bill, w->entry[i].name)) cli_bug("%s has operations that write nothing", w->entry[i].name);
        return false;
    }
    rk_bill_reason r = rk_bill_reason_at(written->bill, written->name, w->i++);
    double elements = (double)r.number + (double)next_of(&w->entry[1], &r), flops = (double)next_of(&w->entry[2], &r);
    flops += (double)next_of(&w->entry[3], &r);
    double bytes = elements * w->width, compute = flops / w->k->machine.peak, move = bytes / (double)w->k->machine.bandwidth;
    *op = (struct roof_op){ r, flops, bytes, compute > move ? compute : move, compute > move };
    return true;
}

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

/* "roofline": {"forward": {"seconds": .., "modules": [{"name": "h.*.mlp.up", "flops": .., "bytes": .., ..}, ..]}, ..} */
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
        all += roof->seconds;
    }
    (void)fprintf(k->c->out, "\ntogether at least %s, nothing fused\n", say_seconds(all).at);
    free(roof);
    return CLI_OK;
}
