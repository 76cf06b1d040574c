/* table.h: memory of a table in which one looks here and there: on large pages where it is large, since looking up where a page lies takes longer
 * than looking into it. Begins at a line of the processor's cache. */
#ifndef TOK_TABLE_H
#define TOK_TABLE_H
#include "base/mem.h"

struct tok_table { void *block; size_t bytes; };                          /* what was asked of the context; zero it to begin */

/* *at: `bytes` > 0, each of which is `fill`. */
RK_CHECK rk_status table_make(rk_ctx *ctx, struct tok_table *t, size_t bytes, int fill, const char *what, void **at);
void table_clear(rk_ctx *ctx, struct tok_table *t);

#endif
