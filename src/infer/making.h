/* making.h: sequences that are being made, from the inside.
 *
 *   row.c        one of them: its tokens, its text, what ends it
 *   generate.c   all rows of a session, a token of each at a time; one prompt in a session of the caller's
 *   many.c       many prompts, samples of each, in sessions of its own
 *   beam.c       the same, searching (beam.h) */
#ifndef INFER_MAKING_H
#define INFER_MAKING_H
#include "infer/sample.h"
#include "infer/session.h"
#include "infer/stops.h"

struct row {
    rk_ids seen;                        /* prompt and what came after */
    int64_t prompt, made;
    rk_tok_decoder decoder;
    struct stops stops;
    bool done;
    rk_stop stop;
    int64_t picked;                     /* sampler_pick's */
};

struct making {
    rk_session *s;                      /* of as many sequences as there are rows */
    const rk_generating *how;
    rk_sampling sampling;
    const rk_tok *tok;
    struct row *rows;
    int64_t n, most;
    struct sampler *samplers;           /* one for each worker */
    int workers;
    rk_ids holes;                       /* ids that are no token of the tokenizer: they have no text, and are never taken */
    struct lying lying;                 /* [n vocab], or before the first step of beams [prompts vocab]: logits where they lie; else */
    float *logits;                      /* they are copied here, [most_logits vocab] */
    int64_t most_logits;
    uint32_t *next;                     /* [n], and how many of each row are fed: 0 or 1 */
    int64_t *lengths;
    double first_at;
};

/* Rules and samplers for n rows of a model's vocabulary, and room for the logits of the first step, of `prompts` rows; making_close also
 * ends what was only half opened, but not s. */
rk_status making_open(rk_ctx *ctx, struct making *m, const rk_weights *w, const rk_tok *tok, const rk_generating *how, int64_t n, int64_t prompts) RK_CHECK;
void      making_close(rk_ctx *ctx, struct making *m);
/* m->next of the rows that go on (m->lengths) is read, and m->lying are the logits behind it. */
rk_status making_feed(rk_ctx *ctx, struct making *m) RK_CHECK;
/* From m->logits on until every row has ended. `began`: when the first prompt was fed. */
rk_status making_go(rk_ctx *ctx, struct making *m, double began, rk_generated *r) RK_CHECK;

/* Why there is no token; picked is sampler_pick's, below 0. */
rk_status making_fail(rk_ctx *ctx, const struct making *m, int64_t picked) RK_CHECK;

rk_status row_open(rk_ctx *ctx, struct row *row, const struct making *m, const uint32_t *prompt, size_t n) RK_CHECK;
void      row_close(rk_ctx *ctx, struct row *row, const struct making *m);
/* Goes on by a token: it ends the row, or is remembered and told of. *go_on false: the caller wants no more. */
rk_status row_take(rk_ctx *ctx, struct making *m, int64_t i, uint32_t id, bool *go_on) RK_CHECK;
rk_status row_end(rk_ctx *ctx, struct making *m, int64_t i, rk_stop stop) RK_CHECK;        /* gives the text that was held back */
rk_status ids_add(rk_ctx *ctx, rk_ids *ids, const uint32_t *more, size_t n) RK_CHECK;

/* many.c, for beams: sources of all prompts read; prompts fed by rows of their own, in a session of n rows. */
rk_status many_feed(rk_ctx *ctx, rk_session *s, const rk_prompt *prompts, int64_t n, float *logits) RK_CHECK;
/* beam.c: from a reader that has read the prompts and the logits behind them [prompts vocab]. */
struct searching { const rk_prompt *prompts; int64_t n, samples; const rk_beams *beams; rk_session_options sizes; rk_continuation *out; };
rk_status beam_search(rk_ctx *ctx, struct making *m, const struct searching *what, rk_session **reader, double began, rk_generated *r) RK_CHECK;

#endif
