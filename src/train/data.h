/* data.h: batches from a long row of tokens: sample i of a run is a function of (options, data, i), whatever came before.
 *
 * A part (training, validation) is a list of pieces of the file; positions count over the pieces put together. A sample is a
 * window of it: tokens [s, s + T) and as labels [s + 1, s + T + 1). Ids are checked once, when data is opened. */
#ifndef TRAIN_DATA_H
#define TRAIN_DATA_H
#include "base/vec.h"
#include "reckon/train.h"

struct piece { uint64_t begin, before; };                /* first token in the file; tokens of the part before it */
struct part {
    const rk_tokens *tokens;
    VEC(struct piece) pieces;
    uint64_t n;                                         /* tokens */
};
struct data {
    struct part train, validation;
    int64_t seq, document_end;
    uint64_t seed, documents;
    enum rk_data_order order;
    bool mask_ends;
    uint32_t fingerprint;                               /* of every id, in order, and of the cut into parts */
};

/* `largest`: ids must be below. Errors: RK_E_ARG for an id that is not, by position, and for fewer training tokens than T + 1. */
rk_status data_open(rk_ctx *ctx, const rk_train_data *from, const rk_train_options *options, int64_t seq, int64_t largest, struct data *d) RK_CHECK;
void      data_close(rk_ctx *ctx, struct data *d);

uint64_t data_start(const struct data *d, uint64_t sample);              /* where a training sample begins */
/* tokens and labels [T] of the window at `start`; beyond the part's last token: 0 and -1. Returns labels that are no -1. */
int64_t  data_window(const struct data *d, const struct part *part, uint64_t start, int32_t *tokens, int32_t *labels);
int64_t  data_validation_windows(const struct data *d);                  /* each target once: the last one may be short */
uint32_t part_token(const struct part *p, uint64_t position);            /* position < p->n */

/* A bijection of [0, n), another one for every key and stream. */
uint64_t shuffled(uint64_t key, uint64_t stream, uint64_t n, uint64_t i);

#endif
