/* sample.h: what becomes of logits: bent by rules (process.c), then the likeliest, or a draw (sample.c), or beams (beam.c). */
#ifndef INFER_SAMPLE_H
#define INFER_SAMPLE_H
#include "base/ctx.h"
#include "base/mem.h"
#include "infer/candidates.h"
#include "reckon/infer.h"

/* Settings with zeros replaced by what they stand for. */
struct settings {
#define ROW(name, standard, least, most, words) double name;
#include "reckon/sample.def"
#undef ROW
};

/* The sequence that is to go on: all its tokens; how many of them were made; most that may be (0: not known); what ends it. */
struct sequence { const uint32_t *seen; size_t n_seen; int64_t made, most; const uint32_t *ends; size_t n_ends; };

static inline bool ids_hold(const uint32_t *ids, size_t n, uint32_t id)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id) return true;
    return false;
}

struct sampler {
    const rk_sampling *how;
    struct settings s;
    int64_t vocab, n;                   /* of them the first n may be taken */
    struct candidates c;
    unsigned char *mark;                /* per id; all zero between calls */
    const uint32_t *never;              /* ids below n that may not be taken, either; not owned */
    size_t n_never;
};

rk_status sampler_open(rk_ctx *ctx, struct sampler *s, const rk_sampling *how, int64_t vocab) RK_CHECK;
void      sampler_close(rk_ctx *ctx, struct sampler *s);
/* One token by its logits [vocab], which are bent; below 0: none, for a reason that sampler_fail tells. Many may be picked at once,
 * each with a sampler of its own. */
int64_t   sampler_pick(struct sampler *s, const struct sequence *q, float *logits, uint64_t stream, uint64_t index);
enum { SAMPLER_NONE = -1 };          /* no token has a probability; below it: -2 - the id whose logit is none */
rk_status sampler_fail(rk_ctx *ctx, int64_t picked) RK_CHECK;
/* The first of n logits that is none, NaN or infinity, as sampler_fail takes it; 0: all are logits. */
int64_t   sampler_check(const float *logits, int64_t n);

/* The first of logits[from] .. logits[n - 1] that is above `least`, or no number; n: none is. */
int64_t   logits_above(const float *logits, int64_t from, int64_t n, float least);

/* process.c: every rule that was asked for, in the order of its table; those of a draw only when `draws`. What may not come is
 * -infinity; of a draw, what is left are the candidates. */
void process(struct sampler *s, const struct sequence *q, float *logits, bool draws);
/* Whether these rules only say which tokens may not come: then a number taken off all logits may as well be taken off afterwards. */
bool process_only_bans(const struct sampler *s);
/* logits - log(sum of exp(logits)), in f64 inside. */
void log_softmax(float *logits, int64_t n);

#endif
