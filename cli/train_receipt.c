/* train_receipt.c: what a run was predicted to use beside what it used: a table, an event, or a file for `reckon count --check`
 * (schema reckon.receipt/1, docs/json.md). */
#include "model.h"
#include "train.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void json_run(struct training *t, double bigram, struct json *j)
{
    uint64_t parameters = 0;
    const rk_train_options *o = rk_train_options_of(t->train);
    if (rk_model_parameters(t->model, &parameters) != RK_OK) rk_error_clear(t->c->ctx);
    json_text(j, "model", rk_model_name(t->model));
    json_text(j, "family", rk_model_family(t->model));
    json_uint(j, "parameters", parameters);
    json_text(j, "device", rk_device_text(t->device));
    json_int(j, "batch", o->batch);
    json_int(j, "accumulate", o->accumulate);
    json_int(j, "seq", o->seq);
    if (o->source_seq > 0) json_int(j, "source_seq", o->source_seq);
    json_bool(j, "dropout", !o->no_dropout);
    json_text(j, "policy", o->policy[0] != '\0' ? o->policy : "fp32");
    json_text(j, "optimizer", rk_optimizer_word((rk_optimizer)o->optimizer));
    json_real(j, "momentum", o->momentum);
    json_int(j, "step", rk_train_steps_done(t->train));
    if (isfinite(t->loss)) json_real(j, "loss", t->loss);
    json_real(j, "validation_loss", t->validation);
    json_real(j, "bigram_loss", bigram);
}

static void json_rows(struct training *t, struct json *j)
{
    json_array(j, "rows");
    for (int i = 0; i < rk_receipt_rows(t->train); i++) {
        rk_receipt_row r = rk_receipt_at(t->train, i);
        json_object(j, NULL);
        json_text(j, "entry", r.entry);
        json_text(j, "name", r.name);
        json_text(j, "unit", r.unit);
        json_real(j, "predicted", r.predicted);
        json_real(j, "measured", r.measured);
        json_text(j, "note", r.note);
        json_end(j);
    }
    json_end(j);
}

static void receipt_json(struct training *t, double bigram, struct json *j, bool event)
{
    json_object(j, NULL);
    if (event) json_text(j, "event", "receipt");
    json_text(j, "schema", "reckon.receipt/1");
    json_run(t, bigram, j);
    json_rows(t, j);
    json_end(j);
}

static void receipt_table(struct training *t)
{
    struct cli *c = t->c;
    struct table *table = table_new(c, "receipt|predicted|measured|difference|", "lrrrl");
    for (int i = 0; i < rk_receipt_rows(t->train); i++) {
        rk_receipt_row r = rk_receipt_at(t->train, i);
        if (!isfinite(r.predicted) && !isfinite(r.measured)) continue;
        table_cell(table, "%s%s", r.name[0] == ' ' ? "  " : "", r.name + (r.name[0] == ' '));
        table_cell(table, "%s", train_amount(r.unit, r.predicted, false).at);
        table_cell(table, "%s", train_amount(r.unit, r.measured, false).at);
        table_cell(table, "%s", train_amount(r.unit, r.measured - r.predicted, true).at);
        table_cell(table, "%s", train_unit(r.unit));
    }
    table_print(table);
    (void)fputc('\n', c->out);
    for (int i = 0; i < rk_receipt_rows(t->train); i++) {
        rk_receipt_row r = rk_receipt_at(t->train, i);
        bool named = r.name[0] == ' ' || strcmp(r.unit, "1") == 0 || strcmp(r.unit, "s") == 0;
        if (!named || (!isfinite(r.predicted) && !isfinite(r.measured))) continue;
        int column = fprintf(c->out, "%s: ", r.name + (r.name[0] == ' '));
        text_wrap(c->out, r.note, column, c->width);
    }
}

/* FILE.json: for a program; else as people read it. */
static int receipt_file(struct training *t, double bigram, const char *path)
{
    struct cli *c = t->c;
    char *text = NULL;
    size_t n = 0;
    FILE *screen = c->out, *page = open_memstream(&text, &n);
    const char *dot = strrchr(path, '.');
    struct json j;
    if (page == NULL) cli_bug("no memory for a receipt");
    json_begin(&j, page);
    c->out = page;
    if (dot != NULL && strcmp(dot, ".json") == 0) receipt_json(t, bigram, &j, false);
    else receipt_table(t);
    c->out = screen;
    if (fclose(page) != 0) cli_bug("no memory for a receipt");
    int code = cli_save(c, path, text, n);
    free(text);
    return code;
}

int train_receipt(struct training *t)
{
    struct cli *c = t->c;
    const char *path = cli_text(c, "receipt");
    double bigram;
    if (!isfinite(t->validation)) CLI_TRY(c, rk_train_validate(t->train, &t->validation));
    CLI_TRY(c, rk_train_bigram(t->train, &bigram));
    if (c->json) receipt_json(t, bigram, &t->json, true);
    else if (isfinite(t->validation)) {
        (void)fprintf(c->out, "validation loss %.4f nats per token", t->validation);
        if (isfinite(bigram)) (void)fprintf(c->out, "; an interpolated bigram model on the same tokens: %.4f", bigram);
        (void)fputs("\n\n", c->out);
    }
    if (path != NULL) return receipt_file(t, bigram, path);
    if (!c->json) receipt_table(t);
    return CLI_OK;
}
