/* Text to numbers and back: open a tokenizer, encode a text whole and as a stream, say where each token stands, decode strictly.
 *
 *   cc tokenize.c -o tokenize $(pkg-config --cflags --libs reckon) && ./tokenize FOLDER "some text"
 *
 * FOLDER is what `reckon tok train` writes, or any folder with a tokenizer.json, or vocab.json and merges.txt, or a vocab.txt. */
#include <reckon/encoding.h>
#include <stdio.h>
#include <string.h>

static rk_status show(rk_ctx *ctx, const rk_tok *tok, rk_text text)
{
    rk_encoding e = { 0 };
    rk_status status = rk_encoding_make(ctx, tok, &(rk_encoding_rules){ 0 }, text, NULL, &e);
    for (size_t i = 0; status == RK_OK && i < e.n; i++) {
        rk_text t = rk_tok_bytes(tok, e.ids[i]);
        printf("%8u  [%zu, %zu)  %.*s\n", e.ids[i], e.spans[i].begin, e.spans[i].end, (int)t.n, t.at);
    }
    rk_encoding_free(ctx, &e);
    return status;
}

/* The same ids from pieces of seven bytes. */
static rk_status stream(rk_ctx *ctx, const rk_tok *tok, rk_text text, rk_ids *ids)
{
    rk_tok_encoder *encoder;
    rk_status status = rk_tok_encoder_open(ctx, tok, 0, &encoder);
    for (size_t at = 0; status == RK_OK && at < text.n; at += 7)
        status = rk_tok_encoder_add(ctx, encoder, text.at + at, text.n - at < 7 ? text.n - at : 7, ids);
    if (status == RK_OK) status = rk_tok_encoder_end(ctx, encoder, ids);
    rk_tok_encoder_close(ctx, encoder);
    return status;
}

static rk_status run(rk_ctx *ctx, const char *folder, rk_text text)
{
    rk_tok *tok;
    rk_ids whole = { 0 }, pieces = { 0 };
    rk_bytes back = { 0 };
    rk_status status = rk_tok_open(ctx, folder, &tok);
    if (status == RK_OK) status = show(ctx, tok, text);
    if (status == RK_OK) status = rk_tok_encode(ctx, tok, text.at, text.n, 0, &whole);
    if (status == RK_OK) status = stream(ctx, tok, text, &pieces);
    if (status == RK_OK) status = rk_tok_decode_text(ctx, tok, whole.at, whole.n, 0, RK_ERRORS_STRICT, &back);
    if (status == RK_OK) {
        int same = whole.n == pieces.n && (whole.n == 0 || memcmp(whole.at, pieces.at, whole.n * sizeof *whole.at) == 0);
        printf("%zu tokens; streamed: %s; decoded: %.*s\n", whole.n, same ? "the same" : "others", (int)back.n, back.at != NULL ? back.at : "");
    }
    rk_bytes_free(ctx, &back);
    rk_ids_free(ctx, &pieces);
    rk_ids_free(ctx, &whole);
    rk_tok_close(ctx, tok);
    return status;
}

int main(int argc, char **argv)
{
    rk_ctx *ctx;
    if (argc != 3 || rk_ctx_open(NULL, &ctx) != RK_OK) return fprintf(stderr, "usage: tokenize FOLDER TEXT\n"), 2;
    rk_status status = run(ctx, argv[1], (rk_text){ argv[2], strlen(argv[2]) });
    if (status != RK_OK) fprintf(stderr, "%s\n%s\n", rk_error_message(ctx), rk_error_hint(ctx));
    rk_ctx_close(ctx);
    return status == RK_OK ? 0 : 1;
}
