/* train_show.c: what a training run says: the bill before the first step, a line while it goes. Not here: the receipt (train_receipt.c). */
#include "model.h"
#include "train.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- memory --- */

static bool read_number(const char *path, const char *key, uint64_t *number)
{
    char line[256];
    bool found = false;
    FILE *f = fopen(path, "r");
    while (f != NULL && !found && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, key, strlen(key)) == 0) found = sscanf(line + strlen(key), "%" SCNu64, number) == 1;
    if (f != NULL) (void)fclose(f);
    return found;
}

/* What an accelerator has free; of the host's, what the kernel would give without swapping, within the limit of the control group. */
uint64_t train_memory(const rk_device *device)
{
    uint64_t kib, most, used, bytes = 0;
    if (rk_device_memory(device, &most, &bytes)) return bytes;
    if (read_number("/proc/meminfo", "MemAvailable:", &kib)) bytes = kib * 1024;
    if (read_number("/sys/fs/cgroup/memory.max", "", &most) && read_number("/sys/fs/cgroup/memory.current", "", &used) && most > used && (bytes == 0 || most - used < bytes))
        bytes = most - used;
    return bytes;
}

/* --- numbers with their units --- */

/* The size of a number with its sign in front; `plus`: also where it is positive. */
static struct say with_sign(struct say s, double x, bool plus)
{
    size_t n = strlen(s.at);
    if ((x >= 0 && !plus) || n + 1 >= sizeof s.at) return s;
    memmove(s.at + 1, s.at, n + 1);
    s.at[0] = x < 0 ? '-' : '+';
    return s;
}

struct say train_amount(const char *unit, double x, bool plus)
{
    struct say s = { "" };
    if (!isfinite(x)) return s;
    if (strcmp(unit, "bytes") == 0 || strcmp(unit, "FLOP") == 0) s = say_count((uint64_t)(fabs(x) + 0.5));
    else if (strcmp(unit, "1") == 0) (void)snprintf(s.at, sizeof s.at, "%.1f %%", 100 * fabs(x));
    else if (strcmp(unit, "s") == 0) s = say_seconds(fabs(x));
    else (void)snprintf(s.at, sizeof s.at, "%.0f", fabs(x));
    return with_sign(s, x, plus);
}

const char *train_unit(const char *unit) { return strcmp(unit, "1") == 0 || strcmp(unit, "s") == 0 ? "" : unit; }

/* --- before --- */

static void bill_table(struct training *t, const rk_bill *bill)
{
    struct cli *c = t->c;
    const char *formula;
    uint64_t n;
    struct table *table = table_new(c, "what it will cost|||", "lrlw");
    if (rk_bill_number(bill, "parameters", &n) == RK_OK && rk_bill_formula(bill, "parameters", &formula) == RK_OK) {
        table_cell(table, "parameters");
        table_cell(table, "%s", say_count(n).at);
        table_cell(table, "%s", "");
        table_cell(table, "= %s", formula);
    }
    for (int i = 0; i < rk_receipt_rows(t->train); i++) {
        rk_receipt_row r = rk_receipt_at(t->train, i);
        if (!isfinite(r.predicted) || r.name[0] == ' ') continue;
        table_cell(table, "%s", r.name);
        table_cell(table, "%s", train_amount(r.unit, r.predicted, false).at);
        table_cell(table, "%s", train_unit(r.unit));
        table_cell(table, "%s", strcmp(r.unit, "bytes") == 0 ? say_bytes((uint64_t)r.predicted).at : strcmp(r.unit, "FLOP") == 0 ? say_si(r.predicted, "FLOP").at : "");
    }
    table_print(table);
}

static void bill_json(struct training *t, const rk_bill *bill)
{
    uint64_t n = 0;
    struct json *j = &t->json;
    json_object(j, NULL);
    json_text(j, "event", "begin");
    json_text(j, "schema", "reckon.train/1");
    json_text(j, "model", rk_model_name(t->model));
    json_text(j, "device", rk_device_text(t->device));
    if (rk_bill_number(bill, "parameters", &n) == RK_OK) json_uint(j, "parameters", n);
    json_uint(j, "tokens", t->text.tokens.n);
    if (t->source.tokens.at != NULL) json_uint(j, "source_tokens", t->source.tokens.n);
    json_int(j, "first_step", t->first);
    json_int(j, "steps", t->options.steps);
    json_object(j, "predicted");
    for (int i = 0; i < rk_receipt_rows(t->train); i++)
        if (isfinite(rk_receipt_at(t->train, i).predicted)) json_real(j, rk_receipt_at(t->train, i).name, rk_receipt_at(t->train, i).predicted);
    json_end(j);
    json_end(j);
}

static void headline(const struct training *t, const rk_train_options *o)
{
    FILE *out = t->c->out;
    bool pairs = t->source.tokens.at != NULL;
    (void)fprintf(out, "%s; %s tokens", rk_device_text(t->device), say_count(t->text.tokens.n).at);
    if (pairs) (void)fprintf(out, " from %s of sources", say_count(t->source.tokens.n).at);
    (void)fprintf(out, "; %s steps of %s %s by %s%s%s\n\n", say_count((uint64_t)o->steps).at, say_count((uint64_t)(o->batch * o->accumulate)).at, pairs ? "pairs" : "sequences",
                  rk_optimizer_title((rk_optimizer)o->optimizer), o->policy[0] != '\0' ? ", policy " : "", o->policy);
}

int train_bill(struct training *t)
{
    struct cli *c = t->c;
    rk_bill *bill;
    const rk_train_options *o = rk_train_options_of(t->train);
    rk_bill_settings s = { .batch = o->batch, .seq = o->seq, .source_seq = o->source_seq, .dropout = !o->no_dropout, .dtype = RK_f32, .totals = true,
                           .optimizer = (rk_optimizer)o->optimizer, .no_momentum = o->momentum == 0, .policy = o->policy };
    CLI_TRY(c, rk_bill_of(t->model, &s, &bill));
    if (c->json) bill_json(t, bill);
    else {
        model_headline(c, t->model, &s);
        headline(t, o);
        bill_table(t, bill);
        for (int i = 0; i < rk_receipt_rows(t->train); i++) {
            rk_receipt_row r = rk_receipt_at(t->train, i);
            if (strcmp(r.entry, "seconds.step") != 0 || !(r.predicted > 0) || o->steps == t->first) continue;
            (void)fprintf(c->out, "\nexpected time of all steps: %s, at the best rates measured here\n\n", say_seconds((double)(o->steps - t->first) * r.predicted).at);
        }
        (void)fflush(c->out);
    }
    rk_bill_free(bill);
    return CLI_OK;
}

/* --- while it goes --- */

static void step_json(struct training *t, const rk_train_report *r)
{
    struct json *j = &t->json;
    json_object(j, NULL);
    json_text(j, "event", "step");
    json_int(j, "step", r->step);
    json_real(j, "loss", r->loss);
    json_real(j, "learning_rate", r->learning_rate);
    json_real(j, "gradient_norm", r->gradient_norm);
    json_real(j, "seconds", r->seconds);
    json_real(j, "tokens_per_second", r->tokens_per_second);
    if (r->mfu > 0) json_real(j, "mfu", r->mfu);
    if (r->promised_mfu > 0) json_real(j, "promised_mfu", r->promised_mfu);
    json_real(j, "seconds_left", r->seconds_left);
    if (isfinite(r->validation_loss)) json_real(j, "validation_loss", r->validation_loss);
    if (r->saved) json_bool(j, "saved", true);
    if (r->loss_scale != 1) json_real(j, "loss_scale", r->loss_scale);
    if (r->skipped) json_bool(j, "skipped", true);
    json_end(j);
    (void)fflush(t->c->out);
}

bool train_each(void *user, const rk_train_report *r)
{
    struct training *t = user;
    char mfu[sizeof(struct say) + 8] = "";
    t->loss = r->loss;
    if (r->mfu > 0) (void)snprintf(mfu, sizeof mfu, "  MFU %s", say_percent(r->mfu).at);
    if (t->c->json) step_json(t, r);
    progress_step(&t->line, (uint64_t)(r->step - t->first), "loss %.4f  %s tokens/s%s", r->loss, say_count((uint64_t)r->tokens_per_second).at, mfu);
    if (r->skipped) cli_note(t->c, "step %s is skipped: its gradients overflow; the loss scale is %g from now on", say_count((uint64_t)r->step).at, fmax(1, r->loss_scale / 2));
    if (isfinite(r->validation_loss)) {
        t->validation = r->validation_loss;
        cli_note(t->c, "step %s: loss %.4f, validation loss %.4f%s", say_count((uint64_t)r->step).at, r->loss, r->validation_loss, r->saved ? ", saved" : "");
    }
    return !cli_cancelled(t->c);
}
