/* read.h: a reader from the inside: one program at a time, of the sizes that the last batch had. */
#ifndef INFER_READ_H
#define INFER_READ_H
#include "infer/session.h"
#include "reckon/read.h"

struct rk_reader {
    rk_ctx *ctx;
    const rk_weights *weights;
    rk_reading what;
    rk_model model;                             /* the weights' own, maybe with another head */
    const char *output;
    rk_graph *g;
    struct plan *plan;
    struct run *run;
    int64_t width, context, vocab, types;
    int64_t batch, seq, picks;                  /* of the program */
    int64_t texts;                              /* that were read */
    int32_t *tokens, *segments, *lengths, *chosen;      /* [batch seq] [batch seq] [batch] [batch picks] */
};

/* Whether it sees only what stands before: then there is no first token worth a vector, and every token has a score. */
bool reader_is_causal(const rk_reader *r);
/* E_FORMAT: `what` of a token is no number; names a parameter that holds one, where there is. */
rk_status reader_sick(rk_ctx *ctx, const rk_reader *r, const char *what, int64_t text, int64_t at);
/* log Σ exp of n numbers, in f64; NaN where one of them is none. */
double log_sum_exp(const float *x, int64_t n);

#endif
