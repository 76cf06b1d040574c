/* hand_attend.h: attention by hand: shapes, orders of dims, queries and keys and values apart or side by side, for fused_try. */
#ifndef HAND_ATTEND_H
#define HAND_ATTEND_H
#include "hand_fused.h"

struct attend_shape { int64_t batch, head, seq, key, width; bool causal; double keep; const char *lengths; };      /* lengths: their dims; NULL: none */

/* order: 0 .. 3. live: the keys' dim is, below its bound. */
void attend_try_apart(rk_ctx *ctx, const struct fused_on *on, const struct attend_shape *s, int order, bool live);
/* q, k and v side by side in one value, as projections make them; the gradients are born side by side too. */
void attend_try_joined(rk_ctx *ctx, const struct fused_on *on, const struct attend_shape *s);
/* Any width, mostly small; every second one causal, every fifth with dropout. */
struct attend_shape attend_draw(int i);

#endif
