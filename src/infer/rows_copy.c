/* rows_copy.c: the sequences of a batch, copied from one place to another, in one session or between two: what beams and samples do.
 *
 * A row of a cache begins with what was written first, so only as much is copied as was read, and within a session only what differs: beams
 * mostly go on from one another, and have all but their last places in common. Which writing a place holds is numbered, and numbers follow
 * what is copied. Rows are written when nobody reads them any more; of a ring, one is put aside. What an encoder left moves only where a row
 * comes to another source. */
#include "base/par.h"
#include "infer/session.h"
#include <string.h>

/* What happens to the rows of one session, in order: `to` takes what is in `from`; -1 stands for a row that was put aside. */
struct copy_step { int64_t to, from, first; };          /* first: of the places that differ */
struct copying { rk_session *to; const rk_session *from; struct copy_step *steps; int64_t n; bool sources; char *aside; size_t aside_bytes; rk_status status; };

/* The first place at which two rows of one session hold different things; between sessions all is different. */
static int64_t first_other(const struct copying *c, int64_t to, int64_t from)
{
    const uint64_t *a = c->to->written, *b = a;
    int64_t i = 0;
    if (c->to != c->from || a == NULL) return 0;
    for (a += to * c->to->context, b += from * c->to->context; i < c->from->past && a[i] == b[i];) i++;
    return i;
}

/* left: per row of `to`, readers to come; source: where it is read from by now, -2: it is done. */
static void schedule(struct copying *c, const int64_t *rows, int64_t *left, int64_t *source, int64_t batch)
{
    bool same = c->to == c->from;
    int64_t open = 0;
    for (int64_t r = 0; r < batch; r++) source[r] = rows[r], left[r] = 0;
    for (int64_t r = 0; r < batch; r++) open += !same || rows[r] != r;
    for (int64_t r = 0; r < batch && same; r++)
        if (rows[r] != r) left[rows[r]]++;
    while (open > 0) {
        bool any = false;
        for (int64_t r = 0; r < batch; r++) {
            if (source[r] == -2 || (same && (source[r] == r || left[r] > 0))) continue;
            c->steps[c->n++] = (struct copy_step){ r, source[r], first_other(c, r, rows[r]) };
            if (same && source[r] >= 0) left[source[r]]--;
            source[r] = -2;
            open--;
            any = true;
        }
        if (any) continue;
        int64_t r = 0;                                                  /* only rings are left: whoever reads r reads it aside */
        while (source[r] == -2 || source[r] == r) r++;
        c->steps[c->n++] = (struct copy_step){ -1, r, 0 };
        for (int64_t q = 0; q < batch; q++)
            if (source[q] == r && q != r) source[q] = -1;
        left[r] = 0;
    }
}

static void copy_bytes(struct copying *c, void *to, const void *from, size_t bytes)
{
    const struct backend *b = c->to->store->backend;
    if (b->copy == NULL) memcpy(to, from, bytes);
    else if (c->status == RK_OK && bytes > 0) c->status = b->copy(c->to->ctx, to, from, bytes);
}

/* What an encoder left is there once for rows that go by one source: the first of them takes it along, by the number of the source. */
static bool first_of_source(const struct copying *c, struct copy_step *s)
{
    bool first = s->to < 0 || s->to % c->to->beams == 0;
    if (s->to >= 0) s->to /= c->to->beams;
    if (s->from >= 0) s->from /= c->from->beams;
    return first;
}

/* All rows of one cache. Its layout is [batch, positions, ...]: a row begins with what was written first. */
static void copy_cache(void *arg, int64_t task, int worker)
{
    struct copying *c = arg;
    const struct store_entry *e = &c->to->store->entries.at[task], *f = &c->from->store->entries.at[task];
    bool of_source = c->to->of_source[task];
    if (e->kind != RK_CACHE || (of_source && !c->sources)) return;
    size_t width = (size_t)(e->elements / e->shape[0] / e->shape[1]) * c->to->store->backend->bytes_of(e->dtype), row = width * (size_t)e->shape[1];
    size_t bytes = (size_t)(of_source ? c->from->source_n : c->from->past) * width;
    char *aside = c->aside + (size_t)worker * c->aside_bytes;
    for (int64_t i = 0; i < c->n; i++) {
        struct copy_step s = c->steps[i];
        if (of_source && !first_of_source(c, &s)) continue;
        size_t same = of_source ? 0 : (size_t)s.first * width;
        const char *from = s.from < 0 ? aside : (const char *)f->address + (size_t)s.from * row;
        char *to = s.to < 0 ? aside : (char *)e->address + (size_t)s.to * row;
        copy_bytes(c, to + same, from + same, bytes - same);
    }
}

static size_t largest_row(const rk_session *s)
{
    size_t most = 0;
    for (int i = 0; i < s->store->entries.n; i++) {
        const struct store_entry *e = &s->store->entries.at[i];
        size_t bytes = e->kind == RK_CACHE ? (size_t)(e->elements / e->shape[0]) * s->store->backend->bytes_of(e->dtype) : 0;
        most = bytes > most ? bytes : most;
    }
    return most;
}

/* Rows of one source have its keys and values already. */
static bool moves_sources(const struct copying *c)
{
    for (int64_t i = 0; i < c->n && c->to->source > 0; i++)
        if (c->to != c->from || c->steps[i].to < 0 || c->steps[i].from < 0 || c->to->origin[c->steps[i].to] != c->to->origin[c->steps[i].from]) return true;
    return false;
}

/* A row that is a session of its own, whole. */
static rk_status copy_session(rk_session *to, const rk_session *from)
{
    rk_status status = RK_OK;
    for (int e = 0; e < to->store->entries.n; e++) {
        struct copy_step step = { 0, 0, 0 };
        struct copying one = { .to = to, .from = from, .steps = &step, .n = 1, .sources = true };
        copy_cache(&one, e, 0);
        if (status == RK_OK) status = one.status;
    }
    to->past = from->past;
    to->source_n = from->source_n;
    to->source_lengths[0] = from->source_lengths[0];
    return status;
}

/* What is copied keeps its numbers; of another session, what comes from one row gets the same. The row behind the others is for what is aside. */
static void copy_writings(const struct copying *c, const int64_t *rows)
{
    rk_session *s = c->to;
    int64_t past = c->from->past;
    for (int64_t b = 0; b < s->batch && c->to != c->from && s->written != NULL; b++)
        for (int64_t i = 0; i < past; i++) s->written[b * s->context + i] = s->writings + (uint64_t)(rows[b] * past + i + 1);
    if (c->to != c->from) s->writings += (uint64_t)(c->from->batch * past);
    for (int64_t i = 0; i < c->n && c->to == c->from && s->written != NULL; i++) {
        struct copy_step step = c->steps[i];
        uint64_t *to = s->written + (step.to < 0 ? s->batch : step.to) * s->context, *from = s->written + (step.from < 0 ? s->batch : step.from) * s->context;
        for (int64_t k = step.first; k < past; k++) to[k] = from[k];
    }
}

/* Numbers that belong to rows follow them. */
static void copy_numbers(rk_session *to, const rk_session *from, const int64_t *rows, int64_t *spare)
{
    int64_t n = to->batch;
    if (to->ragged) {
        for (int64_t b = 0; b < n; b++) spare[b] = from->pasts[rows[b]];
        memcpy(to->pasts, spare, (size_t)n * sizeof *spare);
    }
    for (int64_t b = 0; b < n; b++) spare[b] = from->source_lengths[rows[b]];
    for (int64_t b = 0; b < n; b++) to->source_lengths[b] = (int32_t)spare[b];
    for (int64_t b = 0; b < n; b++) spare[b] = from->origin[rows[b]];
    memcpy(to->origin, spare, (size_t)n * sizeof *spare);
    to->source_n = from->source_n;
    to->past = from->past;
}

static rk_status check_copy(rk_ctx *ctx, const rk_session *to, const rk_session *from, const int64_t *rows)
{
    bool kin = to->weights == from->weights && to->context == from->context && to->source == from->source && to->ragged == from->ragged && (to->alone != NULL) == (from->alone != NULL);
    if (!kin) return FAIL(RK_E_ARG, "copying sequences between sessions of other weights, context, source or kind");
    for (int64_t b = 0; b < to->batch; b++)
        if (rows[b] < 0 || rows[b] >= from->batch) return FAIL(RK_E_ARG, "copying sequence %lld of %lld", (long long)rows[b], (long long)from->batch);
    for (int64_t b = 0; b < to->batch; b++) {
        int64_t source = rows[b] / from->beams, together = rows[b - b % to->beams] / from->beams;
        if (source != together || (to == from && to->beams > 1 && source != b / to->beams)) return FAIL(RK_E_ARG, "copying sequence %lld away from the source that it shares", (long long)rows[b]);
    }
    return RK_OK;
}

/* One of a ring lies aside for a while, in memory of the caches' kind; each worker has room for it. */
static rk_status copy_caches(rk_ctx *ctx, struct copying *c)
{
    const struct backend *b = c->to->store->backend;
    size_t room = c->aside_bytes * (size_t)(b->copy != NULL ? 1 : par_workers(ctx));
    bool ring = false;
    for (int64_t i = 0; i < c->n; i++) ring = ring || c->steps[i].to < 0;
    if (ring && room > 0) TRY(b->alloc(ctx, room, (void **)&c->aside));
    if (b->copy == NULL) par_for(ctx, c->to->store->entries.n, copy_cache, c);
    for (int e = 0; b->copy != NULL && e < c->to->store->entries.n; e++) copy_cache(c, e, 0);
    if (c->aside != NULL) b->free(ctx, c->aside, room);
    return c->status;
}

static rk_status carry_out(rk_ctx *ctx, struct copying *c, const int64_t *rows, int64_t *spare)
{
    if (c->to->alone != NULL) {
        for (int64_t i = 0; i < c->n; i++)
            TRY(copy_session(c->to->alone[c->steps[i].to < 0 ? c->to->batch : c->steps[i].to], c->steps[i].from < 0 ? c->to->alone[c->to->batch] : c->from->alone[c->steps[i].from]));
        c->to->source_n = c->from->source_n;
        return RK_OK;
    }
    c->sources = moves_sources(c);
    c->aside_bytes = largest_row(c->to);
    TRY(copy_caches(ctx, c));
    copy_writings(c, rows);
    copy_numbers(c->to, c->from, rows, spare);
    return RK_OK;
}

rk_status rk_session_copy(rk_session *to, const rk_session *from, const int64_t *rows)
{
    rk_ctx *ctx = to->ctx;
    struct copying c = { .to = to, .from = from };
    int64_t n = to->batch, *left = NULL, *source = NULL;
    rk_status status = RK_OK;
    TRY(check_copy(ctx, to, from, rows));
    GO(NEW(c.steps, 2 * n));
    GO(NEW(left, n));
    GO(NEW(source, n));
    schedule(&c, rows, left, source, n);
    if (c.n > 0) GO(carry_out(ctx, &c, rows, source));
    rows_find_past(to);
out:
    FREE(c.steps, 2 * n);
    FREE(left, n);
    FREE(source, n);
    return status;
}
