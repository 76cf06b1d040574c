/* xent_head.h: the inner part of projection and cross-entropy, in vectors.
 *
 * The exponentials of a row of logits are taken piece by piece, each piece against its own largest, while it is in cache;
 * when the row is complete the pieces are set against the largest of all. */
#ifndef CPU_XENT_HEAD_H
#define CPU_XENT_HEAD_H
#include "backend/cpu/isa.h"
#include <stdint.h>

/* One piece of one row: x[n] (+ bias[n], unless NULL): *most is the largest, *sum = Σ e^(x - most); where `keep`, the
 * exponentials are left in x. */
typedef void xent_piece_fn(float *x, const float *bias, int64_t n, bool keep, float *most, float *sum);
/* The pieces of one row together: sum[i] becomes slope e^(most[i] - M) / S, by which the kept exponentials of piece i are to be
 * multiplied; returns M + log S, M being the largest of all and S the sum. most[n] and sum[n] have VF_LANES floats of room. */
typedef double xent_join_fn(float *most, float *sum, int64_t n, float slope);
typedef void xent_scale_fn(float *x, int64_t n, float factor);

struct xent_kernels { xent_piece_fn *piece; xent_join_fn *join; xent_scale_fn *scale; };
#define X(isa) extern const struct xent_kernels xent_kernels_##isa;
FOR_EVERY_ISA(X)
#undef X

#endif
