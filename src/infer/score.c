/* score.c: how likely a model finds a text: the log-probability of each token after those before it.
 *
 * One chunk at a time through a session gives only the logits that follow it, so this feeds token by token: what generation
 * would have computed, to the bit. Scoring large corpora is the work of the loss graph (train). */
#include "infer/session.h"
#include <math.h>

static double log_probability(const float *logits, int64_t n, uint32_t id)
{
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, logits[i]);
    for (int64_t i = 0; i < n; i++) sum += exp(logits[i] - most);
    return logits[id] - most - log(sum);
}

rk_status rk_score(rk_session *s, const uint32_t *ids, int64_t n, double *log_probabilities, double *sum)
{
    rk_ctx *ctx = s->ctx;
    float *logits;
    rk_status status = RK_OK;
    *sum = 0;
    if (s->batch != 1) return FAIL(RK_E_ARG, "scoring with a session of %lld sequences: take one of 1", (long long)s->batch);
    if (n < 1 || n > s->context) return FAIL(RK_E_LIMIT, "scoring %lld tokens in a context of %lld", (long long)n, (long long)s->context);
    TRY(session_check_ids(ctx, ids, n, s->vocab));
    TRY(NEW(logits, s->vocab));
    s->past = 0;
    for (int64_t i = 0; i < n; i++) {
        GO(rk_session_feed(s, &ids[i], 1, logits));
        if (i + 1 == n) break;
        double p = log_probability(logits, s->vocab, ids[i + 1]);
        if (log_probabilities != NULL) log_probabilities[i] = p;
        *sum += p;
    }
out:
    FREE(logits, s->vocab);
    return status;
}
