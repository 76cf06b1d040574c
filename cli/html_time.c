/* html_time.c: the memory of a training step over the steps of the program, by what it is part of, and what is alive at the peak.
 *
 * A column stands for a few steps and shows the fullest of them. */
#include "html.h"
#include <math.h>
#include <stdlib.h>

enum { COLUMNS = 160, GOING_BACK = PARTS, SCRATCH, LAYERS, TOP = 34, PLOT = 220, BELOW = 26, ROWS_SHOWN = 8 };

struct time { int steps, columns; uint64_t most, (*alive)[LAYERS]; int fullest[COLUMNS]; };

static int layer_of(const rk_bill_value *v) { return v->kind == RK_WORKSPACE ? SCRATCH : v->backward ? GOING_BACK : part_of(v->module, v->label); }

static const char *layer_words(int layer) { return layer == SCRATCH ? "workspace" : layer == GOING_BACK ? "made going back" : layer == PART_OTHER ? "residuals and other" : part_words(layer); }

static struct time time_of(const rk_bill *bill)
{
    struct time t = { .steps = rk_bill_steps(bill) };
    t.columns = t.steps < COLUMNS ? t.steps : COLUMNS;
    t.alive = cli_take((size_t)(t.steps + 1) * sizeof *t.alive);
    for (int i = 0; i < rk_bill_values(bill); i++) {
        rk_bill_value v = rk_bill_value_at(bill, i);
        for (int s = v.first; s <= v.last && s < t.steps; s++) t.alive[s][layer_of(&v)] += v.bytes;
    }
    for (int c = 0; c < t.columns; c++) {
        t.fullest[c] = (int)((int64_t)c * t.steps / t.columns);
        for (int s = t.fullest[c]; s < (int)((int64_t)(c + 1) * t.steps / t.columns); s++)
            if (rk_bill_step_at(bill, s).alive > rk_bill_step_at(bill, t.fullest[c]).alive) t.fullest[c] = s;
        uint64_t alive = rk_bill_step_at(bill, t.fullest[c]).alive;
        if (alive > t.most) t.most = alive;
    }
    return t;
}

/* --- the picture --- */

static double height_of(const struct time *t, int column, int layers)
{
    uint64_t sum = 0;
    for (int i = 0; i < layers; i++) sum += t->alive[t->fullest[column]][i];
    return 1000 - 1000 * (double)sum / (double)t->most;
}

/* Stairs there over what the layer adds, and back over what lies below it. */
static void draw_layer(const struct time *t, int layer, FILE *f)
{
    bool some = false;
    for (int c = 0; c < t->columns; c++) some = some || t->alive[t->fullest[c]][layer] > 0;
    if (!some) return;
    html(f, "<path class=\"p%d\" d=\"M0,%.1f", layer, height_of(t, 0, layer));
    for (int c = 0; c < t->columns; c++) html(f, "V%.1fH%d", height_of(t, c, layer + 1), c + 1);
    for (int c = t->columns - 1; c >= 0; c--) html(f, "V%.1fH%d", height_of(t, c, layer), c);
    (void)fputs("Z\"/>\n", f);
}

static void draw_lines(const struct time *t, FILE *f)
{
    double step = exp2(floor(log2((double)t->most / 2)));
    for (double at = step; at <= (double)t->most; at += step) {
        double y = TOP + PLOT * (1 - at / (double)t->most);
        html(f, "<line class=\"grid\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/><text class=\"scale\" x=\"0\" y=\"%.1f\">%s</text>\n", y, y, y - 4, without_zeros(say_bytes((uint64_t)at)).at);
    }
}

static void draw_peak(const struct time *t, const struct peak *p, FILE *f)
{
    double at = 100 * (p->step + 0.5) / t->steps, turn = 100.0 * p->forward / t->steps;
    html(f, "<line class=\"peak\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>", at, at, TOP - 12, TOP + PLOT);
    html(f, "<text class=\"peak\" x=\"%.2f%%\" dx=\"%d\" y=\"%d\" text-anchor=\"%s\">%s at step %d of %d</text>\n", at, at > 50 ? -6 : 6, TOP - 8, at > 50 ? "end" : "start",
         say_bytes(p->bytes).at, p->step + 1, t->steps);
    html(f, "<line class=\"axis\" x1=\"0\" x2=\"100%%\" y1=\"%d\" y2=\"%d\"/>", TOP + PLOT, TOP + PLOT);
    html(f, "<text class=\"scale\" x=\"0\" y=\"%d\">forward</text><line class=\"axis\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>", TOP + PLOT + 18, turn, turn, TOP + PLOT, TOP + PLOT + 20);
    html(f, "<text class=\"scale\" x=\"%.2f%%\" dx=\"6\" y=\"%d\">backward</text>\n", turn, TOP + PLOT + 18);
}

/* What each column says when it is pointed at. */
static void draw_columns(const struct time *t, const rk_bill *bill, FILE *f)
{
    for (int c = 0; c < t->columns; c++) {
        int s = t->fullest[c];
        rk_bill_step step = rk_bill_step_at(bill, s);
        html(f, "<g class=\"mark hit\" role=\"img\" tabindex=\"%d\"><title>", c == 0 ? 0 : -1);
        html_say(f, "%s alive\nstep %d, %s: %s %s", say_bytes(step.alive).at, s + 1, step.backward ? "backward" : "forward", step.module[0] != '\0' ? step.module : "model", step.op);
        for (int i = 0; i < LAYERS; i++)
            if (t->alive[s][i] > step.alive / 50) html_say(f, "\n%s %s", layer_words(i), say_bytes(t->alive[s][i]).at);
        html(f, "</title><rect x=\"%.3f%%\" y=\"%d\" width=\"%.3f%%\" height=\"%d\"/>", 100.0 * c / t->columns, TOP, 100.0 / t->columns, PLOT);
        mark_close(f);
    }
}

static void draw_time(const struct time *t, const struct peak *p, struct counted *x, FILE *f)
{
    svg_open(f, TOP + PLOT + BELOW, "Memory over the steps of a training step", "Bytes alive at every step of the program, stacked by what they are part of. The peak is marked; the table below says what is alive there.");
    draw_lines(t, f);
    html(f, "<svg y=\"%d\" width=\"100%%\" height=\"%d\" viewBox=\"0 0 %d 1000\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\n", TOP, PLOT, t->columns);
    for (int i = 0; i < LAYERS; i++) draw_layer(t, i, f);
    (void)fputs("</svg>\n", f);
    draw_peak(t, p, f);
    draw_columns(t, x->bill, f);
    svg_close(f);
}

/* --- beside it --- */

static void draw_legend(const struct time *t, FILE *f)
{
    (void)fputs("<ul class=\"legend\">", f);
    for (int i = 0; i < LAYERS; i++) {
        bool some = false;
        for (int c = 0; c < t->columns; c++) some = some || t->alive[t->fullest[c]][i] > 0;
        if (some) html(f, "<li class=\"p%d\">%s</li>", i, layer_words(i));
    }
    (void)fputs("</ul>\n", f);
}

static void row(const char *module, const char *as, uint64_t bytes, uint64_t whole, FILE *f)
{
    (void)fputs("<tr><th scope=\"row\">", f);
    html_text(f, module);
    html(f, "</th><td class=\"l\">%s</td><td>%s</td><td>%s</td><td>%s</td><td class=\"l\"><span class=\"share\" style=\"width:%.2f%%\"></span></td></tr>\n", as, say_count(bytes).at, say_bytes(bytes).at,
         say_percent((double)bytes / (double)whole).at, 100 * (double)bytes / (double)whole);
}

static void alive_table(const struct peak *p, FILE *f)
{
    uint64_t rest = 0;
    (void)fputs("<div class=\"scroll\"><table class=\"alive\"><caption>Alive at the peak</caption>\n<thead><tr><th scope=\"col\">module</th><th scope=\"col\" class=\"l\">as</th>"
                "<th scope=\"col\">bytes</th><th scope=\"col\"></th><th scope=\"col\">share</th><th scope=\"col\" class=\"wide\"></th></tr></thead><tbody>\n", f);
    for (int i = 0; i < p->n; i++) {
        if (i < ROWS_SHOWN || p->n == ROWS_SHOWN + 1) row(p->at[i].module[0] != '\0' ? p->at[i].module : "model", p->at[i].as, p->at[i].bytes, p->bytes, f);
        else rest += p->at[i].bytes;
    }
    if (rest > 0) row("all others", "", rest, p->bytes, f);
    (void)fputs("</tbody></table></div>\n", f);
}

/* What lives always, and the arena beside it, as one bar. */
static void whole_bar(const rk_bill *bill, FILE *f)
{
    static const struct { const char *entry, *words, *class; } rows[] = {
        { "bytes.plan.parameters", "parameters", "s0" }, { "bytes.plan.gradients", "gradients", "s1" }, { "bytes.plan.optimizer", "optimizer state", "s2" },
        { "bytes.plan.master", "master weights", "p7" }, { "bytes.plan.constants", "constants", "p8" },
        { "bytes.plan.arena", "activations", "s3" }, { "bytes.plan.inputs", "inputs", "p9" },
    };
    enum { N = sizeof rows / sizeof *rows };
    double sum = 0, at = 0;
    for (int i = 0; i < N; i++) sum += (double)number_of(bill, rows[i].entry);
    html(f, "<div class=\"row whole\"><span class=\"label\">altogether</span><svg class=\"bar\" width=\"100%%\" height=\"26\" role=\"group\" xmlns=\"http://www.w3.org/2000/svg\"><title>What this program allocates</title>\n");
    for (int i = 0; i < N; i++) {
        double n = (double)number_of(bill, rows[i].entry);
        if (n <= 0) continue;
        mark_open(f, rows[i].class, i == 0, "%s\n%s bytes, %s\n%s", rows[i].words, say_count((uint64_t)n).at, say_bytes((uint64_t)n).at, say_percent(n / sum).at);
        html(f, "<svg x=\"%.3f%%\" width=\"%.3f%%\" height=\"26\"><rect width=\"100%%\" height=\"26\"/><text x=\"8\" y=\"17\">%s</text></svg>", 100 * at / sum, 100 * n / sum, rows[i].words);
        mark_close(f);
        at += n;
    }
    html(f, "</svg><span class=\"value\">%s</span></div>\n", say_bytes((uint64_t)sum).at);
}

void html_time(struct counting *k, struct counted *x, FILE *f)
{
    struct time t = time_of(x->bill);
    struct peak p = peak_of(x->bill);
    figure_open(f, k->n > 1 ? rk_model_name(x->model) : "Activations and workspace", "of one training step on this machine, by what they are part of; to the byte what the trainer allocates");
    draw_legend(&t, f);
    draw_time(&t, &p, x, f);
    whole_bar(x->bill, f);
    alive_table(&p, f);
    figure_close(f);
    free(p.at);
    free(t.alive);
}
