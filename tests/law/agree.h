/* agree.h: what a back end made of a random graph, with the fused operations that it takes, beside what the graph means. */
#ifndef LAW_AGREE_H
#define LAW_AGREE_H
#include "execute.h"
#include "sample.h"

/* The sample with fused operations written out but where `with` takes them (NULL: all), and gradients, for which what is cheap is made
 * again where `with` is given: the graph that training runs. */
bool agree_variant(struct sample *s, const struct backend *with, bool gradients, struct sample *out);
/* Fails the sample where an element is further off than `tolerance` of the largest of its value (at least 1); 0: the same bits. */
void agree(struct sample *s, const char *what, const struct outcome *did, const struct outcome *expected, double tolerance);

#endif
