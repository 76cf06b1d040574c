/* Any bytes: encoded by WordPiece, lower-casing or not, and by BPE with a normal form and tokens that take white space: whole and in a stream,
 * with places in order of size. The first two bytes choose the tokenizer, flags, lengths and pieces. Bytes up to a line "\n%\n" are the vocab.txt. */
#include "fuzz.h"
#include "reckon/encoding.h"
#include "tok/load.h"
#include <stdlib.h>
#include <string.h>

#define MUST(call) do { if ((call) != RK_OK) abort(); } while (0)

static const char bpe[] = "{\"added_tokens\":[{\"id\":9,\"content\":\" <x>\",\"lstrip\":true,\"rstrip\":true},{\"id\":8,\"content\":\"  \",\"normalized\":true},"
    "{\"id\":7,\"content\":\"a\",\"single_word\":true,\"normalized\":true,\"rstrip\":true},{\"id\":6,\"content\":\"e\\u0301\",\"normalized\":true}],\"normalizer\":{\"type\":\"NFC\"},"
    "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},\"post_processor\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"\\u0120\":2,\"ab\":3},\"merges\":[\"a b\"]}}";

static rk_status open_tokenizer(rk_ctx *ctx, unsigned how, const char *text, size_t n, rk_tok **tok)
{
    MUST(tok_new(ctx, tok));
    if (how & 1) return load_vocab_txt(ctx, "vocab.txt", (rk_text){ text, n }, how >> 1 & 1, *tok);
    MUST(load_tokenizer_json(ctx, "tokenizer.json", bpe, sizeof bpe - 1, *tok));
    if (how & 2) tok_fill(*tok);
    return RK_OK;
}

static void use(rk_ctx *ctx, const rk_tok *tok, unsigned how, size_t piece, const char *text, size_t n)
{
    rk_ids whole = { 0 }, streamed = { 0 };
    rk_encoding e = { 0 };
    rk_encoding_rules rules = { .flags = how >> 2 & 5, .bare = true };
    rk_tok_encoder *encoder;
    rk_status status = rk_tok_encode(ctx, tok, text, n, rules.flags, &whole);
    rk_status again = rk_encoding_make(ctx, tok, &rules, (rk_text){ text, n }, NULL, &e);
    if (status != again || (status != RK_OK && status != RK_E_FORMAT)) abort();
    if (status == RK_OK) {
        if (e.n != whole.n || (e.n > 0 && memcmp(e.ids, whole.at, e.n * sizeof *e.ids) != 0)) abort();
        for (size_t i = 0; i < e.n; i++)
            if (e.spans[i].begin > e.spans[i].end || e.spans[i].end > n) abort();
        MUST(rk_tok_encoder_open(ctx, tok, rules.flags, &encoder));
        for (size_t at = 0; at < n; at += piece) MUST(rk_tok_encoder_add(ctx, encoder, text + at, n - at < piece ? n - at : piece, &streamed));
        MUST(rk_tok_encoder_end(ctx, encoder, &streamed));
        rk_tok_encoder_close(ctx, encoder);
        if (streamed.n != whole.n || (whole.n > 0 && memcmp(streamed.at, whole.at, whole.n * sizeof *whole.at) != 0)) abort();
    }
    rk_encoding_free(ctx, &e);
    rk_ids_free(ctx, &whole);
    rk_ids_free(ctx, &streamed);
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    rk_options options = { .threads = 1 };
    rk_ctx *ctx;
    rk_tok *tok;
    if (n < 2 || n > 1 << 14) return 0;
    const char *text = (const char *)bytes + 2;
    const char *line = memmem(text, n - 2, "\n%\n", 3);
    size_t first = line != NULL ? (size_t)(line - text) + 1 : 0;
    MUST(rk_ctx_open(&options, &ctx));
    rk_status status = open_tokenizer(ctx, bytes[0], text, first, &tok);
    if (status == RK_OK) use(ctx, tok, bytes[0], 1 + (size_t)bytes[1] % 40, text + first, n - 2 - first);
    else if (rk_error_message(ctx)[0] == '\0') abort();
    rk_tok_close(ctx, tok);
    if (rk_ctx_bytes(ctx) != 0) abort();
    rk_ctx_close(ctx);
    return 0;
}
