/* score_text.c: how likely a model finds a text of any length: windows that overlap, each token scored once, in the first window
 * that holds it, with all before it there to go by.
 *
 * Source of the windows: transformers' page "Perplexity of fixed-length models". Not here: batches of windows (one window fills
 * the machine). score.c: token by token, as generation computes it. */
#include "base/par.h"
#include "infer/read.h"
#include <math.h>

/* The scores of one window, on all threads: one task per token, each with a row of logits of its own worker. */
struct window {
    rk_reader *r;
    const uint32_t *next;               /* the token that follows pick i */
    float *logits;                      /* [workers vocab] */
    double *scores;
    rk_status *status;                  /* per worker */
};

static void score_one(void *arg, int64_t i, int worker)
{
    struct window *w = arg;
    float *logits = w->logits + (int64_t)worker * w->r->vocab;
    rk_status status = rk_reader_row(w->r, 0, i, logits);
    w->scores[i] = NAN;
    if (status != RK_OK) w->status[worker] = status;
    else w->scores[i] = logits[w->next[i]] - log_sum_exp(logits, w->r->vocab);
}

struct scoring { rk_reader *r; const rk_scoring *how; const uint32_t *ids; int64_t n, window, stride; int64_t *picks; double *scores; struct window w; };

/* Window [begin, end), of which tokens `from` on are new to it. */
static rk_status score_window(rk_ctx *ctx, struct scoring *s, int64_t begin, int64_t end, int64_t from, rk_scored *result)
{
    double sum = 0;
    if (from == begin) from++;                          /* nothing stands before the first token of a window */
    int64_t n = end - from;
    if (n <= 0) return RK_OK;
    for (int64_t i = 0; i < n; i++) s->picks[i] = from - begin - 1 + i;
    TRY(rk_reader_read(s->r, &(rk_row){ .ids = s->ids + begin, .n = end - begin, .picks = s->picks, .n_picks = n }, 1));
    s->w.next = s->ids + from;
    par_for(ctx, n, score_one, &s->w);
    for (int i = 0; i < par_workers(ctx); i++) TRY(s->w.status[i]);
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(s->w.scores[i])) return reader_sick(ctx, s->r, "logits", 0, from + i);
        if (s->scores != NULL) s->scores[from + i] = s->w.scores[i];
        sum += s->w.scores[i];
    }
    result->sum += sum;
    result->tokens += n;
    return RK_OK;
}

static rk_status score_all(rk_ctx *ctx, struct scoring *s, rk_scored *result)
{
    double weight = 0, weighted = 0;
    for (int64_t begin = 0, done = 0; done < s->n; begin += s->stride) {
        int64_t end = begin + s->window < s->n ? begin + s->window : s->n, before = result->tokens;
        double sum = result->sum;
        TRY(score_window(ctx, s, begin, end, done, result));
        double count = (double)(result->tokens - before), tokens = (double)(end - done - 1);
        if (count > 0) weighted += (result->sum - sum) / count * tokens, weight += tokens;
        result->windows++;
        done = end;
        if (s->how->each != NULL && !s->how->each(s->how->user, done, s->n)) return FAIL(RK_E_CANCELLED, "stopped after %lld of %lld tokens", (long long)done, (long long)s->n);
    }
    result->recipe = weight > 0 ? -weighted / weight : NAN;
    return RK_OK;
}

static rk_status check(rk_ctx *ctx, const rk_reader *r, const struct scoring *s)
{
    const char *title = r->model.config.arch->title;
    if (r->what != RK_READ_LOGITS) return FAIL(RK_E_ARG, "scoring with a reader of hidden states");
    if (!reader_is_causal(r)) {
        (void)FAIL(RK_E_DECLINED, "%s: %s reads both ways and gives no probability of a text", r->model.name, title);
        return ctx_hint(ctx, "`reckon fill` tells what it would put in the place of a mask");
    }
    if (s->window < 2 || s->window > r->context) return FAIL(RK_E_ARG, "windows of %lld tokens; the model reads 2 to %lld", (long long)s->window, (long long)r->context);
    if (s->stride < 1 || s->stride > s->window) return FAIL(RK_E_ARG, "windows of %lld tokens, each %lld after the other: tokens would be left out", (long long)s->window, (long long)s->stride);
    if (s->n < 1) return FAIL(RK_E_ARG, "scoring a text of no tokens");
    return session_check_ids(ctx, s->ids, s->n, r->vocab);              /* also of one that no window reads */
}

rk_status rk_score_text(rk_reader *r, const uint32_t *ids, int64_t n, const rk_scoring *how, double *scores, rk_scored *result)
{
    static const rk_scoring standard = { 0 };
    rk_ctx *ctx = r->ctx;
    if (how == NULL) how = &standard;
    struct scoring s = { .r = r, .how = how, .ids = ids, .n = n, .window = how->window == 0 ? r->context : how->window, .scores = scores };
    rk_status status;
    s.stride = how->stride == 0 ? (s.window + 1) / 2 : how->stride;
    *result = (rk_scored){ 0 };
    TRY(check(ctx, r, &s));
    int workers = par_workers(ctx);
    for (int64_t i = 0; i < n && scores != NULL; i++) scores[i] = NAN;
    s.w.r = r;
    GO(NEW(s.picks, s.window));
    GO(NEW(s.w.scores, s.window));
    GO(NEW(s.w.status, workers));
    GO(NEW(s.w.logits, workers * r->vocab));
    GO(score_all(ctx, &s, result));
out:
    FREE(s.picks, s.window);
    FREE(s.w.scores, s.window);
    FREE(s.w.status, workers);
    FREE(s.w.logits, workers * r->vocab);
    return status;
}
