/* input.h: the texts that a command is given: files, folders of files, standard input; cut into documents.
 *
 * A folder gives its regular files in the order of their names, with those below; not what is hidden, a symbolic link, or
 * no text (holds a zero byte). A separator is a line of its own between documents and belongs to none; without one, a file
 * is a document. Empty documents are left out. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H
#include "command.h"
#include "reckon/tok.h"

struct input {
    rk_text *text;                              /* the documents, borrowed from the files below */
    size_t   n, room;
    uint64_t bytes;                             /* of all documents */
    size_t   files, skipped;                    /* skipped: in a folder and no text */
    struct held { void *at; size_t n; bool mapped; } *held;
    size_t   n_held, held_room;
};

/* Adds what `path` names ("-": standard input). Returns an exit code, and has said why. separator may be NULL. */
int  input_add(struct cli *c, struct input *in, const char *path, const char *separator);
int  input_add_all(struct cli *c, struct input *in, const char *separator);         /* every argument; notes what was read */
void input_free(struct input *in);

#endif
