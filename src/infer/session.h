/* session.h: weights and sessions from the inside. Weights lie in a store that the stores of the caches share. */
#ifndef INFER_SESSION_H
#define INFER_SESSION_H
#include "model/forms.h"
#include "model/model.h"
#include "pass/pass.h"
#include "reckon/infer.h"
#include "run/run.h"

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
    int64_t source, source_n, source_vocab;     /* most tokens of a source, 0: no encoder; tokens of the present one, 0: none yet */
    int32_t *tokens, *last;                     /* [batch, the larger of chunk and source], [batch] */
    int32_t *source_lengths;                    /* [batch] */
};

/* rk_weights_open, for a back end instead of a device. */
rk_status weights_open(rk_ctx *ctx, rk_model *model, const struct backend *backend, rk_weights **weights) RK_CHECK;

/* model_build, for a graph that runs on these weights, which may lie otherwise than a model builds by itself. */
rk_status weights_build(rk_ctx *ctx, const rk_weights *w, const struct build_options *options, struct built *built) RK_CHECK;

/* Lowered and placed, with fused operations kept where the back end takes them. *kept is a graph of the plan's own. */
rk_status infer_plan(rk_ctx *ctx, const rk_graph *g, const struct backend *backend, rk_graph **kept, struct plan **plan) RK_CHECK;

/* Bytes of weights and cache that the next token will have to read. */
uint64_t session_reads(const rk_session *s);

#endif
