/* opt.c: what was typed, read by the tables: which command, which options with which values, which arguments.
 *
 *   --name VALUE   --name=VALUE   -n VALUE   -nVALUE   -qv   --   in any order, before or after the arguments
 *
 * Names are never abbreviated, so that a new option breaks nobody's script. Not here: what a value of each type looks like, and how a
 * command asks for it (value.c). */
#include "frame.h"
#include <stdlib.h>
#include <string.h>

const struct option options_common[] = {
    { "help",    'h', OPT_FLAG, NULL,   NULL, "print help and do nothing else" },
    { "json",    0,   OPT_FLAG, NULL,   NULL, "print JSON for a program to read" },
    { "threads", 0,   OPT_INT,  NULL,   "(the processors this process may use)", "threads that compute" },
    { "blas",    0,   OPT_TEXT, "NAME", "(the fastest in a short race, once per machine)", "BLAS library for matrix products" },
    { "quiet",   'q', OPT_FLAG, NULL,   NULL, "no progress and no notes, only results, warnings and errors" },
    { "verbose", 'v', OPT_FLAG, NULL,   NULL, "tell more; after an error, tell the way it took" },
    { 0 }
};

struct reader { struct cli *c; int argc, i; char **argv; bool ended; };

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
    for (const struct option *o = c->command->options; o != NULL && o->name != NULL && used < room; o++) {
        if (o->type == OPT_CHOICE ? words_find(o->words, text) < 0 : o->type != OPT_TEXT || !lists(o->help, text)) continue;
        if (used == 0) used = (size_t)snprintf(hint, room, "%s is a word of --%s", text, o->name);
        else used += (size_t)snprintf(hint + used, room - used, " and of --%s", o->name);
    }
}

/* `shown` is the option as it was typed, for messages. */
static int take_value(struct cli *c, const struct option *o, const char *shown, const char *text)
{
    struct value *v = &c->values[c->n_values++];
    char hint[192] = "";
    if (value_read(o, text, v)) return CLI_OK;
    c->n_values--;
    elsewhere(c, text, hint, sizeof hint);
    if (hint[0] != '\0') return cli_fail(c, CLI_USAGE, hint, "%s: %s%s expected, not \"%s\"", shown, option_wants(o), option_choices(o), text);
    return cli_usage(c, "%s: %s%s expected, not \"%s\"", shown, option_wants(o), option_choices(o), text);
}

static int next_word(struct reader *r, const struct option *o, const char *shown, const char **text)
{
    if (r->i + 1 == r->argc) return cli_usage(r->c, "%s: %s%s is missing", shown, option_wants(o), option_choices(o));
    *text = r->argv[++r->i];
    return CLI_OK;
}

static int read_long(struct reader *r, const char *name)
{
    struct cli *c = r->c;
    int length = (int)strcspn(name, "=");
    const struct option *o = option_find(c->command, name, (size_t)length, 0);
    const char *text = name[length] == '=' ? name + length + 1 : NULL;
    char shown[64];
    if (o == NULL) return unknown_option(c, name, length);
    (void)snprintf(shown, sizeof shown, "--%s", o->name);
    if (o->type == OPT_FLAG && text != NULL) return cli_usage(c, "%s takes no value", shown);
    if (option_takes_next(o) && text == NULL) {
        int code = next_word(r, o, shown, &text);
        if (code != CLI_OK) return code;
    }
    return take_value(c, o, shown, text != NULL ? text : "");
}

static int read_letters(struct reader *r, const char *letters)
{
    for (; *letters != '\0'; letters++) {
        const struct option *o = option_find(r->c->command, NULL, 0, *letters);
        const char *text = letters + 1, shown[] = { '-', *letters, '\0' };
        int code = CLI_OK;
        if (o == NULL) return cli_usage(r->c, "unknown option -%c", *letters);
        if (!option_takes_next(o)) text = "";
        else if (*text == '\0') code = next_word(r, o, shown, &text);
        if (code == CLI_OK) code = take_value(r->c, o, shown, text);
        if (code != CLI_OK || option_takes_next(o)) return code;
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
        if (option_in(options_common, o->name, strlen(o->name), 0) != NULL || option_in(o + 1, o->name, strlen(o->name), 0) != NULL)
            cli_bug("command %s: two options are called --%s", k->name, o->name);
        if (o->letter != 0 && (option_in(options_common, NULL, 0, o->letter) != NULL || option_in(o + 1, NULL, 0, o->letter) != NULL))
            cli_bug("command %s: two options are called -%c", k->name, o->letter);
        if (o->standard != NULL && !option_computed(o) && !value_read(o, o->standard, &v))
            cli_bug("command %s: the default of --%s is \"%s\"", k->name, o->name, o->standard);
        if (o->type == OPT_CHOICE && o->words == NULL) cli_bug("command %s: --%s has no choices", k->name, o->name);
    }
}
