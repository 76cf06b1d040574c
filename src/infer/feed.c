/* feed.c: tokens go into a session, and logits come out: cached decoding, in chunks of any size, and the source of an encoder.
 *
 * Nothing is allocated. What lies in a cache beyond `past` is never read, so that going back is setting a number. Rows of lengths of
 * their own are rows.c's. */
#include "base/par.h"
#include "infer/session.h"

/* --- what may be fed --- */

rk_status session_check_ids(rk_ctx *ctx, const uint32_t *ids, int64_t n, int64_t vocab)
{
    for (int64_t i = 0; i < n; i++)
        if (ids[i] >= (uint64_t)vocab) return FAIL(RK_E_ARG, "token %lld has the id %lu; the model has %lld", (long long)i, (unsigned long)ids[i], (long long)vocab);
    return RK_OK;
}

static rk_status check(rk_ctx *ctx, const rk_session *s, const uint32_t *ids, int64_t n)
{
    if (n < 1) return FAIL(RK_E_ARG, "feeding %lld tokens", (long long)n);
    if (n > s->context - s->past) {
        (void)FAIL(RK_E_LIMIT, "%lld tokens after %lld do not fit into the context of %lld", (long long)n, (long long)s->past, (long long)s->context);
        return ctx_hint(ctx, "take a shorter prompt, fewer new tokens, or a model with a longer context");
    }
    if (s->source > 0 && s->source_n == 0) {
        (void)FAIL(RK_E_ARG, "feeding tokens before there is a source to go by");
        return ctx_hint(ctx, "rk_session_encode reads it");
    }
    return session_check_ids(ctx, ids, s->batch * n, s->vocab);
}

/* --- reading a source --- */

static rk_status check_source(rk_ctx *ctx, const rk_session *s, const uint32_t *ids, int64_t n, const int64_t *lengths)
{
    if (s->source == 0) return FAIL(RK_E_DECLINED, "%s has no encoder to read a source", s->weights->model->config.arch->title);
    if (n < 1) return FAIL(RK_E_ARG, "a source of %lld tokens", (long long)n);
    if (n > s->source) return FAIL(RK_E_LIMIT, "a source of %lld tokens; the session takes %lld", (long long)n, (long long)s->source);
    for (int64_t b = 0; b < s->batch && lengths != NULL; b++)
        if (lengths[b] < 1 || lengths[b] > n) return FAIL(RK_E_ARG, "source %lld is %lld tokens long, of %lld", (long long)b, (long long)lengths[b], (long long)n);
    return session_check_ids(ctx, ids, s->batch * n, s->source_vocab);
}

rk_status rk_session_encode(rk_session *s, const uint32_t *ids, int64_t n, const int64_t *lengths)
{
    rk_ctx *ctx = s->ctx;
    PROMISE(s->beams == 1);
    TRY(check_source(ctx, s, ids, n, lengths));
    if (s->alone != NULL) return rows_encode(s, ids, n, lengths);
    for (int64_t b = 0; b < s->batch && s->ragged; b++) s->pasts[b] = 0;
    s->source_n = s->past = 0;                          /* until the caches are whole */
    for (int64_t i = 0; i < s->batch * n; i++) s->tokens[i] = (int32_t)ids[i];
    for (int64_t b = 0; b < s->batch; b++) s->origin[b] = b;
    for (int64_t b = 0; b < s->batch; b++) s->source_lengths[b] = (int32_t)(lengths == NULL ? n : lengths[b]);
    TRY(run_extent(ctx, s->encoder, "source", n));
    TRY(run_extent(ctx, s->encoder, "source_key", n));
    TRY(run_extent(ctx, s->encoder, "none", 0));
    TRY(run_input(ctx, s->encoder, "source", s->tokens, RK_i32));
    TRY(run_input(ctx, s->encoder, "source_lengths", s->source_lengths, RK_i32));
    TRY(run_go(ctx, s->encoder, 0, 0));
    s->source_n = n;
    return RK_OK;
}

/* --- feeding --- */

rk_status session_go(rk_ctx *ctx, rk_session *s, int64_t n, int64_t past)
{
    TRY(run_extent(ctx, s->run, "seq", n));
    TRY(run_extent(ctx, s->run, "past", past));
    TRY(run_extent(ctx, s->run, "key", past + n));
    TRY(run_input(ctx, s->run, "tokens", s->tokens, RK_i32));
    TRY(run_input(ctx, s->run, "last", s->last, RK_i32));
    if (s->ragged) TRY(run_input(ctx, s->run, "places", s->places, RK_i32));
    if (s->ragged) TRY(run_input(ctx, s->run, "positions", s->positions, RK_i32));
    if (s->ragged) TRY(run_input(ctx, s->run, "lengths", s->lengths, RK_i32));
    if (s->source > 0) TRY(run_input(ctx, s->run, "source_lengths", s->source_lengths, RK_i32));
    if (s->source > 0) TRY(run_extent(ctx, s->run, "source", s->source_n));
    return run_go(ctx, s->run, 0, 0);
}

struct reading { const rk_session *s; float *to; };

static void take_off(void *arg, int64_t row, int worker)
{
    const struct reading *r = arg;
    float *at = r->to + row * r->s->vocab, sum = r->s->log_sums[row];
    (void)worker;
    for (int64_t i = 0; i < r->s->vocab; i++) at[i] -= sum;
}

rk_status session_read(rk_ctx *ctx, const rk_session *s, float *to)
{
    TRY(run_output(ctx, s->run, "logits", to, RK_f32));
    if (!s->log_probabilities) return RK_OK;
    TRY(run_output(ctx, s->run, "log_sum", s->log_sums, RK_f32));
    par_for(ctx, s->batch, take_off, &(struct reading){ s, to });
    return RK_OK;
}

struct lying session_lying(const rk_session *s)
{
    struct lying l = { .at = s->alone == NULL ? run_output_at(s->run, "logits", RK_f32) : NULL };
    if (l.at != NULL && s->log_probabilities) l.off = run_output_at(s->run, "log_sum", RK_f32);
    return s->log_probabilities && l.off == NULL ? (struct lying){ NULL, NULL } : l;
}

/* Tokens from .. from + n of rows of `row`, after `past` others. */
static rk_status run_chunk(rk_ctx *ctx, rk_session *s, const uint32_t *ids, int64_t row, int64_t from, int64_t n, int64_t past)
{
    for (int64_t b = 0; b < s->batch; b++) {
        for (int64_t i = 0; i < n; i++) s->tokens[b * n + i] = (int32_t)ids[b * row + from + i];
        s->last[b] = (int32_t)(n - 1);
        rows_wrote(s, b, past, n);
    }
    return session_go(ctx, s, n, past);
}

rk_status rk_session_feed(rk_session *s, const uint32_t *ids, int64_t n, float *logits)
{
    rk_ctx *ctx = s->ctx;
    if (s->ragged || s->alone != NULL) return rk_session_feed_rows(s, ids, n, NULL, logits);
    TRY(check(ctx, s, ids, n));
    for (int64_t from = 0; from < n; from += s->chunk) TRY(run_chunk(ctx, s, ids, n, from, n - from < s->chunk ? n - from : s->chunk, s->past + from));
    if (logits != NULL) TRY(session_read(ctx, s, logits));
    s->past += n;
    return RK_OK;
}

rk_status rk_session_rewind(rk_session *s, int64_t past)
{
    rk_ctx *ctx = s->ctx;
    if (past < 0 || past > s->past) return FAIL(RK_E_ARG, "going back to %lld tokens, of %lld that were read", (long long)past, (long long)s->past);
    for (int64_t b = 0; b < s->batch && s->ragged; b++) s->pasts[b] = s->pasts[b] < past ? s->pasts[b] : past;
    for (int64_t b = 0; b < s->batch && s->alone != NULL; b++) TRY(rk_session_rewind(s->alone[b], s->alone[b]->past < past ? s->alone[b]->past : past));
    s->past = past;
    return RK_OK;
}
