/* Any bytes: a .tiktoken is read or refused with a message. What was read and has every byte encodes and decodes text, and what is written
 * of it reads the same. */
#include "fuzz.h"
#include "tok/load.h"
#include "tok/save.h"
#include <stdlib.h>
#include <string.h>

#define MUST(call) do { if ((call) != RK_OK) abort(); } while (0)

static void encode(rk_ctx *ctx, const rk_tok *tok, rk_ids *ids)
{
    static const char text[] = "abab  the <|endoftext|> \xc3\xa9 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbb";
    rk_bytes back = { 0 };
    rk_status status = rk_tok_encode(ctx, tok, text, sizeof text - 1, 0, ids);
    if (status != RK_OK && status != RK_E_FORMAT) abort();
    if (status != RK_OK) return;
    MUST(rk_tok_decode(ctx, tok, ids->at, ids->n, 0, &back));
    if (back.n != sizeof text - 1 || memcmp(back.at, text, back.n) != 0) abort();
    rk_bytes_free(ctx, &back);
}

static void use(rk_ctx *ctx, const rk_tok *tok)
{
    struct str written = { 0 };
    rk_tok *again;
    rk_ids a = { 0 }, b = { 0 };
    MUST(save_tiktoken(ctx, tok, &written));
    MUST(tok_new(ctx, &again));
    MUST(load_tiktoken(ctx, "fuzz", (rk_text){ str_c(&written), (size_t)written.n }, "gpt2", again));
    encode(ctx, tok, &a);
    encode(ctx, again, &b);
    if (a.n != b.n || (a.n > 0 && memcmp(a.at, b.at, a.n * sizeof *a.at) != 0)) abort();
    rk_ids_free(ctx, &a);
    rk_ids_free(ctx, &b);
    rk_tok_close(ctx, again);
    str_free(ctx, &written);
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    rk_options options = { .threads = 1 };
    rk_ctx *ctx;
    rk_tok *tok;
    MUST(rk_ctx_open(&options, &ctx));
    MUST(tok_new(ctx, &tok));
    rk_status status = load_tiktoken(ctx, "fuzz", (rk_text){ (const char *)bytes, n }, "gpt2", tok);
    if (status == RK_OK) use(ctx, tok);
    else if (rk_error_message(ctx)[0] == '\0') abort();
    rk_tok_close(ctx, tok);
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    return 0;
}
