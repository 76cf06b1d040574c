/* html_page.c: the page: what is said first, the numbers with their formulas, then the pictures, the JSON of all of it behind them.
 *
 * It is made in memory and written at once, so that no half of a page is left behind. */
#include "html.h"
#include <stdlib.h>
#include <string.h>

/* What is said first, in this order; what a bill does not have is left out. */
static const struct tile { const char *words, *entry, *how; enum unit unit; } tiles[] = {
    { "parameters",                 "parameters", NULL, COUNT },
    { "forward FLOPs",              "flops.forward", NULL, FLOPS },
    { "backward FLOPs",             "flops.backward", NULL, FLOPS },
    { "bytes of parameters",        "bytes.parameters", NULL, BYTES },
    { "bytes of KV cache a token",  "bytes.cache_per_token", NULL, BYTES },
    { "bytes to train here",        "bytes.plan.total", "parameters + gradients + optimizer state and what else lives always + activations and workspace + inputs", BYTES },
};

static void put_tiles(const struct counting *k, struct counted *x, FILE *f)
{
    (void)fputs("<dl class=\"tiles\">\n", f);
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        const struct tile *t = &tiles[i];
        uint64_t n = number_of(x->bill, t->entry);
        if (n == 0) continue;
        html(f, "<div><dt>%s</dt><dd class=\"large\">%s</dd><dd class=\"exact\">%s</dd><dd class=\"formula\">", t->words, short_form(t->unit, n).at, say_count(n).at);
        html_text(f, t->how != NULL ? t->how : spelled(k, x->bill, formula_of(x->bill, t->entry)));
        (void)fputs("</dd></div>\n", f);
    }
    (void)fputs("</dl>\n", f);
}

/* --- the letters of the formulas --- */

static bool letter_used(const struct counting *k, const struct line *lines, int n, const char *letter)
{
    for (int m = 0; m < k->n; m++)
        for (int i = 0; i < n; i++)
            if (lines[i].entry != NULL && stands_in(formula_of(k->all[m].bill, lines[i].entry), letter)) return true;
    return false;
}

/* What a letter is in the bill's own formulas: P counts positions that nothing is learnt of, too, and a token is decoded at a time. */
static bool size_of(struct counting *k, const char *letter, uint64_t *size)
{
    rk_quotient q;
    const bool decodes = k->s.mode == RK_MODE_DECODE;
    if (strcmp(letter, "P") == 0) *size = model_size(k->all[0].model, "position");
    else if (decodes && strcmp(letter, "T") == 0) *size = 1;
    else if (rk_books_formula(k->all[0].bill, k->all[0].model, &k->books, letter, &q) == RK_OK) *size = q.over;
    else return false;
    return true;
}

static void put_letter(FILE *f, const char *letter, const char *size, const char *words)
{
    (void)fputs("<div><dt>", f);
    html_text(f, letter);
    html(f, "</dt><dd>%s</dd><dd class=\"words\">", size);
    html_text(f, words);
    (void)fputs("</dd></div>\n", f);
}

static void put_letters(struct counting *k, FILE *f)
{
    rk_books_letter l;
    uint64_t size;
    int n;
    const struct line *lines = count_lines(k, &n);
    (void)fputs("<dl class=\"letters\">\n", f);
    for (int i = 0; (l = rk_books_letter_at(i)).name != NULL; i++) {
        if (!letter_used(k, lines, n, l.name)) continue;
        bool known = k->n == 1 && size_of(k, l.name, &size);
        if (!known) rk_error_clear(k->c->ctx);
        put_letter(f, spelled(k, k->all[0].bill, l.name), known ? say_count(size).at : "", l.words);
    }
    if (k->s.mode == RK_MODE_DECODE) {
        size = k->s.seq > 0 ? (uint64_t)k->s.seq : model_size(k->all[0].model, "position");
        put_letter(f, "key", k->n == 1 ? say_count(size).at : "", "positions it looks at");
    }
    (void)fputs("</dl>\n", f);
}

/* --- the numbers --- */

static void put_head(const struct counting *k, FILE *f)
{
    (void)fputs("<thead><tr><th scope=\"col\"></th>", f);
    for (int i = 0; i < k->n; i++) {
        (void)fputs(k->n > 1 ? "<th scope=\"col\" colspan=\"2\">" : "<th scope=\"col\">number</th><th scope=\"col\"></th><th scope=\"col\" class=\"l\">formula</th>", f);
        if (k->n == 1) continue;
        html_text(f, rk_model_name(k->all[i].model));
        (void)fputs("</th>", f);
    }
    (void)fputs("</tr></thead>\n", f);
}

static void put_line(const struct counting *k, const struct line *line, FILE *f)
{
    html(f, "<tr><th scope=\"row\">%s</th>", line->words + strspn(line->words, " "));
    for (int i = 0; i < k->n; i++) {
        const rk_bill *bill = k->all[i].bill;
        if (!rk_bill_has(bill, line->entry)) html(f, "<td></td><td></td>");
        else html(f, "<td>%s</td><td class=\"short\">%s</td>", say_count(number_of(bill, line->entry)).at, short_form(line->unit, number_of(bill, line->entry)).at);
    }
    if (k->n == 1) {
        (void)fputs("<td class=\"formula\">", f);
        html_text(f, spelled(k, k->all[0].bill, formula_of(k->all[0].bill, line->entry)));
        (void)fputs("</td>", f);
    }
    (void)fputs("</tr>\n", f);
}

static void put_bill(const struct counting *k, FILE *f)
{
    int n;
    const struct line *lines = count_lines(k, &n);
    (void)fputs("<section id=\"bill\">\n<h2>The bill</h2>\n<div class=\"scroll\"><table class=\"bill\">\n", f);
    put_head(k, f);
    (void)fputs("<tbody>\n", f);
    for (const struct line *line = lines; line < lines + n; line++) {
        if (!line_shown(k, line, lines + n)) continue;
        if (line->unit == PART) html(f, "</tbody>\n<tbody><tr class=\"part\"><th scope=\"rowgroup\" colspan=\"%d\">%s</th></tr>\n", k->n == 1 ? 4 : 1 + 2 * k->n, line->words);
        else put_line(k, line, f);
    }
    (void)fputs("</tbody></table></div>\n</section>\n", f);
}

/* --- the whole page --- */

/* The sizes, as they are printed above every bill: what is behind the semicolon. */
static void put_sizes(struct counting *k, struct counted *x, FILE *f)
{
    char *text = NULL, *sizes;
    size_t n = 0;
    FILE *out = k->c->out;
    k->c->out = open_memstream(&text, &n);
    if (k->c->out == NULL) cli_bug("no memory for a line");
    headline(k, x);
    if (fclose(k->c->out) != 0 || (sizes = strstr(text, "; ")) == NULL) cli_bug("a headline without sizes");
    k->c->out = out;
    (void)fputs("<p class=\"sizes\"><strong>", f);
    html_text(f, rk_model_name(x->model));
    (void)fputs("</strong> ", f);
    html_say(f, "%s: %.*s", rk_model_title(x->model), (int)strcspn(sizes + 2, "\n"), sizes + 2);
    (void)fputs("</p>\n", f);
    free(text);
}

static void put_header(struct counting *k, FILE *f)
{
    static const char *const modes[] = { [RK_MODE_TRAIN] = "one step of training", [RK_MODE_EVAL] = "scoring", [RK_MODE_PREFILL] = "a prompt's logits", [RK_MODE_DECODE] = "decoding one token" };
    html(f, "<header>\n<p class=\"mark-of-house\">reckon <span>%s</span></p>\n<h1%s>", modes[k->s.mode], k->n > 1 ? " class=\"several\"" : "");
    for (int i = 0; i < k->n; i++) {
        (void)fputs(i > 0 ? " <span class=\"and\">/</span> <span>" : "<span>", f);
        html_text(f, rk_model_name(k->all[i].model));
        (void)fputs("</span>", f);
    }
    (void)fputs("</h1>\n", f);
    if (k->n == 1) html(f, "<p class=\"sizes\">%s, in %s</p>\n", rk_model_title(k->all[0].model), rk_dtype_name(k->s.dtype));
    for (int i = 0; k->n > 1 && i < k->n; i++) put_sizes(k, &k->all[i], f);
    put_letters(k, f);
    if (k->n == 1) put_tiles(k, &k->all[0], f);
    (void)fputs("</header>\n", f);
}

static void section(struct counting *k, const char *id, const char *head, const char *about, void draw(struct counting *, struct counted *, FILE *), FILE *f)
{
    html(f, "<section id=\"%s\">\n<h2>%s</h2>\n", id, head);
    if (about != NULL) {
        (void)fputs("<p class=\"about\">", f);
        html_text(f, about);
        (void)fputs("</p>\n", f);
    }
    for (int i = 0; i < k->n; i++) draw(k, &k->all[i], f);
    (void)fputs("</section>\n", f);
}

static void put_sections(struct counting *k, FILE *f)
{
    char about[256];
    put_bill(k, f);
    html_bars(k, f);
    section(k, "tree", "What is in what", NULL, html_tree, f);
    if (k->s.plan) section(k, "memory", "Memory over one step", NULL, html_time, f);
    section(k, "context", "Longer contexts", "Every length is a model of its own with as many positions, one sequence. The broken line is the model's own context.", html_context, f);
    if (!roof_known(k)) return;
    (void)snprintf(about, sizeof about, "%s: %s in %s, %s a second. Left of the bend, memory is what an operation waits for; right of it, arithmetic.",
                   k->machine.name != NULL ? k->machine.name : "The machine given", say_si(k->machine.peak, "FLOP/s").at, k->machine.rate, say_bytes_si(k->machine.bandwidth).at);
    section(k, "roofline", "Arithmetic against memory", about, html_roof, f);
}

static int put_json(struct counting *k, FILE *f)
{
    char *text = NULL;
    size_t n = 0;
    int code = CLI_OK;
    FILE *out = k->c->out;
    (void)fputs("<script type=\"application/json\" id=\"numbers\">\n{\"models\": [\n", f);
    for (int i = 0; i < k->n && code == CLI_OK; i++) {
        k->c->out = open_memstream(&text, &n);
        if (k->c->out == NULL) cli_bug("no memory for JSON");
        code = print_json(k, &k->all[i]);
        if (fclose(k->c->out) != 0) cli_bug("no memory for JSON");
        k->c->out = out;
        if (i > 0) (void)fputs(",\n", f);
        if (code == CLI_OK) html_json(f, text);
        free(text);
        text = NULL;
    }
    (void)fputs("]}\n</script>\n", f);
    return code;
}

static int put_page(struct counting *k, FILE *f)
{
    (void)fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n<title>", f);
    html_text(f, rk_model_name(k->all[0].model));
    html(f, "%s</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n%s</style>\n</head>\n<body>\n<main>\n", k->n > 1 ? " and others" : "", (const char *)html_style);
    put_header(k, f);
    put_sections(k, f);
    (void)fputs("</main>\n<footer><p>Exact numbers, by meaning: attention in full, one multiply-add is 2 FLOPs. Made by reckon " RK_VERSION ".</p>"
                "<p><button type=\"button\" id=\"save\" hidden>Save the numbers as JSON</button></p></footer>\n", f);
    int code = put_json(k, f);
    html(f, "<script>\n%s</script>\n</body>\n</html>\n", (const char *)html_script);
    return code;
}

int print_html(struct counting *k)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    int code = CLI_OK;
    if (f == NULL) cli_bug("no memory for a page");
    for (int i = 0; i < k->n && code == CLI_OK; i++) code = contexts_of(k, &k->all[i], k->c->args[i]);
    if (code == CLI_OK) code = put_page(k, f);
    if (fclose(f) != 0) cli_bug("no memory for a page");
    if (code == CLI_OK) code = cli_save(k->c, cli_text(k->c, "html"), text, n);
    if (code == CLI_OK) cli_note(k->c, "%s: %s", cli_text(k->c, "html"), say_bytes((uint64_t)n).at);
    free(text);
    return code;
}
