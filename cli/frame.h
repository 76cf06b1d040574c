/* frame.h: what the files of the frame know of each other and commands need not. */
#ifndef CLI_FRAME_H
#define CLI_FRAME_H
#include "command.h"

extern const struct command command_root;           /* reckon itself; its commands are list.def */
extern const struct option  options_common[];       /* those of every command */

enum env {
#define ROW(name, variable, words) ENV_##name,
#include "env.def"
#undef ROW
    ENV_COUNT
};
const char *env_get(enum env which);                /* NULL where unset or empty */

int  cli_begin(struct cli *c, int argc, char **argv);       /* CLI_RUN, or the exit code of a program that is done */
int  cli_run(struct cli *c);                                /* the command itself; its exit code */
int  cli_end(struct cli *c, int code);

int  opt_read(struct cli *c, int argc, char **argv);        /* finds the command, fills values and args */
int  opt_check(struct cli *c);                              /* are the arguments complete? */
void opt_free(struct cli *c);
const struct command *command_find(const struct command *in, const char *name);
void command_check(const struct command *k);                /* ends the program where a table contradicts itself */

/* Options and their values, by type. */
struct value { const struct option *option; const char *text; int64_t integer; double real; int choice; };
bool value_read(const struct option *o, const char *text, struct value *v);                 /* false: the text is none of the option's type */
const char *option_words(const struct option *o);           /* what help calls the value: "SIZE"; NULL for a flag */
const char *option_wants(const struct option *o);           /* "a whole number", "one of " */
const char *option_choices(const struct option *o);         /* "a|b|c", or "" */
bool option_computed(const struct option *o);               /* its default is words in parentheses */
bool option_takes_next(const struct option *o);             /* the word that follows is its value */
/* By name, or where that is NULL by letter; NULL: there is none. In a table; in a command's or among those of all. */
const struct option *option_in(const struct option *table, const char *name, size_t length, char letter);
const struct option *option_find(const struct command *k, const char *name, size_t length, char letter);
bool words_split(const char **words, const char **word, int *n);       /* the next of "a|b|c" */
int  words_find(const char *words, const char *text);       /* which of them a text is; -1: none */

bool number_int(const char *text, int64_t *value);
bool number_size(const char *text, int64_t *value);
bool number_count(const char *text, int64_t *value);
bool number_real(const char *text, double *value);

/* Who walks over all commands: f gets every command below and with `k`, and its words ("reckon tok train"). */
typedef int command_fn(struct cli *c, const struct command *k, const char *path);
int  command_walk(struct cli *c, const struct command *k, const char *path, command_fn *f);

void help_command(const struct cli *c, FILE *to, const struct command *k, const char *path);
void help_exit(const struct cli *c, FILE *to);
void help_environment(const struct cli *c, FILE *to);
void help_numbers(const struct cli *c, FILE *to);
int  man_pages(struct cli *c, const char *folder);
void complete_bash(struct cli *c);
void complete_zsh(struct cli *c);
void complete_fish(struct cli *c);

#endif
