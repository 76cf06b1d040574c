/* read.h: what a model makes of whole texts, read at once and without a cache: vectors, words for masks, how likely a text is.
 *
 *   rk_reader *r;
 *   rk_reader_open(weights, RK_READ_HIDDEN, &r);
 *   rk_embed(r, rows, n, RK_POOL_MEAN, vectors);
 *
 * Texts of different lengths stand side by side in one batch and do not see each other: a text's numbers are the same in any
 * company, up to rounding. Weights outlive their readers. */
#ifndef RECKON_READ_H
#define RECKON_READ_H
#include "reckon/infer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a reader is for: hidden states of every token (after the last norm), BERT's pooled vector with them, or logits. */
typedef enum rk_reading { RK_READ_HIDDEN, RK_READ_POOLED, RK_READ_LOGITS } rk_reading;

typedef struct rk_row {                  /* one text as ids */
    const uint32_t *ids;
    const uint8_t  *segments;            /* BERT: 0 or 1 for each; NULL: all 0 */
    int64_t         n;
    const int64_t  *picks;               /* RK_READ_LOGITS: the positions whose logits are wanted */
    int64_t         n_picks;
} rk_row;

/* Errors: RK_E_DECLINED for a model with an encoder and a decoder, for logits of a model without a head, for a pooled vector that
 * the model does not make. */
typedef struct rk_reader rk_reader;
RK_API RK_CHECK rk_status rk_reader_open(rk_weights *weights, rk_reading what, rk_reader **reader);
RK_API void     rk_reader_close(rk_reader *reader);
RK_API int64_t  rk_reader_width(const rk_reader *reader);               /* of a vector, or of logits */
RK_API int64_t  rk_reader_context(const rk_reader *reader);             /* most tokens of a text */

/* Reads n texts in one batch. Errors: RK_E_LIMIT beyond the context; RK_E_ARG for ids, segments and picks that the model does
 * not have, by text and position. */
RK_API RK_CHECK rk_status rk_reader_read(rk_reader *reader, const rk_row *rows, int64_t n);
/* Of what was read last: width numbers. `at`: a token (hidden), a pick (logits), 0 (pooled). */
RK_API RK_CHECK rk_status rk_reader_row(rk_reader *reader, int64_t text, int64_t at, float *to);

/* ---- vectors ---- */

typedef enum rk_pooling { RK_POOL_MEAN, RK_POOL_CLS, RK_POOL_LAST, RK_POOL_POOLER } rk_pooling;

/* A vector for each text, to[n width]: the mean over its tokens, or that of the first or the last one (a reader of
 * RK_READ_HIDDEN), or what BERT's pooler makes of it (RK_READ_POOLED). Texts of like length go together, in batches.
 * Errors: RK_E_DECLINED for the first token of a model that reads forwards only: it has seen nothing but itself;
 * RK_E_FORMAT for vectors that hold no numbers, by text. */
RK_API RK_CHECK rk_status rk_embed(rk_reader *reader, const rk_row *rows, int64_t n, rk_pooling pooling, float *to);

/* ---- words for masks ---- */

typedef struct rk_guess { uint32_t id; double probability; } rk_guess;

/* For every pick of one text (a reader of RK_READ_LOGITS) the k likeliest ids, likeliest first: guesses[n_picks k]. tok (may be NULL):
 * only ids that it has are told; the probability is over all. Equal to transformers' fill-mask. RK_E_ARG for k beyond the
 * ids there are; RK_E_FORMAT for logits that are not numbers. */
RK_API RK_CHECK rk_status rk_fill(rk_reader *reader, const rk_row *row, const rk_tok *tok, int64_t k, rk_guess *guesses);

/* ---- how likely a text is ---- */

typedef bool rk_scoring_fn(void *user, int64_t done, int64_t n);       /* tokens so far; false: stop, RK_E_CANCELLED */
typedef struct rk_scoring {              /* zero means the default */
    int64_t window;                      /* most tokens read at once; the model's positions */
    int64_t stride;                      /* tokens from one window to the next; half a window */
    rk_scoring_fn *each;                 /* told after each window, or NULL */
    void   *user;
} rk_scoring;

typedef struct rk_scored {
    int64_t tokens;                      /* that have a score: all but the first of the text, or of each window where stride = window */
    double  sum;                         /* of their log-probabilities, natural */
    double  recipe;                      /* mean negative log-probability as transformers' page on perplexity has it: windows weighted by their
                                          * new tokens less one; the same as -sum / tokens where there is one window */
    int64_t windows;
} rk_scored;

/* Log-probabilities of the tokens of one text of any length (a reader of RK_READ_LOGITS), each given what stands before it in its
 * window: of ids[i] at log_probabilities[i] (may be NULL), NaN where a token has none. Windows begin every `stride` tokens; a
 * token is scored in the first window that holds it. perplexity = exp(-sum / tokens).
 * Errors: RK_E_DECLINED for a model that does not read forwards; RK_E_ARG for a stride beyond the window; RK_E_FORMAT where a
 * score is no number, by token, with a parameter that holds one where there is. Law: for one window, equal to rk_score. */
RK_API RK_CHECK rk_status rk_score_text(rk_reader *reader, const uint32_t *ids, int64_t n, const rk_scoring *how, double *log_probabilities, rk_scored *result);

/* Two models, or two forms of one, that read the same text by the same ids: readers of RK_READ_LOGITS with one vocabulary. */
typedef struct rk_compared {
    int64_t tokens;                      /* that have a score, as rk_scored's */
    double  sum, other_sum;              /* of their log-probabilities, natural, by each */
    double  kl;                          /* Σ over them of KL(reference || other) of the predictions, in nats */
} rk_compared;

/* As rk_score_text, window by window, by both. Errors: RK_E_ARG for vocabularies of different sizes; those of rk_score_text.
 * Laws: each sum is that of rk_score_text; kl is 0 for a model and itself, and never below but for rounding. */
RK_API RK_CHECK rk_status rk_compare_text(rk_reader *reference, rk_reader *other, const uint32_t *ids, int64_t n, const rk_scoring *how, rk_compared *result);

#ifdef __cplusplus
}
#endif
#endif
