/* encode_many.c: texts by all workers. A long text is cut into chunks, which are encoded in waves and handed on in order.
 *
 * With one worker a wave is one chunk, so that its ids are still near the processor when they are taken. */
#include "base/par.h"
#include "tok/encode.h"
#include <string.h>

enum { CHUNK = 1 << 16, WAVE_CHUNKS = 256 };                         /* text and ids of a chunk stay near its processor */

struct chunk { const unsigned char *text; size_t n; uint64_t offset; rk_ids ids; bool ends; };       /* ends: the last of its text */
struct crew {
    const rk_tok   *tok;
    struct share   *share;
    struct engine  *engines;                                          /* one per worker */
    int             n_engines, n_chunks, wave;
    rk_tok_take_fn *take;
    void           *user;
    struct chunk    chunks[WAVE_CHUNKS];
};

rk_status crew_open(rk_ctx *ctx, const rk_tok *tok, struct share *share, unsigned flags, struct crew **out)
{
    struct crew *t;
    *out = NULL;
    TRY(NEW(t, 1));
    *t = (struct crew){ .tok = tok, .share = share, .n_engines = par_workers(ctx) };
    t->wave = t->n_engines == 1 ? 1 : WAVE_CHUNKS;
    rk_status status = NEW(t->engines, t->n_engines);
    if (status != RK_OK) {
        FREE(t, 1);
        return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
    }
    for (int i = 0; i < t->n_engines; i++) engine_open(&t->engines[i], tok, share, flags);
    *out = t;
    return RK_OK;
}

void crew_close(rk_ctx *ctx, struct crew *t)
{
    if (t == NULL) return;
    for (int i = 0; i < t->n_engines; i++) engine_close(ctx, &t->engines[i]);
    for (int i = 0; i < WAVE_CHUNKS; i++) rk_ids_free(ctx, &t->chunks[i].ids);
    FREE(t->engines, t->n_engines);
    FREE(t, 1);
}

bool crew_fits(const rk_ctx *ctx, const struct crew *t) { return t->n_engines == par_workers(ctx); }

static void encode_chunk(void *arg, int64_t task, int worker)
{
    struct crew *t = arg;
    struct chunk *c = &t->chunks[task];
    c->ids.n = 0;                                                     /* the room serves again */
    if (!share_failed(t->share)) (void)!engine_encode(&t->engines[worker], c->text, c->n, c->offset, &c->ids);
}

static rk_status flush(rk_ctx *ctx, struct crew *t)
{
    int n = t->n_chunks;
    t->n_chunks = 0;
    if (n == 1) encode_chunk(t, 0, 0);
    else if (n > 1) par_for(ctx, n, encode_chunk, t);
    if (share_failed(t->share)) return (rk_status)atomic_load(&t->share->status);
    for (int i = 0; i < n; i++) {
        struct chunk *c = &t->chunks[i];
        if (!t->take(t->user, c->ids.at, c->ids.n, c->ends)) return FAIL(RK_E_CANCELLED, "encoding was stopped");
    }
    return RK_OK;
}

static rk_status add_text(rk_ctx *ctx, struct crew *t, rk_text text)
{
    const unsigned char *bytes = (const unsigned char *)text.at;
    size_t at = 0;
    do {
        size_t to = text.n - at <= CHUNK ? text.n : encode_cut(t->tok, bytes, text.n, at + CHUNK);
        struct chunk *c = &t->chunks[t->n_chunks++];
        *c = (struct chunk){ at == 0 ? bytes : bytes + at, to - at, at, c->ids, to == text.n };
        at = to;
        if (t->n_chunks == t->wave) TRY(flush(ctx, t));
    } while (at < text.n);
    return RK_OK;
}

rk_status crew_encode(rk_ctx *ctx, struct crew *t, const rk_text *texts, size_t n, rk_tok_take_fn *take, void *user)
{
    rk_status status = RK_OK;
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += texts[i].n;
    for (int i = 0; i < t->n_engines; i++)
        if (!engine_expect(&t->engines[i], bytes / (size_t)t->n_engines)) return (rk_status)atomic_load(&t->share->status);
    t->take = take;
    t->user = user;
    for (size_t i = 0; i < n && status == RK_OK; i++) status = add_text(ctx, t, texts[i]);
    if (status == RK_OK) status = flush(ctx, t);
    t->n_chunks = 0;
    return status;
}

/* ---- all ids in one array ---- */

struct collector { struct share *share; rk_ids *ids; size_t *ends, n; };

static bool collect(void *user, const uint32_t *ids, size_t n, bool ends)
{
    struct collector *c = user;
    if (!SHARE_ROOM(c->share, c->ids->at, c->ids->room, c->ids->n + n)) return false;
    if (n > 0) memcpy(c->ids->at + c->ids->n, ids, n * sizeof *ids);
    c->ids->n += n;
    if (ends && c->ends != NULL) c->ends[c->n++] = c->ids->n;
    return true;
}

static rk_status run(rk_ctx *ctx, struct crew *t, const rk_text *texts, size_t n, rk_ids *ids, size_t *ends)
{
    size_t bytes = 0;
    struct collector c = { t->share, ids, ends, 0 };
    for (size_t i = 0; i < n; i++) bytes += texts[i].n;
    if (t->n_engines > 1 && bytes > CHUNK) {
        rk_status status = crew_encode(ctx, t, texts, n, collect, &c);
        return share_failed(t->share) ? (rk_status)atomic_load(&t->share->status) : status;
    }
    for (size_t i = 0; i < n; i++) {
        if (!engine_encode(&t->engines[0], (const unsigned char *)texts[i].at, texts[i].n, 0, ids)) return (rk_status)atomic_load(&t->share->status);
        if (ends != NULL) ends[i] = ids->n;
    }
    return RK_OK;
}

rk_status rk_tok_encode_many(rk_ctx *ctx, const rk_tok *tok, const rk_text *texts, size_t n, unsigned flags, rk_ids *ids, size_t *ends)
{
    size_t before = ids->n;
    struct share share;
    struct crew *t = NULL;
    TRY(share_begin(ctx, &share));
    rk_status status = crew_open(ctx, tok, &share, flags, &t);
    if (status == RK_OK) status = run(ctx, t, texts, n, ids, ends);
    crew_close(ctx, t);
    share_end(&share);
    if (status == RK_OK) return RK_OK;
    ids->n = before;
    return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}

rk_status rk_tok_encode(rk_ctx *ctx, const rk_tok *tok, const char *text, size_t n, unsigned flags, rk_ids *ids)
{
    rk_text one = { text, n };
    return rk_tok_encode_many(ctx, tok, &one, 1, flags, ids, NULL);
}

void rk_ids_free(rk_ctx *ctx, rk_ids *ids)
{
    FREE(ids->at, ids->room);
    ids->n = ids->room = 0;
}
