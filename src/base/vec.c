/* vec.c: what is small doubles, what is large grows by halves. */
#include "base/vec.h"
#include <limits.h>

rk_status vec_reserve(rk_ctx *ctx, void **at, int *room, int want, size_t size, const char *what)
{
    if (want <= *room) return RK_OK;
    if (want > INT_MAX / 2) return FAIL(RK_E_LIMIT, "%s would grow beyond %d elements", what, INT_MAX / 2);
    bool small = (size_t)*room * size < (size_t)1 << 16;
    int fresh = small ? 2 * *room : *room + *room / 2;
    if (fresh < 8) fresh = 8;
    if (fresh < want) fresh = want;
    TRY(mem_widen(ctx, at, (size_t)*room, (size_t)fresh, size, what));
    *room = fresh;
    return RK_OK;
}
