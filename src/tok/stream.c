/* stream.c: encoding a text that comes in pieces. What lies behind the last safe cut waits for more; what was searched for a cut
 * once is not searched again, so that a text without any is still linear. */
#include "tok/encode.h"

struct rk_tok_encoder {
    struct share  share;
    struct engine engine;
    struct crew  *crew;                                               /* once it was asked for */
    char         *held;
    size_t        n, room, searched;                                  /* no cut in held[0..searched) */
    uint64_t      offset;                                             /* of held in the text */
};

void rk_tok_encoder_close(rk_ctx *ctx, rk_tok_encoder *e)
{
    if (e == NULL) return;
    crew_close(ctx, e->crew);
    engine_close(ctx, &e->engine);
    FREE(e->held, e->room);
    share_end(&e->share);
    FREE(e, 1);
}

rk_status rk_tok_encoder_open(rk_ctx *ctx, const rk_tok *tok, unsigned flags, rk_tok_encoder **out)
{
    rk_tok_encoder *e;
    *out = NULL;
    TRY(NEW(e, 1));
    rk_status status = share_begin(ctx, &e->share);
    if (status != RK_OK) {
        FREE(e, 1);
        return status;
    }
    engine_open(&e->engine, tok, &e->share, flags);
    *out = e;
    return RK_OK;
}

/* Encodes held[0..n) and keeps the rest. After a failure the encoder is empty. */
static rk_status encode_held(rk_ctx *ctx, rk_tok_encoder *e, size_t n, rk_ids *ids)
{
    size_t before = ids->n;
    if (engine_encode(&e->engine, (const unsigned char *)e->held, n, e->offset, ids)) {
        memmove(e->held, e->held + n, e->n - n);
        e->n -= n;
        e->offset += n;
        e->searched = e->n;
        return RK_OK;
    }
    rk_status status = (rk_status)atomic_exchange(&e->share.status, RK_OK);
    ids->n = before;
    e->n = e->searched = 0;
    return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}

rk_status rk_tok_encoder_add(rk_ctx *ctx, rk_tok_encoder *e, const char *text, size_t n, rk_ids *ids)
{
    e->share.ctx = ctx;
    if (n == 0) return RK_OK;
    if (!SHARE_ROOM(&e->share, e->held, e->room, e->n + n)) return ctx_pass(ctx, (rk_status)atomic_exchange(&e->share.status, RK_OK), __FILE__, __LINE__, __func__);
    memcpy(e->held + e->n, text, n);
    e->n += n;
    size_t cut = encode_cut_last(e->engine.tok, (const unsigned char *)e->held, e->n, e->searched);
    if (cut > 0) return encode_held(ctx, e, cut, ids);
    e->searched = e->n;
    return RK_OK;
}

rk_status rk_tok_encoder_end(rk_ctx *ctx, rk_tok_encoder *e, rk_ids *ids)
{
    e->share.ctx = ctx;
    rk_status status = e->n > 0 ? encode_held(ctx, e, e->n, ids) : RK_OK;
    e->offset = 0;
    return status;
}

rk_status rk_tok_encoder_many(rk_ctx *ctx, rk_tok_encoder *e, const rk_text *texts, size_t n, rk_tok_take_fn *take, void *user)
{
    e->share.ctx = ctx;
    if (e->n > 0) return FAIL(RK_E_ARG, "%zu bytes of a text are not encoded yet: end it first", e->n);
    if (e->crew != NULL && !crew_fits(ctx, e->crew)) {
        crew_close(ctx, e->crew);
        e->crew = NULL;
    }
    if (e->crew == NULL) TRY(crew_open(ctx, e->engine.tok, &e->share, e->engine.flags, &e->crew));
    rk_status status = crew_encode(ctx, e->crew, texts, n, take, user);
    (void)atomic_exchange(&e->share.status, RK_OK);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}
