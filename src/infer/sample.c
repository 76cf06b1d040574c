/* sample.c: one token by its logits: the likeliest of what the rules leave, or a draw from it. Settings are the rows of
 * reckon/sample.def, the rules those of process.c. */
#include "infer/sample.h"
#include "base/rng.h"
#include <float.h>
#include <math.h>
#include <string.h>

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

rk_status rk_sampling_check(rk_ctx *ctx, const rk_sampling *how)
{
    struct settings s;
    return read_settings(ctx, how, &s);
}

static rk_status check_forced(rk_ctx *ctx, const char *which, const uint32_t *id, int64_t n)
{
    if (id == NULL || *id < n) return RK_OK;
    return FAIL(RK_E_ARG, "sampling: the %s token is to be %lu; only ids below %lld can be taken", which, (unsigned long)*id, (long long)n);
}

rk_status sampler_open(rk_ctx *ctx, struct sampler *s, const rk_sampling *how, int64_t vocab)
{
    *s = (struct sampler){ .how = how, .vocab = vocab, .n = how->ids != 0 && how->ids < vocab ? how->ids : vocab };
    if (s->n < 1) return FAIL(RK_E_ARG, "sampling from %lld tokens", (long long)s->n);
    TRY(read_settings(ctx, how, &s->s));
    TRY(check_forced(ctx, "first", how->first, s->n));
    TRY(check_forced(ctx, "last", how->last, s->n));
    if (!how->greedy) TRY(NEW(s->c.at, vocab));
    if (s->s.repetition != 1) TRY(NEW(s->mark, vocab));
    return RK_OK;
}

void sampler_close(rk_ctx *ctx, struct sampler *s)
{
    FREE(s->c.at, s->vocab);
    FREE(s->mark, s->vocab);
}

enum { STRETCH = 64, LINE = 16, AHEAD = 512 };      /* logits looked at together, in a cache line, asked for meanwhile */

int64_t logits_above(const float *logits, int64_t from, int64_t n, float least)
{
    for (; n - from >= STRETCH; from += STRETCH) {
        int any = 0;                                /* no branch: compilers make vectors of this */
        for (int k = 0; k < STRETCH; k += LINE) __builtin_prefetch(logits + from + AHEAD + k);
        for (int k = 0; k < STRETCH; k++) any |= !(logits[from + k] <= least);
        if (any != 0) break;
    }
    while (from < n && logits[from] <= least) from++;
    return from;
}

int64_t sampler_check(const float *logits, int64_t n)
{
    int64_t i = logits_above(logits, 0, n, FLT_MAX);
    return i < n ? -2 - i : 0;
}

rk_status sampler_fail(rk_ctx *ctx, int64_t picked)
{
    if (picked == SAMPLER_NONE) return FAIL(RK_E_FORMAT, "sampling: no token has a probability");
    return FAIL(RK_E_FORMAT, "sampling: the logit of token %lld is not a number, or infinite", (long long)(-2 - picked));
}

static uint32_t largest(const float *logits, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; (i = logits_above(logits, i, n, logits[best])) < n; i++) best = i;
    return (uint32_t)best;
}

int64_t sampler_pick(struct sampler *s, const struct sequence *q, float *logits, uint64_t stream, uint64_t index)
{
    int64_t wrong = sampler_check(logits, s->n);
    if (wrong < 0) return wrong;
    process(s, q, logits, !s->how->greedy);
    uint32_t id = largest(logits, s->n);
    if (logits[id] == -INFINITY) return SAMPLER_NONE;
    return s->how->greedy ? id : candidates_draw(&s->c, rng_uniform(s->how->seed, stream, index));
}

rk_status rk_sample(rk_ctx *ctx, const rk_sampling *how, const uint32_t *seen, size_t n_seen, const float *logits, int64_t vocab,
                    uint64_t stream, uint64_t index, uint32_t *id)
{
    struct sampler s;
    float *own = NULL;
    rk_status status;
    GO(sampler_open(ctx, &s, how, vocab));
    GO(NEW(own, vocab));
    memcpy(own, logits, (size_t)vocab * sizeof *own);
    int64_t picked = sampler_pick(&s, &(struct sequence){ .seen = seen, .n_seen = n_seen }, own, stream, index);
    if (picked < 0) status = sampler_fail(ctx, picked);
    else *id = (uint32_t)picked;
out:
    FREE(own, vocab);
    sampler_close(ctx, &s);
    return status;
}
