/* sweep_print.c: a sweep as a table, as lines for a spreadsheet, as JSON. */
#include "out.h"
#include "sweep.h"
#include <inttypes.h>
#include <string.h>

static struct say short_form(const char *column, uint64_t n)
{
    if (strncmp(column, "bytes.", 6) == 0 || strncmp(column, "traffic.", 8) == 0) return say_bytes(n);
    if (strncmp(column, "flops.", 6) == 0) return say_si((double)n, "FLOP");
    return say_count(n);
}

static void print_row(struct table *t, const struct sweep *s, size_t row, bool exact)
{
    const struct row *r = &s->rows[row];
    for (int k = 0; k < s->n_knobs; k++) {
        bool mark = r->stretched && strcmp(s->knob[k].name, "seq") == 0;
        table_cell(t, "%s%s", sweep_at(s, row, k), mark ? " *" : s->stretched && strcmp(s->knob[k].name, "seq") == 0 ? "  " : "");
    }
    for (int i = 0; i < s->n_columns; i++) {
        const struct cell *x = &r->cell[i];
        table_cell(t, "%s", x->word[0] != '\0' ? x->word : exact ? say_count(x->number).at : short_form(s->column[i], x->number).at);
    }
}

/* The names of fields that changed with those swept. */
static bool next_follower(const struct sweep *s, int *i, rk_field *f)
{
    for (; *i < SWEEP_FIELDS && rk_family_field(s->family, *i, f); ++*i)
        if (s->follows[*i]) return true;
    return false;
}

void sweep_print(struct cli *c, const struct sweep *s, bool exact)
{
    char heads[SWEEP_COLUMNS * 64 + SWEEP_KNOBS * 64] = "", align[SWEEP_COLUMNS + SWEEP_KNOBS + 1] = "";
    rk_field f;
    for (int i = 0; i < s->n_knobs + s->n_columns; i++) {
        size_t used = strlen(heads);
        (void)snprintf(heads + used, sizeof heads - used, "%s%.60s", i > 0 ? "|" : "", i < s->n_knobs ? s->knob[i].name : s->column[i - s->n_knobs]);
        align[i] = 'r';
    }
    text_put(c->out, c->args[0], (int)strlen(c->args[0]));
    (void)fprintf(c->out, ": %s\n\n", s->title);
    struct table *t = table_new(c, heads, align);
    for (size_t i = 0; i < s->n_rows; i++) print_row(t, s, i, exact);
    table_print(t);
    int n = 0;
    for (int i = 0; next_follower(s, &i, &f); i++) (void)fprintf(c->out, "%s%s", n++ == 0 ? "\nalong with it: " : ", ", f.name);
    if (n > 0) (void)fputc('\n', c->out);
    if (s->stretched) (void)fprintf(c->out, "\n* longer than the model's own context: a model with so many positions\n");
}

void sweep_csv(struct cli *c, const struct sweep *s)
{
    for (int i = 0; i < s->n_knobs; i++) (void)fprintf(c->out, "%s%s", i > 0 ? "," : "", s->knob[i].name);
    for (int i = 0; i < s->n_columns; i++) (void)fprintf(c->out, ",%s", s->column[i]);
    (void)fputc('\n', c->out);
    for (size_t row = 0; row < s->n_rows; row++) {
        for (int i = 0; i < s->n_knobs; i++) (void)fprintf(c->out, "%s%s", i > 0 ? "," : "", sweep_at(s, row, i));
        for (int i = 0; i < s->n_columns; i++) {
            const struct cell *x = &s->rows[row].cell[i];
            if (x->word[0] != '\0') (void)fprintf(c->out, ",%s", x->word);
            else (void)fprintf(c->out, ",%" PRIu64, x->number);
        }
        (void)fputc('\n', c->out);
    }
}

void sweep_json(struct cli *c, const struct sweep *s)
{
    struct json j;
    rk_field f;
    json_begin(&j, c->out);
    json_object(&j, NULL);
    json_text(&j, "schema", "reckon.sweep/1");
    json_text(&j, "model", c->args[0]);
    json_text(&j, "family", s->family);
    json_array(&j, "follows");
    for (int i = 0; next_follower(s, &i, &f); i++) json_text(&j, NULL, f.name);
    json_end(&j);
    json_array(&j, "rows");
    for (size_t row = 0; row < s->n_rows; row++) {
        json_object(&j, NULL);
        for (int k = 0; k < s->n_knobs; k++) {
            const char *text = sweep_at(s, row, k);
            long long number;
            char left;
            if (sscanf(text, "%lld%c", &number, &left) == 1) json_int(&j, s->knob[k].name, number);
            else json_text(&j, s->knob[k].name, text);
        }
        if (s->stretched) json_bool(&j, "beyond_context", s->rows[row].stretched);
        for (int i = 0; i < s->n_columns; i++) {
            const struct cell *x = &s->rows[row].cell[i];
            if (x->word[0] != '\0') json_text(&j, s->column[i], x->word);
            else json_uint(&j, s->column[i], x->number);
        }
        json_end(&j);
    }
    json_end(&j);
    json_end(&j);
}
