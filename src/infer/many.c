/* many.c: many prompts side by side, each of its own length; samples of one prompt share what was read of it.
 *
 * Prompts are read by a session with a row for each; where a prompt gets several rows, another session takes copies of it. */
#include "base/clock.h"
#include "infer/making.h"

/* Rows of different lengths as a matrix, filled up behind. */
static rk_status matrix(rk_ctx *ctx, const rk_prompt *prompts, int64_t n, bool source, int64_t width, uint32_t **ids, int64_t *lengths)
{
    TRY(NEW(*ids, n * width));
    for (int64_t p = 0; p < n; p++) {
        const uint32_t *at = source ? prompts[p].source : prompts[p].ids;
        lengths[p] = (int64_t)(source ? prompts[p].n_source : prompts[p].n);
        for (int64_t i = 0; i < lengths[p]; i++) (*ids)[p * width + i] = at[i];
    }
    return RK_OK;
}

static int64_t longest(const rk_prompt *prompts, int64_t n, bool source)
{
    size_t most = 0;
    for (int64_t p = 0; p < n; p++) {
        size_t m = source ? prompts[p].n_source : prompts[p].n;
        most = m > most ? m : most;
    }
    return (int64_t)most;
}

rk_status many_feed(rk_ctx *ctx, rk_session *s, const rk_prompt *prompts, int64_t n, float *logits)
{
    uint32_t *ids = NULL;
    int64_t *lengths = NULL, width = longest(prompts, n, false), source = longest(prompts, n, true), room = width;
    rk_status status;
    GO(NEW(lengths, n));
    if (s->source > 0) {
        room = source;
        GO(matrix(ctx, prompts, n, true, source, &ids, lengths));
        GO(rk_session_encode(s, ids, source, lengths));
        FREE(ids, n * room);
        room = width;
    }
    GO(matrix(ctx, prompts, n, false, width, &ids, lengths));
    GO(rk_session_feed_rows(s, ids, width, lengths, logits));
out:
    FREE(ids, n * room);
    FREE(lengths, n);
    return status;
}

/* --- what is asked for --- */

static rk_status check_prompt(rk_ctx *ctx, const rk_prompt *p, int64_t i, bool encoder, int64_t context)
{
    if (p->n == 0) return FAIL(RK_E_ARG, "prompt %lld is empty", (long long)i + 1);
    if (encoder && p->n_source == 0) return FAIL(RK_E_ARG, "prompt %lld has no source for the encoder to read", (long long)i + 1);
    if (!encoder && p->n_source > 0) return FAIL(RK_E_DECLINED, "prompt %lld has a source, but this model has no encoder", (long long)i + 1);
    if ((p->n <= INT32_MAX && (int64_t)p->n <= context) && (p->n_source <= INT32_MAX && (int64_t)p->n_source <= context)) return RK_OK;
    (void)FAIL(RK_E_LIMIT, "prompt %lld has %llu tokens; the context of this model is %lld", (long long)i + 1, (unsigned long long)(p->n > p->n_source ? p->n : p->n_source), (long long)context);
    return ctx_hint(ctx, "take a shorter prompt, or a model with a longer context");
}

static rk_status check(rk_ctx *ctx, const rk_weights *w, const rk_prompt *prompts, int64_t n, const rk_generating *how, int64_t samples)
{
    int64_t context = config_int(&w->model->config, "position"), rows;
    if (n < 1) return FAIL(RK_E_ARG, "generating from %lld prompts", (long long)n);
    if (samples < 1 || !extent_mul(n, samples, &rows)) return FAIL(RK_E_ARG, "generating %lld samples of a prompt", (long long)samples);
    for (int64_t p = 0; p < n; p++) TRY(check_prompt(ctx, &prompts[p], p, model_has_encoder(w->model), context));
    if (how->beams == NULL) return RK_OK;
    if (how->beams->n < 1 || samples > how->beams->n) return FAIL(RK_E_ARG, "the best %lld of %lld beams", (long long)samples, (long long)how->beams->n);
    if (how->n_stops > 0) return FAIL(RK_E_DECLINED, "texts to stop at are not looked for by beams");
    return how->sampling.greedy ? RK_OK : FAIL(RK_E_DECLINED, "beams search; they do not draw: say that it is greedy");
}

/* --- rows --- */

/* A session in which every prompt has its samples side by side, and their logits. */
static rk_status spread(rk_ctx *ctx, struct making *m, rk_session **reader, rk_session_options sizes, int64_t prompts, int64_t samples)
{
    rk_session *s = NULL;
    int64_t *from = NULL;
    rk_status status;
    if (samples == 1) return RK_OK;
    sizes.batch = prompts * samples;
    sizes.chunk = 1;
    GO(rk_session_open((rk_weights *)(uintptr_t)(*reader)->weights, &sizes, &s));
    GO(NEW(from, prompts * samples));
    for (int64_t i = 0; i < prompts * samples; i++) from[i] = i / samples;
    GO(rk_session_copy(s, *reader, from));
    for (int64_t i = prompts * samples - 1; i > 0; i--)
        for (int64_t k = 0; k < s->vocab; k++) m->logits[i * s->vocab + k] = m->logits[i / samples * s->vocab + k];
    rk_session_close(*reader);
    *reader = s;
    s = NULL;
out:
    rk_session_close(s);
    FREE(from, prompts * samples);
    return status;
}

static rk_status draw(rk_ctx *ctx, struct making *m, const struct searching *what, rk_session **s, double began, rk_generated *r)
{
    TRY(spread(ctx, m, s, what->sizes, what->n, what->samples));
    m->s = *s;
    for (int64_t i = 0; i < m->n; i++) TRY(row_open(ctx, &m->rows[i], m, what->prompts[i / what->samples].ids, what->prompts[i / what->samples].n));
    TRY(making_go(ctx, m, began, r));
    for (int64_t i = 0; i < m->n; i++) {
        const struct row *row = &m->rows[i];
        TRY(ids_add(ctx, &what->out[i].ids, row->seen.at + row->prompt, (size_t)row->made));
        what->out[i].stop = row->stop;
    }
    return RK_OK;
}

static rk_status generate(rk_ctx *ctx, rk_weights *w, struct making *m, struct searching *what, rk_generated *r)
{
    int64_t positions = config_int(&w->model->config, "position"), read = longest(what->prompts, what->n, false);
    int64_t later = m->most > 0 ? m->most - 1 : 0;
    int64_t wanted = positions - read < later ? positions : read + later;        /* the last token is not read any more */
    rk_session *s = NULL;
    rk_status status;
    what->sizes = (rk_session_options){ .ctx = ctx, .batch = what->n, .context = wanted, .chunk = read < SESSION_CHUNK ? read : SESSION_CHUNK,
                                        .source = longest(what->prompts, what->n, true), .ragged = !m->how->invariant, .invariant = m->how->invariant, .log_probabilities = what->beams != NULL };
    GO(rk_session_open(w, &what->sizes, &s));
    double began = clock_seconds();
    GO(many_feed(ctx, s, what->prompts, what->n, m->logits));
    if (what->beams != NULL) GO(beam_search(ctx, m, what, &s, began, r));
    else GO(draw(ctx, m, what, &s, began, r));
    if (m->how->memory != NULL) GO(rk_session_memory(s, m->how->memory));
out:
    rk_session_close(s);
    return status;
}

rk_status rk_generate_many(rk_weights *weights, const rk_tok *tok, const rk_prompt *prompts, int64_t n, const rk_generating *how,
                           rk_continuation *out, rk_generated *result)
{
    rk_ctx *ctx = how->ctx != NULL ? how->ctx : weights->ctx;
    rk_generated nothing, *r = result == NULL ? &nothing : result;
    struct searching what = { .prompts = prompts, .n = n, .samples = how->samples == 0 ? 1 : how->samples, .beams = how->beams, .out = out };
    struct making m;
    *r = (rk_generated){ 0 };
    for (int64_t i = 0; i < n && what.samples > 0; i++)
        for (int64_t k = 0; k < what.samples; k++) out[i * what.samples + k] = (rk_continuation){ .score = 0 };
    TRY(check(ctx, weights, prompts, n, how, what.samples));
    rk_status status = making_open(ctx, &m, weights, tok, how, n * (how->beams != NULL ? how->beams->n : what.samples), n * (how->beams != NULL ? 1 : what.samples));
    if (status == RK_OK) status = generate(ctx, weights, &m, &what, r);
    making_close(ctx, &m);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}

void rk_continuations_free(rk_ctx *ctx, rk_continuation *out, int64_t n)
{
    for (int64_t i = 0; i < n; i++) rk_ids_free(ctx, &out[i].ids);
}
