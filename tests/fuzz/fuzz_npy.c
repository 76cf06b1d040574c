/* Any bytes: one array opens or is refused; what opens ends where the bytes end. */
#include "fuzz.h"
#include "io/bundle.h"
#include <stdlib.h>

int fuzz_one(const uint8_t *bytes, size_t n)
{
    struct bundle b;
    rk_ctx *ctx;
    if (rk_ctx_open(NULL, &ctx) != RK_OK) abort();
    if (bundle_open_bytes(ctx, "/nonexistent/fuzz.npy", bytes, n, &b) == RK_OK) {
        for (int i = 0; i < b.entries.n; i++) {
            const struct bundle_entry *e = &b.entries.at[i];
            if ((const uint8_t *)e->data + e->bytes > bytes + n) abort();
        }
    } else if (rk_error_message(ctx)[0] == '\0') abort();
    bundle_close(ctx, &b);
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    return 0;
}
