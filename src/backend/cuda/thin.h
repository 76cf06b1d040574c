/* thin.h: products of few rows with a large matrix: Y[m n] (+)= X[m k] · W[k n], where reading W is all that takes time. What a model
 * does for one token.
 *
 * X and Y are f32; W may be stored in fewer bits: f16, bf16, or i8 with a scale for each block of neighbours along k. Sums are in
 * f32, in one order. */
#ifndef CUDA_THIN_H
#define CUDA_THIN_H
#include "reckon/dim.h"
#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stddef.h>

enum { THIN_ROWS = 8 };                     /* more rows are done so many at a time, W being read again */

struct thin_args {
    int64_t m, n, k, x_m, x_k, w_k, w_n, y_m, y_n;      /* one of w_k, w_n is 1 */
    rk_dtype x_dtype, w_dtype, y_dtype;
    const void *x, *w, *scale;              /* scale: NULL but for i8 */
    int64_t scale_n, scale_k, block;        /* of i8: strides of the scales, by column and by block; numbers in a block */
    void *y;
    bool accumulate;
};

#ifdef __cplusplus
extern "C" {
#endif
/* Strides, sizes and dtypes; addresses are looked at when it runs. */
bool thin_takes(const struct thin_args *a);
void thin_launch(const struct thin_args *a, cudaStream_t stream);
#ifdef __cplusplus
}
#endif
#endif
