/* hand_xent_head.h: projection and cross-entropy by hand, with or without a bias and gradients, for fused_try. */
#ifndef HAND_XENT_HEAD_H
#define HAND_XENT_HEAD_H
#include "hand_fused.h"

/* spread: of x and w. unit_seed: gradients of the loss itself. */
struct xent_head_shape { int64_t batch, seq, hidden, vocab; bool bias, gradients; double spread; bool unit_seed; };

void xent_head_try(rk_ctx *ctx, const struct fused_on *on, const struct xent_head_shape *s);

#endif
