/* table.c: a little more than was asked for, so that it may begin where a page does. */
#include "tok/table.h"
#include "base/pages.h"
#include <string.h>

enum { LINE = 64, LARGE = 1 << 21 };                                  /* bytes of a large page */

rk_status table_make(rk_ctx *ctx, struct tok_table *t, size_t bytes, int fill, const char *what, void **at)
{
    size_t align = bytes >= LARGE ? LARGE : LINE, size;
    if (!size_add(bytes, align, &size)) return FAIL(RK_E_NOMEM, "%zu bytes for %s", bytes, what);
    TRY(mem_raw(ctx, &t->block, size, what));
    t->bytes = size;
    *at = (char *)t->block + (align - (uintptr_t)t->block % align);
    if (align == LARGE) pages_large(*at, bytes);
    memset(*at, fill, bytes);
    return RK_OK;
}

void table_clear(rk_ctx *ctx, struct tok_table *t)
{
    mem_free(ctx, t->block, t->bytes, 1);
    *t = (struct tok_table){ 0 };
}
