/* beam_guess.c: the best tokens after each beam of a search, with the rules applied, and the best of all beams of a prompt. Equal ones:
 * the first beam's, then the lowest id.
 *
 * Logits are looked through once, where they lie. What is taken off a row to make logarithms of probabilities is one number: it changes
 * no order, and is taken off the best alone, unless a rule asks for more than which tokens may come. */
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

/* Numbers that are none make `off` none, too; of logits with nothing taken off, each is looked at. */
static int64_t check(const float *logits, int64_t vocab, int64_t n, const float *off)
{
    if (off == NULL) return sampler_check(logits, n);
    if (isfinite(*off)) return 0;
    int64_t wrong = sampler_check(logits, vocab);
    return wrong < 0 ? wrong : SAMPLER_NONE;
}

static void guess_row(void *arg, int64_t task, int worker)
{
    struct search *s = arg;
    int64_t r = s->first ? task * s->beams : task;
    struct row *row = &s->m->rows[r];
    struct sampler *sampler = &s->m->samplers[worker];
    struct sequence q = { row->seen.at, row->seen.n, row->made, s->hunts[r / s->beams].most, s->m->how->ends, s->m->how->n_ends };
    const float *off = s->m->lying.off == NULL ? NULL : s->m->lying.off + task;
    float *logits = s->m->lying.at + task * sampler->vocab, least = -INFINITY;
    struct guess *best = s->best + r * s->guesses;
    int64_t n = 0;
    if (s->hunts[r / s->beams].through) return;
    row->picked = check(logits, sampler->vocab, sampler->n, off);
    if (row->picked < 0) return;
    if (off != NULL && !process_only_bans(sampler)) {
        for (int64_t i = 0; i < sampler->vocab; i++) logits[i] -= *off;
        off = NULL;
    }
    process(sampler, &q, logits, false);
    for (int64_t i = 0; (i = n < s->guesses ? i : logits_above(logits, i, sampler->vocab, least)) < sampler->vocab; i++) {
        n = insert(best, n, s->guesses, (struct guess){ (double)logits[i], r % s->beams, (uint32_t)i });
        least = (float)best[n - 1].sum;
    }
    for (int64_t i = 0; i < n; i++) best[i].sum += s->sums[r] - (off == NULL ? 0 : (double)*off);
    for (int64_t i = n; i < s->guesses; i++) best[i] = (struct guess){ -INFINITY, r % s->beams, 0 };
}

/* The other beams of a prompt would say what the first does. */
static void repeat_first(struct search *s)
{
    for (int64_t r = 0; r < s->m->n; r++) {
        int64_t one = r / s->beams * s->beams;
        for (int64_t i = 0; i < s->guesses && r != one; i++) {
            s->best[r * s->guesses + i] = s->best[one * s->guesses + i];
            s->best[r * s->guesses + i].beam = r - one;
            s->best[r * s->guesses + i].sum += s->sums[r] - s->sums[one];
        }
    }
}

void beam_guess_prompt(struct search *s, int64_t p)
{
    int64_t n = 0;
    for (int64_t i = 0; i < s->beams * s->guesses; i++) n = insert(s->all, n, s->guesses, s->best[p * s->beams * s->guesses + i]);
}

void beam_guess_rows(rk_ctx *ctx, struct search *s)
{
    par_for(ctx, s->first ? s->what->n : s->m->n, guess_row, s);
    if (s->first) repeat_first(s);
}
