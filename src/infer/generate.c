/* generate.c: token after token of every row, and the text they make. Rows that have ended stay in the batch, and read nothing.
 * Not here: how a token is chosen (sample.c), how logits are made (feed.c, rows.c), many prompts (many.c). */
#include "base/clock.h"
#include "base/par.h"
#include "infer/making.h"

enum { NEW_TOKENS = 64 };

const char *rk_stop_words(rk_stop stop)
{
    static const char *const words[] = { "length", "end token", "stop text", "context", "cancelled" };
    return (unsigned)stop < sizeof words / sizeof *words ? words[stop] : "?";
}

/* --- opening --- */

static rk_status find_holes(rk_ctx *ctx, struct making *m, int64_t vocab)
{
    for (uint32_t id = 0; m->tok != NULL && id < m->sampling.ids && (int64_t)id < vocab; id++)
        if (rk_tok_bytes(m->tok, id).at == NULL) TRY(ids_add(ctx, &m->holes, &id, 1));
    return RK_OK;
}

static rk_status open_samplers(rk_ctx *ctx, struct making *m, int64_t vocab)
{
    m->workers = par_workers(ctx);
    TRY(NEW(m->samplers, m->workers));
    for (int i = 0; i < m->workers; i++) {
        TRY(sampler_open(ctx, &m->samplers[i], &m->sampling, vocab));
        m->samplers[i].never = m->holes.at;
        m->samplers[i].n_never = m->holes.n;
    }
    return RK_OK;
}

static rk_status room_for_logits(rk_ctx *ctx, struct making *m, int64_t rows)
{
    int64_t vocab = m->samplers[0].vocab;
    if (rows <= m->most_logits) return RK_OK;
    FREE(m->logits, m->most_logits * vocab);
    m->most_logits = 0;
    TRY(NEW(m->logits, rows * vocab));
    m->most_logits = rows;
    return RK_OK;
}

rk_status making_open(rk_ctx *ctx, struct making *m, const rk_weights *w, const rk_tok *tok, const rk_generating *how, int64_t n, int64_t prompts)
{
    int64_t vocab = config_int(&w->model->config, "vocab");
    *m = (struct making){ .how = how, .sampling = how->sampling, .tok = tok, .n = n, .most = how->max_new_tokens == 0 ? NEW_TOKENS : how->max_new_tokens };
    if (m->most < 0) return FAIL(RK_E_ARG, "generating %lld tokens", (long long)m->most);
    if (tok != NULL && (m->sampling.ids == 0 || m->sampling.ids > rk_tok_size(tok))) m->sampling.ids = rk_tok_size(tok);
    TRY(find_holes(ctx, m, vocab));
    TRY(open_samplers(ctx, m, vocab));
    TRY(NEW(m->rows, n));
    TRY(NEW(m->next, n));
    TRY(NEW(m->lengths, n));
    return room_for_logits(ctx, m, prompts);
}

void making_close(rk_ctx *ctx, struct making *m)
{
    for (int64_t i = 0; i < m->n && m->rows != NULL; i++) row_close(ctx, &m->rows[i], m);
    for (int i = 0; i < m->workers && m->samplers != NULL; i++) sampler_close(ctx, &m->samplers[i]);
    if (m->logits != NULL) FREE(m->logits, m->most_logits * m->samplers[0].vocab);
    FREE(m->samplers, m->workers);
    FREE(m->rows, m->n);
    FREE(m->next, m->n);
    FREE(m->lengths, m->n);
    rk_ids_free(ctx, &m->holes);
}

/* --- going on --- */

/* The draw depends on the row's own place: so a sample in a batch is the same alone. */
static void pick(void *arg, int64_t task, int worker)
{
    struct making *m = arg;
    struct row *row = &m->rows[task];
    struct sequence q = { row->seen.at, row->seen.n, row->made, m->most, m->how->ends, m->how->n_ends };
    int64_t samples = m->how->samples == 0 ? 1 : m->how->samples;
    if (row->done) return;
    row->picked = sampler_pick(&m->samplers[worker], &q, m->lying.at + task * m->s->vocab, m->how->stream + (uint64_t)(task % samples), (uint64_t)rk_session_row_past(m->s, task));
}

rk_status making_fail(rk_ctx *ctx, const struct making *m, int64_t picked)
{
    struct sick sick = { 0 };
    if (picked != SAMPLER_NONE) TRY(weights_find_sick(ctx, m->s->weights, &sick));
    rk_status status = sampler_fail(ctx, picked);
    return picked == SAMPLER_NONE ? status : weights_hint_sick(ctx, &sick);
}

static rk_status take(rk_ctx *ctx, struct making *m, bool *going)
{
    *going = false;
    for (int64_t i = 0; i < m->n; i++) {
        struct row *row = &m->rows[i];
        bool go_on;
        m->lengths[i] = 0;
        if (row->done) continue;
        if (row->picked < 0) return making_fail(ctx, m, row->picked);
        m->next[i] = (uint32_t)row->picked;
        TRY(row_take(ctx, m, i, m->next[i], &go_on));
        m->lengths[i] = !row->done;
        *going = *going || !row->done;
        if (go_on) continue;
        for (int64_t k = 0; k < m->n; k++)
            if (!m->rows[k].done) TRY(row_end(ctx, m, k, RK_STOP_CALLER));
        *going = false;
        return RK_OK;
    }
    return RK_OK;
}

/* One column is one run: its logits are all there when it is over. */
rk_status making_feed(rk_ctx *ctx, struct making *m)
{
    rk_session *s = m->s;
    struct lying lying = session_lying(s);
    if (lying.at == NULL) TRY(room_for_logits(ctx, m, m->n));
    float *to = lying.at == NULL ? m->logits : NULL;
    TRY(s->ragged || s->alone != NULL ? rk_session_feed_rows(s, m->next, 1, m->lengths, to) : rk_session_feed(s, m->next, 1, to));
    m->lying = lying.at == NULL ? (struct lying){ m->logits, NULL } : lying;
    return RK_OK;
}

rk_status making_go(rk_ctx *ctx, struct making *m, double began, rk_generated *r)
{
    bool going = m->most > 0;
    double first = clock_seconds();
    r->first_seconds = first - began;
    m->lying = (struct lying){ m->logits, NULL };
    while (going) {
        par_for(ctx, m->n, pick, m);
        r->seconds = clock_seconds() - first;
        TRY(take(ctx, m, &going));
        if (!going) break;
        r->bytes += session_reads(m->s);
        r->steps++;
        TRY(making_feed(ctx, m));
    }
    for (int64_t i = 0; i < m->n; i++) {
        r->prompt += m->rows[i].prompt;
        r->tokens += m->rows[i].made;
    }
    r->stop = m->rows[0].stop;
    return RK_OK;
}

/* --- one prompt --- */

static rk_status generate(rk_ctx *ctx, struct making *m, const uint32_t *prompt, size_t n, rk_generated *r)
{
    double began = clock_seconds();
    if (n == 0) return FAIL(RK_E_ARG, "generating from an empty prompt");
    TRY(row_open(ctx, &m->rows[0], m, prompt, n));
    TRY(rk_session_feed(m->s, prompt, (int64_t)n, m->logits));
    return making_go(ctx, m, began, r);
}

rk_status rk_generate(rk_session *s, const rk_tok *tok, const uint32_t *prompt, size_t n, const rk_generating *how, rk_ids *ids, rk_generated *result)
{
    rk_ctx *ctx = s->ctx;
    rk_generated nothing, *r = result == NULL ? &nothing : result;
    struct making m;
    *r = (rk_generated){ 0 };
    if (s->batch != 1) return FAIL(RK_E_ARG, "generating with a session of %lld sequences: take one of 1, or rk_generate_many", (long long)s->batch);
    if (how->beams != NULL || how->samples > 1) return FAIL(RK_E_ARG, "beams and several samples are of rk_generate_many");
    rk_status status = making_open(ctx, &m, s->weights, tok, how, 1, 1);
    m.s = s;
    if (status == RK_OK) status = generate(ctx, &m, prompt, n, r);
    if (status == RK_OK && ids != NULL) status = ids_add(ctx, ids, m.rows[0].seen.at + n, m.rows[0].seen.n - n);
    making_close(ctx, &m);
    return status == RK_OK ? RK_OK : ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
}
