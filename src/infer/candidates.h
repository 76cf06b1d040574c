/* candidates.h: the tokens of a draw, best first, and what cuts them.
 *
 * A heap by falling logit (equal ones by rising id), so that a filter sorts only as many as it keeps: each filter cuts the sorted
 * front. Without filters nothing is sorted: the draw walks the ids in order. Sums are f64. */
#ifndef INFER_CANDIDATES_H
#define INFER_CANDIDATES_H
#include <stdbool.h>
#include <stdint.h>

struct candidate { double logit; uint32_t id; };
struct candidates {
    struct candidate *at;
    int64_t n;                          /* all of them: at[0 .. heap) is a heap, at[heap .. n) what was taken from it, backwards */
    int64_t heap, kept;                 /* kept: the so many best are in the draw */
    bool sorted;                        /* it is a heap, and no longer in the order of ids */
};

void     candidates_set(struct candidates *c, const float *logits, int64_t n);     /* at has room for n */
const struct candidate *candidates_ranked(struct candidates *c, int64_t i);        /* the i-th best, i < n */
double   candidates_weight(struct candidates *c);                                   /* of what is in the draw, with the best as 1 */
uint32_t candidates_draw(struct candidates *c, double u);                           /* u: 0 .. 1 */

#endif
