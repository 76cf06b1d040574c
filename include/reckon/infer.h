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
 * dtype they are stored in; the file must not change meanwhile. Nobody writes to them, so sessions in any number of threads may
 * share them. Model and device outlive them. RK_E_MISSING for a preset without
 * weights, and for a checkpoint that lacks a tensor, by name. */
typedef struct rk_weights rk_weights;
RK_API RK_CHECK rk_status rk_weights_open(rk_ctx *ctx, rk_model *model, rk_device *device, rk_weights **weights);
RK_API void     rk_weights_close(rk_weights *weights);
RK_API uint64_t rk_weights_bytes(const rk_weights *weights);            /* on the device, those of a mapped file included */
RK_API uint64_t rk_weights_mapped(const rk_weights *weights);           /* of them: read where the file lies */

/* ---- sessions ---- */

typedef struct rk_session_options {      /* zero means the default */
    rk_ctx *ctx;                         /* whose memory, threads and errors; those of the weights. Sessions in threads of yours need one each */
    int64_t batch;                       /* sequences side by side, all of one length; 1 */
    int64_t context;                     /* most tokens remembered; the model's positions */
    int64_t chunk;                       /* most tokens computed at once; 256 */
    int64_t source;                      /* with an encoder: most tokens of a source; the model's positions */
    bool    ragged;                      /* sequences may be of different lengths: rk_session_feed_rows */
    bool    invariant;                   /* the same bits in any batch and however a text is cut: every sequence goes alone, a token at a time */
    bool    log_probabilities;           /* logits are logarithms of probabilities */
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
/* Of a ragged or invariant session: reads lengths[b] (0 .. n; NULL: n) more tokens of sequence b, those that row b of ids [batch n]
 * begins with, and gives the logits [batch vocab] that follow the last of each; rows of length 0 stay as they are, and so do their
 * logits. Sequences of one length before go on in chunks; others a token at a time. Law: each row equals it alone. */
RK_API RK_CHECK rk_status rk_session_feed_rows(rk_session *session, const uint32_t *ids, int64_t n, const int64_t *lengths, float *logits);
/* Sequence b of `to` goes on from where sequence rows[b] of `from` is; both may be one session. They are of one model's weights and
 * of the same kind, context and source. What beams and samples of one prompt do. */
RK_API RK_CHECK rk_status rk_session_copy(rk_session *to, const rk_session *from, const int64_t *rows);
RK_API int64_t  rk_session_past(const rk_session *session);             /* tokens read so far; of the longest sequence */
RK_API int64_t  rk_session_row_past(const rk_session *session, int64_t row);
RK_API RK_CHECK rk_status rk_session_rewind(rk_session *session, int64_t past);        /* forgets what came after, of every sequence */
RK_API int64_t  rk_session_context(const rk_session *session);          /* most tokens of a sequence */
RK_API int64_t  rk_session_vocab(const rk_session *session);
RK_API uint64_t rk_session_bytes(const rk_session *session);            /* KV cache and activations */

/* What a session takes, row by row: predicted from graph and plans, before the first token, and measured, by pages that the system has given. A row
 * whose name begins with a blank is part of what the row above has more or less than was predicted; NAN: nobody says. All texts are static. */
typedef struct rk_memory_row { const char *entry, *name; double predicted, measured; const char *note; } rk_memory_row;
enum { RK_MEMORY_ROWS = 11 };
typedef struct rk_memory { int n; rk_memory_row rows[RK_MEMORY_ROWS]; } rk_memory;
RK_API RK_CHECK rk_status rk_session_memory(const rk_session *session, rk_memory *memory);

/* ---- sampling ---- */

typedef struct rk_sampling {             /* zero means the default: the model's own distribution */
    bool   greedy;                       /* the likeliest of what the rules leave; of equals the lowest id. Nothing is drawn */
#define ROW(name, standard, least, most, words) double name;
#include "reckon/sample.def"
#undef ROW
    uint64_t seed;
    uint32_t ids;                        /* ids from here on are never taken (padded vocabularies); 0: all are allowed */
    const uint32_t *suppress;            /* n_suppress ids that are never taken */
    size_t n_suppress;
    const rk_ids *bad;                   /* n_bad words of tokens: what would complete one is not taken */
    size_t n_bad;
    const uint32_t *first, *last;        /* what follows a single token; what comes last where max_new_tokens ends it. NULL: anything */
    bool   renormalize;                  /* logits become logarithms of probabilities once more in the end: of beams, this counts */
} rk_sampling;

/* What of it can be refused before there is a model: RK_E_ARG, by the setting that is out of its range (sample.def). */
RK_API RK_CHECK rk_status rk_sampling_check(rk_ctx *ctx, const rk_sampling *how);

/* Takes one id by its logits [vocab]. seen: the n_seen tokens before it, for the repetition penalty. The draw depends on
 * (seed, stream, index) alone: stream tells samples apart, index is the position.
 * Errors: RK_E_ARG for settings out of range; RK_E_FORMAT for logits that are not numbers. */
RK_API RK_CHECK rk_status rk_sample(rk_ctx *ctx, const rk_sampling *how, const uint32_t *seen, size_t n_seen, const float *logits, int64_t vocab,
                                    uint64_t stream, uint64_t index, uint32_t *id);

/* ---- generation ---- */

typedef enum rk_stop { RK_STOP_LENGTH, RK_STOP_END, RK_STOP_TEXT, RK_STOP_CONTEXT, RK_STOP_CALLER } rk_stop;
RK_API const char *rk_stop_words(rk_stop stop);                         /* "length", "end token", ... */

/* One more token of a row: its id, and the text that became whole by it: valid UTF-8, may be empty. Return false to stop all. */
typedef bool rk_generate_fn(void *user, int64_t row, uint32_t id, rk_text text);

/* Beam search as transformers does it. A finished sequence is worth the sum of its log-probabilities / new tokens ^ length_penalty.
 * It stops: by RK_EARLY_FALSE when the best that goes on, as long as it is now, is not worth more than the worst kept; by
 * RK_EARLY_TRUE when there are as many finished as beams; by RK_EARLY_NEVER as by FALSE, but with the length that is best for it. */
typedef enum rk_early { RK_EARLY_FALSE, RK_EARLY_TRUE, RK_EARLY_NEVER } rk_early;
typedef struct rk_beams { int64_t n; double length_penalty; rk_early early; } rk_beams;       /* all taken as they are */

typedef struct rk_generating {           /* zero means the default */
    rk_sampling        sampling;
    int64_t            max_new_tokens;   /* 64 */
    const uint32_t    *ends;             /* tokens that end it; they are not part of the text */
    size_t             n_ends;
    const char *const *stops;            /* texts that end it; neither they nor what follows is given */
    size_t             n_stops;
    uint64_t           stream;           /* tells samples of one seed apart */
    rk_generate_fn    *each;             /* by beams once a step, with row -1 and no token: nothing is certain before the end; false is RK_E_CANCELLED */
    void              *user;
    int64_t            samples;          /* of many: rows for each prompt, the best so many of its beams; 1 */
    const rk_beams    *beams;            /* of many: NULL: none */
    bool               invariant;        /* of many: the same bits as alone (rk_session_options) */
    rk_ctx            *ctx;              /* of many: the same as a session's; `out` is its, too */
    rk_memory         *memory;           /* of many: what its session took in the end; NULL: nobody asks */
} rk_generating;

typedef struct rk_generated {
    int64_t prompt, tokens;              /* read, and made; of all rows */
    rk_stop stop;                        /* of the only row, or the first */
    double  first_seconds, seconds;      /* until the first token; from the first to the last */
    int64_t steps;                       /* runs of the model in `seconds` */
    uint64_t bytes;                      /* of weights and cache that they read */
} rk_generated;

/* Feeds the prompt (n > 0) to a session of batch 1, after whatever it has read, and goes on from there. tok may be NULL: then
 * there is no text. ids (may be NULL) gets the new tokens, without the one that ended it. */
RK_API RK_CHECK rk_status rk_generate(rk_session *session, const rk_tok *tok, const uint32_t *prompt, size_t n, const rk_generating *how,
                                      rk_ids *ids, rk_generated *result);

/* A prompt, n > 0; of a model with an encoder: what its decoder begins with, and the source. */
typedef struct rk_prompt { const uint32_t *ids; size_t n; const uint32_t *source; size_t n_source; } rk_prompt;
/* What became of a row: its new tokens, without an end; of beams also what it is worth, and the least difference that decided what its prompt's
 * search kept: where that is rounding's, another order of sums may find another sequence. */
typedef struct rk_continuation { rk_ids ids; rk_stop stop; double score, margin; } rk_continuation;

/* Many prompts of any lengths side by side, in sessions of its own. Row samples * p + i of `out`, which has room for n · samples, is
 * the i-th of prompt p (its best first, of beams); each is what it would be alone. The caller frees them, also after a failure.
 * Errors: RK_E_ARG for an empty prompt and ids the model does not have; RK_E_LIMIT for a prompt longer than the context, by its
 * number; RK_E_DECLINED for texts to stop at and draws with beams. */
RK_API RK_CHECK rk_status rk_generate_many(rk_weights *weights, const rk_tok *tok, const rk_prompt *prompts, int64_t n, const rk_generating *how,
                                           rk_continuation *out, rk_generated *result);
RK_API void rk_continuations_free(rk_ctx *ctx, rk_continuation *out, int64_t n);

/* What a model's folder says of generating: generation_config.json, or where there is none the same keys of config.json, as
 * transformers reads them. `how` points into this. Keys that are not there are zero. Errors: RK_E_FORMAT, RK_E_LIMIT for values that
 * cannot be; RK_E_DECLINED for a key that would change what comes and is not done here, by name. */
typedef struct rk_generation_config {
    const char   *path;                  /* of the file; "" where the folder has none */
    rk_generating how;
    bool          draws, says_draws;     /* do_sample, and whether it is there */
    int64_t       max_length;            /* with the prompt; 0: not said */
    bool          has_start;             /* what a text begins with: decoder_start_token_id, else bos_token_id */
    uint32_t      start;
    const char   *unknown;               /* keys that nobody here knows, by blanks */
} rk_generation_config;
RK_API RK_CHECK rk_status rk_generation_config_open(rk_ctx *ctx, const char *folder, rk_generation_config **config);
RK_API void rk_generation_config_close(rk_ctx *ctx, rk_generation_config *config);      /* NULL is no mistake */

/* ---- scores ---- */

/* Natural logarithms of the probabilities of ids[1] .. ids[n - 1], each given all before it; the session (batch 1) is rewound
 * first and has read all ids afterwards. Perplexity is exp(-sum / (n - 1)). */
RK_API RK_CHECK rk_status rk_score(rk_session *session, const uint32_t *ids, int64_t n, double *log_probabilities, double *sum);

#ifdef __cplusplus
}
#endif
#endif
