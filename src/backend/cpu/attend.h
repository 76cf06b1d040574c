/* attend.h: attention on this processor: one head at a time, a block of queries against the keys they may see. */
#ifndef CPU_ATTEND_H
#define CPU_ATTEND_H
#include "backend/cpu/isa.h"
#include <stdint.h>

/* scores[n] -> softmax(scale · scores[0 .. seen)), zeros behind. */
typedef void attend_softmax_fn(float *scores, int64_t n, int64_t seen, float scale);
/* dp[n] becomes scale · p · (dp - Σ p dp): the gradient of the scores. */
typedef void attend_slope_fn(const float *p, float *dp, int64_t n, float scale);

#define X(isa) attend_softmax_fn attend_softmax_##isa; attend_slope_fn attend_slope_##isa;
FOR_EVERY_ISA(X)
#undef X

#endif
