/* command.h: what a command is: a table and one function; and what the frame does for it.
 *
 * A new command is one file cmd_NAME.c with `const struct command cmd_NAME` and one row in list.def. Its table gives the
 * reading of options, --help, the man page, the completion of three shells and a test of every example. Numbers, tables,
 * JSON and the progress line are in out.h. The command sees only include/reckon; it alone prints, exits and reads the
 * environment. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H
#include "reckon/base.h"
#include <stdio.h>

enum { CLI_RUN = -1,
#define ROW(name, code, words) CLI_##name = (code),
#include "exit.def"
#undef ROW
};

enum option_type {
    OPT_FLAG,                       /* is there or not */
    OPT_INT,                        /* a whole number, maybe negative */
    OPT_SIZE,                       /* a count or a number of bytes: 4096 4k 4Ki 1.5M 1e6 2GiB */
    OPT_COUNT,                      /* the same, never of bytes: 300B is 300 billions */
    OPT_REAL,
    OPT_TEXT,
    OPT_CHOICE,                     /* one of `words`, "a|b|c" */
    OPT_FILE, OPT_FOLDER,           /* texts that a shell completes */
    OPT_LIST,                       /* a text that may be given many times */
    OPT_PERHAPS                     /* is there or not, and may be given a file: --name, --name=FILE */
};

/* standard: the default, written as one would type it; in parentheses where it is computed, and then a value that was not
 * given reads as 0 or NULL: "(the model's context)". NULL: no default. words: the choices, or what help calls the value
 * (NULL: by its type). A table of options ends with { 0 }. */
struct option { const char *name; char letter; enum option_type type; const char *words, *standard, *help; };

/* Without the word "reckon". The tests run every example, all in one folder and in the order of the tables, so a later one
 * may use what an earlier one made. Those that need a path which is not there are skipped. Ends with { 0 }. */
struct example { const char *command, *shows, *needs; };

struct cli;

struct command {
    const char *name;
    const char *arguments;                      /* "MODEL", "DIR [FILE]", "INPUT..."; NULL: none */
    const char *purpose;                        /* one line without a full stop */
    const char *notes;                          /* one paragraph per line of text; a line that begins with a blank stays as it is */
    const struct option *options;
    const struct command *const *commands;      /* instead of run: train, encode, decode; ends with NULL */
    const struct example *examples;
    const char *(*complete)(int i);             /* the i-th word a shell may offer as an argument; NULL after the last */
    bool json;                                  /* --json is answered */
    bool whole;                                 /* prints all of its answer, or where it fails none: nothing goes out before the exit code is known */
    int (*run)(struct cli *c);                  /* returns an exit code: CLI_OK ... */
};

struct cli {
    const struct command *command;
    char   path[64];                            /* "reckon tok train" */
    char **args;                                /* as many as `arguments` allows */
    int    n_args;
    bool   json, quiet, verbose;
    rk_ctx *ctx;                                /* open while a command runs */
    FILE  *out, *err;                           /* results; everything else */
    int    width;                               /* columns of a line */
    bool   colour_out, colour_err, live;        /* may use colour; may draw a line over itself on err */
    struct progress *progress;                  /* the one on the screen, or NULL */
    struct load *load;                          /* what the last load did: load.h; or NULL */
    struct profiling *profiling;                /* with --profile: profile.h; or NULL */
    struct value *values;                       /* frame.h */
    int    n_values;
};

/* Values by name. The name must be in the command's table with a fitting type: anything else is a bug that ends the program. */
bool        cli_offers(const struct cli *c, const char *name);             /* the command has such an option */
bool        cli_given(const struct cli *c, const char *name);              /* was typed */
bool        cli_flag(const struct cli *c, const char *name);
int64_t     cli_int(const struct cli *c, const char *name);                /* OPT_INT, OPT_SIZE, OPT_COUNT */
double      cli_real(const struct cli *c, const char *name);
const char *cli_text(const struct cli *c, const char *name);               /* OPT_TEXT, OPT_FILE, OPT_FOLDER, OPT_CHOICE; OPT_PERHAPS: "" without a file */
int         cli_choice(const struct cli *c, const char *name);             /* which of the words, from 0; -1 without one */
const char *cli_list(const struct cli *c, const char *name, int i);        /* the i-th given; NULL after the last */
const char *cli_blas(const struct cli *c);                                 /* --blas, or the environment's, or NULL */

/* Ends of calls. cli_try prints what failed, the hint, with --verbose the trail, and gives the exit code. */
int cli_try(struct cli *c, rk_status status);
int cli_usage(struct cli *c, const char *format, ...) RK_PRINTF(2, 3);     /* what was typed is wrong: CLI_USAGE */
int cli_fail(struct cli *c, int code, const char *hint, const char *format, ...) RK_PRINTF(4, 5);   /* hint may be NULL */
_Noreturn void cli_bug(const char *format, ...) RK_PRINTF(1, 2);

#define CLI_TRY(c, call) do { int code_ = cli_try((c), (call)); if (code_ != CLI_OK) return code_; } while (0)
/* CLI_TRY for a command that owns things: leaves through the label `out` with `code` set. */
#define CLI_GO(c, call)  do { code = cli_try((c), (call)); if (code != CLI_OK) goto out; } while (0)

int   cli_can_save(struct cli *c, const char *path);                       /* asked before work is done whose result would be lost; an exit code, and says why not */
int   cli_can_make_folder(struct cli *c, const char *path);                /* the same of a folder that is made where it is not there */
int   cli_save(struct cli *c, const char *path, const char *text, size_t n);       /* a file, whole or not at all */
/* The same of what is too long for memory: whatever is written to `file` in between. cli_save_end closes it, gives it its name unless code says that
 * something failed, and tells what went wrong in writing; the exit code. */
struct save;
int   cli_save_begin(struct cli *c, const char *path, struct save **save, FILE **file);
int   cli_save_end(struct cli *c, struct save *save, FILE *file, int code);
void  cli_note(struct cli *c, const char *format, ...) RK_PRINTF(2, 3);    /* a line for people, on err; silent with --quiet */
void *cli_take(size_t bytes);                                              /* zeroed; ends the program where there is no memory */
char *cli_copy(const char *text);                                          /* the same of a text; free it */
void *cli_grow(void *old, size_t *room, size_t want, size_t size);         /* room for `want` elements, zeroed; frees old */
char *cli_cache(const char *name);                                         /* path of a file kept for this machine; free it; NULL: nowhere */

/* Interruption: after cli_watch, the first Ctrl-C or SIGTERM only makes cli_cancelled true, a second one ends the program.
 * A standard output that nobody reads any more counts too. */
void cli_watch(void);
bool cli_cancelled(const struct cli *c);
int  cli_stopped(struct cli *c);                                            /* ... and then: says so; the exit code */

/* What somebody may have meant: try every name there is, then ask for the words ("did you mean a or b?", or ""). */
struct near { const char *typed; int n, best; const char *name[3]; char words[192]; };
void        near_begin(struct near *n, const char *typed);
void        near_try(struct near *n, const char *name);                    /* the name must outlive n */
const char *near_words(struct near *n, const char *before);                /* before: "--" for options */

#endif
