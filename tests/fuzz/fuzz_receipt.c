/* Any bytes as a receipt of a run: read, within its bounds, or a message. */
#include "fuzz.h"
#include "train/training.h"
#include <stdlib.h>
#include <string.h>

int fuzz_one(const uint8_t *bytes, size_t n)
{
    rk_ctx *ctx;
    rk_receipt r;
    if (rk_ctx_open(NULL, &ctx) != RK_OK) abort();
    if (receipt_parse(ctx, "run.json", (const char *)bytes, n, &r) != RK_OK) {
        if (rk_error_message(ctx)[0] == '\0' || r.n != 0) abort();
    } else {
        if (r.n < 0 || r.n > RK_RECEIPT_MOST || r.batch < 1 || r.seq < 1 || r.accumulate < 1 || r.parameters < 0) abort();
        for (int i = 0; i < r.n; i++)
            if (strlen(r.row[i].entry) >= sizeof r.row[i].entry || strlen(r.row[i].unit) >= sizeof r.row[i].unit) abort();
    }
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    return 0;
}
