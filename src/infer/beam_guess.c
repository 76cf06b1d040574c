/* beam_guess.c: the best tokens after each beam of a search, with the rules applied, and the best of all beams of a prompt. Equal ones:
 * the first beam's, then the lowest id. */
#include "base/par.h"
#include "infer/beam.h"
#include <math.h>

static bool better(const struct guess *a, const struct guess *b) { return a->sum > b->sum || (a->sum == b->sum && (a->beam < b->beam || (a->beam == b->beam && a->id < b->id))); }

static int64_t insert(struct guess *at, int64_t n, int64_t room, struct guess g)
{
    int64_t i = n < room ? n : room - 1;
    if (n == room && !better(&g, &at[room - 1])) return n;
    while (i > 0 && better(&g, &at[i - 1])) {
        at[i] = at[i - 1];
        i--;
    }
    at[i] = g;
    return n < room ? n + 1 : n;
}

static void guess_row(void *arg, int64_t task, int worker)
{
    struct search *s = arg;
    struct row *row = &s->m->rows[task];
    struct sampler *sampler = &s->m->samplers[worker];
    struct sequence q = { row->seen.at, row->seen.n, row->made, s->hunts[task / s->beams].most, s->m->how->ends, s->m->how->n_ends };
    float *logits = s->m->logits + task * sampler->vocab, least = -INFINITY;
    struct guess *best = s->best + task * s->guesses;
    int64_t n = 0;
    if (s->hunts[task / s->beams].through) return;
    row->picked = sampler_check(logits, sampler->n);
    if (row->picked < 0) return;
    process(sampler, &q, logits, false);
    for (int64_t i = 0; (i = n < s->guesses ? i : logits_above(logits, i, sampler->vocab, least)) < sampler->vocab; i++) {
        n = insert(best, n, s->guesses, (struct guess){ (double)logits[i], task % s->beams, (uint32_t)i });
        least = (float)best[n - 1].sum;
    }
    for (int64_t i = 0; i < n; i++) best[i].sum += s->sums[task];
    for (int64_t i = n; i < s->guesses; i++) best[i] = (struct guess){ -INFINITY, task % s->beams, 0 };
}

void beam_guess_prompt(struct search *s, int64_t p)
{
    int64_t n = 0;
    for (int64_t i = 0; i < s->beams * s->guesses; i++) n = insert(s->all, n, s->guesses, s->best[p * s->beams * s->guesses + i]);
}

void beam_guess_rows(rk_ctx *ctx, struct search *s) { par_for(ctx, s->m->n, guess_row, s); }
