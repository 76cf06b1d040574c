/* rows.c: the sequences of a batch, each of a length of its own, fed side by side. Not here: copying them (rows_copy.c).
 *
 * A ragged session writes each row's keys and values behind its own, by places; positions and lengths follow from them. Several
 * tokens go at once where all rows that go on are equally long, as prompts are in the beginning: what is computed behind the
 * end of a shorter one lies behind its length, and is never read. A row without a token meanwhile writes behind itself, too.
 *
 * An invariant session is a session of 1 for each row, fed a token at a time: then every sum has one shape, and so one order,
 * in any batch and however a text is cut. */
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

void rows_find_past(rk_session *s)
{
    if (!s->ragged && s->alone == NULL) return;
    s->past = 0;
    for (int64_t b = 0; b < s->batch; b++) s->past = s->past > past_of(s, b) ? s->past : past_of(s, b);
}

void rows_wrote(rk_session *s, int64_t row, int64_t place, int64_t n)
{
    for (int64_t i = place; i < place + n && s->written != NULL; i++) s->written[row * s->context + i] = ++s->writings;
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
    if (all) return session_read(ctx, s, logits);
    if (!some) return RK_OK;
    TRY(session_read(ctx, s, s->kept));
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
        s->last[b] = (int32_t)(last < 0 ? 0 : last > m - 1 ? m - 1 : last);
        s->lengths[b] = (int32_t)(place + s->last[b] + 1);              /* of the last block the last query alone goes on, and sees all that there is */
        rows_wrote(s, b, place, m);
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
        rows_wrote(s, b, at, 1);
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
    rows_find_past(s);
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
