/* tok_bytes.h: a text byte by byte. */
#ifndef CLI_TOK_BYTES_H
#define CLI_TOK_BYTES_H
#include "command.h"

/* Shows code points, lead and continuation bytes, sizes, and the first invalid byte with the rule it breaks. `text` may be bytes in
 * hexadecimal: 0xE4B8AD, or two digits each with blanks between ("C3 C3"). Returns an exit code. */
int tok_bytes(struct cli *c, const char *text);

#endif
