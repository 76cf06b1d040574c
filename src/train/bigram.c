/* bigram.c: what a network must beat: P(w | u) = λ · c(u, w) / c(u) + (1 - λ) · (c(w) + 1) / (N + V), counted on the training
 * tokens, scored on the validation tokens. λ comes from EM on the last twentieth of the training tokens, with the counts of
 * the others. Source: Jelinek & Mercer 1980. */
#include "train/training.h"
#include <math.h>
#include <stdlib.h>

enum { ROUNDS = 100 };

/* Pairs u · 2^32 + w in order, and how often each token stands, as a context and altogether. */
struct counts { uint64_t *pair, n; uint64_t *before, *single; uint64_t tokens; };

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Counts the first n tokens; the arrays are there. */
static void count(struct counts *c, const struct part *part, uint64_t n, int64_t vocab)
{
    for (int64_t i = 0; i < vocab; i++) c->before[i] = c->single[i] = 0;
    c->n = 0;
    c->tokens = n;
    for (uint64_t i = 0; i < n; i++) {
        uint32_t w = part_token(part, i);
        c->single[w]++;
        if (i == 0) continue;
        uint32_t u = part_token(part, i - 1);
        c->before[u]++;
        c->pair[c->n++] = (uint64_t)u << 32 | w;
    }
    qsort(c->pair, (size_t)c->n, sizeof *c->pair, by_value);
}

/* The first place whose pair is not below. */
static uint64_t place_of(const struct counts *c, uint64_t pair)
{
    uint64_t low = 0, high = c->n;
    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        if (c->pair[mid] < pair) low = mid + 1;
        else high = mid;
    }
    return low;
}

static double conditional(const struct counts *c, uint32_t u, uint32_t w)
{
    uint64_t pair = (uint64_t)u << 32 | w;
    return c->before[u] == 0 ? 0 : (double)(place_of(c, pair + 1) - place_of(c, pair)) / (double)c->before[u];
}

static double single(const struct counts *c, uint32_t w, int64_t vocab) { return ((double)c->single[w] + 1) / ((double)c->tokens + (double)vocab); }

/* EM over the tokens [from, to) of a part: the share of the bigram in explaining them. */
static double weight(const struct counts *c, const struct part *part, uint64_t from, uint64_t to, int64_t vocab, double *both)
{
    double lambda = 0.5;
    for (uint64_t i = from; i < to; i++) {
        both[2 * (i - from)] = conditional(c, part_token(part, i - 1), part_token(part, i));
        both[2 * (i - from) + 1] = single(c, part_token(part, i), vocab);
    }
    for (int round = 0; round < ROUNDS && to > from; round++) {
        double explained = 0;
        for (uint64_t i = 0; i < to - from; i++) explained += lambda * both[2 * i] / (lambda * both[2 * i] + (1 - lambda) * both[2 * i + 1]);
        lambda = explained / (double)(to - from);
    }
    return fmin(lambda, 1 - 1e-6);                 /* a pair that was never seen keeps some probability */
}

/* The targets that rk_train_validate scores: all but the first, and not what follows a masked end. */
static double score(const struct data *d, const struct counts *c, double lambda, int64_t vocab)
{
    double sum = 0;
    uint64_t targets = 0;
    for (uint64_t i = 1; i < d->validation.n; i++) {
        uint32_t u = part_token(&d->validation, i - 1), w = part_token(&d->validation, i);
        if (d->mask_ends && u == d->document_end) continue;
        sum -= log(lambda * conditional(c, u, w) + (1 - lambda) * single(c, w, vocab));
        targets++;
    }
    return targets > 0 ? sum / (double)targets : (double)NAN;
}

rk_status rk_train_bigram(rk_train *t, double *loss)
{
    rk_ctx *ctx = t->ctx;
    const struct part *part = &t->data.train;
    int64_t vocab = config_int(&t->model->config, "vocab");
    uint64_t held = part->n / 20, rest = part->n - held;
    struct counts c = { .n = 0 };
    double *both = NULL;
    rk_status status;
    *loss = (double)NAN;
    if (t->data.kind != &data_next) return RK_OK;
    GO(NEW(c.pair, part->n));
    GO(NEW(c.before, vocab));
    GO(NEW(c.single, vocab));
    GO(NEW(both, 2 * held));
    count(&c, part, rest, vocab);
    double lambda = weight(&c, part, rest, part->n, vocab, both);
    count(&c, part, part->n, vocab);
    *loss = score(&t->data, &c, lambda, vocab);
out:
    FREE(c.pair, part->n);
    FREE(c.before, vocab);
    FREE(c.single, vocab);
    FREE(both, 2 * held);
    return status;
}
