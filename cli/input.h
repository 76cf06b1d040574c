/* input.h: the texts and ids that a command is given: texts through reckon/corpus.h: a block at a time with a line of progress, or all at once. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H
#include "out.h"
#include "reckon/corpus.h"

struct input {
    struct cli     *c;
    rk_corpus      *corpus;
    rk_block        block;                      /* the one at hand; block.n == 0 at the end */
    const rk_text  *text;                       /* the same texts */
    size_t          n;
    uint64_t        bytes;
    struct progress line;
    bool            shows;                      /* the line */
};

/* Opens what the arguments of the command name; `what` ("encoding") begins the line of progress, NULL: none. Returns an exit code, and has
 * said why. */
int input_open(struct cli *c, struct input *in, const rk_corpus_rules *rules, const char *what);
/* The next block; a corpus without any text is an error. cut may be NULL. */
int input_next(struct input *in, const rk_corpus_cut *cut);
void input_step(struct input *in, const char *fields, ...) RK_PRINTF(2, 3);       /* moves the line of progress; what follows the time left */
void input_note(const struct input *in);        /* says what was read */

/* Are they all there? Asked before anything is printed, so that an error does not stand behind half of a result. Nothing is read. */
int input_check(struct cli *c, const char *const *paths, int n);

/* For lines that are no documents: opens the arguments; gives every line of every file, without its line feed, numbered from 1. */
typedef int input_line_fn(void *user, uint64_t number, const char *line, size_t n);
int input_plain(struct cli *c, struct input *in);
int input_lines(struct input *in, input_line_fn *each, void *user);
/* The same of one text, numbered from *number + 1 on. */
int text_lines(struct cli *c, rk_text all, uint64_t *number, input_line_fn *each, void *user);

/* One list of ids, "1,2 3", up to a semicolon, behind which *text is left, or the end. The command frees *ids, also after a mistake. */
int text_ids(struct cli *c, const char *option, const char **text, uint32_t **ids, size_t *n);

/* Everything at once, whole: every argument; or what n paths name, which may be no text at all. */
int input_all(struct cli *c, struct input *in, const rk_corpus_rules *rules);
int input_paths(struct cli *c, struct input *in, const char *const *paths, int n);
void input_free(struct input *in);

#endif
