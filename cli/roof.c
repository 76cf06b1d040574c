/* roof.c: the operations of a phase one by one, each with the time that it takes at least on a machine.
 *
 * What an operation computes at the peak of the dtype that it reads, or what it reads and writes at the full bandwidth,
 * whichever is longer; nothing fused. Source: Williams, Waterman and Patterson 2009. */
#include "count.h"
#include "device.h"
#include <string.h>

/* Reasons of one entry come in the order of the operations, so what an operation has of several entries is found by walking
 * them side by side. */
static uint64_t next_of(struct walk *w, const rk_bill_reason *of)
{
    rk_bill_reason r = rk_bill_reason_at(w->bill, w->name, w->i);
    bool same = w->i < rk_bill_reasons(w->bill, w->name) && r.times == of->times && strcmp(r.module, of->module) == 0 && strcmp(r.op, of->op) == 0 &&
                strcmp(r.label, of->label) == 0 && r.dtype == of->dtype;
    w->i += same;
    return same ? r.number : 0;
}

void roof_begin(struct roof_walk *w, const struct counting *k, const rk_bill *bill, const char *phase)
{
    static const char *const entries[ROOF_ENTRIES] = { "traffic", "flops", "flops.elementwise" };
    *w = (struct roof_walk){ .k = k };
    for (int i = 0; i < ROOF_ENTRIES; i++) {
        w->entry[i].bill = bill;
        (void)snprintf(w->entry[i].name, sizeof w->entry[i].name, "%s.%s", entries[i], phase);
    }
}

/* That of the dtype, where the machine's row has one and nobody said another; else that of its products. */
static double peak_at(const struct machine *m, rk_dtype dtype)
{
    rk_rate rate = rate_of_dtype(dtype);
    double own = m->row != NULL && rate < RK_RATES ? m->row->rate[rate] : 0;
    return own > 0 ? own : m->peak;
}

bool roof_next(struct roof_walk *w, struct roof_op *op)
{
    const struct walk *moved = &w->entry[0];
    if (w->i == rk_bill_reasons(moved->bill, moved->name)) {
        for (int i = 1; i < ROOF_ENTRIES; i++)
            if (w->entry[i].i != rk_bill_reasons(moved->bill, w->entry[i].name)) cli_bug("%s has operations that move nothing", w->entry[i].name);
        return false;
    }
    rk_bill_reason r = rk_bill_reason_at(moved->bill, moved->name, w->i++);
    double flops = (double)next_of(&w->entry[1], &r) + (double)next_of(&w->entry[2], &r), bytes = (double)r.number;
    double compute = flops / peak_at(&w->k->machine, r.dtype), move = bytes / (double)w->k->machine.bandwidth;
    *op = (struct roof_op){ r, flops, bytes, compute > move ? compute : move, compute > move };
    return true;
}

