/* man.c: the tables as man pages: reckon.1, reckon-tok.1, reckon-tok-train.1 ... (roff, macros of man(7)). No date is
 * written, so that the same source gives the same bytes. */
#include "frame.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Text in roff: a hyphen must be a hyphen, a backslash a backslash, and no line may begin like a request. */
static void put(FILE *to, const char *text, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        bool begins = i == 0 || text[i - 1] == '\n';
        if (begins && (text[i] == '.' || text[i] == '\'')) (void)fputs("\\&", to);
        if (text[i] == '\\') (void)fputs("\\e", to);
        else if (text[i] == '-') (void)fputs("\\-", to);
        else (void)fputc(text[i], to);
    }
}

static void put_all(FILE *to, const char *text) { put(to, text, (int)strlen(text)); }

/* Between two macro calls or fonts: "\fBwords\fR". */
static void put_bold(FILE *to, const char *text)
{
    (void)fputs("\\fB", to);
    put_all(to, text);
    (void)fputs("\\fR", to);
}

static void put_italic(FILE *to, const char *text)
{
    (void)fputs("\\fI", to);
    put_all(to, text);
    (void)fputs("\\fR", to);
}

static void entry(FILE *to, const char *label, const char *text)
{
    (void)fputs(".TP\n", to);
    put_bold(to, label);
    (void)fputc('\n', to);
    put_all(to, text);
    (void)fputc('\n', to);
}

static void options(FILE *to, const struct option *o)
{
    for (; o != NULL && o->name != NULL; o++) {
        const char *words = option_words(o);
        char name[80];
        (void)fputs(".TP\n", to);
        if (o->letter != 0) (void)fprintf(to, "\\fB\\-%c\\fR, ", o->letter);
        (void)snprintf(name, sizeof name, "--%s", o->name);
        put_bold(to, name);
        if (words != NULL) (void)fputs(o->type == OPT_PERHAPS ? "[=" : " ", to);
        if (words != NULL) put_italic(to, words);
        if (o->type == OPT_PERHAPS) (void)fputc(']', to);
        (void)fputc('\n', to);
        put_all(to, o->help);
        if (o->type == OPT_LIST) (void)fputs("; may be given many times", to);
        if (o->standard != NULL) {
            (void)fputs(" [", to);
            put(to, o->standard + option_computed(o), (int)strlen(o->standard) - 2 * option_computed(o));
            (void)fputc(']', to);
        }
        (void)fputc('\n', to);
    }
}

static void notes(FILE *to, const char *text)
{
    (void)fputs(".SH DESCRIPTION\n", to);
    for (bool first = true, kept = false; *text != '\0';) {
        int n = (int)strcspn(text, "\n");
        if (kept && text[0] != ' ') (void)fputs(".EE\n", to);
        if (!kept && text[0] == ' ') (void)fputs(first ? ".EX\n" : ".PP\n.EX\n", to);
        else if (!first && text[0] != ' ' && n > 0) (void)fputs(".PP\n", to);
        kept = text[0] == ' ';
        first = false;
        put(to, text, n);
        if (n > 0) (void)fputc('\n', to);
        text += n + (text[n] == '\n');
        if (kept && *text == '\0') (void)fputs(".EE\n", to);
    }
}

/* "reckon tok train" as the name of a page, in letters of one size: reckon-tok-train or RECKON-TOK-TRAIN. */
static void page_name(char *name, size_t room, const char *path, bool large)
{
    (void)snprintf(name, room, "%s", path);
    for (char *p = name; *p != '\0'; p++) *p = (char)(*p == ' ' ? '-' : large && *p >= 'a' && *p <= 'z' ? *p - 32 : *p);
}

static void reference(FILE *to, const char *path, const char *after)
{
    char name[96];
    page_name(name, sizeof name, path, false);
    put_bold(to, name);
    (void)fprintf(to, "(1)%s\n", after);
}

static void see_also(FILE *to, const struct command *k, const char *path)
{
    (void)fputs(".SH SEE ALSO\n", to);
    if (k != &command_root) reference(to, "reckon", k->commands != NULL ? "," : "");
    for (int i = 0; k->commands != NULL && k->commands[i] != NULL; i++) {
        char below[80];
        (void)snprintf(below, sizeof below, "%s %s", path, k->commands[i]->name);
        reference(to, below, k->commands[i + 1] != NULL ? "," : "");
    }
}

static void root_only(FILE *to)
{
    (void)fputs(".SH EXIT STATUS\n", to);
#define ROW(name, code, words) entry(to, #code, words);
#include "exit.def"
#undef ROW
    (void)fputs(".SH ENVIRONMENT\n", to);
#define ROW(name, variable, words) entry(to, variable, words);
#include "env.def"
#undef ROW
}

static void examples(FILE *to, const struct example *e)
{
    if (e != NULL) (void)fputs(".SH EXAMPLES\n", to);
    for (; e != NULL && e->command != NULL; e++) {
        (void)fputs(".TP\n\\fBreckon ", to);
        put_all(to, e->command);
        (void)fputs("\\fR\n", to);
        put_all(to, e->shows);
        (void)fputc('\n', to);
    }
}

static void page(FILE *to, const struct command *k, const char *path)
{
    char name[64];
    page_name(name, sizeof name, path, true);
    (void)fputs(".TH ", to);
    put_all(to, name);
    (void)fprintf(to, " 1 \"\" \"reckon %s\" \"reckon manual\"\n.SH NAME\n", RK_VERSION);
    page_name(name, sizeof name, path, false);
    put_all(to, name);
    (void)fputs(" \\- ", to);
    put_all(to, k->purpose);
    (void)fputs("\n.SH SYNOPSIS\n", to);
    put_bold(to, path);
    if (k->arguments != NULL) (void)fputc(' ', to);
    if (k->arguments != NULL) put_italic(to, k->arguments);
    (void)fputs(k->commands != NULL ? " \\fICOMMAND\\fR ...\n" : " [\\fIOPTION\\fR]...\n", to);
    if (k->notes != NULL) notes(to, k->notes);
    if (k->commands != NULL) (void)fputs(".SH COMMANDS\n", to);
    for (int i = 0; k->commands != NULL && k->commands[i] != NULL; i++) entry(to, k->commands[i]->name, k->commands[i]->purpose);
    (void)fputs(".SH OPTIONS\n", to);
    options(to, k->options);
    if (k->options != NULL) (void)fputs(".SS Options of every command\n", to);
    options(to, options_common);
    examples(to, k->examples);
    if (k == &command_root) root_only(to);
    see_also(to, k, path);
}

static int write_page(struct cli *c, const struct command *k, const char *path)
{
    char name[64], file[4096];
    const char *folder = cli_text(c, "man");
    command_check(k);
    page_name(name, sizeof name, path, false);
    if (snprintf(file, sizeof file, "%s/%s.1", folder, name) >= (int)sizeof file) return cli_usage(c, "--man: the path is too long");
    FILE *to = fopen(file, "w");
    if (to == NULL) return cli_fail(c, CLI_SYSTEM, NULL, "cannot write %s: %s", file, strerror(errno));
    page(to, k, path);
    bool bad = fflush(to) != 0 || ferror(to);
    int reason = errno;
    if (fclose(to) != 0 && !bad) {
        bad = true;
        reason = errno;
    }
    if (!bad) return CLI_OK;
    return cli_fail(c, CLI_SYSTEM, NULL, "cannot write %s: %s", file, strerror(reason));
}

int man_pages(struct cli *c, const char *folder)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) return cli_fail(c, CLI_SYSTEM, NULL, "cannot make the folder %s: %s", folder, strerror(errno));
    return command_walk(c, &command_root, command_root.name, write_page);
}
