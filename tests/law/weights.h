/* weights.h: random weights of the tiny models, for the laws of decoding. */
#ifndef WEIGHTS_H
#define WEIGHTS_H
#include "infer/session.h"

enum { WEIGHTS_CONTEXT = 40, WEIGHTS_VOCAB = 300 };

/* Weights of a model that no folder holds: normal, as wide as to matter. `weights_end` also ends what was only half opened. */
rk_status random_weights_of(rk_ctx *ctx, const char *spec, const struct backend *backend, rk_weights *w) RK_CHECK;
rk_status random_weights(rk_ctx *ctx, int tiny, const struct backend *backend, rk_weights *w) RK_CHECK;     /* of tiny_model */
void      weights_end(rk_weights *w);

#endif
