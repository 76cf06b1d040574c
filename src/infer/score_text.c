/* score_text.c: how likely a model finds a text of any length, or two models the same one: windows that overlap, each token scored once,
 * in the first window that holds it, with all before it there to go by.
 *
 * Source of the windows: transformers' page "Perplexity of fixed-length models". Not here: batches of windows (one window fills
 * the machine). score.c: token by token, as generation computes it. */
#include "base/par.h"
#include "infer/read.h"
#include <math.h>

enum { MODELS = 2 };

/* The scores of one window, on all threads: one task per token, each with rows of logits of its own worker. */
struct window {
    rk_reader *r[MODELS];
    int n;                              /* of them */
    const uint32_t *next;               /* the token that follows pick i */
    float *logits;                      /* [workers n vocab] */
    double *scores[MODELS], *kl;        /* [window] each; kl: of two */
    rk_status *status;                  /* per worker */
};

struct scoring {
    const rk_scoring *how;
    const uint32_t *ids;
    int64_t n, window, stride;
    int64_t *picks;
    double *scores;                     /* of the text by the first model, or NULL */
    struct window w;
};

/* Σ p (log p - log q) of what a model says and what another says in its place; za, zb: the logarithms of their sums. */
static double divergence(const float *a, double za, const float *b, double zb, int64_t vocab)
{
    double sum = 0;
    for (int64_t i = 0; i < vocab; i++) {
        double pa = (double)a[i] - za, p = exp(pa);
        if (p > 0) sum += p * (pa - ((double)b[i] - zb));
    }
    return sum;
}

static void score_one(void *arg, int64_t i, int worker)
{
    struct window *w = arg;
    int64_t vocab = w->r[0]->vocab;
    float *logits = w->logits + worker * w->n * vocab;
    double z[MODELS] = { 0 };
    for (int k = 0; k < w->n; k++) {
        rk_status status = rk_reader_row(w->r[k], 0, i, logits + k * vocab);
        if (status != RK_OK) w->status[worker] = status;
        z[k] = status == RK_OK ? log_sum_exp(logits + k * vocab, vocab) : NAN;
        w->scores[k][i] = logits[k * vocab + w->next[i]] - z[k];
    }
    if (w->n > 1) w->kl[i] = divergence(logits, z[0], logits + vocab, z[1], vocab);
}

struct sums { int64_t tokens, windows; double sum[MODELS], kl, recipe; };

/* Window [begin, end), of which tokens `from` on are new to it. */
static rk_status score_window(rk_ctx *ctx, struct scoring *s, int64_t begin, int64_t end, int64_t from, struct sums *sums)
{
    if (from == begin) from++;                          /* nothing stands before the first token of a window */
    int64_t n = end - from;
    if (n <= 0) return RK_OK;
    for (int64_t i = 0; i < n; i++) s->picks[i] = from - begin - 1 + i;
    for (int k = 0; k < s->w.n; k++) TRY(rk_reader_read(s->w.r[k], &(rk_row){ .ids = s->ids + begin, .n = end - begin, .picks = s->picks, .n_picks = n }, 1));
    s->w.next = s->ids + from;
    par_for(ctx, n, score_one, &s->w);
    for (int i = 0; i < par_workers(ctx); i++) TRY(s->w.status[i]);
    for (int k = 0; k < s->w.n; k++) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) {
            if (!isfinite(s->w.scores[k][i])) return reader_sick(ctx, s->w.r[k], "logits", 0, from + i);
            sum += s->w.scores[k][i];
        }
        sums->sum[k] += sum;
    }
    for (int64_t i = 0; i < n && s->scores != NULL; i++) s->scores[from + i] = s->w.scores[0][i];
    for (int64_t i = 0; i < n && s->w.n > 1; i++) sums->kl += s->w.kl[i];
    sums->tokens += n;
    return RK_OK;
}

static rk_status score_all(rk_ctx *ctx, struct scoring *s, struct sums *sums)
{
    double weight = 0, weighted = 0;
    for (int64_t begin = 0, done = 0; done < s->n; begin += s->stride) {
        int64_t end = begin + s->window < s->n ? begin + s->window : s->n, before = sums->tokens;
        double sum = sums->sum[0];
        TRY(score_window(ctx, s, begin, end, done, sums));
        double count = (double)(sums->tokens - before), tokens = (double)(end - done - 1);
        if (count > 0) weighted += (sums->sum[0] - sum) / count * tokens, weight += tokens;
        sums->windows++;
        done = end;
        if (s->how->each != NULL && !s->how->each(s->how->user, done, s->n)) return FAIL(RK_E_CANCELLED, "stopped after %lld of %lld tokens", (long long)done, (long long)s->n);
    }
    sums->recipe = weight > 0 ? -weighted / weight : NAN;
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

/* A text by the readers in s->w, whose other members, and the lengths left open, are made here. */
static rk_status score(rk_ctx *ctx, struct scoring *s, struct sums *sums)
{
    struct window *w = &s->w;
    int64_t vocab = w->r[0]->vocab;
    int workers = par_workers(ctx);
    rk_status status;
    *sums = (struct sums){ 0 };
    s->window = s->how->window == 0 ? w->r[0]->context : s->how->window;
    s->stride = s->how->stride == 0 ? (s->window + 1) / 2 : s->how->stride;
    for (int k = 0; k < w->n; k++) TRY(check(ctx, w->r[k], s));
    for (int64_t i = 0; i < s->n && s->scores != NULL; i++) s->scores[i] = NAN;
    GO(NEW(s->picks, s->window));
    for (int k = 0; k < w->n; k++) GO(NEW(w->scores[k], s->window));
    if (w->n > 1) GO(NEW(w->kl, s->window));
    GO(NEW(w->status, workers));
    GO(NEW(w->logits, workers * w->n * vocab));
    GO(score_all(ctx, s, sums));
out:
    FREE(s->picks, s->window);
    for (int k = 0; k < w->n; k++) FREE(w->scores[k], s->window);
    FREE(w->kl, s->window);
    FREE(w->status, workers);
    FREE(w->logits, workers * w->n * vocab);
    return status;
}

static const rk_scoring standard = { 0 };

rk_status rk_score_text(rk_reader *r, const uint32_t *ids, int64_t n, const rk_scoring *how, double *scores, rk_scored *result)
{
    struct scoring s = { .how = how == NULL ? &standard : how, .ids = ids, .n = n, .scores = scores, .w = { .r = { r }, .n = 1 } };
    struct sums sums;
    rk_status status = score(r->ctx, &s, &sums);
    *result = (rk_scored){ .tokens = sums.tokens, .sum = sums.sum[0], .recipe = sums.recipe, .windows = sums.windows };
    return status;
}

rk_status rk_compare_text(rk_reader *reference, rk_reader *other, const uint32_t *ids, int64_t n, const rk_scoring *how, rk_compared *result)
{
    rk_ctx *ctx = reference->ctx;
    struct scoring s = { .how = how == NULL ? &standard : how, .ids = ids, .n = n, .w = { .r = { reference, other }, .n = 2 } };
    struct sums sums;
    *result = (rk_compared){ 0 };
    if (reference->vocab != other->vocab) return FAIL(RK_E_ARG, "comparing predictions of %lld words with those of %lld", (long long)reference->vocab, (long long)other->vocab);
    rk_status status = score(ctx, &s, &sums);
    *result = (rk_compared){ .tokens = sums.tokens, .sum = sums.sum[0], .other_sum = sums.sum[1], .kl = sums.kl };
    return status;
}
