/* opt.c: what was typed, read by the tables: which command, which options with which values, which arguments.
 *
 *   --name VALUE   --name=VALUE   -n VALUE   -nVALUE   -qv   --   in any order, before or after the arguments
 *
 * Names are never abbreviated, so that a new option breaks nobody's script. Given twice, the last value holds, but for
 * OPT_LIST. Here too: how a command asks for the values. */
#include "frame.h"
#include <stdlib.h>
#include <string.h>

struct value { const struct option *option; const char *text; int64_t integer; double real; int choice; };

const struct option options_common[] = {
    { "help",    'h', OPT_FLAG, NULL,   NULL, "print help and do nothing else" },
    { "json",    0,   OPT_FLAG, NULL,   NULL, "print JSON for a program to read" },
    { "threads", 0,   OPT_INT,  NULL,   "(the processors this process may use)", "threads that compute" },
    { "blas",    0,   OPT_TEXT, "NAME", "(the fastest in a short race, once per machine)", "BLAS library for matrix products" },
    { "quiet",   'q', OPT_FLAG, NULL,   NULL, "no progress and no notes, only results, warnings and errors" },
    { "verbose", 'v', OPT_FLAG, NULL,   NULL, "tell more; after an error, tell the way it took" },
    { 0 }
};

bool words_split(const char **words, const char **word, int *n)
{
    if (*words == NULL || **words == '\0') return false;
    *word = *words;
    *n = (int)strcspn(*words, "|");
    *words += *n + ((*words)[*n] == '|');
    return true;
}

static int choice_of(const char *words, const char *text)
{
    const char *word;
    for (int i = 0, n; words_split(&words, &word, &n); i++)
        if (strlen(text) == (size_t)n && memcmp(word, text, (size_t)n) == 0) return i;
    return -1;
}

static bool read_int(const char *text, struct value *v)    { return number_int(text, &v->integer); }
static bool read_size(const char *text, struct value *v)   { return number_size(text, &v->integer); }
static bool read_count(const char *text, struct value *v)  { return number_count(text, &v->integer); }
static bool read_real(const char *text, struct value *v)   { return number_real(text, &v->real); }
static bool read_choice(const char *text, struct value *v) { return (v->choice = choice_of(v->option->words, text)) >= 0; }

static const struct { const char *words, *wants; bool (*read)(const char *text, struct value *v); } types[] = {
    [OPT_FLAG]   = { NULL,   "nothing",                                     NULL },
    [OPT_INT]    = { "N",    "a whole number",                              read_int },
    [OPT_SIZE]   = { "SIZE", "a whole number such as 4096, 4k, 4Ki or 1e6", read_size },
    [OPT_COUNT]  = { "N",    "a whole number such as 300B, 4k or 1e6",      read_count },
    [OPT_REAL]   = { "X",    "a number",                                    read_real },
    [OPT_CHOICE] = { NULL,   "one of ",                                     read_choice },
    [OPT_TEXT]   = { "TEXT", "a text",                                      NULL },
    [OPT_FILE]   = { "FILE", "a file",                                      NULL },
    [OPT_FOLDER] = { "DIR",  "a folder",                                    NULL },
    [OPT_LIST]   = { "TEXT", "a text",                                      NULL },
    [OPT_PERHAPS] = { "FILE", "a file",                                     NULL },
};

static bool takes_next(const struct option *o) { return o->type != OPT_FLAG && o->type != OPT_PERHAPS; }

const char *option_words(const struct option *o) { return o->words != NULL ? o->words : types[o->type].words; }
bool option_computed(const struct option *o)     { return o->standard != NULL && o->standard[0] == '('; }

/* Reads a text as the option's type says; false when it is none. */
static bool read_value(const struct option *o, const char *text, struct value *v)
{
    *v = (struct value){ .option = o, .text = text, .choice = -1 };
    return types[o->type].read == NULL || types[o->type].read(text, v);
}

static const char *choices(const struct option *o) { return o->type == OPT_CHOICE ? o->words : ""; }

/* Reading what was typed. */

struct reader { struct cli *c; int argc, i; char **argv; bool ended; };

static const struct option *in_table(const struct option *table, const char *name, size_t length, char letter)
{
    for (; table != NULL && table->name != NULL; table++) {
        if (name != NULL && strlen(table->name) == length && memcmp(table->name, name, length) == 0) return table;
        if (name == NULL && table->letter == letter) return table;
    }
    return NULL;
}

static const struct option *find(const struct command *k, const char *name, size_t length, char letter)
{
    const struct option *o = in_table(k->options, name, length, letter);
    return o != NULL ? o : in_table(options_common, name, length, letter);
}

static int unknown_option(struct cli *c, const char *name, int length)
{
    struct near near;
    char typed[64];
    (void)snprintf(typed, sizeof typed, "%.*s", length, name);
    near_begin(&near, typed);
    for (const struct option *o = c->command->options; o != NULL && o->name != NULL; o++) near_try(&near, o->name);
    for (const struct option *o = options_common; o->name != NULL; o++) near_try(&near, o->name);
    if (near.n == 0) return cli_usage(c, "unknown option --%.*s", length, name);
    return cli_fail(c, CLI_USAGE, near_words(&near, "--"), "unknown option --%.*s", length, name);
}

/* Does a text say "...: word word word, ..."? So the help of an option of free text lists what may stand there. */
static bool lists(const char *help, const char *word)
{
    const char *at = strstr(help, ": "), *end = at != NULL ? at + strcspn(at, ",") : NULL;
    size_t n = strlen(word);
    while (at != NULL && n > 0 && (at = strstr(at, word)) != NULL && at + n <= end) {
        if (at[-1] == ' ' && (at + n == end || at[n] == ' ')) return true;
        at += n;
    }
    return false;
}

/* A word that is none of an option's choices may be one of another's: "--dtype fp8" is --policy fp8. "" where no other has it. */
static void elsewhere(const struct cli *c, const char *text, char *hint, size_t room)
{
    size_t used = 0;
    hint[0] = '\0';
    for (const struct option *o = c->command->options; o->name != NULL && used < room; o++) {
        if (o->type == OPT_CHOICE ? choice_of(o->words, text) < 0 : o->type != OPT_TEXT || !lists(o->help, text)) continue;
        if (used == 0) used = (size_t)snprintf(hint, room, "%s is a word of --%s", text, o->name);
        else used += (size_t)snprintf(hint + used, room - used, " and of --%s", o->name);
    }
}

/* `shown` is the option as it was typed, for messages. */
static int take_value(struct cli *c, const struct option *o, const char *shown, const char *text)
{
    struct value *v = &c->values[c->n_values++];
    char hint[192] = "";
    if (read_value(o, text, v)) return CLI_OK;
    c->n_values--;
    if (o->type == OPT_CHOICE) elsewhere(c, text, hint, sizeof hint);
    if (hint[0] != '\0') return cli_fail(c, CLI_USAGE, hint, "%s: %s%s expected, not \"%s\"", shown, types[o->type].wants, choices(o), text);
    return cli_usage(c, "%s: %s%s expected, not \"%s\"", shown, types[o->type].wants, choices(o), text);
}

static int next_word(struct reader *r, const struct option *o, const char *shown, const char **text)
{
    if (r->i + 1 == r->argc) return cli_usage(r->c, "%s: %s%s is missing", shown, types[o->type].wants, choices(o));
    *text = r->argv[++r->i];
    return CLI_OK;
}

static int read_long(struct reader *r, const char *name)
{
    struct cli *c = r->c;
    int length = (int)strcspn(name, "=");
    const struct option *o = find(c->command, name, (size_t)length, 0);
    const char *text = name[length] == '=' ? name + length + 1 : NULL;
    char shown[64];
    if (o == NULL) return unknown_option(c, name, length);
    (void)snprintf(shown, sizeof shown, "--%s", o->name);
    if (o->type == OPT_FLAG && text != NULL) return cli_usage(c, "%s takes no value", shown);
    if (takes_next(o) && text == NULL) {
        int code = next_word(r, o, shown, &text);
        if (code != CLI_OK) return code;
    }
    return take_value(c, o, shown, text != NULL ? text : "");
}

static int read_letters(struct reader *r, const char *letters)
{
    for (; *letters != '\0'; letters++) {
        const struct option *o = find(r->c->command, NULL, 0, *letters);
        const char *text = letters + 1, shown[] = { '-', *letters, '\0' };
        int code = CLI_OK;
        if (o == NULL) return cli_usage(r->c, "unknown option -%c", *letters);
        if (!takes_next(o)) text = "";
        else if (*text == '\0') code = next_word(r, o, shown, &text);
        if (code == CLI_OK) code = take_value(r->c, o, shown, text);
        if (code != CLI_OK || takes_next(o)) return code;
    }
    return CLI_OK;
}

/* A word that is no option: names the next command as long as there are any below, and is an argument then. */
static int read_argument(struct reader *r, char *word)
{
    struct cli *c = r->c;
    if (c->command->commands == NULL) {
        c->args[c->n_args++] = word;
        return CLI_OK;
    }
    const struct command *k = command_find(c->command, word);
    if (k == NULL) {
        struct near near;
        near_begin(&near, word);
        for (int i = 0; c->command->commands[i] != NULL; i++) near_try(&near, c->command->commands[i]->name);
        if (near.n == 0) return cli_usage(c, "unknown command %s", word);
        return cli_fail(c, CLI_USAGE, near_words(&near, ""), "unknown command %s", word);
    }
    c->command = k;
    size_t used = strlen(c->path);
    (void)snprintf(c->path + used, sizeof c->path - used, " %s", k->name);
    command_check(k);
    return CLI_OK;
}

int opt_read(struct cli *c, int argc, char **argv)
{
    struct reader r = { .c = c, .argc = argc, .argv = argv };
    size_t letters = 1;                                     /* "-qvq" is one word and three options */
    for (int i = 1; i < argc; i++) letters += strlen(argv[i]) + 1;
    c->values = cli_take(letters * sizeof *c->values);
    c->args = cli_take(((size_t)argc + 1) * sizeof *c->args);
    for (r.i = 1; r.i < argc; r.i++) {
        char *word = argv[r.i];
        int code = CLI_OK;
        if (r.ended || word[0] != '-' || word[1] == '\0') code = read_argument(&r, word);
        else if (word[1] != '-') code = read_letters(&r, word + 1);
        else if (word[2] != '\0') code = read_long(&r, word + 2);
        else r.ended = true;
        if (code != CLI_OK) return code;
    }
    return CLI_OK;
}

void opt_free(struct cli *c)
{
    free(c->values);
    free(c->args);
}

int opt_check(struct cli *c)
{
    const struct command *k = c->command;
    const char *at = k->arguments != NULL ? k->arguments : "";
    int taken = 0;
    bool many = false;
    for (int n; *at != '\0'; at += n + (at[n] == ' ')) {
        n = (int)strcspn(at, " ");
        if (at[0] != '[' && taken == c->n_args)
            return cli_usage(c, "%.*s is missing", n > 3 && memcmp(at + n - 3, "...", 3) == 0 ? n - 3 : n, at);
        taken += taken < c->n_args;
        many = many || strstr(at, "...") != NULL;
    }
    if (!many && taken < c->n_args) return cli_usage(c, "one argument too many: %s", c->args[taken]);
    if (cli_flag(c, "json") && !k->json) return cli_usage(c, "has no answer in JSON");
    return CLI_OK;
}

/* A table that contradicts itself is a bug of ours; better met at the first try than by a customer. */
void command_check(const struct command *k)
{
    struct value v;
    if ((k->run == NULL) == (k->commands == NULL)) cli_bug("command %s must have either run or commands", k->name);
    for (const struct option *o = k->options; o != NULL && o->name != NULL; o++) {
        if (in_table(options_common, o->name, strlen(o->name), 0) != NULL || in_table(o + 1, o->name, strlen(o->name), 0) != NULL)
            cli_bug("command %s: two options are called --%s", k->name, o->name);
        if (o->letter != 0 && (in_table(options_common, NULL, 0, o->letter) != NULL || in_table(o + 1, NULL, 0, o->letter) != NULL))
            cli_bug("command %s: two options are called -%c", k->name, o->letter);
        if (o->standard != NULL && !option_computed(o) && !read_value(o, o->standard, &v))
            cli_bug("command %s: the default of --%s is \"%s\"", k->name, o->name, o->standard);
        if (o->type == OPT_CHOICE && o->words == NULL) cli_bug("command %s: --%s has no choices", k->name, o->name);
    }
}

/* Asking for values. */

static const struct option *asked(const struct cli *c, const char *name, unsigned fitting)
{
    const struct option *o = find(c->command, name, strlen(name), 0);
    if (o == NULL || (fitting >> o->type & 1) == 0) cli_bug("command %s has no option --%s of the type asked for", c->command->name, name);
    return o;
}

/* The last value given, or the default, or an empty one. */
static struct value get(const struct cli *c, const char *name, unsigned fitting)
{
    const struct option *o = asked(c, name, fitting);
    struct value v = { .choice = -1 };
    for (int i = c->n_values - 1; i >= 0; i--)
        if (c->values[i].option == o) return c->values[i];
    if (o->standard != NULL && !option_computed(o)) (void)read_value(o, o->standard, &v);     /* command_check has read it before */
    return v;
}

bool cli_offers(const struct cli *c, const char *name) { return find(c->command, name, strlen(name), 0) != NULL; }

bool cli_given(const struct cli *c, const char *name)
{
    const struct option *o = asked(c, name, ~0u);
    for (int i = 0; i < c->n_values; i++)
        if (c->values[i].option == o) return true;
    return false;
}

bool        cli_flag(const struct cli *c, const char *name)   { return get(c, name, 1u << OPT_FLAG).option != NULL; }
int64_t     cli_int(const struct cli *c, const char *name)    { return get(c, name, 1u << OPT_INT | 1u << OPT_SIZE | 1u << OPT_COUNT).integer; }
double      cli_real(const struct cli *c, const char *name)   { return get(c, name, 1u << OPT_REAL).real; }
int         cli_choice(const struct cli *c, const char *name) { return get(c, name, 1u << OPT_CHOICE).choice; }
const char *cli_text(const struct cli *c, const char *name)
{
    return get(c, name, 1u << OPT_TEXT | 1u << OPT_FILE | 1u << OPT_FOLDER | 1u << OPT_CHOICE | 1u << OPT_PERHAPS).text;
}

const char *cli_list(const struct cli *c, const char *name, int i)
{
    const struct option *o = asked(c, name, 1u << OPT_LIST);
    for (int k = 0; k < c->n_values; k++)
        if (c->values[k].option == o && i-- == 0) return c->values[k].text;
    return NULL;
}
