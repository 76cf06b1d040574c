/* html_write.c: what all pictures are made with: safe text, marks that tell what they are, figures, scales. */
#include "html.h"
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void html(FILE *f, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    (void)vfprintf(f, format, list);
    va_end(list);
}

/* Quotes too: the same text may stand in an attribute. Control characters, which HTML has not, become U+FFFD. */
void html_text(FILE *f, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        switch (*at) {
        case '&': (void)fputs("&amp;", f); break;
        case '<': (void)fputs("&lt;", f); break;
        case '>': (void)fputs("&gt;", f); break;
        case '"': (void)fputs("&quot;", f); break;
        case '\'': (void)fputs("&#39;", f); break;
        default:
            if ((*at < 0x20 && *at != '\n') || *at == 0x7f) (void)fputs("&#xfffd;", f);
            else (void)fputc(*at, f);
        }
    }
}

static void say_list(FILE *f, const char *format, va_list list)
{
    va_list again;
    va_copy(again, list);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (n < 0) cli_bug("a format that cannot be");
    char *text = cli_take((size_t)n + 1);
    (void)vsnprintf(text, (size_t)n + 1, format, list);
    html_text(f, text);
    free(text);
}

void html_say(FILE *f, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    say_list(f, format, list);
    va_end(list);
}

/* --- JSON within a page --- */

static size_t string_length(const char *json)
{
    size_t n = 1;
    while (json[n] != '\0' && json[n] != '"') n += json[n] == '\\' && json[n + 1] != '\0' ? 2 : 1;
    return json[n] == '"' ? n + 1 : n;
}

/* Whole numbers that a script's doubles cannot hold. */
static bool beyond_doubles(const char *digits, size_t n)
{
    static const char most[] = "9007199254740992";
    size_t room = sizeof most - 1;
    bool whole = digits[n] != '.' && digits[n] != 'e' && digits[n] != 'E';
    return whole && (n > room || (n == room && memcmp(digits, most, n) > 0));
}

void html_json(FILE *f, const char *json)
{
    for (size_t n; *json != '\0'; json += n) {
        size_t digits = strspn(json, "0123456789");
        n = *json == '"' ? string_length(json) : digits > 0 ? digits + strspn(json + digits, ".0123456789eE+-") : 1;
        bool quote = digits > 0 && beyond_doubles(json, digits);
        if (quote) (void)fputc('"', f);
        for (size_t i = 0; i < n; i++) {
            if (json[i] == '<' || json[i] == '>' || json[i] == '&') (void)fprintf(f, "\\u%04x", (unsigned)json[i]);
            else (void)fputc(json[i], f);
        }
        if (quote) (void)fputc('"', f);
    }
}

/* --- marks and figures --- */

void mark_open(FILE *f, const char *classes, bool first, const char *format, ...)
{
    va_list list;
    html(f, "<g class=\"mark %s\" role=\"img\" tabindex=\"%d\"><title>", classes, first ? 0 : -1);
    va_start(list, format);
    say_list(f, format, list);
    va_end(list);
    (void)fputs("</title>", f);
}

void mark_close(FILE *f) { (void)fputs("</g>\n", f); }

void html_parts(FILE *f)
{
    (void)fputs("<ul class=\"legend\">", f);
    for (int i = 0; i < PARTS; i++) html(f, "<li class=\"p%d\">%s</li>", i, part_words(i));
    (void)fputs("</ul>\n", f);
}

void figure_open(FILE *f, const char *head, const char *about)
{
    (void)fputs("<figure>\n<figcaption><strong>", f);
    html_text(f, head);
    (void)fputs("</strong> ", f);
    html_text(f, about);
    (void)fputs("</figcaption>\n", f);
}

void figure_close(FILE *f) { (void)fputs("</figure>\n", f); }

void svg_open(FILE *f, int high, const char *title, const char *about)
{
    html(f, "<svg class=\"picture\" width=\"100%%\" height=\"%d\" role=\"group\" xmlns=\"http://www.w3.org/2000/svg\"><title>", high);
    html_text(f, title);
    (void)fputs("</title><desc>", f);
    html_text(f, about);
    (void)fputs("</desc>\n", f);
}

void svg_close(FILE *f) { (void)fputs("</svg>\n", f); }

void numbers_open(FILE *f, const char *heads)
{
    (void)fputs("<details><summary>The numbers</summary>\n<div class=\"scroll\"><table>\n<thead><tr>", f);
    for (size_t n; *heads != '\0'; heads += n + (heads[n] == '|')) {
        n = strcspn(heads, "|");
        html(f, "<th scope=\"col\">%.*s</th>", (int)n, heads);
    }
    (void)fputs("</tr></thead>\n<tbody>\n", f);
}

void numbers_close(FILE *f) { (void)fputs("</tbody></table></div></details>\n", f); }

/* --- scales --- */

double scale_at(const struct scale *s, double value)
{
    double part = s->log ? log(value / s->from) / log(s->to / s->from) : (value - s->from) / (s->to - s->from);
    return s->low + part * (s->high - s->low);
}

struct say without_zeros(struct say number)
{
    char *point = strchr(number.at, '.'), *end = point != NULL ? point + strspn(point + 1, "0123456789") + 1 : NULL, *last = end;
    if (point == NULL) return number;
    while (last[-1] == '0') last--;
    if (last[-1] == '.') last--;
    memmove(last, end, strlen(end) + 1);
    return number;
}

double step_of(double most)
{
    double power = pow(10, floor(log10(most > 0 ? most / 3 : 1)));
    for (int i = 0; i < 3; i++) {
        static const double times[] = { 5, 2, 1 };
        if (times[i] * power * 3 <= most) return times[i] * power;
    }
    return power;
}

const char *short_name(const char *module)
{
    const char *dot = strrchr(module, '.'), *name = dot != NULL ? dot + 1 : module;
    if (dot != NULL && strcmp(name, "*") == 0) {                /* "h.*" */
        while (dot > module && dot[-1] != '.') dot--;
        return dot;
    }
    return module[0] != '\0' ? name : "model";
}
