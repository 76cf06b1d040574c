/* Any bytes behind a right checksum: a counts file is added up or refused with a message. */
#include "fuzz.h"
#include "reckon/counts.h"
#include "tok/counts_file.h"
#include <stdlib.h>
#include <string.h>

#define MUST(call) do { if ((call) != RK_OK) abort(); } while (0)

static void add(rk_ctx *ctx, const struct file_view *view, struct words *words, rk_status *status)
{
    struct share share;
    MUST(share_begin(ctx, &share));
    for (int part = 0; part < WORD_PARTS; part++)
        if (!counts_file_add(&share, view, part, words)) break;
    *status = share_end(&share);
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    rk_options options = { .threads = 1 };
    rk_ctx *ctx;
    struct words words = { 0 };
    MUST(rk_ctx_open(&options, &ctx));
    unsigned char *file = calloc(n + COUNTS_HEAD, 1);
    if (file == NULL) abort();
    memcpy(file, "RKCOUNT1", 8);
    if (n > 0) memcpy(file + 24, bytes, n);
    struct file_view view = { file, n < COUNTS_HEAD - 24 ? COUNTS_HEAD : 24 + n, 0 };
    uint32_t crc = crc32c(crc32c(0, view.at + COUNTS_HEAD, view.n - COUNTS_HEAD), view.at + 24, COUNTS_HEAD - 24);
    for (int i = 0; i < 4; i++) file[16 + i] = (unsigned char)(crc >> 8 * i);
    rk_status status = counts_file_is(&view) ? counts_file_check(ctx, "fuzz", &view, 0) : RK_E_FORMAT;
    if (status == RK_OK) add(ctx, &view, &words, &status);
    else if (rk_error_message(ctx)[0] == '\0') abort();
    if (status != RK_OK && status != RK_E_FORMAT) abort();
    words_clear(ctx, &words);
    free(file);
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    return 0;
}
