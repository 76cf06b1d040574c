/* sample.c: one token out of a distribution.
 *
 * Candidates are a heap by falling logit (equal ones by rising id), so that a filter sorts only as many as it keeps: each
 * filter cuts the sorted front of them. Without filters nothing is sorted: the draw walks the ids in order. Sums are f64.
 * Settings are the rows of reckon/sample.def. */
#include "base/ctx.h"
#include "base/mem.h"
#include "base/rng.h"
#include "reckon/infer.h"
#include <math.h>
#include <string.h>

struct candidate { double logit; uint32_t id; };
struct candidates {
    struct candidate *at;
    int64_t n;                          /* all of them: at[0 .. heap) is a heap, at[heap .. n) what was taken from it, backwards */
    int64_t heap, kept;                 /* kept: the so many best are in the draw */
};

static bool before(const struct candidate *a, const struct candidate *b) { return a->logit > b->logit || (a->logit == b->logit && a->id < b->id); }

static void sink(struct candidate *at, int64_t n, int64_t i)
{
    struct candidate x = at[i];
    for (int64_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(&at[child + 1], &at[child])) child++;
        if (!before(&at[child], &x)) break;
        at[i] = at[child];
    }
    at[i] = x;
}

/* The i-th best, i < n. */
static const struct candidate *ranked(struct candidates *c, int64_t i)
{
    while (c->n - c->heap <= i) {
        struct candidate best = c->at[0];
        c->at[0] = c->at[--c->heap];
        if (c->heap > 0) sink(c->at, c->heap, 0);
        c->at[c->heap] = best;
    }
    return &c->at[c->n - 1 - i];
}

/* The weight of what is in the draw, with the best as 1. */
static double kept_weight(struct candidates *c)
{
    double best = ranked(c, 0)->logit, sum = 0;
    if (c->kept < c->n) (void)ranked(c, c->kept - 1);
    for (int64_t i = c->n - 1; i >= c->n - c->kept; i--) sum += exp(c->at[i].logit - best);
    return sum;
}

/* Settings with zeros replaced by what they stand for. */
struct settings {
#define ROW(name, standard, least, most, words) double name;
#include "reckon/sample.def"
#undef ROW
};

static rk_status read_settings(rk_ctx *ctx, const rk_sampling *how, struct settings *s)
{
#define ROW(name, standard, least, most, words)                                                                        \
    s->name = how->name == 0 ? (standard) : how->name;                                                                 \
    if (!(s->name >= (least) && s->name <= (most)))                                                                    \
        return FAIL(RK_E_ARG, "sampling: " #name " is %g, outside %g .. %g", how->name, (double)(least), (double)(most));
#include "reckon/sample.def"
#undef ROW
    return RK_OK;
}

static void cut(struct candidates *c, const struct settings *s)
{
    if (s->top_k > 0 && s->top_k < (double)c->kept) c->kept = s->top_k < 1 ? 1 : (int64_t)s->top_k;
    if (s->top_p < 1) {
        double best = ranked(c, 0)->logit, wanted = s->top_p * kept_weight(c), sum = 0;
        int64_t n = 0;
        while (n < c->kept && sum < wanted) sum += exp(ranked(c, n++)->logit - best);
        c->kept = n;
    }
    if (s->min_p > 0) {
        double least = ranked(c, 0)->logit + log(s->min_p);
        int64_t n = 1;
        while (n < c->kept && ranked(c, n)->logit >= least) n++;
        c->kept = n;
    }
}

static uint32_t draw_ranked(struct candidates *c, double u)
{
    double best = ranked(c, 0)->logit, left = u * kept_weight(c);
    for (int64_t i = 0; i + 1 < c->kept; i++) {
        left -= exp(ranked(c, i)->logit - best);
        if (left < 0) return ranked(c, i)->id;
    }
    return ranked(c, c->kept - 1)->id;
}

static uint32_t draw_all(const struct candidates *c, double u)
{
    double best = c->at[0].logit, sum = 0;
    for (int64_t i = 1; i < c->n; i++) best = fmax(best, c->at[i].logit);
    for (int64_t i = 0; i < c->n; i++) sum += exp(c->at[i].logit - best);
    double left = u * sum;
    uint32_t last = c->at[0].id;
    for (int64_t i = 0; i < c->n; i++) {
        double weight = exp(c->at[i].logit - best);
        if (weight > 0) last = c->at[i].id;
        left -= weight;
        if (left < 0) break;
    }
    return last;
}

static void penalize(struct candidates *c, const uint32_t *seen, size_t n_seen, double by)
{
    for (size_t i = 0; i < n_seen; i++) {                   /* each id once, however often it was seen: the flipped id is the mark */
        if (seen[i] >= c->n || c->at[seen[i]].id != seen[i]) continue;
        struct candidate *x = &c->at[seen[i]];
        x->logit = x->logit > 0 ? x->logit / by : x->logit * by;
        x->id = ~seen[i];
    }
    for (size_t i = 0; i < n_seen; i++)
        if (seen[i] < c->n) c->at[seen[i]].id = seen[i];
}

static uint32_t largest(const float *logits, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (logits[i] > logits[best]) best = i;
    return (uint32_t)best;
}

static rk_status draw(rk_ctx *ctx, const struct settings *s, struct candidates *c, const uint32_t *seen, size_t n_seen, const float *logits, double u, uint32_t *id)
{
    TRY(NEW(c->at, c->n));
    for (int64_t i = 0; i < c->n; i++) c->at[i] = (struct candidate){ logits[i], (uint32_t)i };
    if (s->repetition != 1) penalize(c, seen, n_seen, s->repetition);
    for (int64_t i = 0; i < c->n; i++) c->at[i].logit /= s->temperature;
    if (s->top_k > 0 || s->top_p < 1 || s->min_p > 0) {
        for (int64_t i = c->n / 2 - 1; i >= 0; i--) sink(c->at, c->n, i);
        cut(c, s);
        *id = draw_ranked(c, u);
    } else *id = draw_all(c, u);
    FREE(c->at, c->n);
    return RK_OK;
}

/* Minus infinity is a ban and may stand; everything else must be a number. */
static rk_status check(rk_ctx *ctx, const float *logits, int64_t n)
{
    bool some = false;
    for (int64_t i = 0; i < n; i++) {
        if (isnan(logits[i]) || logits[i] == INFINITY) return FAIL(RK_E_FORMAT, "sampling: the logit of token %lld is %g", (long long)i, (double)logits[i]);
        some = some || logits[i] != -INFINITY;
    }
    return some ? RK_OK : FAIL(RK_E_FORMAT, "sampling: no token has a probability");
}

rk_status rk_sample(rk_ctx *ctx, const rk_sampling *how, const uint32_t *seen, size_t n_seen, const float *logits, int64_t vocab,
                    uint64_t stream, uint64_t index, uint32_t *id)
{
    struct settings s = { 0 };
    int64_t n = how->ids != 0 && how->ids < vocab ? how->ids : vocab;
    if (n < 1) return FAIL(RK_E_ARG, "sampling from %lld tokens", (long long)n);
    TRY(check(ctx, logits, n));
    if (how->greedy) {
        *id = largest(logits, n);
        return RK_OK;
    }
    TRY(read_settings(ctx, how, &s));
    struct candidates c = { .n = n, .heap = n, .kept = n };
    return draw(ctx, &s, &c, seen, n_seen, logits, rng_uniform(how->seed, stream, index), id);
}
