/* greedy.c: the likeliest continuation, through the KV cache.
 *
 * The file's tokens are fed one by one, and before each our likeliest token is compared with the file's: all agree if and only
 * if decoding alone would have given them, and one tie does not spoil what comes after it. */
#include "verify/verify.h"
#include <math.h>
#include <stdio.h>

static const double tie = 1e-5;             /* of the larger of 1 and the largest logit */

struct greedy { rk_session *s; uint32_t *ids, *column; float *logits; int64_t prompt, n, differing, ties; };

static uint32_t likeliest(const float *logits, int64_t n, double *largest)
{
    int64_t best = 0;
    *largest = 1;
    for (int64_t i = 0; i < n; i++) {
        if (logits[i] > logits[best]) best = i;
        *largest = fmax(*largest, fabs((double)logits[i]));
    }
    return (uint32_t)best;
}

static void judge(struct greedy *g, const struct verify *v, int64_t at)
{
    for (int64_t b = 0; b < v->batch; b++) {
        const float *logits = g->logits + b * v->vocab;
        double largest;
        uint32_t expected = g->ids[b * g->n + at], ours = likeliest(logits, v->vocab, &largest);
        if (ours == expected && !isnan(logits[ours])) continue;
        if (fabs((double)logits[ours] - (double)logits[expected]) < tie * largest) g->ties++;
        else g->differing++;
    }
}

static rk_status encode(rk_ctx *ctx, const struct greedy *g, const struct verify *v)
{
    const int32_t *source = verify_input(v, "source"), *lengths = verify_input(v, "source_lengths");
    int64_t n = v->batch * v->source, *each = NULL;
    uint32_t *ids = NULL;
    rk_status status;
    GO(NEW(ids, n));
    GO(NEW(each, v->batch));
    for (int64_t i = 0; i < n; i++) ids[i] = (uint32_t)source[i];
    for (int64_t b = 0; b < v->batch && lengths != NULL; b++) each[b] = lengths[b];
    GO(rk_session_encode(g->s, ids, v->source, lengths == NULL ? NULL : each));
out:
    FREE(ids, n);
    FREE(each, v->batch);
    return status;
}

static rk_status decode(rk_ctx *ctx, struct greedy *g, const struct verify *v)
{
    rk_session_options options = { .batch = v->batch, .context = g->n, .source = v->source };
    TRY(rk_session_open(v->weights, &options, &g->s));
    if (v->source > 0) TRY(encode(ctx, g, v));
    TRY(NEW(g->logits, v->batch * v->vocab));
    TRY(NEW(g->column, v->batch * g->prompt));
    for (int64_t b = 0; b < v->batch; b++)
        for (int64_t i = 0; i < g->prompt; i++) g->column[b * g->prompt + i] = g->ids[b * g->n + i];
    TRY(rk_session_feed(g->s, g->column, g->prompt, g->logits));
    for (int64_t at = g->prompt; at < g->n; at++) {
        judge(g, v, at);
        for (int64_t b = 0; b < v->batch; b++) g->column[b] = g->ids[b * g->n + at];
        if (at + 1 < g->n) TRY(rk_session_feed(g->s, g->column, 1, g->logits));
    }
    return RK_OK;
}

/* How many tokens of each row were given: greedy.prompt, or what input_ids has. */
static rk_status read_prompt(rk_ctx *ctx, struct verify *v, const struct bundle_entry *e, struct greedy *g)
{
    const struct bundle_entry *p = expect_find(v, "greedy.prompt");
    double *values = NULL;
    int64_t n = 0;
    g->prompt = v->seq;
    if (p != NULL) {
        TRY(expect_values(ctx, p, &values, &n));
        if (n == 1 && values[0] >= 1 && values[0] < 1e9) g->prompt = (int64_t)values[0];
        else g->prompt = 0;
        FREE(values, n);
        v->checked[p - v->io.entries.at] = true;
    }
    if (e->rank != 2 || e->shape[0] != v->batch || g->prompt < 1 || e->shape[1] <= g->prompt)
        return FAIL(RK_E_SHAPE, "%s: greedy is [batch, prompt and new tokens], of the batch of input_ids; greedy.prompt is a number from 1 on", e->path);
    g->n = e->shape[1];
    return RK_OK;
}

static rk_status read_ids(rk_ctx *ctx, const struct verify *v, const struct bundle_entry *e, struct greedy *g)
{
    double *values;
    int64_t n;
    rk_status status = RK_OK;
    TRY(expect_values(ctx, e, &values, &n));
    GO(NEW(g->ids, n));
    for (int64_t i = 0; i < n && status == RK_OK; i++) {
        if (values[i] >= 0 && values[i] < (double)v->vocab) g->ids[i] = (uint32_t)values[i];
        else status = FAIL(RK_E_ARG, "%s: greedy[%lld, %lld] is %.0f; the model has ids below %lld", e->path, (long long)(i / g->n), (long long)(i % g->n), values[i], (long long)v->vocab);
    }
out:
    FREE(values, n);
    return status;
}

static rk_status tell(rk_ctx *ctx, struct verify *v, const struct bundle_entry *e, const struct greedy *g)
{
    char note[96];
    long long all = (long long)(v->batch * (g->n - g->prompt));
    if (g->differing > 0) (void)snprintf(note, sizeof note, "%lld of %lld tokens differ", (long long)g->differing, all);
    else if (g->ties > 0) (void)snprintf(note, sizeof note, "%lld of %lld tokens are ties", (long long)g->ties, all);
    else (void)snprintf(note, sizeof note, "%lld tokens", all);
    if (g->differing == 0 && g->ties > 0) return expect_tell_tie(ctx, v, e, note);
    return expect_tell(ctx, v, e, (double)g->differing, 0, note);
}

rk_status verify_greedy(rk_ctx *ctx, struct verify *v)
{
    const struct bundle_entry *e = expect_find(v, "greedy");
    struct greedy g = { 0 };
    rk_status status;
    if (e == NULL) return RK_OK;
    GO(read_prompt(ctx, v, e, &g));
    GO(read_ids(ctx, v, e, &g));
    GO(decode(ctx, &g, v));
    GO(tell(ctx, v, e, &g));
out:
    rk_session_close(g.s);
    FREE(g.ids, v->batch * g.n);
    FREE(g.column, v->batch * g.prompt);
    FREE(g.logits, v->batch * v->vocab);
    return status;
}
