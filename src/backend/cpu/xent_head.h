/* xent_head.h: the inner part of projection and cross-entropy: one row of logits at a time, in vectors. */
#ifndef CPU_XENT_HEAD_H
#define CPU_XENT_HEAD_H
#include "backend/cpu/isa.h"
#include <stdint.h>

/* logits[n] (+ bias[n], unless NULL) -> loss of `label`, in double; and, where `slope` is not 0, logits become slope times the
 * gradient of the loss by the logits. A label outside 0 .. n-1: no loss, no gradient. */
typedef double xent_row_fn(float *logits, const float *bias, int64_t n, int64_t label, float slope);

#define X(isa) xent_row_fn xent_row_##isa;
FOR_EVERY_ISA(X)
#undef X

#endif
