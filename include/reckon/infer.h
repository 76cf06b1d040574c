/* infer.h: what happens over tokens: weights on a device, sessions that remember what they have read, sampling, text.
 *
 *   rk_weights *w;  rk_session *s;
 *   rk_weights_open(ctx, model, device, &w);                         read once, shared by any number of sessions
 *   rk_session_open(w, NULL, &s);
 *   rk_session_feed(s, ids, n, logits);                              logits of the token after the n-th
 *   rk_sample(ctx, &(rk_sampling){ .greedy = true }, NULL, 0, logits, vocab, 0, 0, &id);
 *
 * or all of it at once: rk_generate. A session owns its KV cache; feeding costs what its new tokens cost. */
#ifndef RECKON_INFER_H
#define RECKON_INFER_H
#include "reckon/model.h"
#include "reckon/tok.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- weights ---- */

/* Brings the weights of a model's folder onto a device: on a processor those that products read stay in the mapped file, in the
 * dtype they are stored in; the file must not change meanwhile. Model and device outlive them. RK_E_MISSING for a preset without
 * weights, and for a checkpoint that lacks a tensor, by name. */
typedef struct rk_weights rk_weights;
RK_API RK_CHECK rk_status rk_weights_open(rk_ctx *ctx, rk_model *model, rk_device *device, rk_weights **weights);
RK_API void     rk_weights_close(rk_weights *weights);
RK_API uint64_t rk_weights_bytes(const rk_weights *weights);            /* on the device, those of a mapped file included */
RK_API uint64_t rk_weights_mapped(const rk_weights *weights);           /* of them: read where the file lies */

/* ---- sessions ---- */

typedef struct rk_session_options {      /* zero means the default */
    int64_t batch;                       /* sequences side by side, all of one length; 1 */
    int64_t context;                     /* most tokens remembered; the model's positions */
    int64_t chunk;                       /* most tokens computed at once; 64 */
    int64_t source;                      /* with an encoder: most tokens of a source; the model's positions */
} rk_session_options;

typedef struct rk_session rk_session;
RK_API RK_CHECK rk_status rk_session_open(rk_weights *weights, const rk_session_options *options, rk_session **session);
RK_API void     rk_session_close(rk_session *session);

/* With an encoder: reads the sources, ids [batch n], of which row b has lengths[b] tokens, 1 .. n, and padding behind them (NULL: all
 * have n); what was fed before is forgotten. Every session of such a model begins with this. Errors: RK_E_DECLINED for a model
 * without an encoder, RK_E_LIMIT for more than `source` tokens, RK_E_ARG for ids and lengths that cannot be. */
RK_API RK_CHECK rk_status rk_session_encode(rk_session *session, const uint32_t *ids, int64_t n, const int64_t *lengths);

/* Reads n more tokens of every sequence, ids [batch n], and gives the logits [batch vocab] that follow the last of them
 * (NULL: not wanted). Any cutting into calls gives the same numbers up to rounding. Errors: RK_E_LIMIT beyond the context,
 * RK_E_ARG for an id that the model does not have, or before the source of an encoder; the session is then as it was.
 * Law: equal to the whole forward pass. */
RK_API RK_CHECK rk_status rk_session_feed(rk_session *session, const uint32_t *ids, int64_t n, float *logits);
RK_API int64_t  rk_session_past(const rk_session *session);             /* tokens read so far */
RK_API RK_CHECK rk_status rk_session_rewind(rk_session *session, int64_t past);        /* forgets what came after */
RK_API int64_t  rk_session_context(const rk_session *session);
RK_API int64_t  rk_session_vocab(const rk_session *session);
RK_API uint64_t rk_session_bytes(const rk_session *session);            /* KV cache and activations */

/* ---- sampling ---- */

typedef struct rk_sampling {             /* zero means the default: the model's own distribution */
    bool   greedy;                       /* the largest; of equals the lowest id. Everything else is then ignored */
#define ROW(name, standard, least, most, words) double name;
#include "reckon/sample.def"
#undef ROW
    uint64_t seed;
    uint32_t ids;                        /* ids from here on are never taken (padded vocabularies); 0: all are allowed */
} rk_sampling;

/* Takes one id by its logits [vocab]. seen: the n_seen tokens before it, for the repetition penalty. The draw depends on
 * (seed, stream, index) alone: stream tells samples apart, index is the position.
 * Errors: RK_E_ARG for settings out of range; RK_E_FORMAT for logits that are not numbers. */
RK_API RK_CHECK rk_status rk_sample(rk_ctx *ctx, const rk_sampling *how, const uint32_t *seen, size_t n_seen, const float *logits, int64_t vocab,
                                    uint64_t stream, uint64_t index, uint32_t *id);

/* ---- generation ---- */

typedef enum rk_stop { RK_STOP_LENGTH, RK_STOP_END, RK_STOP_TEXT, RK_STOP_CONTEXT, RK_STOP_CALLER } rk_stop;
RK_API const char *rk_stop_words(rk_stop stop);                         /* "length", "end token", ... */

/* One more token: its id, and the text that became whole by it: valid UTF-8, may be empty. Return false to stop. */
typedef bool rk_generate_fn(void *user, uint32_t id, rk_text text);

typedef struct rk_generating {           /* zero means the default */
    rk_sampling        sampling;
    int64_t            max_new_tokens;   /* 64 */
    const uint32_t    *ends;             /* tokens that end it; they are not part of the text */
    size_t             n_ends;
    const char *const *stops;            /* texts that end it; neither they nor what follows is given */
    size_t             n_stops;
    uint64_t           stream;           /* tells samples of one seed apart */
    rk_generate_fn    *each;
    void              *user;
} rk_generating;

typedef struct rk_generated {
    int64_t prompt, tokens;              /* read, and made */
    rk_stop stop;
    double  first_seconds, seconds;      /* until the first token; from the first to the last */
    uint64_t bytes;                      /* of weights and cache that a token costs to read, on average */
} rk_generated;

/* Feeds the prompt (n > 0) to a session of batch 1, after whatever it has read, and goes on from there. tok may be NULL: then
 * there is no text. ids (may be NULL) gets the new tokens, without the one that ended it. */
RK_API RK_CHECK rk_status rk_generate(rk_session *session, const rk_tok *tok, const uint32_t *prompt, size_t n, const rk_generating *how,
                                      rk_ids *ids, rk_generated *result);

/* ---- scores ---- */

/* Natural logarithms of the probabilities of ids[1] .. ids[n - 1], each given all before it; the session (batch 1) is rewound
 * first and has read all ids afterwards. Perplexity is exp(-sum / (n - 1)). */
RK_API RK_CHECK rk_status rk_score(rk_session *session, const uint32_t *ids, int64_t n, double *log_probabilities, double *sum);

#ifdef __cplusplus
}
#endif
#endif
