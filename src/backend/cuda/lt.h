/* lt.h: products of matrices by cuBLASLt, opened at run time: descriptors made once for a shape, and the algorithm that was fastest
 * for it.
 *
 *   C (=, +=) alpha · A B    in row-major terms, with any of the two orders for each matrix; several products of one shape, evenly apart
 *
 * Sums are in f32 (f64 for f64), TF32 is off. Algorithms that add up out of order are not taken, so the same shape gives the same bits. */
#ifndef CUDA_LT_H
#define CUDA_LT_H
#include "base/ctx.h"
#include "reckon/dim.h"
#include <cuda_runtime_api.h>

struct lt;

/* Elements of A are at m·a_m + k·a_k, and so on: one of the two strides of each matrix is 1. */
struct lt_product {
    int64_t  m, n, k;
    int64_t  a_m, a_k, b_k, b_n, c_m, c_n;
    int64_t  batch, a_batch, b_batch, c_batch;
    rk_dtype in, out;                       /* of A and B; of C */
    rk_dtype in_b;                          /* of B where it is another (8 bits); else the same as `in` */
    double   alpha;
    int      alignment;                     /* bytes that every address is a multiple of; 0: 16 */
    bool     accumulate;
};

RK_CHECK rk_status lt_open(rk_ctx *ctx, cudaStream_t stream, struct lt **lt);
void      lt_close(rk_ctx *ctx, struct lt *lt);
const char *lt_text(const struct lt *lt);   /* "cuBLASLt 13.0.2" */
size_t    lt_workspace(const struct lt *lt);
/* Which algorithm was the fastest, from a file and into it: what it says of another device or version of the library is not believed, and a
 * damaged file is chosen over. So a run that goes on in another process multiplies as it did. Not being able to write is only logged. */
RK_CHECK rk_status lt_recall(rk_ctx *ctx, struct lt *lt, const char *file, const char *device);
RK_CHECK rk_status lt_keep(rk_ctx *ctx, const struct lt *lt, const char *file, const char *device);
bool      lt_takes(const struct lt_product *p);         /* strides, dtypes and alignment that the library knows */
/* Finds the algorithm; the first time for a shape it is chosen by timing, once, if the product is large. */
RK_CHECK rk_status lt_prepare(rk_ctx *ctx, struct lt *lt, const struct lt_product *p);
RK_CHECK rk_status lt_run(rk_ctx *ctx, struct lt *lt, const struct lt_product *p, const void *a, const void *b, void *c);
/* Numbers near one, of no pattern, into the device's memory: zeros are multiplied faster than anybody's data. */
RK_CHECK rk_status lt_fill(rk_ctx *ctx, void *to, size_t bytes, rk_dtype dtype);

#endif
