/* session.h: weights and sessions from the inside. Weights lie in a store that the stores of the caches share. */
#ifndef INFER_SESSION_H
#define INFER_SESSION_H
#include "model/forms.h"
#include "model/model.h"
#include "pass/pass.h"
#include "reckon/infer.h"
#include "run/run.h"

enum { SESSION_CHUNK = 256 };                    /* most tokens computed at once, where nobody says */

struct rk_weights {
    rk_ctx *ctx;
    rk_model *model;
    const struct backend *backend;
    struct store *store;
    struct bundle bundle;                       /* open: weights may lie in its files */
    struct forms forms;                         /* those that do */
};

struct rk_session {
    rk_ctx *ctx;
    const rk_weights *weights;
    rk_graph *g;                                /* one chunk of at most `chunk` tokens, after `past` others */
    struct plan *plan;
    struct store *store;                        /* the caches */
    struct run *run;
    rk_graph *encoder_g;                        /* of a model with an encoder: a source into the caches */
    struct plan *encoder_plan;
    struct run *encoder;
    int64_t batch, context, chunk, vocab, past;
    int64_t beams;                              /* rows, side by side, that have one source's keys and values together; 1: each has its own */
    int64_t source, source_n, source_vocab;     /* most tokens of a source, 0: no encoder; tokens of the present one, 0: none yet */
    int32_t *tokens, *last;                     /* [batch, the larger of chunk and source], [batch] */
    int32_t *source_lengths;                    /* [batch] */
    int64_t *origin;                            /* [batch]: rows of one number read one source */
    uint64_t *written, writings;                /* [batch + 1, context]: which writing a place of the caches holds, by number: equal ones hold the same bits */
    bool *of_source;                            /* per entry of the store: a cache of what an encoder left */
    struct { uint64_t whole, past, source; } reads;     /* bytes that a token reads: in any case, per position before it, per token of the source */
    bool log_probabilities;                     /* are given instead of logits; then this, too: */
    float *log_sums;                            /* [batch], what is taken off the logits of each row */
    bool ragged;                                /* rows of lengths of their own; then these, and `past` is that of the longest: */
    int64_t *pasts;                             /* [batch] */
    int32_t *places, *positions, *lengths;      /* [batch], [batch chunk], [batch] */
    float *kept;                                /* [batch vocab]: logits of rows that end before others do */
    rk_session **alone;                         /* of an invariant session: its rows, each a session of 1, fed a token at a time */
};

/* rows.c: rows of lengths of their own, and rows that are sessions; rows_copy.c: rk_session_copy. */
rk_status rows_open(rk_ctx *ctx, rk_session *s) RK_CHECK;              /* what a ragged session has besides */
void      rows_close(rk_session *s);
rk_status rows_open_alone(rk_ctx *ctx, rk_session *s) RK_CHECK;        /* an invariant session has nothing else */
rk_status rows_encode(rk_session *s, const uint32_t *ids, int64_t n, const int64_t *lengths) RK_CHECK;      /* of an invariant session */
void      rows_wrote(rk_session *s, int64_t row, int64_t place, int64_t n);      /* something new lies in these places */
void      rows_find_past(rk_session *s);                                 /* `past` is that of the longest row */
/* One chunk of what lies in s->tokens [batch n], after `past` others (ragged: s->places and so on say where). */
rk_status session_go(rk_ctx *ctx, rk_session *s, int64_t n, int64_t past) RK_CHECK;
rk_status session_check_ids(rk_ctx *ctx, const uint32_t *ids, int64_t n, int64_t vocab) RK_CHECK;

/* Logits of the last run, as the caller wants them, copied to [batch vocab]. */
rk_status session_read(rk_ctx *ctx, const rk_session *s, float *to) RK_CHECK;
/* The same where they lie, to be bent there until the next run, and what is to be taken off each row ([batch]; NULL: nothing). at NULL:
 * they are not in the host's memory, or of rows that go one by one. */
struct lying { float *at; const float *off; };
struct lying session_lying(const rk_session *s);

/* rk_session_open, of batch / beams sources: what an encoder leaves is there once for the rows of a source, which comes from another session
 * (rk_session_copy): this one reads none itself, and its rows stay with their source. */
rk_status session_open_beams(rk_weights *weights, const rk_session_options *options, int64_t beams, rk_session **session) RK_CHECK;

/* rk_weights_open, for a back end instead of a device. */
rk_status weights_open(rk_ctx *ctx, rk_model *model, const struct backend *backend, rk_weights **weights) RK_CHECK;

/* model_build, for a graph that runs on these weights, which may lie otherwise than a model builds by itself. */
rk_status weights_build(rk_ctx *ctx, const rk_weights *w, const struct build_options *options, struct built *built) RK_CHECK;

/* The first parameter that has any number which is none, for whoever got such a number out; before failing, since reading may fail itself.
 * The hint stands behind a failure, and gives its status. n 0: there is none. */
struct sick { const char *parameter; int64_t n; };
rk_status weights_find_sick(rk_ctx *ctx, const rk_weights *w, struct sick *sick) RK_CHECK;
rk_status weights_hint_sick(rk_ctx *ctx, const struct sick *sick);

/* Lowered and placed, with fused operations kept where the back end takes them. *kept is a graph of the plan's own. */
rk_status infer_plan(rk_ctx *ctx, const rk_graph *g, const struct backend *backend, rk_graph **kept, struct plan **plan) RK_CHECK;

/* Bytes of weights and cache that the next token will have to read. */
uint64_t session_reads(const rk_session *s);

#endif
