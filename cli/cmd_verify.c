/* reckon verify: is what I run the same model? A checkpoint against what another framework computed with it. */
#include "device.h"
#include "load.h"
#include "model.h"
#include "out.h"
#include "reckon/verify.h"
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    OPTION_RUNS,
    { "loosen", 0, OPT_REAL, "FACTOR", "1", "every tolerance times this" },
    { "all",    'a', OPT_FLAG, NULL, NULL, "a row for every tensor; without it, gradients and weights that are within are one row each" },
    { 0 }
};

struct row { char *name, *note; double error, tolerance; rk_verdict verdict; };
struct report { struct cli *c; struct row *rows; size_t n, room; };

static bool add(void *user, const rk_verify_row *row)
{
    struct report *r = user;
    r->rows = cli_grow(r->rows, &r->room, r->n + 1, sizeof *r->rows);
    r->rows[r->n++] = (struct row){ cli_copy(row->name), cli_copy(row->note), row->error, row->tolerance, row->verdict };
    return !cli_cancelled(r->c);
}

static void free_rows(struct report *r)
{
    for (size_t i = 0; i < r->n; i++) {
        free(r->rows[i].name);
        free(r->rows[i].note);
    }
    free(r->rows);
}

static const char *verdict_word(rk_verdict v)
{
    static const char *const words[] = { "same", "tie", "BEYOND", "not checked" };
    return words[v];
}

/* "grad." of "grad.h.0.weight": tensors that stand together in a short table; 0: none. */
static size_t family(const char *name)
{
    if (strncmp(name, "grad.", 5) == 0) return 5;
    return strncmp(name, "adamw.", 6) == 0 && strcmp(name, "adamw.losses") != 0 ? 6 : 0;
}

static void print_row(struct table *t, const char *name, const struct row *r)
{
    table_cell(t, "%s", name);
    table_cell(t, "%.2e", r->error);
    table_cell(t, "%.1e", r->tolerance);
    table_cell(t, "%s", verdict_word(r->verdict));
    table_cell(t, "%s", r->note);
}

/* The worst of rows i.. of one family that are within, as one row; returns how many it stands for. */
static size_t print_family(struct table *t, const struct report *r, size_t first)
{
    char name[64];
    size_t n = family(r->rows[first].name), end = first, worst = first;
    for (; end < r->n && family(r->rows[end].name) == n && r->rows[end].verdict == RK_VERDICT_SAME; end++)
        if (r->rows[end].error > r->rows[worst].error) worst = end;
    struct row row = r->rows[worst];
    (void)snprintf(name, sizeof name, "%.*s* (%zu)", (int)n, row.name, end - first);
    if (end - first == 1) print_row(t, row.name, &row);
    else {
        row.note = row.name + n;
        print_row(t, name, &row);
    }
    return end - first;
}

static void print_table(struct cli *c, const struct report *r, const rk_verified *result)
{
    struct table *t = table_new(c, "tensor|largest error|tolerance|verdict|", "lrrlw");
    bool all = cli_flag(c, "all");
    const char *before = "not checked: ";
    for (size_t i = 0; i < r->n;) {
        const struct row *row = &r->rows[i];
        if (!all && family(row->name) != 0 && row->verdict == RK_VERDICT_SAME) {
            i += print_family(t, r, i);
            continue;
        }
        if (row->verdict != RK_VERDICT_NOT_CHECKED) print_row(t, row->name, row);
        i++;
    }
    table_print(t);
    for (size_t i = 0; i < r->n; i++) {
        if (r->rows[i].verdict != RK_VERDICT_NOT_CHECKED) continue;
        (void)fprintf(c->out, "%s%s", before, r->rows[i].name);
        before = ", ";
    }
    if (result->not_checked > 0) (void)fputc('\n', c->out);
    (void)fprintf(c->out, "%s: %d tensors checked, %d beyond their tolerance", result->beyond == 0 ? "the same model" : "NOT the same model", result->checked, result->beyond);
    if (result->ties > 0) (void)fprintf(c->out, ", %d with ties", result->ties);
    (void)fputc('\n', c->out);
}

static void print_json(struct cli *c, const struct report *r, const rk_verified *result, const rk_device *device)
{
    struct json j;
    json_begin(&j, c->out);
    json_object(&j, NULL);
    json_text(&j, "schema", "reckon.verify/1");
    json_text(&j, "model", c->args[0]);
    json_text(&j, "device", rk_device_text(device));
    json_bool(&j, "same", result->beyond == 0);
    json_int(&j, "checked", result->checked);
    json_int(&j, "beyond", result->beyond);
    json_int(&j, "ties", result->ties);
    json_int(&j, "not_checked", result->not_checked);
    json_array(&j, "tensors");
    for (size_t i = 0; i < r->n; i++) {
        json_object(&j, NULL);
        json_text(&j, "name", r->rows[i].name);
        json_text(&j, "verdict", verdict_word(r->rows[i].verdict));
        if (r->rows[i].verdict != RK_VERDICT_NOT_CHECKED) {
            json_real(&j, "error", r->rows[i].error);
            json_real(&j, "tolerance", r->rows[i].tolerance);
        }
        if (r->rows[i].note[0] != '\0') json_text(&j, "note", r->rows[i].note);
        json_end(&j);
    }
    json_end(&j);
    load_json(c, &j);
    profile_json(c, &j);
    json_end(&j);
}

static int run(struct cli *c)
{
    struct report report = { .c = c };
    rk_device *device = NULL;
    rk_model *model = NULL;
    rk_verified result;
    int code;
    if (!(cli_real(c, "loosen") > 0)) return cli_usage(c, "--loosen: a factor above 0");
    code = model_in_folder(c, &model);
    if (code == CLI_OK) code = device_open(c, &device);
    if (code != CLI_OK) goto out;
    rk_verify_options how = { .device = device, .loosen = cli_real(c, "loosen") };
    cli_watch();
    CLI_GO(c, rk_verify(c->ctx, rk_model_name(model), c->n_args > 1 ? c->args[1] : NULL, &how, add, &report, &result));
    if (result.checked == 0) code = cli_fail(c, CLI_DATA, "expected are logits, hidden.I, loss, grad.TENSOR, adamw.TENSOR, greedy", "the file expects nothing that can be checked");
    else {
        if (c->json) print_json(c, &report, &result, device);
        else print_table(c, &report, &result);
        code = result.beyond == 0 ? CLI_OK : CLI_NO;
    }
out:
    free_rows(&report);
    rk_device_close(device);
    rk_model_close(model);
    return code;
}

static const struct example examples[] = {
    { "verify model",                  "DIR holds config.json, model.safetensors and io.safetensors", "model/io.safetensors" },
    { "verify model --device ref -a",  "against the references in f64, a row for every tensor", "model/io.safetensors" },
    { 0 }
};

const struct command cmd_verify = {
    .name = "verify", .arguments = "DIR [IO]", .purpose = "is what I run the same model? against what another framework computed", .options = options,
    .examples = examples, .json = true, .run = run,
    .notes = "IO is a safetensors file with input_ids and what came of them: logits, hidden.I, loss, grad.TENSOR, adamw.losses, adamw.TENSOR, greedy; "
             "without it, io.safetensors in DIR. docs/formats.md tells how to write one from PyTorch in twenty lines. The exit code is 1 where "
             "something is beyond its tolerance.",
};
