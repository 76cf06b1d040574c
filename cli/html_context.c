/* html_context.c: what a longer context costs: the forward pass of a token and the part that attention's scores take of it; the
 * memory of one sequence. */
#include "html.h"
#include <math.h>

enum { TOP = 12, PLOT = 200, BELOW = 42 };
static double per_token(uint64_t n, const struct context *x) { return (double)n / (double)x->tokens; }

/* Contexts stand in the middle of columns of equal width. */
static double column(int i) { return 100 * (i + 0.5) / CONTEXTS; }

static void label_contexts(struct counted *x, FILE *f)
{
    double own = log2((double)model_size(x->model, "position") / SHORTEST_CONTEXT);
    html(f, "<line class=\"axis\" x1=\"0\" x2=\"100%%\" y1=\"%d\" y2=\"%d\"/>", TOP + PLOT, TOP + PLOT);
    for (int i = 0; i < CONTEXTS; i++) {
        uint64_t seq = x->context[i].seq;
        html(f, "<text class=\"scale\" x=\"%.2f%%\" y=\"%d\" text-anchor=\"middle\">%llu%s</text>", column(i), TOP + PLOT + 18, (unsigned long long)(seq < 1024 ? seq : seq / 1024), seq < 1024 ? "" : "k");
    }
    if (own >= 0 && own < CONTEXTS) html(f, "<line class=\"own\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>\n", 100 * (own + 0.5) / CONTEXTS, 100 * (own + 0.5) / CONTEXTS, TOP, TOP + PLOT);
}

static const char *beyond(const struct context *p) { return p->beyond ? "\nbeyond the model's own context" : ""; }

static void hit(int i, FILE *f)
{
    html(f, "<rect x=\"%.3f%%\" y=\"%d\" width=\"%.3f%%\" height=\"%d\"/>", 100.0 * i / CONTEXTS, TOP, 100.0 / CONTEXTS, PLOT + BELOW);
    mark_close(f);
}

/* --- FLOPs of a token --- */

static void draw_bars(struct counted *x, double most, FILE *f)
{
    for (int i = 0; i < CONTEXTS; i++) {
        const struct context *p = &x->context[i];
        double all = PLOT * per_token(p->flops, p) / most, scores = PLOT * per_token(p->scores, p) / most;
        double share = p->flops > 0 ? 100 * (double)p->scores / (double)p->flops : 0;
        double left = column(i) - 36.0 / CONTEXTS, wide = 72.0 / CONTEXTS;
        html(f, "<rect class=\"p4 fill\" x=\"%.2f%%\" width=\"%.2f%%\" y=\"%.2f\" height=\"%.2f\"/><rect class=\"p2 fill\" x=\"%.2f%%\" width=\"%.2f%%\" y=\"%.2f\" height=\"%.2f\"/>\n", left, wide,
             TOP + PLOT - all + scores, all - scores, left, wide, TOP + PLOT - all, scores);
        html(f, "<text class=\"percent\" x=\"%.2f%%\" y=\"%d\" text-anchor=\"middle\">%.*f%%</text>", column(i), TOP + PLOT + 36, share < 0.95 ? 1 : 0, share);
    }
}

static void flops_figure(struct counted *x, FILE *f)
{
    double most = 0;
    for (int i = 0; i < CONTEXTS; i++) most = fmax(most, per_token(x->context[i].flops, &x->context[i]));
    double step = step_of(most);
    figure_open(f, "Forward FLOPs of a token", "and the percentage that scores and their values take of them");
    (void)fputs("<ul class=\"legend\"><li class=\"p2\">scores and their values</li><li class=\"p4\">all other products</li></ul>\n", f);
    svg_open(f, TOP + PLOT + BELOW, "Forward FLOPs of a token over lengths of context", "Bars for contexts from 128 to 128 Ki, attention's scores above everything else.");
    for (double at = step; at <= most; at += step) {
        double y = TOP + PLOT * (1 - at / most);
        html(f, "<line class=\"grid\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/><text class=\"scale\" x=\"0\" y=\"%.1f\">%s</text>\n", y, y, y - 4, without_zeros(say_si(at, "FLOP")).at);
    }
    draw_bars(x, most, f);
    label_contexts(x, f);
    for (int i = 0; i < CONTEXTS; i++) {
        const struct context *p = &x->context[i];
        mark_open(f, "hit", i == 0, "context %s\n%s a token\nscores and their values %s%s", say_count(p->seq).at, say_si(per_token(p->flops, p), "FLOP").at,
                  say_percent(p->flops > 0 ? (double)p->scores / (double)p->flops : 0).at, beyond(p));
        hit(i, f);
    }
    svg_close(f);
    figure_close(f);
}

/* --- bytes --- */

enum { LINES = 4 };
static const char *const lines[LINES] = { "parameters", "gradients and optimizer", "KV cache", "activations in training here" };
static const char *const classes[LINES] = { "s0", "s1", "p2", "s3" };

static uint64_t bytes_of(const struct context *p, int line)
{
    const uint64_t bytes[LINES] = { p->parameters, p->state, p->cache, p->plan };
    return bytes[line];
}

static void draw_lines(struct counted *x, const struct scale *s, FILE *f)
{
    html(f, "<svg y=\"%d\" width=\"100%%\" height=\"%d\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\n", TOP, PLOT, 10 * CONTEXTS, PLOT);
    for (int line = 0; line < LINES; line++) {
        if (bytes_of(&x->context[0], line) == 0) continue;
        html(f, "<polyline class=\"line %s\" points=\"", classes[line]);
        for (int i = 0; i < CONTEXTS; i++) html(f, "%d,%.2f ", 10 * i + 5, scale_at(s, (double)bytes_of(&x->context[i], line)));
        (void)fputs("\"/>\n", f);
    }
    (void)fputs("</svg>\n", f);
    for (int line = 0; line < LINES; line++)
        for (int i = 0; i < CONTEXTS && bytes_of(&x->context[0], line) > 0; i++)
            html(f, "<circle class=\"%s\" cx=\"%.2f%%\" cy=\"%.2f\" r=\"3\"/>", classes[line], column(i), TOP + scale_at(s, (double)bytes_of(&x->context[i], line)));
}

static struct scale bytes_scale(struct counted *x)
{
    struct scale s = { .from = INFINITY, .to = 0, .low = PLOT, .high = 0, .log = true };
    for (int line = 0; line < LINES; line++)
        for (int i = 0; i < CONTEXTS; i++) {
            double bytes = (double)bytes_of(&x->context[i], line);
            if (bytes > 0) s.from = fmin(s.from, bytes), s.to = fmax(s.to, bytes);
        }
    s.from = exp2(floor(log2(s.from)));
    s.to = exp2(ceil(log2(s.to) + 0.5));
    return s;
}

static void bytes_figure(struct counted *x, FILE *f)
{
    struct scale s = bytes_scale(x);
    double step = exp2(fmax(1, ceil(log2(s.to / s.from) / 5)));
    figure_open(f, "Bytes for one sequence", "every line of the grid is a power of two");
    (void)fputs("<ul class=\"legend\">", f);
    for (int line = 0; line < LINES; line++)
        if (bytes_of(&x->context[0], line) > 0) html(f, "<li class=\"%s\">%s</li>", classes[line], lines[line]);
    (void)fputs("</ul>\n", f);
    svg_open(f, TOP + PLOT + BELOW, "Bytes for one sequence over lengths of context", "Lines over contexts from 128 to 128 Ki; both scales are logarithmic.");
    for (double at = s.from * step; at <= s.to; at *= step) {
        double y = TOP + scale_at(&s, at);
        html(f, "<line class=\"grid\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>\n", y, y);
    }
    draw_lines(x, &s, f);
    for (double at = s.from * step; at <= s.to; at *= step) html(f, "<text class=\"scale\" x=\"0\" y=\"%.1f\">%s</text>\n", TOP + scale_at(&s, at) - 4, without_zeros(say_bytes((uint64_t)at)).at);
    label_contexts(x, f);
    for (int i = 0; i < CONTEXTS; i++) {
        html(f, "<g class=\"mark hit\" role=\"img\" tabindex=\"%d\"><title>context %s", i == 0 ? 0 : -1, say_count(x->context[i].seq).at);
        for (int line = 0; line < LINES; line++)
            if (bytes_of(&x->context[i], line) > 0) html(f, "\n%s %s", lines[line], say_bytes(bytes_of(&x->context[i], line)).at);
        html_say(f, "%s", beyond(&x->context[i]));
        (void)fputs("</title>", f);
        hit(i, f);
    }
    svg_close(f);
    figure_close(f);
}

static void numbers(struct counted *x, FILE *f)
{
    numbers_open(f, "context|forward FLOPs of a token|of these scores|parameters|gradients, optimizer|KV cache|activations in training here");
    for (const struct context *p = x->context; p < x->context + CONTEXTS; p++) {
        html(f, "<tr><th scope=\"row\">%s%s</th><td>%s</td><td>%s</td>", say_count(p->seq).at, p->beyond ? " *" : "", say_si(per_token(p->flops, p), "FLOP").at,
             say_percent(p->flops > 0 ? (double)p->scores / (double)p->flops : 0).at);
        for (int line = 0; line < LINES; line++) html(f, "<td>%s</td>", bytes_of(p, line) > 0 ? say_count(bytes_of(p, line)).at : "");
        (void)fputs("</tr>\n", f);
    }
    numbers_close(f);
}

void html_context(struct counting *k, struct counted *x, FILE *f)
{
    if (k->n > 1) html(f, "<h3>"), html_text(f, rk_model_name(x->model)), html(f, "</h3>\n");
    (void)fputs("<div class=\"two\">\n", f);
    flops_figure(x, f);
    bytes_figure(x, f);
    (void)fputs("</div>\n", f);
    numbers(x, f);
}
