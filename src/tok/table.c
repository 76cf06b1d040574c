/* table.c: a little more than was asked for, so that it may begin where a page does. */
#include "tok/table.h"
#include "base/pages.h"
#include <string.h>

enum { LARGE = 1 << 21 };                                             /* bytes of a large page */

static rk_status take(rk_ctx *ctx, struct tok_table *t, size_t bytes, const char *what, void **at)
{
    size_t align = bytes >= LARGE ? LARGE : TABLE_LINE, size;
    if (!size_add(bytes, align, &size)) return FAIL(RK_E_NOMEM, "%zu bytes for %s", bytes, what);
    TRY(mem_raw(ctx, &t->block, size, what));
    t->bytes = size;
    *at = (char *)t->block + (align - (uintptr_t)t->block % align);
    if (align == LARGE) pages_large(*at, bytes);
    return RK_OK;
}

rk_status table_make(rk_ctx *ctx, struct tok_table *t, size_t bytes, int fill, const char *what, void **at)
{
    TRY(take(ctx, t, bytes, what, at));
    memset(*at, fill, bytes);
    return RK_OK;
}

void table_clear(rk_ctx *ctx, struct tok_table *t)
{
    mem_free(ctx, t->block, t->bytes, 1);
    *t = (struct tok_table){ 0 };
}

rk_status block_make(rk_ctx *ctx, struct tok_block *b, size_t bytes, const char *what)
{
    b->left = bytes;
    return take(ctx, &b->memory, bytes, what, (void **)&b->at);
}

void block_clear(rk_ctx *ctx, struct tok_block *b)
{
    table_clear(ctx, &b->memory);
    *b = (struct tok_block){ 0 };
}
