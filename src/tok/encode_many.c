/* encode_many.c: texts by all workers. A long text is cut into chunks, which are encoded in waves and put together in order. */
#include "base/par.h"
#include "tok/encode.h"

enum { CHUNK = 1 << 18, WAVE_CHUNKS = 128 };

struct chunk { const unsigned char *text; size_t n; uint64_t offset; rk_ids ids; size_t *end; };      /* end: where the total goes after the last of a text */
struct job {
    struct share   share;
    struct engine *engines;                                           /* one per worker */
    int            n_engines, n_chunks;
    struct chunk   chunks[WAVE_CHUNKS];
};

static void encode_chunk(void *arg, int64_t task, int worker)
{
    struct job *j = arg;
    struct chunk *c = &j->chunks[task];
    if (!share_failed(&j->share)) (void)!engine_encode(&j->engines[worker], c->text, c->n, c->offset, &c->ids);
}

static rk_status flush(rk_ctx *ctx, struct job *j, rk_ids *ids)
{
    if (j->n_chunks == 1) encode_chunk(j, 0, 0);
    else if (j->n_chunks > 0) par_for(ctx, j->n_chunks, encode_chunk, j);
    size_t total = ids->n;
    for (int i = 0; i < j->n_chunks; i++) total += j->chunks[i].ids.n;
    bool done = !share_failed(&j->share) && SHARE_ROOM(&j->share, ids->at, ids->room, total);
    for (int i = 0; i < j->n_chunks; i++) {
        struct chunk *c = &j->chunks[i];
        if (done && c->ids.n > 0) memcpy(ids->at + ids->n, c->ids.at, c->ids.n * sizeof *ids->at);
        ids->n += c->ids.n;
        if (c->end != NULL) *c->end = ids->n;
        c->ids.n = 0;                                                 /* its room serves the next wave */
    }
    j->n_chunks = 0;
    return done ? RK_OK : (rk_status)atomic_load(&j->share.status);
}

static rk_status add_text(rk_ctx *ctx, struct job *j, const rk_tok *tok, rk_text text, size_t *end, rk_ids *ids)
{
    const unsigned char *t = (const unsigned char *)text.at;
    size_t at = 0;
    do {
        size_t to = text.n - at <= CHUNK ? text.n : encode_cut(tok, t, text.n, at + CHUNK);
        struct chunk *c = &j->chunks[j->n_chunks++];
        *c = (struct chunk){ at == 0 ? t : t + at, to - at, at, c->ids, to == text.n ? end : NULL };
        at = to;
        if (j->n_chunks == WAVE_CHUNKS) TRY(flush(ctx, j, ids));
    } while (at < text.n);
    return RK_OK;
}

static rk_status run(rk_ctx *ctx, struct job *j, const rk_tok *tok, const rk_text *texts, size_t n, unsigned flags, rk_ids *ids, size_t *ends)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += texts[i].n;
    if (bytes <= CHUNK) j->n_engines = 1;
    for (int i = 0; i < j->n_engines; i++)
        engine_open(&j->engines[i], tok, &j->share, flags);
    if (j->n_engines > 1) {
        for (size_t i = 0; i < n; i++) TRY(add_text(ctx, j, tok, texts[i], ends == NULL ? NULL : &ends[i], ids));
        return flush(ctx, j, ids);
    }
    for (size_t i = 0; i < n; i++) {
        if (!engine_encode(&j->engines[0], (const unsigned char *)texts[i].at, texts[i].n, 0, ids)) return (rk_status)atomic_load(&j->share.status);
        if (ends != NULL) ends[i] = ids->n;
    }
    return RK_OK;
}

rk_status rk_tok_encode_many(rk_ctx *ctx, const rk_tok *tok, const rk_text *texts, size_t n, unsigned flags, rk_ids *ids, size_t *ends)
{
    size_t before = ids->n;
    struct job *j;
    int workers = par_workers(ctx);
    TRY(NEW(j, 1));
    j->n_engines = workers;
    rk_status status = NEW(j->engines, workers);
    if (status == RK_OK) status = share_begin(ctx, &j->share);
    if (status == RK_OK) {
        status = run(ctx, j, tok, texts, n, flags, ids, ends);
        share_end(&j->share);
        for (int i = 0; i < workers; i++) engine_close(ctx, &j->engines[i]);
    }
    for (int i = 0; i < WAVE_CHUNKS; i++) rk_ids_free(ctx, &j->chunks[i].ids);
    FREE(j->engines, workers);
    FREE(j, 1);
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
