/* command.c: the tree of commands: finding one, and walking over all. What a table may say is checked in opt.c. */
#include "frame.h"
#include <string.h>

const struct command *command_find(const struct command *in, const char *name)
{
    for (int i = 0; in->commands != NULL && in->commands[i] != NULL; i++)
        if (strcmp(in->commands[i]->name, name) == 0) return in->commands[i];
    return NULL;
}

int command_walk(struct cli *c, const struct command *k, const char *path, command_fn *f)
{
    int code = f(c, k, path);
    for (int i = 0; code == CLI_OK && k->commands != NULL && k->commands[i] != NULL; i++) {
        char below[64];
        (void)snprintf(below, sizeof below, "%.40s %.20s", path, k->commands[i]->name);
        code = command_walk(c, k->commands[i], below, f);
    }
    return code;
}
