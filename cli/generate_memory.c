/* generate_memory.c: --receipt: the memory of a session as it was predicted, beside what was measured. Of several batches the largest is told. */
#include "generate.h"
#include <math.h>
#include <stdlib.h>

struct receipt { rk_memory last, largest; };

static double predicted(const rk_memory *m)
{
    double most = 0;
    for (int i = 0; i < m->n; i++)
        if (m->rows[i].predicted > most) most = m->rows[i].predicted;      /* the resident memory is the sum of the others */
    return most;
}

void receipt_begin(struct generating *g)
{
    if (!cli_flag(g->c, "receipt")) return;
    g->receipt = cli_take(sizeof *g->receipt);
    g->how.memory = &g->receipt->last;
}

void receipt_keep(struct generating *g)
{
    if (g->receipt != NULL && predicted(&g->receipt->last) > predicted(&g->receipt->largest)) g->receipt->largest = g->receipt->last;
}

void receipt_json(const struct generating *g, struct json *j)
{
    if (g->receipt == NULL) return;
    json_array(j, "receipt");
    for (int i = 0; i < g->receipt->largest.n; i++) {
        const rk_memory_row *r = &g->receipt->largest.rows[i];
        json_object(j, NULL);
        json_text(j, "entry", r->entry);
        json_text(j, "name", r->name);
        json_real(j, "predicted", r->predicted);
        json_real(j, "measured", r->measured);
        json_text(j, "note", r->note);
        json_end(j);
    }
    json_end(j);
}

static void cell(struct table *t, double x, bool sign)
{
    table_cell(t, "%s%s", !isfinite(x) ? "" : x < 0 ? "-" : sign ? "+" : "", isfinite(x) ? say_count((uint64_t)(fabs(x) + 0.5)).at : "");
}

/* On err, where results are not; of a row that takes nothing and was to take nothing, nothing. */
void receipt_table(struct generating *g)
{
    struct cli *c = g->c;
    FILE *out = c->out;
    if (g->receipt == NULL || c->json) return;
    c->out = c->err;
    struct table *table = table_new(c, "receipt, in bytes|predicted|measured|difference", "lrrr");
    for (int i = 0; i < g->receipt->largest.n; i++) {
        const rk_memory_row *r = &g->receipt->largest.rows[i];
        if (!(r->predicted > 0) && !(r->measured > 0 || r->measured < 0)) continue;
        table_cell(table, "%s%s", r->name[0] == ' ' ? "  " : "", r->name + (r->name[0] == ' '));
        cell(table, r->predicted, false);
        cell(table, r->measured, false);
        cell(table, r->measured - r->predicted, true);
    }
    table_print(table);
    c->out = out;
}

void receipt_end(struct generating *g)
{
    free(g->receipt);
    g->receipt = NULL;
}
