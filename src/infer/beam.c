/* beam.c: beam search, as transformers does it (generation/utils.py, _beam_search; the numbers of B beams and E end tokens):
 *
 *   1. of all tokens after all beams the best (1 + E) · B, at least 2 · B, by sum of log-probabilities, with rules applied
 *   2. those that end (by an end token, or at the last length) are finished if they are among the first B; their sum / new tokens ^
 *      length_penalty competes for B places
 *   3. the best B that do not end go on
 *   4. a prompt is through when nothing that goes on can be worth more than the worst kept, by rk_early's measure
 *
 * A source's keys and values are there once for all its beams: no beam goes over to another prompt.
 * Sums of beams that are not there yet begin at -1e9, so that the first step takes from one of them. */
#include "base/clock.h"
#include "infer/beam.h"
#include <math.h>
#include <string.h>

static const double absent = -1e9;

/* --- what decided --- */

/* Of differences to what is not there nothing is known. */
static void narrow(struct hunt *h, double a, double b)
{
    if (a > absent / 2 && b > absent / 2) h->margin = fmin(h->margin, fabs(a - b));
}

/* --- what ends --- */

static bool is_end(const struct search *s, uint32_t id) { return ids_hold(s->m->how->ends, s->m->how->n_ends, id); }

static const struct row *row_of(const struct search *s, int64_t p, int64_t beam) { return &s->m->rows[p * s->beams + beam]; }

static rk_status finish(rk_ctx *ctx, struct search *s, int64_t p, const struct guess *g, double score)
{
    struct hunt *h = &s->hunts[p];
    const struct row *row = row_of(s, p, g->beam);
    int64_t i = h->n_kept < s->beams ? h->n_kept : s->beams - 1;
    if (h->n_kept == s->beams) narrow(h, score, h->kept[i].score);
    if (!(score > absent) || (h->n_kept == s->beams && !(score > h->kept[i].score))) return RK_OK;
    struct finished fresh = h->kept[i];                                 /* its memory serves again */
    fresh.ids.n = 0;
    fresh.score = score;
    fresh.ended = is_end(s, g->id);
    while (i > 0 && score > h->kept[i - 1].score) {
        h->kept[i] = h->kept[i - 1];
        i--;
    }
    h->kept[i] = fresh;
    h->n_kept += h->n_kept < s->beams;
    TRY(ids_add(ctx, &h->kept[i].ids, row->seen.at + row->prompt, (size_t)row->made));
    return ids_add(ctx, &h->kept[i].ids, &g->id, 1);
}

static double worth(const struct search *s, double sum, int64_t tokens) { return sum / pow((double)tokens, s->what->beams->length_penalty); }

static bool may_improve(struct search *s, int64_t p, int64_t made)
{
    struct hunt *h = &s->hunts[p];
    bool hopes = s->what->beams->early == RK_EARLY_NEVER && s->what->beams->length_penalty > 0;
    double worst = h->n_kept == s->beams ? h->kept[s->beams - 1].score : absent, hoped = worth(s, s->sums[p * s->beams], hopes ? h->most : made);
    narrow(h, hoped, worst);
    return hoped > worst;
}

/* --- one step of one prompt --- */

/* The sequences that go on take the place of those they came from. */
static rk_status go_on(rk_ctx *ctx, struct search *s, int64_t p, int64_t beam, const struct guess *g)
{
    const struct row *row = row_of(s, p, g->beam);
    int64_t r = p * s->beams + beam;
    s->spare[beam].n = 0;
    TRY(ids_add(ctx, &s->spare[beam], row->seen.at, row->seen.n));
    s->from[r] = p * s->beams + g->beam;
    s->m->next[r] = g->id;
    s->sums[r] = g->sum;
    s->m->lengths[r] = 1;
    return ids_add(ctx, &s->spare[beam], &g->id, 1);
}

static void swap_in(struct search *s, int64_t p)
{
    for (int64_t b = 0; b < s->beams; b++) {
        struct row *row = &s->m->rows[p * s->beams + b];
        rk_ids old = row->seen;
        row->seen = s->spare[b];
        s->spare[b] = old;
        row->made++;
    }
}

/* Two places among the best decide: where ends no longer count, and where nothing goes on any more. */
static void narrow_step(struct search *s, struct hunt *h, bool last)
{
    const struct guess *g = s->all, *least = NULL;
    int64_t going = 0;
    if (last || is_end(s, g[s->beams - 1].id) || is_end(s, g[s->beams].id)) narrow(h, g[s->beams - 1].sum, g[s->beams].sum);
    for (int64_t i = 0; i < s->guesses && !last && going <= s->beams; i++) {
        if (is_end(s, g[i].id)) continue;
        if (going == s->beams) narrow(h, least->sum, g[i].sum);
        least = &g[i];
        going++;
    }
}

static rk_status step_prompt(rk_ctx *ctx, struct search *s, int64_t p)
{
    struct hunt *h = &s->hunts[p];
    int64_t made = row_of(s, p, 0)->made + 1, going = 0;
    bool last = made >= h->most;
    beam_guess_prompt(s, p);
    narrow_step(s, h, last);
    for (int64_t i = 0; i < s->guesses; i++) {
        const struct guess *g = &s->all[i];
        bool ends = last || is_end(s, g->id);
        if (ends && i < s->beams) TRY(finish(ctx, s, p, g, worth(s, g->sum, made)));
        if (!ends && going < s->beams) TRY(go_on(ctx, s, p, going++, g));
    }
    if (going < s->beams) {                                             /* the last step, or a vocabulary of almost nothing but ends */
        h->through = true;
        return RK_OK;
    }
    swap_in(s, p);
    h->through = !may_improve(s, p, made) || (s->what->beams->early == RK_EARLY_TRUE && h->n_kept == s->beams);
    return RK_OK;
}

static rk_status step(rk_ctx *ctx, struct search *s, bool *going)
{
    struct making *m = s->m;
    beam_guess_rows(ctx, s);
    for (int64_t r = 0; r < m->n; r++) {
        s->from[r] = r;
        m->lengths[r] = 0;
    }
    *going = false;
    for (int64_t p = 0; p < s->what->n; p++) {
        if (s->hunts[p].through) continue;
        for (int64_t b = 0; b < s->beams; b++)
            if (row_of(s, p, b)->picked < 0) return making_fail(ctx, m, row_of(s, p, b)->picked);
        TRY(step_prompt(ctx, s, p));
        for (int64_t b = 0; b < s->beams && s->hunts[p].through; b++) s->from[p * s->beams + b] = p * s->beams + b, m->lengths[p * s->beams + b] = 0;
        *going = *going || !s->hunts[p].through;
    }
    return RK_OK;
}

/* --- from the prompts to the end --- */

static rk_status search_open(rk_ctx *ctx, struct search *s)
{
    struct making *m = s->m;
    int64_t prompts = s->what->n, rows = prompts * s->beams;
    TRY(NEW(s->sums, rows));
    TRY(NEW(s->best, rows * s->guesses));
    TRY(NEW(s->all, s->guesses));
    TRY(NEW(s->from, rows));
    TRY(NEW(s->spare, s->beams));
    TRY(NEW(s->hunts, prompts));
    for (int64_t p = 0; p < prompts; p++) {
        int64_t room = m->s->context - (int64_t)s->what->prompts[p].n + 1;             /* the last token need not be read any more */
        s->hunts[p].most = m->most < room ? m->most : room;
        s->hunts[p].margin = INFINITY;
        TRY(NEW(s->hunts[p].kept, s->beams));
    }
    for (int64_t r = 0; r < rows; r++) {
        const rk_prompt *prompt = &s->what->prompts[r / s->beams];
        s->sums[r] = r % s->beams == 0 ? 0 : absent;
        s->from[r] = r / s->beams;
        TRY(row_open(ctx, &m->rows[r], m, prompt->ids, prompt->n));
    }
    m->lying = (struct lying){ m->logits, NULL };
    s->first = true;
    return RK_OK;
}

static void search_close(rk_ctx *ctx, struct search *s)
{
    int64_t prompts = s->what->n, rows = prompts * s->beams;
    for (int64_t p = 0; p < prompts && s->hunts != NULL; p++) {
        for (int64_t b = 0; b < s->beams && s->hunts[p].kept != NULL; b++) rk_ids_free(ctx, &s->hunts[p].kept[b].ids);
        FREE(s->hunts[p].kept, s->beams);
    }
    for (int64_t b = 0; b < s->beams && s->spare != NULL; b++) rk_ids_free(ctx, &s->spare[b]);
    FREE(s->hunts, prompts);
    FREE(s->spare, s->beams);
    FREE(s->from, rows);
    FREE(s->all, s->guesses);
    FREE(s->best, rows * s->guesses);
    FREE(s->sums, rows);
}

static rk_status give(rk_ctx *ctx, const struct search *s)
{
    for (int64_t i = 0; i < s->what->n * s->what->samples; i++) {
        const struct hunt *h = &s->hunts[i / s->what->samples];
        rk_continuation *out = &s->what->out[i];
        if (i % s->what->samples >= h->n_kept) return FAIL(RK_E_FORMAT, "the rules leave prompt %lld only %lld sequences that end", (long long)(i / s->what->samples) + 1, (long long)h->n_kept);
        const struct finished *f = &h->kept[i % s->what->samples];
        TRY(ids_add(ctx, &out->ids, f->ids.at, f->ids.n - f->ended));
        out->score = f->score;
        out->margin = h->margin;
        out->stop = f->ended ? RK_STOP_END : RK_STOP_LENGTH;
    }
    return RK_OK;
}

static rk_status search(rk_ctx *ctx, struct search *s, rk_generated *r)
{
    struct making *m = s->m;
    double first = clock_seconds();
    bool going = true;
    for (;;) {
        TRY(step(ctx, s, &going));
        if (m->how->each != NULL && !m->how->each(m->how->user, -1, 0, (rk_text){ "", 0 })) return FAIL(RK_E_CANCELLED, "stopped while searching");
        r->seconds = clock_seconds() - first;
        if (!going) break;
        r->bytes += session_reads(m->s);
        r->steps++;
        TRY(rk_session_copy(m->s, m->s, s->from));
        TRY(making_feed(ctx, m));
        s->first = false;
    }
    TRY(give(ctx, s));
    for (int64_t p = 0; p < s->what->n; p++) r->prompt += (int64_t)s->what->prompts[p].n;
    for (int64_t i = 0; i < s->what->n * s->what->samples; i++) r->tokens += (int64_t)s->what->out[i].ids.n;
    r->stop = s->what->out[0].stop;
    return RK_OK;
}

rk_status beam_search(rk_ctx *ctx, struct making *m, const struct searching *what, rk_session **reader, double began, rk_generated *r)
{
    int64_t ends = (int64_t)m->how->n_ends, beams = what->beams->n;
    struct search s = { .m = m, .what = what, .beams = beams, .guesses = (ends > 1 ? 1 + ends : 2) * beams };
    rk_session_options sizes = what->sizes;
    rk_status status;
    sizes.batch = what->n * beams;
    sizes.chunk = 1;
    r->first_seconds = clock_seconds() - began;
    GO(session_open_beams((rk_weights *)(uintptr_t)(*reader)->weights, &sizes, beams, &m->s));
    GO(search_open(ctx, &s));
    GO(rk_session_copy(m->s, *reader, s.from));
    GO(search(ctx, &s, r));
out:
    rk_session_close(*reader);                          /* the one of the rows is the caller's now */
    *reader = m->s;
    search_close(ctx, &s);
    return status;
}
