/* generate.c: token after token, and the text they make.
 *
 * Text goes through two sieves: the tokenizer's decoder keeps back half a character, stops.c keeps back what may become a
 * text to stop at. Not here: how a token is chosen (sample.c), how logits are made (session.c). */
#include "base/clock.h"
#include "infer/session.h"
#include "infer/stops.h"
#include <math.h>

enum { NEW_TOKENS = 64 };

const char *rk_stop_words(rk_stop stop)
{
    static const char *const words[] = { "length", "end token", "stop text", "context", "cancelled" };
    return (unsigned)stop < sizeof words / sizeof *words ? words[stop] : "?";
}

struct generation {
    rk_session *s;
    const rk_generating *how;
    rk_sampling sampling;
    const rk_tok *tok;
    rk_tok_decoder decoder;
    struct stops stops;
    rk_ids seen;                        /* prompt and what came after */
    rk_ids holes;                       /* ids that are no token of the tokenizer: they have no text, and are never taken */
    float *logits;
    int64_t prompt, most;
    uint64_t bytes;                     /* read for all tokens */
};

static rk_status remember(rk_ctx *ctx, rk_ids *ids, const uint32_t *more, size_t n)
{
    if (ids->n + n > ids->room) {
        size_t room = ids->room * 2 > ids->n + n ? ids->room * 2 : ids->n + n + 64;
        TRY(GROW(ids->at, ids->room, room));
        ids->room = room;
    }
    for (size_t i = 0; i < n; i++) ids->at[ids->n++] = more[i];
    return RK_OK;
}

static bool is_end(const struct generation *g, uint32_t id)
{
    for (size_t i = 0; i < g->how->n_ends; i++)
        if (g->how->ends[i] == id) return true;
    return false;
}

/* Tells of a token and of what text it made whole. */
static rk_status tell(rk_ctx *ctx, struct generation *g, uint32_t id, bool *go_on)
{
    rk_text text = { "", 0 };
    if (g->tok != NULL) {
        TRY(rk_tok_decoder_push(ctx, &g->decoder, id, &text));
        TRY(stops_push(ctx, &g->stops, text, &text));
    }
    *go_on = g->how->each == NULL || g->how->each(g->how->user, id, text);
    return RK_OK;
}

/* What both sieves still hold, given with the last token. */
static rk_status tell_rest(rk_ctx *ctx, struct generation *g)
{
    rk_text half, piece;
    if (g->tok == NULL || g->how->each == NULL || g->stops.found || g->seen.n <= (size_t)g->prompt) return RK_OK;
    TRY(rk_tok_decoder_end(ctx, &g->decoder, &half));
    TRY(stops_push(ctx, &g->stops, half, &piece));
    uint32_t last = g->seen.at[g->seen.n - 1];
    if (piece.n > 0) (void)g->how->each(g->how->user, last, piece);
    piece = stops_end(&g->stops);
    if (piece.n > 0) (void)g->how->each(g->how->user, last, piece);
    return RK_OK;
}

static rk_status find_holes(rk_ctx *ctx, struct generation *g)
{
    for (uint32_t id = 0; g->tok != NULL && id < g->sampling.ids && (int64_t)id < g->s->vocab; id++)
        if (rk_tok_bytes(g->tok, id).at == NULL) TRY(remember(ctx, &g->holes, &id, 1));
    return RK_OK;
}

static rk_status choose(rk_ctx *ctx, const struct generation *g, uint32_t *id)
{
    for (size_t i = 0; i < g->holes.n; i++) g->logits[g->holes.at[i]] = -INFINITY;
    return rk_sample(ctx, &g->sampling, g->seen.at, g->seen.n, g->logits, g->s->vocab, g->how->stream, (uint64_t)g->s->past, id);
}

static rk_status loop(rk_ctx *ctx, struct generation *g, rk_generated *r)
{
    double began = 0;
    for (;; r->tokens++) {
        uint32_t id = 0;
        bool go_on = true;
        r->stop = RK_STOP_LENGTH;
        if (r->tokens == g->most) return RK_OK;
        TRY(choose(ctx, g, &id));
        if (r->tokens == 0) began = clock_seconds();
        else r->seconds = clock_seconds() - began;
        r->stop = RK_STOP_END;
        if (is_end(g, id)) return RK_OK;
        TRY(remember(ctx, &g->seen, &id, 1));
        TRY(tell(ctx, g, id, &go_on));
        r->stop = g->stops.found ? RK_STOP_TEXT : RK_STOP_CALLER;
        if (g->stops.found || !go_on) break;
        r->stop = RK_STOP_CONTEXT;
        if (g->s->past == g->s->context) break;
        if (r->tokens + 1 == g->most) continue;
        g->bytes += session_reads(g->s);
        TRY(rk_session_feed(g->s, &id, 1, g->logits));
    }
    r->tokens++;
    return RK_OK;
}

static rk_status generate(rk_ctx *ctx, struct generation *g, const uint32_t *prompt, size_t n, rk_generated *r)
{
    double began = clock_seconds();
    if (n == 0) return FAIL(RK_E_ARG, "generating from an empty prompt");
    TRY(NEW(g->logits, g->s->vocab));
    TRY(find_holes(ctx, g));
    TRY(remember(ctx, &g->seen, prompt, n));
    TRY(rk_session_feed(g->s, prompt, (int64_t)n, g->logits));
    r->first_seconds = clock_seconds() - began;
    TRY(loop(ctx, g, r));
    r->bytes = r->tokens > 1 ? g->bytes / (uint64_t)(r->tokens - 1) : 0;
    return tell_rest(ctx, g);
}

rk_status rk_generate(rk_session *s, const rk_tok *tok, const uint32_t *prompt, size_t n, const rk_generating *how, rk_ids *ids, rk_generated *result)
{
    rk_ctx *ctx = s->ctx;
    rk_generated nothing, *r = result == NULL ? &nothing : result;
    struct generation g = { .s = s, .how = how, .sampling = how->sampling, .tok = tok, .prompt = (int64_t)n, .most = how->max_new_tokens == 0 ? NEW_TOKENS : how->max_new_tokens,
                            .stops = { .texts = how->stops, .n = how->n_stops } };
    *r = (rk_generated){ .prompt = (int64_t)n };
    if (s->batch != 1) return FAIL(RK_E_ARG, "generating with a session of %lld sequences: take one of 1", (long long)s->batch);
    if (g.most < 0) return FAIL(RK_E_ARG, "generating %lld tokens", (long long)g.most);
    if (tok != NULL && (g.sampling.ids == 0 || g.sampling.ids > rk_tok_size(tok))) g.sampling.ids = rk_tok_size(tok);
    if (tok != NULL) rk_tok_decoder_init(&g.decoder, tok, RK_TOK_SKIP_SPECIAL);
    rk_status status = generate(ctx, &g, prompt, n, r);
    if (status == RK_OK && ids != NULL) status = remember(ctx, ids, g.seen.at + n, g.seen.n - n);
    if (tok != NULL) rk_tok_decoder_clear(ctx, &g.decoder);
    stops_clear(ctx, &g.stops);
    FREE(g.logits, s->vocab);
    rk_ids_free(ctx, &g.seen);
    rk_ids_free(ctx, &g.holes);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}
