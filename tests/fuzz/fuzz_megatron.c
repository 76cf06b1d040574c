/* Any bytes as Megatron-LM's index of a file of ids: refused with a message, or its lengths add up to that file. The first two bytes say how
 * long the file is. */
#include "fuzz.h"
#include "tok/tokens.h"
#include <stdlib.h>

enum { HEAD = 34, AT_SEQUENCES = 18 };

static uint64_t number(const uint8_t *at, int bytes)
{
    uint64_t x = 0;
    while (bytes-- > 0) x = x << 8 | at[bytes];
    return x;
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    rk_ctx *ctx;
    unsigned each = 0;
    if (n < 2) return 0;
    const uint8_t *index = bytes + 2;
    size_t beside = (size_t)number(bytes, 2);
    if (rk_ctx_open(&(rk_options){ .threads = 1 }, &ctx) != RK_OK) abort();
    rk_status status = megatron_check(ctx, "fuzz", index, n - 2, beside, &each);
    if (status == RK_OK) {
        uint64_t ids = 0;
        for (uint64_t i = 0; i < number(index + AT_SEQUENCES, 8); i++) ids += number(index + HEAD + 4 * i, 4);
        if ((each != 2 && each != 4) || ids * each != beside) abort();
    } else if ((status != RK_E_FORMAT && status != RK_E_DECLINED) || rk_error_message(ctx)[0] == '\0') {
        abort();
    }
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    return 0;
}
