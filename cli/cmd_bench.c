/* reckon bench: the ceilings of this machine, measured now and kept: what MFU is printed against, and who makes the products. */
#include "device.h"
#include "out.h"
#include <math.h>

static const struct option options[] = { OPTION_DEVICE, { 0 } };

enum { MOST_RACES = 16 };
struct results { rk_ceilings ceilings; rk_race races[MOST_RACES]; int n; };

/* All races, then the ceilings, which also keep who won. */
static int measure(struct cli *c, rk_device *device, struct results *r)
{
    cli_note(c, "measuring; other work on this machine makes the numbers worse");
    CLI_TRY(c, rk_device_races(device, MOST_RACES, r->races, &r->n));
    CLI_TRY(c, rk_device_ceilings(device, true, &r->ceilings));
    return CLI_OK;
}

static void ceiling(struct table *t, const char *name, double per_second, const char *unit, const char *what)
{
    table_cell(t, "%s", name);
    table_cell(t, "%s", say_si(per_second, unit).at);
    table_cell(t, "%s", what);
}

static void print_races(struct cli *c, const struct results *r)
{
    char head[64 + RK_RACERS * 40], align[8 + RK_RACERS];
    const rk_race *first = &r->races[0];
    int n = snprintf(head, sizeof head, "products|rows|columns|depth");
    for (int i = 0; i < first->n; i++) n += snprintf(head + n, sizeof head - (size_t)n, "|%s", first->racer[i]);
    (void)snprintf(head + n, sizeof head - (size_t)n, "|made by");
    (void)snprintf(align, sizeof align, "lrrr%.*sl", first->n, "rrrrrrrr");
    struct table *t = table_new(c, head, align);
    for (int i = 0; i < r->n; i++) {
        const rk_race *x = &r->races[i];
        table_cell(t, "%s", x->name);
        table_cell(t, "%s", say_count((uint64_t)x->rows).at);
        table_cell(t, "%s", say_count((uint64_t)x->columns).at);
        table_cell(t, "%s", say_count((uint64_t)x->depth).at);
        for (int k = 0; k < x->n; k++) table_cell(t, "%s", say_si(x->flops[k], "FLOP/s").at);
        table_cell(t, "%s", x->racer[x->winner]);
    }
    table_print(t);
    for (int k = 1; k < first->n; k++) (void)fprintf(c->out, "%s%s runs as %s", k == 1 ? "" : ", ", first->racer[k], first->core[k]);
    if (first->n > 1) (void)fputc('\n', c->out);
}

static void print(struct cli *c, const rk_device *device, const struct results *r)
{
    uint64_t all, free_bytes;
    bool accelerator = rk_device_memory(device, &all, &free_bytes);
    (void)fprintf(c->out, "%s\n\n", rk_device_text(device));
    struct table *t = table_new(c, "ceiling|measured|", "lrw");
    if (accelerator) {
        ceiling(t, "best product, f32", r->ceilings.gemm_flops, "FLOP/s", "large matrices of random numbers, sums and factors in f32");
        ceiling(t, "best product, bf16", r->ceilings.bf16_flops, "FLOP/s", "larger ones, sums in f32: what MFU is printed against in bf16");
        ceiling(t, "best product, f16", r->ceilings.f16_flops, "FLOP/s", "the same in f16");
    } else {
        ceiling(t, "multiply-adds", r->ceilings.fma_flops, "FLOP/s", "f32, in registers, all threads: what MFU is printed against");
        ceiling(t, "best product", r->ceilings.gemm_flops, "FLOP/s", "of matrices in cache");
        if (r->ceilings.bf16_flops > 0) ceiling(t, "best product, bf16", r->ceilings.bf16_flops, "FLOP/s", "by AMX tiles, sums in f32: what MFU is printed against in bf16");
    }
    ceiling(t, "reading", r->ceilings.read_bytes, "B/s", "from memory, far beyond the caches");
    ceiling(t, "copying", r->ceilings.copy_bytes, "B/s", "read and written, each counted");
    table_print(t);
    if (r->n == 0) return;
    (void)fputc('\n', c->out);
    print_races(c, r);
}

static void print_json(struct cli *c, const rk_device *device, const struct results *r)
{
    struct json j;
    json_begin(&j, c->out);
    json_object(&j, NULL);
    json_text(&j, "schema", "reckon.bench/1");
    json_text(&j, "device", rk_device_text(device));
    json_text(&j, "library", rk_device_library(device)[0] != '\0' ? rk_device_library(device) : NULL);
    json_int(&j, "threads", r->ceilings.threads);
    json_real(&j, "fma_flops", r->ceilings.fma_flops);
    json_real(&j, "gemm_flops", r->ceilings.gemm_flops);
    json_real(&j, "bf16_flops", r->ceilings.bf16_flops > 0 ? r->ceilings.bf16_flops : NAN);
    json_real(&j, "f16_flops", r->ceilings.f16_flops > 0 ? r->ceilings.f16_flops : NAN);
    json_real(&j, "read_bytes", r->ceilings.read_bytes);
    json_real(&j, "copy_bytes", r->ceilings.copy_bytes);
    json_array(&j, "products");
    for (int i = 0; i < r->n; i++) {
        const rk_race *x = &r->races[i];
        json_object(&j, NULL);
        json_text(&j, "class", x->name);
        json_int(&j, "rows", x->rows);
        json_int(&j, "columns", x->columns);
        json_int(&j, "depth", x->depth);
        json_text(&j, "made_by", x->racer[x->winner]);
        json_array(&j, "racers");
        for (int k = 0; k < x->n; k++) {
            json_object(&j, NULL);
            json_text(&j, "name", x->racer[k]);
            json_text(&j, "core", x->core[k][0] != '\0' ? x->core[k] : NULL);
            json_real(&j, "flops", x->flops[k]);
            json_end(&j);
        }
        json_end(&j);
        json_end(&j);
    }
    json_end(&j);
    json_end(&j);
}

static int run(struct cli *c)
{
    rk_device *device = NULL;
    static struct results results;
    int code = device_open(c, &device);
    if (code == CLI_OK) code = measure(c, device, &results);
    if (code == CLI_OK && c->json) print_json(c, device, &results);
    else if (code == CLI_OK) print(c, device, &results);
    rk_device_close(device);
    return code;
}

static const struct example examples[] = {
    { "bench",        "measure this machine and keep what was found", NULL },
    { "bench --json", "the same, for a program", NULL },
    { 0 }
};

const struct command cmd_bench = {
    .name = "bench", .purpose = "measure the ceilings of this machine, and keep them", .options = options, .examples = examples, .json = true, .run = run,
    .notes = "Other commands take what was measured from the same file (reckon info says where); they measure themselves, briefly, where there is "
             "none. Products are made by our own kernels or by the BLAS library that gains most over them, class by class of shapes, whoever is "
             "faster; races are run in turns, beside bursts of multiply-adds, so that a busy moment costs nobody the race. --blas NAME asks for one.",
};
