/* tok_lines.h: texts that come as lines of JSON, encoded into lines of JSON. */
#ifndef CLI_TOK_LINES_H
#define CLI_TOK_LINES_H
#include "input.h"

/* Reads the options offsets, pairs, truncate, pad, field, plain and replace of the command. */
int tok_lines(struct cli *c, const rk_tok *tok, struct input *in);

#endif
