/* encode_many.c: texts by all workers: cut into chunks, or several together, which are encoded by whoever is free and handed on in order.
 *
 * Chunks are given out from a ring. The caller, who is one of the workers, hands on what is ready before each chunk that it takes up itself, so that nobody waits
 * while ids are written, and few of them are about: they are still near a processor. A worker who finds the ring full goes home; then so does the caller, who
 * hands on all that is there and calls them together again. With one worker that is a chunk, its ids, the next. */
#include "base/par.h"
#include "tok/encode.h"
#include <string.h>

enum { CHUNK = 1 << 16, LEAST = 1 << 12, PARTS = 16, TEXTS = 64, RING = 8 };       /* text and ids of a chunk stay near its processor; for each worker: parts of a short text, chunks of the ring */

struct chunk { const rk_text *texts; int n; size_t begin, end, ends[TEXTS]; rk_ids ids; bool over, made; };        /* bytes [begin, end) of one text, or n whole ones; over: its last text ends */
struct crew {
    const rk_tok   *tok;
    struct share   *share;
    struct engine  *engines;                                          /* one per worker */
    int             n_engines;
    rk_tok_take_fn *take;                                             /* called by `caller` alone */
    void           *user;
    pthread_t       caller;
    bool            stopped;                                          /* by take; the caller alone asks */
    size_t          size;                                             /* bytes of a chunk */
    pthread_mutex_t lock;                                             /* of all that follows */
    const rk_text  *texts;                                            /* not given out yet: n_texts, the first from byte `at` on */
    size_t          n_texts, at;
    struct chunk   *ring;
    uint64_t        given, taken, room;                               /* chunks so far; those of the ring */
    bool            away;                                             /* somebody went home though there is more to do */
};

static rk_status make_crew(rk_ctx *ctx, struct crew *t, unsigned flags)
{
    t->room = t->n_engines == 1 ? 1 : RING * (uint64_t)t->n_engines;
    TRY(NEW(t->engines, t->n_engines));
    TRY(NEW(t->ring, t->room));
    for (int i = 0; i < t->n_engines; i++) engine_open(&t->engines[i], t->tok, t->share, flags);
    return RK_OK;
}

rk_status crew_open(rk_ctx *ctx, const rk_tok *tok, struct share *share, unsigned flags, struct crew **out)
{
    struct crew *t;
    *out = NULL;
    TRY(NEW(t, 1));
    *t = (struct crew){ .tok = tok, .share = share, .n_engines = par_workers(ctx) };
    int error = pthread_mutex_init(&t->lock, NULL);
    if (error != 0) {
        FREE(t, 1);
        return FAIL(RK_E_NOMEM, "cannot make a lock: %s", strerror(error));
    }
    rk_status status = make_crew(ctx, t, flags);
    if (status == RK_OK) *out = t;
    else crew_close(ctx, t);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}

void crew_close(rk_ctx *ctx, struct crew *t)
{
    if (t == NULL) return;
    for (int i = 0; i < t->n_engines && t->engines != NULL; i++) engine_close(ctx, &t->engines[i]);
    for (uint64_t i = 0; i < t->room && t->ring != NULL; i++) rk_ids_free(ctx, &t->ring[i].ids);
    FREE(t->engines, t->n_engines);
    FREE(t->ring, t->room);
    (void)pthread_mutex_destroy(&t->lock);
    FREE(t, 1);
}

bool crew_fits(const rk_ctx *ctx, const struct crew *t) { return t->n_engines == par_workers(ctx); }

/* ---- chunks, given out under the lock ---- */

static void cut_chunk(struct crew *t, struct chunk *c)
{
    const rk_text *text = t->texts;
    *c = (struct chunk){ .texts = text, .n = 1, .begin = t->at, .end = text->n, .ids = c->ids };
    c->ids.n = 0;                                                     /* the room serves again */
    if (text->n - t->at > t->size) c->end = encode_cut(t->tok, (const unsigned char *)text->at, text->n, t->at + t->size);
    c->over = c->end == text->n;
    t->at = c->over ? 0 : c->end;
    if (!c->over) return;
    for (size_t bytes = c->end - c->begin;; c->n++) {                 /* and texts behind it, as far as they are whole */
        t->texts++;
        if (--t->n_texts == 0 || c->n == TEXTS || (bytes += t->texts->n) > t->size) return;
    }
}

static struct chunk *next_chunk(struct crew *t, bool caller)
{
    (void)pthread_mutex_lock(&t->lock);
    bool full = t->given - t->taken == t->room;
    t->away = t->away || full;
    struct chunk *c = t->n_texts == 0 || full || (caller && t->away) ? NULL : &t->ring[t->given++ % t->room];
    if (c != NULL) cut_chunk(t, c);
    (void)pthread_mutex_unlock(&t->lock);
    return c;
}

static void encode_chunk(struct engine *e, struct chunk *c)
{
    for (int i = 0; i < c->n && !share_failed(e->share); i++) {
        const unsigned char *text = (const unsigned char *)c->texts[i].at;
        size_t end = c->n == 1 ? c->end : c->texts[i].n, begin = i == 0 ? c->begin : 0;
        if (end > begin) (void)!engine_encode(e, text + begin, end - begin, begin, &c->ids);
        c->ends[i] = c->ids.n;
    }
}

static void mark_made(struct crew *t, struct chunk *c)
{
    (void)pthread_mutex_lock(&t->lock);
    c->made = true;
    (void)pthread_mutex_unlock(&t->lock);
}

/* The chunk that is to be handed on next, when the one before was or was not yet; NULL: it is not made. */
static struct chunk *ready_chunk(struct crew *t, bool before)
{
    (void)pthread_mutex_lock(&t->lock);
    if (before) t->taken++;
    struct chunk *c = &t->ring[t->taken % t->room];
    bool made = t->taken < t->given && c->made;
    (void)pthread_mutex_unlock(&t->lock);
    return made ? c : NULL;
}

/* ---- the caller ---- */

static bool hand_on(const struct crew *t, const struct chunk *c)
{
    for (size_t i = 0, from = 0; i < (size_t)c->n; from = c->ends[i++])
        if (!t->take(t->user, c->ids.at == NULL ? NULL : c->ids.at + from, c->ends[i] - from, i + 1 < (size_t)c->n || c->over)) return false;
    return true;
}

/* All that is ready, in order. */
static void hand_on_ready(struct crew *t)
{
    for (const struct chunk *c = ready_chunk(t, false); c != NULL && !t->stopped && !share_failed(t->share); c = ready_chunk(t, true)) t->stopped = !hand_on(t, c);
}

static void work(void *arg, int64_t task, int worker)
{
    struct crew *t = arg;
    bool caller = pthread_equal(t->caller, pthread_self());
    (void)task;
    while (!share_failed(t->share)) {
        if (caller) hand_on_ready(t);
        struct chunk *c = caller && t->stopped ? NULL : next_chunk(t, caller);
        if (c == NULL) return;
        encode_chunk(&t->engines[worker], c);
        mark_made(t, c);
    }
}

/* Chunks so small that all have something to do, and so large that they are worth the way. */
static size_t chunk_size(const struct crew *t, size_t bytes)
{
    size_t size = bytes / PARTS / (size_t)t->n_engines;
    return t->n_engines == 1 || size > CHUNK ? CHUNK : size < LEAST ? LEAST : size;
}

rk_status crew_encode(rk_ctx *ctx, struct crew *t, const rk_text *texts, size_t n, rk_tok_take_fn *take, void *user)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += texts[i].n;
    for (int i = 0; i < t->n_engines; i++)
        if (!engine_expect(&t->engines[i], bytes / (size_t)t->n_engines)) return (rk_status)atomic_load(&t->share->status);
    t->take = take;
    t->user = user;
    t->caller = pthread_self();
    t->size = chunk_size(t, bytes);
    t->texts = texts;
    t->n_texts = n;
    t->at = t->given = t->taken = 0;
    t->stopped = false;
    while ((t->n_texts > 0 || t->taken < t->given) && !t->stopped && !share_failed(t->share)) {
        t->away = false;
        if (t->n_texts == 1 && texts[n - 1].n - t->at <= t->size) work(t, 0, 0);       /* one chunk is left: nobody is called */
        else par_for(ctx, t->n_engines, work, t);
        hand_on_ready(t);
    }
    if (share_failed(t->share)) return (rk_status)atomic_load(&t->share->status);
    return t->stopped ? FAIL(RK_E_CANCELLED, "encoding was stopped") : RK_OK;
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
