/* help.c: the tables as text for a screen. Their other forms: man.c, complete.c. */
#include "frame.h"
#include "out.h"
#include <string.h>

enum { COLUMN = 28, WIDEST = 100 };

static int width_of(const struct cli *c) { return c->width < WIDEST ? c->width : WIDEST; }

static void head(const struct cli *c, FILE *to, const char *words)
{
    (void)fprintf(to, c->colour_out ? "\n\033[1m%s\033[0m\n" : "\n%s\n", words);
}

/* "  label            what it is", with the text wrapped in its own column. */
static void entry(const struct cli *c, FILE *to, const char *label, const char *text)
{
    int wide = text_width(label, (int)strlen(label));
    (void)fprintf(to, "  %s", label);
    if (wide + 4 > COLUMN) (void)fprintf(to, "\n%*s", COLUMN, "");
    else (void)fprintf(to, "%*s", COLUMN - 2 - wide, "");
    text_wrap(to, text, COLUMN, width_of(c));
}

static void print_options(const struct cli *c, FILE *to, const struct option *o)
{
    for (; o != NULL && o->name != NULL; o++) {
        char label[256], text[1024];
        const char *words = option_words(o);
        int used = o->letter != 0 ? snprintf(label, sizeof label, "-%c, ", o->letter) : snprintf(label, sizeof label, "    ");
        (void)snprintf(label + used, sizeof label - (size_t)used, "--%s%s%s%s", o->name, words == NULL ? "" : o->type == OPT_PERHAPS ? "[=" : " ",
                       words != NULL ? words : "", o->type == OPT_PERHAPS ? "]" : "");
        used = snprintf(text, sizeof text, "%s%s", o->help, o->type == OPT_LIST ? "; may be given many times" : "");
        if (o->standard != NULL && used < (int)sizeof text)
            (void)snprintf(text + used, sizeof text - (size_t)used, " [%.*s]", (int)strlen(o->standard) - 2 * option_computed(o),
                           o->standard + option_computed(o));
        entry(c, to, label, text);
    }
}

static void print_usage(FILE *to, const struct command *k, const char *path)
{
    const char *rest = k->commands != NULL ? " COMMAND ..." : k->options != NULL ? " [OPTION]..." : "";
    (void)fprintf(to, "usage: %s%s%s%s\n", path, k->arguments != NULL ? " " : "", k->arguments != NULL ? k->arguments : "", rest);
}

void help_command(const struct cli *c, FILE *to, const struct command *k, const char *path)
{
    text_wrap(to, k->purpose, fprintf(to, "%s: ", path), width_of(c));
    (void)fputc('\n', to);
    print_usage(to, k, path);
    if (k->notes != NULL) {
        (void)fputc('\n', to);
        text_wrap(to, k->notes, 0, width_of(c));
    }
    if (k->commands != NULL) head(c, to, "commands");
    for (int i = 0; k->commands != NULL && k->commands[i] != NULL; i++) entry(c, to, k->commands[i]->name, k->commands[i]->purpose);
    if (k->options != NULL) head(c, to, "options");
    print_options(c, to, k->options);
    head(c, to, "options of every command");
    print_options(c, to, options_common);
    if (k->examples != NULL) head(c, to, "examples");
    for (const struct example *e = k->examples; e != NULL && e->command != NULL; e++) {
        (void)fprintf(to, "  reckon %s\n      ", e->command);
        text_wrap(to, e->shows, 6, width_of(c));
    }
    if (k == &command_root)
        (void)fprintf(to, "\nreckon help COMMAND tells more; so do reckon help exit, environment and numbers.\n");
}

void help_exit(const struct cli *c, FILE *to)
{
    (void)fprintf(to, "How reckon ends: its exit code.\n\n");
#define ROW(name, code, words) entry(c, to, #code, words);
#include "exit.def"
#undef ROW
}

void help_environment(const struct cli *c, FILE *to)
{
    (void)fprintf(to, "What reckon reads from the environment; an option that is typed goes first.\n\n");
#define ROW(name, variable, words) entry(c, to, variable, words);
#include "env.def"
#undef ROW
}

void help_numbers(const struct cli *c, FILE *to)
{
    (void)fprintf(to, "How numbers are typed, and how they are printed.\n\n");
    entry(c, to, "SIZE", "a count or a number of bytes: 4096, 4k = 4000, 4Ki = 4096, 1.5M, 2GiB, 2GB, 1e6; k M G T are powers of 1000, "
          "Ki Mi Gi Ti of 1024; the value must be whole");
    entry(c, to, "N", "a whole number, maybe negative");
    entry(c, to, "X", "a number such as 0.1 or 6e-4");
    entry(c, to, "1.5 GiB", "is 1.5 x 1024 x 1024 x 1024 bytes");
    entry(c, to, "1.5 GB", "is 1.5 x 1000 x 1000 x 1000 bytes");
    entry(c, to, "291.6 GFLOP", "is 291.6 x 1000 x 1000 x 1000 floating-point operations; a multiply-add is two");
}
