/* rows.h: problems that are rows of neighbours: `n` elements side by side, `count` rows, `stride[k]` elements apart in operand k.
 * What does not lie so is not accepted, and written out by its expansion. */
#ifndef CUDA_ROWS_H
#define CUDA_ROWS_H
#include "core/layout.h"

enum { CUDA_ROW_OPERANDS = 4 };
struct cuda_rows { int64_t n, count, stride[CUDA_ROW_OPERANDS]; };

/* Rows along `dim` of layouts with equal dimensions. False: its elements are not neighbours, or rows are not evenly apart. */
bool cuda_rows_over(struct cuda_rows *r, rk_dim dim, const struct layout *const *operands, int n);

#endif
