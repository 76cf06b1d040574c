/* reckon help: what there is, as text, man pages, or the completion of a shell: all from the tables of the commands. */
#include "frame.h"
#include "out.h"
#include <string.h>

static const struct option options[] = {
    { "man",        0, OPT_FOLDER, NULL,            NULL, "write the man pages of all commands into a folder" },
    { "completion", 0, OPT_CHOICE, "bash|zsh|fish", NULL, "print the completion for a shell" },
    { "examples",   0, OPT_FLAG,   NULL,            NULL, "print every example, after the path it needs (or -) and a tab" },
    { 0 }
};

static const struct { const char *name; void (*print)(const struct cli *c, FILE *to); } topics[] = {
    { "exit", help_exit }, { "environment", help_environment }, { "numbers", help_numbers },
};

static const char *complete(int i)
{
    int commands = 0;
    while (command_root.commands[commands] != NULL) commands++;
    if (i < commands) return command_root.commands[i]->name;
    i -= commands;
    return i < (int)(sizeof topics / sizeof *topics) ? topics[i].name : NULL;
}

static int print_examples(struct cli *c, const struct command *k, const char *path)
{
    (void)path;
    for (const struct example *e = k->examples; e != NULL && e->command != NULL; e++)
        (void)fprintf(c->out, "%s\treckon %s\n", e->needs != NULL ? e->needs : "-", e->command);
    return CLI_OK;
}

static int unknown(struct cli *c, const struct command *in, const char *name)
{
    struct near near;
    near_begin(&near, name);
    for (int i = 0; in->commands != NULL && in->commands[i] != NULL; i++) near_try(&near, in->commands[i]->name);
    for (size_t i = 0; in == &command_root && i < sizeof topics / sizeof *topics; i++) near_try(&near, topics[i].name);
    return cli_fail(c, CLI_USAGE, near.n > 0 ? near_words(&near, "") : "reckon help tells which commands there are", "no help on %s", name);
}

static int run(struct cli *c)
{
    static void (*const completions[])(struct cli *c) = { complete_bash, complete_zsh, complete_fish };
    const struct command *k = &command_root;
    char path[64] = "reckon";
    if (cli_given(c, "man")) return man_pages(c, cli_text(c, "man"));
    if (cli_flag(c, "examples")) return command_walk(c, k, path, print_examples);
    if (cli_given(c, "completion")) {
        completions[cli_choice(c, "completion")](c);
        return CLI_OK;
    }
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        if (c->n_args == 1 && strcmp(c->args[0], topics[i].name) == 0) {
            topics[i].print(c, c->out);
            return CLI_OK;
        }
    for (int i = 0; i < c->n_args; i++) {
        const struct command *below = command_find(k, c->args[i]);
        if (below == NULL) return unknown(c, k, c->args[i]);
        k = below;
        size_t used = strlen(path);
        (void)snprintf(path + used, sizeof path - used, " %s", k->name);
    }
    help_command(c, c->out, k, path);
    return CLI_OK;
}

static const struct example examples[] = {
    { "help",                   "all commands", NULL },
    { "help help",              "one of them", NULL },
    { "help exit",              "what the exit codes mean", NULL },
    { "help --man man",         "the man pages, in the folder man", NULL },
    { "help --completion bash", "for ~/.local/share/bash-completion/completions/reckon", NULL },
    { 0 }
};

const struct command cmd_help = {
    .name = "help", .arguments = "[COMMAND...]", .purpose = "what there is, on the screen or as man pages and completion",
    .notes = "Besides commands there are the topics exit, environment and numbers.",
    .options = options, .examples = examples, .complete = complete, .run = run,
};
