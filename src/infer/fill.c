/* fill.c: words for masked places: the likeliest of a softmax over the whole vocabulary. */
#include "infer/read.h"
#include <math.h>

static bool better(const float *logits, uint32_t a, uint32_t b) { return logits[a] > logits[b] || (logits[a] == logits[b] && a < b); }

/* The k best, kept sorted while all are looked at: few go in, and fewer the longer it takes. Returns how many there are. */
static int64_t best_of(const float *logits, int64_t vocab, const rk_tok *tok, int64_t k, rk_guess *best)
{
    int64_t n = 0;
    for (uint32_t id = 0; id < (uint64_t)vocab; id++) {
        if (n == k && !better(logits, id, best[n - 1].id)) continue;
        if (tok != NULL && rk_tok_bytes(tok, id).at == NULL) continue;
        int64_t at = n < k ? n++ : n - 1;
        for (; at > 0 && better(logits, id, best[at - 1].id); at--) best[at] = best[at - 1];
        best[at].id = id;
    }
    return n;
}

static rk_status guess(rk_ctx *ctx, rk_reader *r, const rk_row *row, int64_t pick, const rk_tok *tok, int64_t k, float *logits, rk_guess *best)
{
    TRY(rk_reader_row(r, 0, pick, logits));
    double sum = log_sum_exp(logits, r->vocab);
    if (!isfinite(sum)) return reader_sick(ctx, r, "logits", 0, row->picks[pick]);
    int64_t n = best_of(logits, r->vocab, tok, k, best);
    if (n < k) return FAIL(RK_E_ARG, "the %lld likeliest of %lld words", (long long)k, (long long)n);
    for (int64_t i = 0; i < k; i++) best[i].probability = exp(logits[best[i].id] - sum);
    return RK_OK;
}

rk_status rk_fill(rk_reader *r, const rk_row *row, const rk_tok *tok, int64_t k, rk_guess *guesses)
{
    rk_ctx *ctx = r->ctx;
    float *logits;
    rk_status status = RK_OK;
    if (r->what != RK_READ_LOGITS) return FAIL(RK_E_ARG, "filling in with a reader of hidden states");
    if (k < 1 || k > r->vocab) return FAIL(RK_E_ARG, "the %lld likeliest of %lld words", (long long)k, (long long)r->vocab);
    if (reader_is_causal(r)) {
        (void)FAIL(RK_E_DECLINED, "%s: %s reads forwards only and fills in nothing", r->model.name, r->model.config.arch->title);
        return ctx_hint(ctx, "`reckon generate` continues a text");
    }
    TRY(rk_reader_read(r, row, 1));
    TRY(NEW(logits, r->vocab));
    for (int64_t p = 0; p < row->n_picks; p++) GO(guess(ctx, r, row, p, tok, k, logits, guesses + p * k));
out:
    FREE(logits, r->vocab);
    return status;
}
