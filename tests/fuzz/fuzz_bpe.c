/* Any bytes: a tokenizer trained on the first half encodes the second half, whole, in a stream of small pieces and with special tokens
 * as plain text; decoding gives the bytes back each time. The first two bytes choose the rule for ties, the size and the pieces. */
#include "fuzz.h"
#include "reckon/tok.h"
#include <stdlib.h>
#include <string.h>

#define MUST(call) do { if ((call) != RK_OK) abort(); } while (0)

static void decodes_to(rk_ctx *ctx, const rk_tok *tok, const rk_ids *ids, const char *text, size_t n)
{
    rk_bytes back = { 0 };
    MUST(rk_tok_decode(ctx, tok, ids->at, ids->n, 0, &back));
    if (back.n != n || (n > 0 && memcmp(back.at, text, n) != 0)) abort();
    rk_bytes_free(ctx, &back);
}

static void use(rk_ctx *ctx, const rk_tok *tok, const char *text, size_t n, size_t piece)
{
    rk_ids whole = { 0 }, plain = { 0 }, streamed = { 0 };
    rk_tok_encoder *e;
    MUST(rk_tok_encode(ctx, tok, text, n, 0, &whole));
    MUST(rk_tok_encode(ctx, tok, text, n, RK_TOK_PLAIN, &plain));
    MUST(rk_tok_encoder_open(ctx, tok, 0, &e));
    for (size_t at = 0; at < n; at += piece) MUST(rk_tok_encoder_add(ctx, e, text + at, n - at < piece ? n - at : piece, &streamed));
    MUST(rk_tok_encoder_end(ctx, e, &streamed));
    rk_tok_encoder_close(ctx, e);
    if (whole.n != streamed.n || (whole.n > 0 && memcmp(whole.at, streamed.at, whole.n * sizeof *whole.at) != 0)) abort();
    decodes_to(ctx, tok, &whole, text, n);
    decodes_to(ctx, tok, &plain, text, n);
    rk_ids_free(ctx, &whole);
    rk_ids_free(ctx, &plain);
    rk_ids_free(ctx, &streamed);
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    static const char *const specials[] = { "<|endoftext|>", "<|end", "a b", "ab", "\n\n" };
    rk_options options = { .threads = 1 };
    rk_ctx *ctx;
    rk_tok *tok;
    if (n < 2 || n > 1 << 14) return 0;
    const char *text = (const char *)bytes + 2;
    rk_text half = { text, (n - 2) / 2 };
    rk_tok_training how = { .vocab_size = 261u + bytes[0] / 4, .specials = specials, .n_specials = 5, .ties = (rk_ties)(bytes[0] % 3), .units = (rk_units)(bytes[0] >> 1 & 1) };
    MUST(rk_ctx_open(&options, &ctx));
    MUST(rk_tok_train(ctx, &how, &half, 1, &tok));
    use(ctx, tok, text + half.n, n - 2 - half.n, 1 + (size_t)bytes[1] % 40);
    rk_tok_close(ctx, tok);
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    return 0;
}
