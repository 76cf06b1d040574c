/* xent_head.h: what xent_head.c asks of xent_head.cu. */
#ifndef CUDA_XENT_HEAD_H
#define CUDA_XENT_HEAD_H
#include "reckon/dim.h"
#include <cuda_runtime_api.h>

enum { XENT_SLICES = 16 };                              /* sums of the bias's gradient over parts of the rows, added in order */

/* The rows of a chunk, `stride` logits apart (a multiple of 64), the first 16-byte aligned. */
struct xent_rows {
    int64_t rows, vocab, stride;
    rk_dtype dtype, bias_dtype, dy_dtype;               /* of the logits; of what the operands hold */
    void *logits;                                       /* dy given: become (softmax - onehot) dy in place, 0 beyond the vocabulary */
    const void *bias, *dy;                              /* may be NULL */
    const int32_t *labels;                              /* outside 0 .. vocab - 1: no loss, no gradient */
    double *losses;
};

struct xent_columns {
    int64_t rows, vocab, stride;
    rk_dtype dtype;
    const void *dlogits;
    float *parts;                                       /* [XENT_SLICES][vocab] */
    bool more;                                          /* add to them */
};

#ifdef __cplusplus
extern "C" {
#endif
void xent_rows_launch(const struct xent_rows *a, cudaStream_t stream);
void xent_columns_launch(const struct xent_columns *a, cudaStream_t stream);
/* Σ parts, in order; no parts: zeros. */
void xent_bias_launch(rk_dtype dtype, void *dbias, const float *parts, int64_t vocab, bool any, cudaStream_t stream);
void xent_loss_launch(rk_dtype dtype, void *loss, const double *losses, int64_t rows, cudaStream_t stream);
/* n numbers of 16 bits, and zeros up to `padded`; both begin at multiples of 16 bytes, or are copied one by one. */
void xent_pad_launch(void *to, const void *from, int64_t n, int64_t padded, cudaStream_t stream);
/* One rounding; from NULL: zeros. */
void xent_round_launch(rk_dtype dtype, void *to, const float *from, int64_t n, cudaStream_t stream);
#ifdef __cplusplus
}
#endif
#endif
