/* profile.c: see profile.h. Shares are of what was measured on this machine (`reckon bench`), and stand nowhere else: products
 * against multiply-adds in registers or, of 16 bits, the best product of those; bytes against reading from memory. */
#include "profile.h"
#include "device.h"
#include "reckon/profile.h"
#include <stdlib.h>
#include <string.h>

struct profiling { rk_profile *profile; rk_ceilings top; const char *file; };

int profile_begin(struct cli *c, rk_device *device)
{
    if (!cli_offers(c, "profile") || !cli_given(c, "profile") || c->profiling != NULL) return CLI_OK;
    const char *file = cli_text(c, "profile");
    int code = file[0] != '\0' ? cli_can_save(c, file) : CLI_OK;
    if (code != CLI_OK) return code;
    rk_profile_options how = { .trace = file[0] != '\0' };
    struct profiling *p = c->profiling = cli_take(sizeof *p);
    p->file = file;
    if (device_measures(device)) CLI_TRY(c, rk_device_ceilings(device, false, &p->top));
    return cli_try(c, rk_profile_open(c->ctx, &how, &p->profile));
}

/* --- a table --- */

struct printing { struct profiling *p; struct table *table; double seconds; };

static void share(struct table *t, double least, double seconds)
{
    if (seconds > 0 && least > 0) table_cell(t, "%s", say_percent(least / seconds).at);
    else table_cell(t, "%s", "");
}

static double at_rate(uint64_t amount, double rate) { return rate > 0 ? (double)amount / rate : 0; }

/* The seconds that products would take at the ceilings of their dtypes; f32's where a dtype has no units of its own. */
static double least_seconds(const rk_ceilings *top, const rk_profile_row *r)
{
    return at_rate(r->product_flops - r->bf16_flops - r->f16_flops, top->fma_flops) + at_rate(r->bf16_flops, top->bf16_flops > 0 ? top->bf16_flops : top->fma_flops)
         + at_rate(r->f16_flops, top->f16_flops > 0 ? top->f16_flops : top->fma_flops);
}

static void amount(struct table *t, uint64_t x, const char *unit)
{
    if (x > 0) table_cell(t, "%s", say_si((double)x, unit).at);
    else table_cell(t, "%s", "");
}

static void numbers(struct printing *o, const rk_profile_row *r)
{
    struct table *t = o->table;
    table_cell(t, "%s", say_count(r->calls).at);
    table_cell(t, "%s", say_seconds(r->seconds).at);
    table_cell(t, "%s", say_percent(o->seconds > 0 ? r->seconds / o->seconds : 0).at);
    amount(t, r->product_flops + r->elementwise_flops, "FLOP");
    share(t, least_seconds(&o->p->top, r), r->seconds);
    amount(t, r->bytes, "B");
    share(t, at_rate(r->bytes, o->p->top.read_bytes), r->seconds);
}

static bool print_op(void *user, const rk_profile_row *r)
{
    struct printing *o = user;
    table_cell(o->table, "%s", r->op);
    table_cell(o->table, "%s", r->kernel);
    numbers(o, r);
    return true;
}

static bool print_module(void *user, const rk_profile_row *r)
{
    struct printing *o = user;
    table_cell(o->table, "%s", r->module[0] != '\0' ? r->module : "(outside)");
    numbers(o, r);
    return true;
}

static int print_text(struct cli *c, struct profiling *p)
{
    rk_profiled all;
    rk_profile_total(p->profile, &all);
    struct printing o = { .p = p, .seconds = all.seconds, .table = table_new(c, "operation|kernel|calls|time|share|FLOPs|of peak|bytes|of reading", "llrrrrrrr") };
    CLI_TRY(c, rk_profile_rows(p->profile, RK_PROFILE_BY_OP, print_op, &o));
    table_print(o.table);
    (void)fputc('\n', c->out);
    o.table = table_new(c, "module|calls|time|share|FLOPs|of peak|bytes|of reading", "lrrrrrrr");
    CLI_TRY(c, rk_profile_rows(p->profile, RK_PROFILE_BY_MODULE, print_module, &o));
    table_print(o.table);
    (void)fprintf(c->out, "%s calls in %s runs: %s in steps, %s between them", say_count(all.calls).at, say_count(all.runs).at, say_seconds(all.seconds).at,
                  say_seconds(all.span - all.seconds).at);
    if (p->top.fma_flops > 0) (void)fprintf(c->out, "; peak %s, reading %s", say_si(p->top.fma_flops, "FLOP/s").at, say_si(p->top.read_bytes, "B/s").at);
    if (p->top.bf16_flops > 0) (void)fprintf(c->out, ", bf16 %s", say_si(p->top.bf16_flops, "FLOP/s").at);
    (void)fputc('\n', c->out);
    return CLI_OK;
}

/* --- JSON --- */

static void row_json(struct json *j, const rk_profile_row *r)
{
    json_uint(j, "calls", r->calls);
    json_real(j, "seconds", r->seconds);
    json_uint(j, "product_flops", r->product_flops);
    json_uint(j, "elementwise_flops", r->elementwise_flops);
    json_uint(j, "bytes", r->bytes);
    json_uint(j, "bf16_flops", r->bf16_flops);
    json_uint(j, "f16_flops", r->f16_flops);
    json_end(j);
}

static bool op_json(void *user, const rk_profile_row *r)
{
    struct json *j = user;
    json_object(j, NULL);
    json_text(j, "op", r->op);
    json_text(j, "kernel", r->kernel);
    row_json(j, r);
    return true;
}

static bool module_json(void *user, const rk_profile_row *r)
{
    struct json *j = user;
    json_object(j, NULL);
    json_text(j, "module", r->module);
    row_json(j, r);
    return true;
}

/* Where the machine was not measured there is no number of it. */
static void peaks_json(const struct profiling *p, struct json *j)
{
    if (p->top.fma_flops <= 0) return;
    json_real(j, "peak_flops", p->top.fma_flops);
    json_real(j, "peak_read_bytes", p->top.read_bytes);
    if (p->top.bf16_flops > 0) json_real(j, "peak_bf16_flops", p->top.bf16_flops);
    if (p->top.f16_flops > 0) json_real(j, "peak_f16_flops", p->top.f16_flops);
}

void profile_json(struct cli *c, struct json *j)
{
    rk_profiled all;
    if (c->profiling == NULL || c->profiling->profile == NULL) return;
    rk_profile *p = c->profiling->profile;
    rk_profile_total(p, &all);
    json_object(j, "profile");
    json_uint(j, "programs", all.programs);
    json_uint(j, "runs", all.runs);
    json_uint(j, "calls", all.calls);
    json_real(j, "seconds", all.seconds);
    json_real(j, "span", all.span);
    peaks_json(c->profiling, j);
    json_array(j, "ops");
    if (rk_profile_rows(p, RK_PROFILE_BY_OP, op_json, j) != RK_OK) rk_error_clear(c->ctx);
    json_end(j);
    json_array(j, "modules");
    if (rk_profile_rows(p, RK_PROFILE_BY_MODULE, module_json, j) != RK_OK) rk_error_clear(c->ctx);
    json_end(j);
    json_end(j);
}

/* --- the end --- */

static int write_trace(struct cli *c, struct profiling *p)
{
    rk_profiled all;
    rk_profile_total(p->profile, &all);
    CLI_TRY(c, rk_profile_trace(p->profile, p->file));
    if (all.lost > 0) cli_note(c, "%s: the first %s steps; %s more are not in it", p->file, say_count(all.events).at, say_count(all.lost).at);
    return CLI_OK;
}

/* On err, where results are not. */
static int tell(struct cli *c, struct profiling *p)
{
    FILE *out = c->out;
    int code = CLI_OK;
    if (p->file[0] != '\0') code = write_trace(c, p);
    if (c->json || code != CLI_OK) return code;
    (void)fflush(out);
    progress_hide(c);
    c->out = c->err;
    code = print_text(c, p);
    c->out = out;
    return code;
}

int profile_end(struct cli *c, int code)
{
    struct profiling *p = c->profiling;
    if (p == NULL) return code;
    int own = p->profile != NULL && (code == CLI_OK || code == CLI_NO) ? tell(c, p) : CLI_OK;
    rk_profile_close(p->profile);
    free(p);
    c->profiling = NULL;
    return code == CLI_OK ? own : code;
}
