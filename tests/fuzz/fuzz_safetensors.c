/* Any bytes: a bundle opens or is refused; what opens lies within the bytes, without gap or overlap. */
#include "fuzz.h"
#include "io/bundle.h"
#include <stdlib.h>

static void check(const struct bundle *b, const uint8_t *bytes, size_t n)
{
    size_t covered = 0;
    unsigned sum = 0;
    for (int i = 0; i < b->entries.n; i++) {
        const struct bundle_entry *e = &b->entries.at[i];
        const uint8_t *data = e->data;
        if (data < bytes || data > bytes + n || e->bytes > (size_t)(bytes + n - data) || bundle_find(b, e->name.at) != e) abort();
        for (size_t k = 0; k < e->bytes; k++) sum += data[k];
        covered += e->bytes;
    }
    if (covered > n || sum > 255 * covered) abort();
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    struct bundle b;
    rk_ctx *ctx;
    if (rk_ctx_open(NULL, &ctx) != RK_OK) abort();
    if (bundle_open_bytes(ctx, "/nonexistent/fuzz.safetensors", bytes, n, &b) == RK_OK) check(&b, bytes, n);
    else if (rk_error_message(ctx)[0] == '\0') abort();
    bundle_close(ctx, &b);
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    return 0;
}
