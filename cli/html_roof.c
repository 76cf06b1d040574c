/* html_roof.c: the roofline: what every operation computes for a byte, and how fast it can be at most on the machine.
 *
 * Each operation by itself, nothing fused, as `--roofline` has it. A point stands where the roof lets it stand, as large as its
 * part of the time. Source: Williams, Waterman and Patterson 2009. */
#include "html.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TOP = 14, PLOT = 300, BELOW = 44, LISTED = 40 };
struct point { struct roof_op op; const char *phase; };
struct points { struct point *at; size_t room; int n; double seconds, computing, moving; };     /* moving: of those that hardly compute */

/* Below one FLOP for 100 bytes nothing is computed that would count: gathers, copies, masks. */
static const double least_intensity = 0.01;

static int by_time(const void *a, const void *b)
{
    double x = ((const struct point *)a)->op.seconds, y = ((const struct point *)b)->op.seconds;
    return (x < y) - (x > y);
}

static struct points points_of(const struct counting *k, const struct counted *x)
{
    struct points p = { 0 };
    struct roof_walk w;
    struct roof_op op;
    for (int i = 0; roof_phases[i] != NULL; i++) {
        roof_begin(&w, k, x->bill, roof_phases[i]);
        while (roof_next(&w, &op)) {
            p.at = cli_grow(p.at, &p.room, (size_t)p.n + 1, sizeof *p.at);
            p.at[p.n++] = (struct point){ op, roof_phases[i] };
            p.seconds += op.seconds;
            p.computing += op.computing ? op.seconds : 0;
            p.moving += roof_intensity(&op) < least_intensity ? op.seconds : 0;
        }
    }
    if (p.n > 0) qsort(p.at, (size_t)p.n, sizeof *p.at, by_time);
    return p;
}

/* --- scales --- */

struct axes { struct scale x, y; double balance; };

static struct axes axes_of(const struct counting *k, const struct points *p)
{
    double balance = k->machine.peak / (double)k->machine.bandwidth, least = balance, most = balance * 8;
    for (int i = 0; i < p->n; i++) {
        double intensity = roof_intensity(&p->at[i].op);
        if (intensity >= least_intensity) least = fmin(least, intensity), most = fmax(most, intensity);
    }
    least = pow(10, floor(log10(least)));
    most = pow(10, ceil(log10(most)));
    return (struct axes){ { least, most, 0, 100, true }, { (double)k->machine.bandwidth * least, k->machine.peak * 40, TOP + PLOT, TOP, true }, balance };
}

static void draw_axes(const struct axes *a, FILE *f)
{
    for (double at = a->x.from; at <= a->x.to * 1.001; at *= 10) {
        double x = scale_at(&a->x, at);
        html(f, "<line class=\"grid\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/><text class=\"scale\" x=\"%.2f%%\" y=\"%d\" text-anchor=\"%s\">%g</text>\n", x, x, TOP, TOP + PLOT, x,
             TOP + PLOT + 18, x < 1 ? "start" : x > 99 ? "end" : "middle", at);
    }
    for (double at = pow(10, ceil(log10(a->y.from * 1.5))); at <= a->y.to; at *= 10) {
        double y = scale_at(&a->y, at);
        html(f, "<line class=\"grid\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/><text class=\"scale\" x=\"0\" dx=\"4\" y=\"%.1f\">%s</text>\n", y, y, y - 4, without_zeros(say_si(at, "FLOP/s")).at);
    }
    html(f, "<line class=\"axis\" x1=\"0\" x2=\"100%%\" y1=\"%d\" y2=\"%d\"/><text class=\"scale\" x=\"50%%\" y=\"%d\" text-anchor=\"middle\">FLOPs for a byte</text>\n", TOP + PLOT, TOP + PLOT,
         TOP + PLOT + 38);
}

/* The same machine at its other rates; the row is found by its words. */
static void draw_other_roofs(const struct counting *k, const struct axes *a, FILE *f)
{
    const rk_accelerator *row;
    for (int i = 0; k->machine.name != NULL && (row = rk_accelerator_at(i)) != NULL; i++)
        for (int rate = 0; strcmp(row->words, k->machine.name) == 0 && rate < RK_RATES; rate++) {
            double peak = row->rate[rate], x = scale_at(&a->x, peak / (double)k->machine.bandwidth), y = scale_at(&a->y, peak);
            if (peak <= 0 || !strcmp(rk_rate_name((rk_rate)rate), k->machine.rate) || rate == RK_RATE_INT8 || x >= 96 || y < TOP) continue;
            html(f, "<line class=\"other\" x1=\"%.3f%%\" x2=\"100%%\" y1=\"%.2f\" y2=\"%.2f\"/><text class=\"scale\" x=\"100%%\" dx=\"-4\" y=\"%.2f\" text-anchor=\"end\">%s</text>\n", x, y, y, y - 4, rk_rate_name((rk_rate)rate));
            html(f, "<line class=\"other\" x1=\"%.3f%%\" x2=\"%.3f%%\" y1=\"%.2f\" y2=\"%.2f\"/>\n", scale_at(&a->x, a->balance), x, scale_at(&a->y, k->machine.peak), y);
        }
}

static void draw_roof(const struct counting *k, const struct axes *a, FILE *f)
{
    double x = scale_at(&a->x, a->balance), y = scale_at(&a->y, k->machine.peak);
    draw_other_roofs(k, a, f);
    html(f, "<line class=\"roof\" x1=\"0\" y1=\"%d\" x2=\"%.3f%%\" y2=\"%.2f\"/><line class=\"roof\" x1=\"%.3f%%\" y1=\"%.2f\" x2=\"100%%\" y2=\"%.2f\"/>", TOP + PLOT, x, y, x, y, y);
    html(f, "<text class=\"peak\" x=\"100%%\" y=\"%.1f\" dx=\"-4\" text-anchor=\"end\">", y + 30);
    html_say(f, "%s in %s", say_si(k->machine.peak, "FLOP/s").at, k->machine.rate);
    html(f, "</text><line class=\"own\" x1=\"%.3f%%\" x2=\"%.3f%%\" y1=\"%.2f\" y2=\"%d\"/><text class=\"scale\" x=\"%.3f%%\" dx=\"6\" y=\"%d\">in balance at %.1f</text>\n", x, x, y, TOP + PLOT, x, TOP + PLOT - 8, a->balance);
}

static void say_point(const struct counting *k, struct counted *x, const struct point *p, double seconds, FILE *f)
{
    const struct roof_op *op = &p->op;
    html_say(f, "%s, %s: %s %s\n", op->what.module[0] != '\0' ? op->what.module : "model", p->phase, op->what.op, op->what.label);
    html_say(f, "%s, %s: %.2f FLOPs for a byte\n", say_si(op->flops, "FLOP").at, say_bytes((uint64_t)op->bytes).at, roof_intensity(op));
    html_say(f, "at least %s, %s of all; bound by %s\n", say_seconds(op->seconds).at, say_percent(op->seconds / seconds).at, op->computing ? "arithmetic" : "memory");
    html_say(f, "writes %s elements", spelled(k, x->bill, op->what.formula));
    if (op->what.times > 1) html_say(f, ", %s times", say_count((uint64_t)op->what.times).at);
}

/* Largest first, so that small ones lie on top. */
static void draw_points(const struct counting *k, struct counted *x, const struct points *p, const struct axes *a, FILE *f)
{
    bool first = true;
    for (int i = 0; i < p->n; i++) {
        const struct roof_op *op = &p->at[i].op;
        double intensity = roof_intensity(op);
        if (intensity < least_intensity) continue;
        html(f, "<g class=\"mark point p%d %s\" role=\"img\" tabindex=\"%d\"><title>", part_of(op->what.module, op->what.label), p->at[i].phase, first ? 0 : -1);
        say_point(k, x, &p->at[i], p->seconds, f);
        html(f, "</title><circle cx=\"%.3f%%\" cy=\"%.2f\" r=\"%.1f\"/>", scale_at(&a->x, intensity), scale_at(&a->y, fmin(k->machine.peak, intensity * (double)k->machine.bandwidth)),
             fmax(4, 46 * sqrt(op->seconds / p->seconds)));
        mark_close(f);
        first = false;
    }
}

/* What the time is spent on. */
static void time_bar(const struct points *p, FILE *f)
{
    const struct { const char *words, *class; double seconds; } rows[] = {
        { "bound by arithmetic", "s0", p->computing }, { "bound by memory", "s1", p->seconds - p->computing - p->moving }, { "only moving", "s2", p->moving },
    };
    double at = 0;
    html(f, "<div class=\"row whole\"><span class=\"label\">time at least</span><svg class=\"bar\" width=\"100%%\" height=\"26\" role=\"group\" xmlns=\"http://www.w3.org/2000/svg\"><title>What the time is spent on</title>\n");
    for (int i = 0; i < 3 && p->seconds > 0; i++) {
        if (rows[i].seconds <= 0) continue;
        mark_open(f, rows[i].class, i == 0, "%s\n%s, %s", rows[i].words, say_seconds(rows[i].seconds).at, say_percent(rows[i].seconds / p->seconds).at);
        html(f, "<svg x=\"%.3f%%\" width=\"%.3f%%\" height=\"26\"><rect width=\"100%%\" height=\"26\"/><text x=\"8\" y=\"17\">%s</text></svg>", 100 * at / p->seconds, 100 * rows[i].seconds / p->seconds, rows[i].words);
        mark_close(f);
        at += rows[i].seconds;
    }
    html(f, "</svg><span class=\"value\">%s</span></div>\n", say_seconds(p->seconds).at);
}

static void numbers(const struct points *p, FILE *f)
{
    numbers_open(f, "operation|phase|dtype|FLOPs|bytes|FLOPs for a byte|at least|share|bound by");
    for (int i = 0; i < p->n && i < LISTED; i++) {
        const struct roof_op *op = &p->at[i].op;
        (void)fputs("<tr><th scope=\"row\">", f);
        html_say(f, "%s: %s %s", op->what.module[0] != '\0' ? op->what.module : "model", op->what.op, op->what.label);
        html(f, "</th><td class=\"l\">%s</td><td class=\"l\">%s</td><td>%s</td><td>%s</td><td>%.2f</td><td>%s</td><td>%s</td><td class=\"l\">%s</td></tr>\n", p->at[i].phase, rk_dtype_name(op->what.dtype), say_si(op->flops, "").at,
             say_bytes((uint64_t)op->bytes).at, roof_intensity(op), say_seconds(op->seconds).at, say_percent(op->seconds / p->seconds).at, op->computing ? "arithmetic" : "memory");
    }
    numbers_close(f);
}

void html_roof(struct counting *k, struct counted *x, FILE *f)
{
    struct points p = points_of(k, x);
    struct axes a = axes_of(k, &p);
    char about[256];
    (void)snprintf(about, sizeof about, "at its place under the roof, as large as its part of the time: at least %s, each by itself", say_seconds(p.seconds).at);
    figure_open(f, k->n > 1 ? rk_model_name(x->model) : "Every operation", about);
    html_parts(f);
    svg_open(f, TOP + PLOT + BELOW, "Roofline", "FLOPs for a byte of every operation, left to right, against the speed that the machine allows at most. Both scales are logarithmic.");
    draw_axes(&a, f);
    draw_roof(k, &a, f);
    draw_points(k, x, &p, &a, f);
    svg_close(f);
    time_bar(&p, f);
    numbers(&p, f);
    figure_close(f);
    free(p.at);
}
