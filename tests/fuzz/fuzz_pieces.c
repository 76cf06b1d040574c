/* Any bytes: a model of SentencePiece opens or is refused; what opens cuts a text into pieces that are the text again. */
#include "fuzz.h"
#include "tok/pieces.h"
#include <stdlib.h>
#include <string.h>

struct whole { rk_ctx *ctx; struct str text; };

static rk_status each(void *user, rk_text text, int piece)
{
    struct whole *w = user;
    (void)piece;
    return str_add(w->ctx, &w->text, text.at, text.n);
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    static const char text[] = " The b\xc3\xbc" "cher are  open.\xff\xef\xbc\xa1 ";
    struct pieces p = { 0 };
    struct whole w = { 0 };
    struct str normal = { 0 };
    if (rk_ctx_open(NULL, &w.ctx) != RK_OK) abort();
    if (pieces_read(w.ctx, "fuzz", bytes, n, &p) == RK_OK) {
        if (pieces_normalize(w.ctx, &p, text, sizeof text - 1, &normal) != RK_OK || pieces_encode(w.ctx, &p, text, sizeof text - 1, each, &w) != RK_OK) abort();
        if (normal.n != w.text.n || (normal.n > 0 && memcmp(normal.at, w.text.at, (size_t)normal.n) != 0)) abort();
    } else if (rk_error_message(w.ctx)[0] == '\0') abort();
    str_free(w.ctx, &normal);
    str_free(w.ctx, &w.text);
    pieces_close(w.ctx, &p);
    if (rk_ctx_bytes(w.ctx) != 0) abort();
    rk_ctx_close(w.ctx);
    return 0;
}
