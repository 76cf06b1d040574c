/* html_tree.c: the modules within each other: every module as wide as its share of the whole, what it consists of below it. */
#include "html.h"
#include <stdlib.h>
#include <string.h>

enum { ROW_HIGH = 44, MOST_DEPTH = 12 };
static const struct { const char *entry, *words; enum unit unit; } of[] = {
    { "parameters",     "parameters",    COUNT },
    { "flops.forward",  "forward FLOPs",  FLOPS },
    { "flops.backward", "backward FLOPs", FLOPS },
};
enum { QUANTITIES = sizeof of / sizeof *of };

static bool has_below(const rk_bill *bill, int group)
{
    return rk_bill_group_at(bill, RK_BY_MODULE, group + 1).depth > rk_bill_group_at(bill, RK_BY_MODULE, group).depth;
}

/* Whether text of 12 pixels, eight from the edge, lies within so many hundredths of a picture that is 1016 pixels wide. A narrower
 * window cuts more, and html.js takes away what it cuts. */
static bool fits(const char *text, double wide) { return 8 + 7.4 * (double)strlen(text) + 2 <= 10.16 * wide; }

/* Inner modules are quiet where they hold several things, and have their colour where they are one. */
static void draw_module(const struct counting *k, struct counted *x, int group, int q, int level, double at, const rk_bill_entry *share, FILE *f)
{
    rk_bill_group g = rk_bill_group_at(x->bill, RK_BY_MODULE, group);
    double part = (double)share->number / (double)number_of(x->bill, of[q].entry), wide = 100 * part;
    bool inner = has_below(x->bill, group) && part_of(g.name, "") == PART_OTHER;
    char classes[32], times[32] = "";
    (void)snprintf(classes, sizeof classes, "%sp%d", inner ? "inner " : "", part_of(g.name, ""));
    if (g.times > 1 && strchr(g.name, '*') != NULL) (void)snprintf(times, sizeof times, ", %lld times", (long long)g.times);
    mark_open(f, classes, group == 0, "%s%s\n%s %s, %s\n= %s", g.name[0] != '\0' ? g.name : "model", times, say_count(share->number).at, of[q].words, say_percent(part).at,
              spelled(k, x->bill, share->formula));
    html(f, "<svg x=\"%.4f%%\" y=\"%d\" width=\"%.4f%%\" height=\"%d\"><rect width=\"100%%\" height=\"100%%\"/>", at, level * ROW_HIGH, wide, ROW_HIGH - 1);
    if (fits(short_name(g.name), wide)) {
        (void)fputs("<text x=\"8\" y=\"18\" class=\"name\">", f);
        html_text(f, short_name(g.name));
        if (strcmp(short_name(g.name) + strlen(short_name(g.name)) - 1, "*") == 0) html(f, " × %lld", (long long)g.times);
        (void)fputs("</text>", f);
    }
    struct say below = group == 0 ? short_form(of[q].unit, share->number) : say_percent(part);
    if (fits(below.at, wide)) html(f, "<text x=\"8\" y=\"34\">%s</text>", below.at);
    (void)fputs("</svg>", f);
    mark_close(f);
}

/* A list of blocks, h, says nothing that the blocks, h.*, do not say. */
static bool is_list(const rk_bill *bill, int group)
{
    rk_bill_group g = rk_bill_group_at(bill, RK_BY_MODULE, group), next = rk_bill_group_at(bill, RK_BY_MODULE, group + 1);
    size_t n = strlen(g.name);
    return next.depth == g.depth + 1 && n > 0 && strncmp(next.name, g.name, n) == 0 && strcmp(next.name + n, ".*") == 0;
}

/* Groups come as the tree is read: each begins where the one before it on its level ends, or its parent begins. f NULL: nothing
 * is drawn. Returns how many levels there are. */
static int walk_tree(const struct counting *k, struct counted *x, int q, FILE *f)
{
    double ends[MOST_DEPTH + 1] = { 0 };
    int level[MOST_DEPTH + 1] = { 0 }, levels = 0;
    rk_bill_entry share;
    for (int i = 0; i < rk_bill_groups(x->bill, RK_BY_MODULE); i++) {
        int depth = rk_bill_group_at(x->bill, RK_BY_MODULE, i).depth;
        bool list = is_list(x->bill, i);
        if (depth >= MOST_DEPTH || !rk_bill_share(x->bill, RK_BY_MODULE, i, of[q].entry, &share) || share.number == 0) continue;
        if (f != NULL && !list) draw_module(k, x, i, q, level[depth], ends[depth], &share, f);
        if (level[depth] >= levels) levels = level[depth] + 1;
        level[depth + 1] = level[depth] + !list;
        ends[depth + 1] = ends[depth];
        ends[depth] += 100 * (double)share.number / (double)number_of(x->bill, of[q].entry);
    }
    return levels;
}

static void draw_tree(const struct counting *k, struct counted *x, int q, FILE *f)
{
    svg_open(f, walk_tree(k, x, q, NULL) * ROW_HIGH, of[q].words, "Modules from the whole down to the smallest, each as wide as its share.");
    (void)walk_tree(k, x, q, f);
    svg_close(f);
}

static void numbers(const struct counting *k, struct counted *x, FILE *f)
{
    rk_bill_entry share;
    (void)k;
    numbers_open(f, "module|times|parameters|forward FLOPs|backward FLOPs");
    for (int i = 0; i < rk_bill_groups(x->bill, RK_BY_MODULE); i++) {
        rk_bill_group g = rk_bill_group_at(x->bill, RK_BY_MODULE, i);
        html(f, "<tr><th scope=\"row\" style=\"padding-left:%dem\">", g.depth);
        html_text(f, g.name[0] != '\0' ? g.name : "model");
        html(f, "</th><td>%lld</td>", (long long)g.times);
        for (int q = 0; q < QUANTITIES; q++) html(f, "<td>%s</td>", rk_bill_share(x->bill, RK_BY_MODULE, i, of[q].entry, &share) ? say_count(share.number).at : "");
        (void)fputs("</tr>\n", f);
    }
    numbers_close(f);
}

/* The choice of what the widths stand for works without a script. */
void html_tree(struct counting *k, struct counted *x, FILE *f)
{
    int model = (int)(x - k->all), shown = 0;
    figure_open(f, k->n > 1 ? rk_model_name(x->model) : "The tree", "every module as wide as its share; repeated blocks stand once");
    (void)fputs("<div class=\"tabs\" role=\"radiogroup\" aria-label=\"What the widths stand for\">\n", f);
    for (int q = 0; q < QUANTITIES; q++) {
        if (number_of(x->bill, of[q].entry) == 0) continue;
        html(f, "<input type=\"radio\" name=\"tree%d\" id=\"tree%d-%d\" class=\"t%d\"%s><label for=\"tree%d-%d\">%s</label>\n", model, model, q, q, shown++ == 0 ? " checked" : "", model, q, of[q].words);
    }
    for (int q = 0; q < QUANTITIES; q++) {
        if (number_of(x->bill, of[q].entry) == 0) continue;
        html(f, "<div class=\"pane pane%d\">\n", q);
        draw_tree(k, x, q, f);
        (void)fputs("</div>\n", f);
    }
    (void)fputs("</div>\n", f);
    numbers(k, x, f);
    figure_close(f);
}
