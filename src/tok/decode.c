/* decode.c: ids to bytes, bytes to valid UTF-8, and both at once for text that appears as it is made. */
#include "base/utf8.h"
#include "tok/tok.h"
#include <string.h>

static rk_status make_room(rk_ctx *ctx, rk_bytes *b, size_t want)
{
    if (want <= b->room) return RK_OK;
    size_t room = b->room * 2 > want ? b->room * 2 : want;
    TRY(GROW(b->at, b->room, room));
    b->room = room;
    return RK_OK;
}

static rk_status append(rk_ctx *ctx, rk_bytes *b, const char *bytes, size_t n)
{
    TRY(make_room(ctx, b, b->n + n));
    if (n > 0) memcpy(b->at + b->n, bytes, n);
    b->n += n;
    return RK_OK;
}

void rk_bytes_free(rk_ctx *ctx, rk_bytes *b)
{
    FREE(b->at, b->room);
    b->n = b->room = 0;
}

static bool begins(rk_text t, const char *with, size_t n) { return t.n >= n && memcmp(t.at, with, n) == 0; }

/* Of BERT's pieces, what follows the word before without a space. */
static bool is_glued(rk_text t)
{
    static const char *const rows[] = { ".", "?", "!", ",", "n't", "'m", "'s", "'ve", "'re" };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (begins(t, rows[i], strlen(rows[i]))) return true;
    return false;
}

/* The text of an id under `flags`, and whether a space comes before it; false when it is no token. *began: something came before. */
static bool text_of(const rk_tok *tok, uint32_t id, unsigned flags, bool *began, bool *space, rk_text *text)
{
    const struct bert *b = &tok->bert;
    *text = rk_tok_bytes(tok, id);
    *space = false;
    if (text->at == NULL) return false;
    if (flags & RK_TOK_SKIP_SPECIAL && tok->kind[id] & KIND_CONTROL) {
        text->n = 0;
        return true;
    }
    if (b->used && *began && begins(*text, b->prefix, b->n_prefix)) *text = (rk_text){ text->at + b->n_prefix, text->n - b->n_prefix };
    else *space = b->used && *began && !(b->cleanup && is_glued(*text));
    *began = true;
    return true;
}

static rk_status no_token(rk_ctx *ctx, const rk_tok *tok, const uint32_t *ids, size_t i)
{
    (void)FAIL(RK_E_ARG, "id %u at position %zu is no token of this vocabulary of %u", ids[i], i, tok->vocab.size);
    return ctx_hint(ctx, "another tokenizer made these ids, or they have another size than the one they were read in");
}

static rk_status too_many(rk_ctx *ctx, size_t n) { return FAIL(RK_E_LIMIT, "%zu ids decode to more bytes than an address can hold", n); }

/* WordPiece: behind other words, or not. */
static rk_status decode_words(rk_ctx *ctx, const rk_tok *tok, const uint32_t *ids, size_t n, unsigned flags, bool *began, rk_bytes *bytes)
{
    rk_text text;
    size_t total = bytes->n;
    bool counted = *began, space;
    for (size_t i = 0; i < n; i++) {
        if (!text_of(tok, ids[i], flags, &counted, &space, &text)) return no_token(ctx, tok, ids, i);
        if (!size_add(total, text.n + space, &total)) return too_many(ctx, n);
    }
    TRY(make_room(ctx, bytes, total));
    for (size_t i = 0; i < n; i++) {
        (void)text_of(tok, ids[i], flags, began, &space, &text);
        if (space) bytes->at[bytes->n++] = ' ';
        if (text.n > 0) memcpy(bytes->at + bytes->n, text.at, text.n);
        bytes->n += text.n;
    }
    return RK_OK;
}

/* What is not copied from a piece. */
static bool other_text(const rk_tok *tok, uint32_t id, unsigned flags, rk_text *text)
{
    bool began = false, space;
    return text_of(tok, id, flags, &began, &space, text);
}

/* Adds the bytes of the ids, and what a piece may write beyond, to *total. */
static rk_status count_bytes(rk_ctx *ctx, const rk_tok *tok, const uint32_t *ids, size_t n, unsigned flags, size_t *total)
{
    rk_text text;
    for (size_t i = 0; i < n; i++) {
        text.n = ids[i] < tok->vocab.size ? tok->pieces[ids[i]].n : PIECE_OTHER;
        if (text.n == PIECE_OTHER && !other_text(tok, ids[i], flags, &text)) return no_token(ctx, tok, ids, i);
        if (!size_add(*total, text.n, total)) return too_many(ctx, n);
    }
    return size_add(*total, sizeof(struct piece), total) ? RK_OK : too_many(ctx, n);
}

/* Pieces are copied whole; what is too much is written over by the next, and there is room behind the last. */
static rk_status decode_behind(rk_ctx *ctx, const rk_tok *tok, const uint32_t *ids, size_t n, unsigned flags, bool *began, rk_bytes *bytes)
{
    size_t total = bytes->n;
    if (tok->bert.used) return decode_words(ctx, tok, ids, n, flags, began, bytes);
    TRY(count_bytes(ctx, tok, ids, n, flags, &total));
    TRY(make_room(ctx, bytes, total));
    char *to = bytes->at + bytes->n;
    for (size_t i = 0; i < n; i++) {
        const struct piece *p = &tok->pieces[ids[i]];
        if (p->n != PIECE_OTHER) {
            memcpy(to, p, sizeof *p);
            to += p->n;
            continue;
        }
        rk_text text;
        if (!other_text(tok, ids[i], flags, &text) || text.n == 0) continue;
        memcpy(to, text.at, text.n);
        to += text.n;
    }
    bytes->n = (size_t)(to - bytes->at);
    return RK_OK;
}

rk_status rk_tok_decode(rk_ctx *ctx, const rk_tok *tok, const uint32_t *ids, size_t n, unsigned flags, rk_bytes *bytes)
{
    bool began = false;
    return decode_behind(ctx, tok, ids, n, flags, &began, bytes);
}

/* Appends bytes[0..n) with U+FFFD for what is invalid; what is between is copied at once. */
static rk_status replace(rk_ctx *ctx, rk_bytes *to, const char *bytes, size_t n)
{
    size_t valid = 0;                                                 /* what is not yet copied begins here */
    for (size_t i = 0, step; (i += utf8_ascii(bytes + i, n - i)) < n; i += step) {
        uint32_t code;
        step = utf8_next(bytes + i, n - i, &code);
        if (code != UTF8_INVALID) continue;
        TRY(append(ctx, to, bytes + valid, i - valid));
        TRY(append(ctx, to, "\xef\xbf\xbd", 3));
        valid = i + step;
    }
    return append(ctx, to, bytes + valid, n - valid);
}

rk_status rk_bytes_replace(rk_ctx *ctx, const char *bytes, size_t n, rk_bytes *utf8)
{
    size_t before = utf8->n;
    rk_status status = replace(ctx, utf8, bytes, n);
    if (status != RK_OK) utf8->n = before;
    return status;
}

/* ---- streaming ---- */

void rk_tok_decoder_init(rk_tok_decoder *d, const rk_tok *tok, unsigned flags) { *d = (rk_tok_decoder){ .tok = tok, .flags = flags }; }

void rk_tok_decoder_clear(rk_ctx *ctx, rk_tok_decoder *d)
{
    rk_bytes_free(ctx, &d->ready);
    d->n_held = 0;
}

rk_status rk_tok_decoder_push(rk_ctx *ctx, rk_tok_decoder *d, uint32_t id, rk_text *ready) { return rk_tok_decoder_add(ctx, d, &id, 1, ready); }

rk_status rk_tok_decoder_add(rk_ctx *ctx, rk_tok_decoder *d, const uint32_t *ids, size_t n, rk_text *ready)
{
    rk_status status;
    rk_bytes joined = { 0 };
    *ready = (rk_text){ "", 0 };
    GO(append(ctx, &joined, d->held, d->n_held));
    GO(decode_behind(ctx, d->tok, ids, n, d->flags, &d->began, &joined));
    size_t hold = utf8_incomplete(joined.at, joined.n);
    d->ready.n = 0;
    GO(replace(ctx, &d->ready, joined.at, joined.n - hold));
    if (hold > 0) memcpy(d->held, joined.at + joined.n - hold, hold);
    d->n_held = (unsigned)hold;
    if (d->ready.n > 0) *ready = (rk_text){ d->ready.at, d->ready.n };
out:
    rk_bytes_free(ctx, &joined);
    return status;
}

rk_status rk_tok_decoder_end(rk_ctx *ctx, rk_tok_decoder *d, rk_text *ready)
{
    *ready = (rk_text){ "", 0 };
    d->ready.n = 0;
    TRY(replace(ctx, &d->ready, d->held, d->n_held));
    d->n_held = 0;
    d->began = false;
    if (d->ready.n > 0) *ready = (rk_text){ d->ready.at, d->ready.n };
    return RK_OK;
}
