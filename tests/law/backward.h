/* backward.h: a random graph that trains: a loss of all its outputs, and gradients kept as states. */
#ifndef LAW_BACKWARD_H
#define LAW_BACKWARD_H
#include "sample.h"

/* Adds the loss (Σ over all outputs of weighted sines) and gradients by every real leaf, kept as states, some of them added to
 * what is there. Returns the first node of the backward pass. */
rk_ref add_gradients(struct sample *s);

#endif
