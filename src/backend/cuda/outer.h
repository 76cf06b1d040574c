/* outer.h: problems that are rows of neighbours which begin anywhere: `n` elements side by side, `count` rows, found by a walk over
 * the other dimensions. Every layout whose elements along the dimension are neighbours has such a walk, at any live sizes.
 *
 * Row numbers are taken apart by multiplications: a division by what is known beforehand (Granlund & Montgomery 1994). */
#ifndef CUDA_OUTER_H
#define CUDA_OUTER_H
#include "core/layout.h"

enum { CUDA_OUTER_LOOPS = RK_MAX_RANK - 1, CUDA_OUTER_OPERANDS = 3 };

/* x / by for x below 2^31 is x · magic >> shift. */
struct cuda_divisor { uint32_t by, magic; int32_t shift; };

struct cuda_outer {
    int64_t n, count;
    int32_t loops;                                      /* the last fastest */
    struct cuda_divisor size[CUDA_OUTER_LOOPS];
    int64_t stride[CUDA_OUTER_OPERANDS][CUDA_OUTER_LOOPS];
};

#ifndef __cplusplus
struct cuda_divisor cuda_divisor_of(int64_t by);        /* 1 .. 2^31 - 1 */
/* Rows along `dim` of layouts with equal dimensions, in the order of the first. False: elements of a row are not neighbours, or
 * there are more than 2^31 - 1 rows. */
bool cuda_outer_over(struct cuda_outer *o, rk_dim dim, const struct layout *const *operands, int n);
/* Whether packs of `width` elements of k lie at multiples of their size, if the first element does. */
bool cuda_outer_aligned(const struct cuda_outer *o, int k, int64_t width);
#endif

#endif
