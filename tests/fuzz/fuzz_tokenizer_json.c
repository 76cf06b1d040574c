/* Any bytes: a tokenizer.json is read or refused with a message. What was read encodes text, or says which byte it lacks. Bytes after a
 * zero are a merges.txt, and then what is before it is a vocab.json. */
#include "fuzz.h"
#include "tok/load.h"
#include <stdlib.h>
#include <string.h>

static void use(rk_ctx *ctx, const rk_tok *tok)
{
    static const char text[] = "abab  the <|endoftext|> \xc3\xa9";
    rk_ids ids = { 0 };
    rk_bytes back = { 0 };
    rk_status status = rk_tok_encode(ctx, tok, text, sizeof text - 1, 0, &ids);
    if (status == RK_OK) {
        if (rk_tok_decode(ctx, tok, ids.at, ids.n, 0, &back) != RK_OK) abort();
        if (back.n != sizeof text - 1 || memcmp(back.at, text, back.n) != 0) abort();
    } else if (status != RK_E_FORMAT) abort();
    rk_ids_free(ctx, &ids);
    rk_bytes_free(ctx, &back);
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    rk_options options = { .threads = 1 };
    rk_ctx *ctx;
    rk_tok *tok;
    struct json_doc doc = { 0 };
    if (rk_ctx_open(&options, &ctx) != RK_OK || tok_new(ctx, &tok) != RK_OK) abort();
    const uint8_t *zero = n > 0 ? memchr(bytes, 0, n) : NULL;
    size_t first = zero != NULL ? (size_t)(zero - bytes) : n;
    rk_status status;
    if (zero == NULL) status = load_tokenizer_json(ctx, "fuzz", (const char *)bytes, n, tok);
    else {
        status = json_read(ctx, &doc, "fuzz", (const char *)bytes, first, 0);
        if (status == RK_OK) status = load_vocab_merges(ctx, doc.root, "merges", (rk_text){ (const char *)zero + 1, n - first - 1 }, tok);
        json_clear(ctx, &doc);
    }
    for (int later = 0; later < 2 && status == RK_OK; later++) {      /* with the tables for long texts, too */
        if (later) tok_fill(tok);
        use(ctx, tok);
    }
    if (status != RK_OK && rk_error_message(ctx)[0] == '\0') abort();
    rk_tok_close(ctx, tok);
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    return 0;
}
