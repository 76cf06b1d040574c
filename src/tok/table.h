/* table.h: memory of a table in which one looks here and there: on large pages where it is large, since looking up where a page lies takes longer
 * than looking into it. Begins at a line of the processor's cache. */
#ifndef TOK_TABLE_H
#define TOK_TABLE_H
#include "base/mem.h"

struct tok_table { void *block; size_t bytes; };                          /* what was asked of the context; zero it to begin */

/* *at: `bytes` > 0, each of which is `fill`. */
RK_CHECK rk_status table_make(rk_ctx *ctx, struct tok_table *t, size_t bytes, int fill, const char *what, void **at);
void table_clear(rk_ctx *ctx, struct tok_table *t);

/* Memory of several tables, taken from the context before there is anything to put in; untouched until then. Each begins at a line of the processor's cache. */
struct tok_block { struct tok_table memory; char *at; size_t left; };    /* zero it to begin */
enum { TABLE_LINE = 64 };
RK_CHECK rk_status block_make(rk_ctx *ctx, struct tok_block *b, size_t bytes, const char *what);       /* bytes: a sum of block_size */
void block_clear(rk_ctx *ctx, struct tok_block *b);
static inline size_t block_size(size_t count, size_t size) { return (count * size + TABLE_LINE - 1) / TABLE_LINE * TABLE_LINE; }

/* The next table, not filled. What all of them take must have been asked for. */
static inline void *block_take(struct tok_block *b, size_t count, size_t size)
{
    void *at = b->at;
    b->at += block_size(count, size);
    b->left -= block_size(count, size);
    return at;
}

#endif
