/* list_devices.c: the machines with a name: dense peaks, memory, bandwidth, and whose data sheet says so. */
#include "list_tables.h"
#include "out.h"
#include "reckon/books.h"

static void cell_rate(struct table *t, double rate)
{
    if (rate > 0) table_cell(t, "%.5g", rate / 1e12);
    else table_cell(t, "–");
}

static void print_rows(struct cli *c)
{
    struct table *t = table_new(c, "device||f32|tf32|bf16|fp8|int8|memory|a second", "llrrrrrrr");
    const rk_accelerator *a;
    for (int i = 0; (a = rk_accelerator_at(i)) != NULL; i++) {
        table_cell(t, "%s", a->name);
        table_cell(t, "%s", a->words);
        for (int r = 0; r < RK_RATES; r++) cell_rate(t, a->rate[r]);
        table_cell(t, "%s", say_bytes_si(a->bytes).at);
        table_cell(t, "%s", say_bytes_si(a->bandwidth).at);
    }
    table_print(t);
    (void)fputs("\nPeaks in 10^12 operations a second, dense, as the makers' data sheets have them (--json names them).\n", c->out);
}

int list_devices(struct cli *c)
{
    const rk_accelerator *a;
    struct json j;
    if (!c->json) {
        print_rows(c);
        return CLI_OK;
    }
    list_json_begin(c, &j, "devices");
    for (int i = 0; (a = rk_accelerator_at(i)) != NULL; i++) {
        json_object(&j, NULL);
        json_text(&j, "name", a->name);
        json_text(&j, "words", a->words);
        for (int r = 0; r < RK_RATES; r++)
            if (a->rate[r] > 0) json_real(&j, rk_rate_name((rk_rate)r), a->rate[r]);
        if (a->reached > 0) json_real(&j, "reached_bf16", a->reached);
        json_uint(&j, "bytes", a->bytes);
        json_uint(&j, "bandwidth", a->bandwidth);
        json_text(&j, "source", a->source);
        json_end(&j);
    }
    list_json_end(&j);
    return CLI_OK;
}
