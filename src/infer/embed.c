/* embed.c: a vector for each text. Texts are read in the order of their lengths, so that little of a batch is padding. */
#include "infer/read.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_TEXTS = 32, BATCH_TOKENS = 4096 };

struct turn { int64_t n, at; };                /* a text's length, and which it is */

static int by_length(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;
    return x->n != y->n ? (x->n > y->n) - (x->n < y->n) : (x->at > y->at) - (x->at < y->at);
}

static rk_status mean_of(rk_ctx *ctx, rk_reader *r, int64_t b, int64_t n, float *token, double *sum, float *to)
{
    memset(sum, 0, (size_t)r->width * sizeof *sum);
    for (int64_t t = 0; t < n; t++) {
        TRY(rk_reader_row(r, b, t, token));
        for (int64_t i = 0; i < r->width; i++) sum[i] += token[i];
    }
    for (int64_t i = 0; i < r->width; i++) to[i] = (float)(sum[i] / (double)n);
    return RK_OK;
}

struct pooling { rk_reader *r; const rk_row *rows; rk_pooling how; float *to, *token; double *sum; };

static rk_status pool_one(rk_ctx *ctx, struct pooling *p, int64_t b, int64_t text)
{
    float *to = p->to + text * p->r->width;
    int64_t n = p->rows[text].n;
    if (p->how == RK_POOL_MEAN) TRY(mean_of(ctx, p->r, b, n, p->token, p->sum, to));
    else TRY(rk_reader_row(p->r, b, p->how == RK_POOL_LAST ? n - 1 : 0, to));
    for (int64_t i = 0; i < p->r->width; i++)
        if (!isfinite(to[i])) return reader_sick(ctx, p->r, "hidden states", text, p->how == RK_POOL_LAST ? n - 1 : 0);
    return RK_OK;
}

static rk_status read_batch(rk_ctx *ctx, struct pooling *p, const struct turn *order, int64_t n)
{
    rk_row rows[BATCH_TEXTS] = { { 0 } };
    for (int64_t b = 0; b < n; b++) rows[b] = p->rows[order[b].at];
    TRY(rk_reader_read(p->r, rows, n));
    for (int64_t b = 0; b < n; b++) TRY(pool_one(ctx, p, b, order[b].at));
    return RK_OK;
}

static rk_status read_all(rk_ctx *ctx, struct pooling *p, struct turn *order, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (p->rows[i].n < 1 || p->rows[i].n > p->r->context)      /* said before anything is computed, and by its own number */
            return FAIL(p->rows[i].n < 1 ? RK_E_ARG : RK_E_LIMIT, "text %lld of %lld has %lld tokens; the context of the model is %lld", (long long)i + 1, (long long)n, (long long)p->rows[i].n, (long long)p->r->context);
        order[i] = (struct turn){ p->rows[i].n, i };
    }
    qsort(order, (size_t)n, sizeof *order, by_length);
    for (int64_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && to - from < BATCH_TEXTS && (to + 1 - from) * order[to].n <= BATCH_TOKENS;) to++;
        TRY(read_batch(ctx, p, order + from, to - from));
    }
    return RK_OK;
}

rk_status rk_embed(rk_reader *r, const rk_row *rows, int64_t n, rk_pooling how, float *to)
{
    rk_ctx *ctx = r->ctx;
    struct pooling p = { .r = r, .rows = rows, .how = how, .to = to };
    struct turn *order = NULL;
    rk_status status;
    if (r->what != (how == RK_POOL_POOLER ? RK_READ_POOLED : RK_READ_HIDDEN)) return FAIL(RK_E_ARG, "the reader was opened for something else than this pooling");
    if (how == RK_POOL_CLS && reader_is_causal(r)) {
        (void)FAIL(RK_E_DECLINED, "%s: %s reads forwards only: its first token has seen nothing but itself", r->model.name, r->model.config.arch->title);
        return ctx_hint(ctx, "take the mean, or the last token");
    }
    GO(NEW(order, n));
    GO(NEW(p.token, r->width));
    GO(NEW(p.sum, r->width));
    GO(read_all(ctx, &p, order, n));
out:
    FREE(order, n);
    FREE(p.token, r->width);
    FREE(p.sum, r->width);
    return status;
}
