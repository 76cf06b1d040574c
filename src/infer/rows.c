/* rows.c: the sequences of a batch, each of a length of its own: fed side by side, copied from one place to another.
 *
 * A ragged session writes each row's keys and values behind its own, by places; positions and lengths follow from them. Several
 * tokens go at once where all rows that go on are equally long, as prompts are in the beginning: what is computed behind the
 * end of a shorter one lies behind its length, and is never read. A row without a token meanwhile writes behind itself, too.
 *
 * An invariant session is a session of 1 for each row, fed a token at a time: then every sum has one shape, and so one order,
 * in any batch and however a text is cut. */
#include "base/par.h"
#include "infer/session.h"
#include <string.h>

/* --- opening --- */

rk_status rows_open(rk_ctx *ctx, rk_session *s)
{
    TRY(NEW(s->pasts, s->batch));
    TRY(NEW(s->places, s->batch));
    TRY(NEW(s->lengths, s->batch));
    TRY(NEW(s->positions, s->batch * s->chunk));
    return NEW(s->kept, s->batch * s->vocab);
}

void rows_close(rk_session *s)
{
    rk_ctx *ctx = s->ctx;
    for (int64_t b = 0; b <= s->batch && s->alone != NULL; b++) rk_session_close(s->alone[b]);
    FREE(s->alone, s->batch + 1);
    FREE(s->pasts, s->batch);
    FREE(s->places, s->batch);
    FREE(s->lengths, s->batch);
    FREE(s->positions, s->batch * s->chunk);
    FREE(s->kept, s->batch * s->vocab);
}

rk_status rows_open_alone(rk_ctx *ctx, rk_session *s)
{
    const rk_session_options one = { .ctx = ctx, .batch = 1, .context = s->context, .chunk = 1, .source = s->source, .log_probabilities = s->log_probabilities };
    s->ragged = false;
    TRY(NEW(s->alone, s->batch + 1));                                   /* the last: where rows are put aside */
    for (int64_t b = 0; b <= s->batch; b++) TRY(rk_session_open((rk_weights *)(uintptr_t)s->weights, &one, &s->alone[b]));
    return RK_OK;
}

/* --- feeding --- */

static int64_t past_of(const rk_session *s, int64_t row) { return s->alone != NULL ? s->alone[row]->past : s->ragged ? s->pasts[row] : s->past; }
static int64_t length_of(const int64_t *lengths, int64_t n, int64_t row) { return lengths == NULL ? n : lengths[row]; }

int64_t rk_session_row_past(const rk_session *s, int64_t row) { return row < 0 || row >= s->batch ? 0 : past_of(s, row); }

static void find_past(rk_session *s)
{
    if (!s->ragged && s->alone == NULL) return;
    s->past = 0;
    for (int64_t b = 0; b < s->batch; b++) s->past = s->past > past_of(s, b) ? s->past : past_of(s, b);
}

static rk_status check_rows(rk_ctx *ctx, const rk_session *s, const uint32_t *ids, int64_t n, const int64_t *lengths)
{
    if (!s->ragged && s->alone == NULL) return FAIL(RK_E_ARG, "feeding rows of lengths of their own to a session that is neither ragged nor invariant");
    if (n < 1) return FAIL(RK_E_ARG, "feeding %lld tokens", (long long)n);
    if (s->source > 0 && s->source_n == 0) {
        (void)FAIL(RK_E_ARG, "feeding tokens before there is a source to go by");
        return ctx_hint(ctx, "rk_session_encode reads it");
    }
    for (int64_t b = 0; b < s->batch; b++) {
        int64_t length = length_of(lengths, n, b);
        if (length < 0 || length > n) return FAIL(RK_E_ARG, "row %lld is to read %lld tokens, of %lld", (long long)b, (long long)length, (long long)n);
        if (length > s->context - past_of(s, b)) {
            (void)FAIL(RK_E_LIMIT, "%lld tokens after %lld do not fit into the context of %lld", (long long)length, (long long)past_of(s, b), (long long)s->context);
            return ctx_hint(ctx, "take a shorter prompt, fewer new tokens, or a model with a longer context");
        }
        if (length > 0) TRY(session_check_ids(ctx, ids + b * n, length, s->vocab));
    }
    return RK_OK;
}

/* What is wanted of a row that ended within from .. from + m, from the run that ended it. */
static rk_status keep_logits(rk_ctx *ctx, rk_session *s, int64_t n, const int64_t *lengths, int64_t from, int64_t m, float *logits)
{
    bool all = true, some = false;
    for (int64_t b = 0; b < s->batch; b++) {
        int64_t last = length_of(lengths, n, b) - 1;
        bool ends = last >= from && last < from + m;
        all = all && ends;
        some = some || ends;
    }
    if (all) return run_output(ctx, s->run, "logits", logits, RK_f32);
    if (!some) return RK_OK;
    TRY(run_output(ctx, s->run, "logits", s->kept, RK_f32));
    for (int64_t b = 0; b < s->batch; b++) {
        int64_t last = length_of(lengths, n, b) - 1;
        if (last >= from && last < from + m) memcpy(logits + b * s->vocab, s->kept + b * s->vocab, (size_t)s->vocab * sizeof *logits);
    }
    return RK_OK;
}

/* Columns from .. from + m of all rows, which go on from equal places. */
static rk_status go_together(rk_ctx *ctx, rk_session *s, const uint32_t *ids, int64_t n, const int64_t *lengths, int64_t from, int64_t m, int64_t place)
{
    for (int64_t b = 0; b < s->batch; b++) {
        int64_t length = length_of(lengths, n, b), last = length - 1 - from;
        for (int64_t i = 0; i < m; i++) {
            s->tokens[b * m + i] = from + i < length ? (int32_t)ids[b * n + from + i] : 0;
            s->positions[b * m + i] = (int32_t)(place + i);
        }
        s->places[b] = (int32_t)place;
        s->lengths[b] = (int32_t)(place + m);
        s->last[b] = (int32_t)(last < 0 ? 0 : last > m - 1 ? m - 1 : last);
    }
    return session_go(ctx, s, m, place);
}

/* One column, each row at a place of its own. A row that has no token here writes behind itself, or where it is full, at its end,
 * which nothing reads any more. */
static rk_status go_apart(rk_ctx *ctx, rk_session *s, const uint32_t *ids, int64_t n, const int64_t *lengths, int64_t column)
{
    int64_t furthest = 0;
    for (int64_t b = 0; b < s->batch; b++) {
        int64_t length = length_of(lengths, n, b), at = s->pasts[b] + (column < length ? column : length);
        at = at < s->context ? at : s->context - 1;
        s->tokens[b] = column < length ? (int32_t)ids[b * n + column] : 0;
        s->positions[b] = s->places[b] = (int32_t)at;
        s->lengths[b] = (int32_t)(at + 1);
        s->last[b] = 0;
        furthest = at > furthest ? at : furthest;
    }
    return session_go(ctx, s, 1, furthest);
}

/* Whether all rows are equally long: then a chunk of several tokens is one for all. */
static bool together(const rk_session *s)
{
    for (int64_t b = 1; b < s->batch; b++)
        if (s->pasts[b] != s->pasts[0]) return false;
    return true;
}

static rk_status feed_ragged(rk_ctx *ctx, rk_session *s, const uint32_t *ids, int64_t n, const int64_t *lengths, float *logits)
{
    int64_t longest = 0;
    bool one = together(s);
    for (int64_t b = 0; b < s->batch; b++) longest = length_of(lengths, n, b) > longest ? length_of(lengths, n, b) : longest;
    for (int64_t from = 0, m; from < longest; from += m) {
        m = !one ? 1 : longest - from < s->chunk ? longest - from : s->chunk;
        if (one) TRY(go_together(ctx, s, ids, n, lengths, from, m, s->pasts[0] + from));
        else TRY(go_apart(ctx, s, ids, n, lengths, from));
        if (logits != NULL) TRY(keep_logits(ctx, s, n, lengths, from, m, logits));
    }
    for (int64_t b = 0; b < s->batch; b++) s->pasts[b] += length_of(lengths, n, b);
    return RK_OK;
}

rk_status rk_session_feed_rows(rk_session *s, const uint32_t *ids, int64_t n, const int64_t *lengths, float *logits)
{
    rk_ctx *ctx = s->ctx;
    TRY(check_rows(ctx, s, ids, n, lengths));
    if (s->ragged) TRY(feed_ragged(ctx, s, ids, n, lengths, logits));
    for (int64_t b = 0; b < s->batch && s->alone != NULL; b++)
        if (length_of(lengths, n, b) > 0) TRY(rk_session_feed(s->alone[b], ids + b * n, length_of(lengths, n, b), logits == NULL ? NULL : logits + b * s->vocab));
    find_past(s);
    return RK_OK;
}

rk_status rows_encode(rk_session *s, const uint32_t *ids, int64_t n, const int64_t *lengths)
{
    rk_ctx *ctx = s->ctx;
    s->source_n = s->past = 0;
    for (int64_t b = 0; b < s->batch; b++) TRY(rk_session_encode(s->alone[b], ids + b * n, length_of(lengths, n, b), NULL));
    s->source_n = n;
    return RK_OK;
}

/* --- copying --- */

/* What happens to the rows of one session, in order: `to` takes what is in `from`; -1 stands for a row that was put aside. */
struct copy_step { int64_t to, from; };
struct copying { rk_session *to; const rk_session *from; struct copy_step *steps; int64_t n; bool sources; char *aside; size_t aside_bytes; };

/* Rows are written when nobody reads them any more; of a ring, one is put aside. state: per row of `to`, readers left. */
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
            c->steps[c->n++] = (struct copy_step){ r, source[r] };
            if (same && source[r] >= 0) left[source[r]]--;
            source[r] = -2;
            open--;
            any = true;
        }
        if (any) continue;
        int64_t r = 0;                                                  /* only rings are left: whoever reads r reads it aside */
        while (source[r] == -2 || source[r] == r) r++;
        c->steps[c->n++] = (struct copy_step){ -1, r };
        for (int64_t q = 0; q < batch; q++)
            if (source[q] == r && q != r) source[q] = -1;
        left[r] = 0;
    }
}

/* All rows of one cache. Its layout is [batch, positions, ...]: a row begins with what was written first. */
static void copy_cache(void *arg, int64_t task, int worker)
{
    const struct copying *c = arg;
    const struct store_entry *e = &c->to->store->entries.at[task], *f = &c->from->store->entries.at[task];
    bool of_source = c->to->of_source[task];
    if (e->kind != RK_CACHE || (of_source && !c->sources)) return;
    size_t width = (size_t)(e->elements / e->shape[0] / e->shape[1]) * c->to->store->backend->bytes_of(e->dtype), row = width * (size_t)e->shape[1];
    size_t bytes = (size_t)(of_source ? c->from->source_n : c->from->past) * width;
    char *aside = c->aside + (size_t)worker * c->aside_bytes;
    for (int64_t i = 0; i < c->n; i++) {
        struct copy_step s = c->steps[i];
        const char *from = s.from < 0 ? aside : (const char *)f->address + (size_t)s.from * row;
        memcpy(s.to < 0 ? aside : (char *)e->address + (size_t)s.to * row, from, bytes);
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
static void copy_session(rk_session *to, const rk_session *from)
{
    for (int e = 0; e < to->store->entries.n; e++) {
        struct copy_step step = { 0, 0 };
        struct copying one = { .to = to, .from = from, .steps = &step, .n = 1, .sources = true };
        copy_cache(&one, e, 0);
    }
    to->past = from->past;
    to->source_n = from->source_n;
    to->source_lengths[0] = from->source_lengths[0];
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
    return RK_OK;
}

static rk_status carry_out(rk_ctx *ctx, struct copying *c, const int64_t *rows, int64_t *spare)
{
    if (c->to->alone != NULL) {
        for (int64_t i = 0; i < c->n; i++)
            copy_session(c->to->alone[c->steps[i].to < 0 ? c->to->batch : c->steps[i].to], c->steps[i].from < 0 ? c->to->alone[c->to->batch] : c->from->alone[c->steps[i].from]);
        c->to->source_n = c->from->source_n;
        return RK_OK;
    }
    size_t room;
    c->sources = moves_sources(c);
    c->aside_bytes = largest_row(c->to);
    room = c->aside_bytes * (size_t)par_workers(ctx);
    TRY(mem_new(ctx, (void **)&c->aside, room, 1, "a sequence put aside"));
    par_for(ctx, c->to->store->entries.n, copy_cache, c);
    mem_free(ctx, c->aside, room, 1);
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
    find_past(to);
out:
    FREE(c.steps, 2 * n);
    FREE(left, n);
    FREE(source, n);
    return status;
}
