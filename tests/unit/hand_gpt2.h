/* hand_gpt2.h: GPT-2 built by hand, for tests of passes: paths h.0.attn ..., dims with letters B T V P D F H K. */
#ifndef HAND_GPT2_H
#define HAND_GPT2_H
#include "core/graph.h"

struct hand_gpt2 { int64_t vocab, positions, batch, hidden, head, layers; bool bias, update; };

/* A sealed graph of primitives: forward with the loss, and with `update` backward and an optimiser of four FLOPs for each
 * parameter. ends: where forward and backward end. *g may be there, and is the caller's, even where this fails. */
rk_status hand_gpt2_build(rk_ctx *ctx, const struct hand_gpt2 *m, rk_graph **g, rk_ref ends[2]) RK_CHECK;

#endif
