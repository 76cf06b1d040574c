/* version.c: the smallest customer: opens a context, closes it, and prints the version of the headers it saw, all of them. */
#include <reckon/reckon.h>
#include <stdio.h>

int main(void)
{
    rk_ctx *ctx;
    if (rk_ctx_open(NULL, &ctx) != RK_OK || rk_ctx_threads(ctx) < 1) return 1;
    rk_ctx_close(ctx);
    return puts(RK_VERSION) < 0;
}
