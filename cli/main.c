/* main.c: reckon, the command: its list of commands and nothing else. */
#include "frame.h"

#define COMMAND(name) extern const struct command cmd_##name;
#include "list.def"
#undef COMMAND

static const struct command *const commands[] = {
#define COMMAND(name) &cmd_##name,
#include "list.def"
#undef COMMAND
    NULL
};

static const struct option options[] = {
    { "version", 'V', OPT_FLAG, NULL, NULL, "print the version" },
    { 0 }
};

const struct command command_root = {
    .name = "reckon", .purpose = "transformer language models with the books open", .options = options, .commands = commands,
    .notes = "One description of a model gives its bill (parameters, bytes, FLOPs, each with its formula) and is also the program that "
             "trains and runs it.",
};

int main(int argc, char **argv)
{
    struct cli c;
    int code = cli_begin(&c, argc, argv);
    if (code == CLI_RUN) code = cli_run(&c);
    return cli_end(&c, code);
}
