/* html_bars.c: which module how much of parameters, FLOPs and bytes falls to: bars on one scale, all models below each other.
 *
 * A module counts what stands in itself, not what stands in modules below it, so that the pieces of a bar are all of it. */
#include "html.h"
#include <stdlib.h>
#include <string.h>

struct piece { char module[MODULE_ROOM]; int part; uint64_t number; char formula[512]; };
struct pieces { struct piece *at; size_t room; int n; };

static const struct row { const char *entry, *words; int group; } rows[] = {
    { "parameters",                 "parameters",           0 },
    { "flops.forward",              "forward",              1 },
    { "flops.backward",             "backward",             1 },
    { "flops.update",               "update",               1 },
    { "flops.elementwise.forward",  "forward",              2 },
    { "flops.elementwise.backward", "backward",             2 },
    { "flops.elementwise.update",   "update",               2 },
    { "bytes.parameters",           "parameters",           3 },
    { "bytes.gradients",            "gradients",            3 },
    { "bytes.optimizer",            "optimizer",            3 },
};
enum { ROWS = sizeof rows / sizeof *rows };
static const struct { const char *head, *about; enum unit unit; } groups[] = {
    { "Parameters", "how many numbers are learned", COUNT },
    { "FLOPs of matrix products", "one multiply-add is 2", FLOPS },
    { "FLOPs of everything else", "norms, softmax, activations, sums, the optimizer", FLOPS },
    { "Bytes", "of what lives from step to step", BYTES },
};
enum { GROUPS = sizeof groups / sizeof *groups };

/* --- the pieces of a bar --- */

/* The moments of h.*.mlp stand under m.h.*.mlp and v.h.*.mlp. */
static const char *plain_path(const char *entry, const char *module)
{
    bool moment = strcmp(entry, "bytes.optimizer") == 0 && (strncmp(module, "m.", 2) == 0 || strncmp(module, "v.", 2) == 0);
    return moment ? module + 2 : module;
}

static void add_formula(char formula[512], int64_t times, const char *each)
{
    size_t used = strlen(formula), more = strlen(each) + 32;
    if (used + more >= 508) {
        if (used > 3 && strcmp(formula + used - 3, "...") != 0) (void)snprintf(formula + used, 512 - used, " + ...");
        return;
    }
    if (times == 1) (void)snprintf(formula + used, 512 - used, "%s%s", used > 0 ? " + " : "", each);
    else (void)snprintf(formula + used, 512 - used, "%s%lld·(%s)", used > 0 ? " + " : "", (long long)times, each);
}

static int by_part(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    if (x->part != y->part) return x->part - y->part;
    return x->number != y->number ? (x->number > y->number ? -1 : 1) : strcmp(x->module, y->module);
}

static struct pieces pieces_of(const struct counting *k, rk_bill *bill, const char *entry)
{
    struct pieces p = { 0 };
    for (int r = 0; r < rk_bill_reasons(bill, entry); r++) {
        rk_bill_reason reason = rk_bill_reason_at(bill, entry, r);
        const char *module = plain_path(entry, reason.module);
        int i = 0, part = part_of(module, reason.label);
        while (i < p.n && (p.at[i].part != part || strcmp(p.at[i].module, module) != 0)) i++;
        if (i == p.n) {
            p.at = cli_grow(p.at, &p.room, (size_t)p.n + 1, sizeof *p.at);
            (void)snprintf(p.at[i].module, MODULE_ROOM, "%s", module);
            p.at[i].part = part;
            p.n++;
        }
        p.at[i].number += reason.number;
        add_formula(p.at[i].formula, reason.times, spelled(k, bill, reason.formula));
    }
    if (p.n > 0) qsort(p.at, (size_t)p.n, sizeof *p.at, by_part);
    return p;
}

/* --- the picture --- */

static void draw_bar(const struct counting *k, struct counted *x, const struct row *row, uint64_t most, FILE *f)
{
    struct pieces p = pieces_of(k, x->bill, row->entry);
    uint64_t whole = number_of(x->bill, row->entry), before = 0;
    char classes[16];
    html(f, "<svg class=\"bar\" width=\"100%%\" height=\"26\" role=\"group\" xmlns=\"http://www.w3.org/2000/svg\"><title>");
    html_say(f, "%s of %s by module", row->words, rk_model_name(x->model));
    html(f, "</title>\n<rect class=\"under\" style=\"width:max(2px,%.4f%%)\" height=\"26\"/>\n", 100 * (double)whole / (double)most);
    for (int i = 0; i < p.n; i++) {
        const struct piece *s = &p.at[i];
        (void)snprintf(classes, sizeof classes, "p%d%s", s->part, (double)s->number < 0.003 * (double)most ? " thin" : "");
        mark_open(f, classes, i == 0, "%s: %s\n%s, %s\n= %s", s->module[0] != '\0' ? s->module : "model", part_words(s->part), say_count(s->number).at,
                  say_percent(whole > 0 ? (double)s->number / (double)whole : 0).at, s->formula);
        html(f, "<rect x=\"%.4f%%\" width=\"%.4f%%\" height=\"26\"/>", 100 * (double)before / (double)most, 100 * (double)s->number / (double)most);
        mark_close(f);
        before += s->number;
    }
    (void)fputs("</svg>\n", f);
    free(p.at);
}

static void bar_row(const struct counting *k, struct counted *x, const struct row *row, uint64_t most, FILE *f)
{
    uint64_t number = number_of(x->bill, row->entry);
    bool first = x == k->all;
    html(f, "<div class=\"row%s\"><span class=\"label\">%s", k->n > 1 && first ? " first" : "", first ? row->words : "");
    if (k->n > 1) {
        (void)fputs(" <small>", f);
        html_text(f, rk_model_name(x->model));
        (void)fputs("</small>", f);
    }
    (void)fputs("</span>", f);
    draw_bar(k, x, row, most, f);
    html(f, "<span class=\"value\">%s</span></div>\n", short_form(groups[row->group].unit, number).at);
}

static uint64_t most_of(const struct counting *k, int group)
{
    uint64_t most = 0;
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; rows[r].group == group && i < k->n; i++)
            if (number_of(k->all[i].bill, rows[r].entry) > most) most = number_of(k->all[i].bill, rows[r].entry);
    return most;
}

static void numbers_of(struct counting *k, int group, FILE *f)
{
    numbers_open(f, k->n > 1 ? "module|of|model|number|share|formula" : "module|of|number|share|formula");
    for (int r = 0; r < ROWS; r++)
        for (int m = 0; rows[r].group == group && m < k->n; m++) {
            struct pieces p = pieces_of(k, k->all[m].bill, rows[r].entry);
            uint64_t whole = number_of(k->all[m].bill, rows[r].entry);
            for (int i = 0; i < p.n; i++) {
                (void)fputs("<tr><th scope=\"row\">", f);
                html_text(f, p.at[i].module[0] != '\0' ? p.at[i].module : "model");
                html(f, "</th><td class=\"l\">%s</td>", rows[r].words);
                if (k->n > 1) {
                    (void)fputs("<td class=\"l\">", f);
                    html_text(f, rk_model_name(k->all[m].model));
                    (void)fputs("</td>", f);
                }
                html(f, "<td>%s</td><td>%s</td><td class=\"formula\">", say_count(p.at[i].number).at, say_percent(whole > 0 ? (double)p.at[i].number / (double)whole : 0).at);
                html_text(f, p.at[i].formula);
                (void)fputs("</td></tr>\n", f);
            }
            free(p.at);
        }
    numbers_close(f);
}

void html_bars(struct counting *k, FILE *f)
{
    (void)fputs("<section id=\"modules\">\n<h2>Where it goes</h2>\n", f);
    html_parts(f);
    for (int g = 0; g < GROUPS; g++) {
        uint64_t most = most_of(k, g);
        if (most == 0) continue;
        figure_open(f, groups[g].head, groups[g].about);
        for (int r = 0; r < ROWS; r++)
            for (int i = 0; rows[r].group == g && i < k->n; i++)
                if (number_of(k->all[i].bill, rows[r].entry) > 0) bar_row(k, &k->all[i], &rows[r], most, f);
        numbers_of(k, g, f);
        figure_close(f);
    }
    (void)fputs("</section>\n", f);
}
