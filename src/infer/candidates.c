/* candidates.c: see candidates.h. */
#include "infer/candidates.h"
#include <math.h>

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

void candidates_set(struct candidates *c, const float *logits, int64_t n)
{
    c->n = c->heap = c->kept = n;
    c->sorted = false;
    for (int64_t i = 0; i < n; i++) c->at[i] = (struct candidate){ (double)logits[i], (uint32_t)i };
}

const struct candidate *candidates_ranked(struct candidates *c, int64_t i)
{
    for (int64_t k = c->n / 2 - 1; k >= 0 && !c->sorted; k--) sink(c->at, c->n, k);
    c->sorted = true;
    while (c->n - c->heap <= i) {
        struct candidate best = c->at[0];
        c->at[0] = c->at[--c->heap];
        if (c->heap > 0) sink(c->at, c->heap, 0);
        c->at[c->heap] = best;
    }
    return &c->at[c->n - 1 - i];
}

double candidates_weight(struct candidates *c)
{
    double best = candidates_ranked(c, 0)->logit, sum = 0;
    if (c->kept < c->n) (void)candidates_ranked(c, c->kept - 1);
    for (int64_t i = c->n - 1; i >= c->n - c->kept; i--) sum += exp(c->at[i].logit - best);
    return sum;
}

static uint32_t draw_ranked(struct candidates *c, double u)
{
    double best = candidates_ranked(c, 0)->logit, left = u * candidates_weight(c);
    uint32_t last = candidates_ranked(c, 0)->id;
    for (int64_t i = 0; i < c->kept; i++) {
        double weight = exp(candidates_ranked(c, i)->logit - best);
        if (weight > 0) last = candidates_ranked(c, i)->id;
        left -= weight;
        if (left < 0) break;
    }
    return last;
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

uint32_t candidates_draw(struct candidates *c, double u) { return c->sorted ? draw_ranked(c, u) : draw_all(c, u); }
