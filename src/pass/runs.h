/* runs.h: the runs of a plan's steps through the blocks of a tower, of which four were lowered: once before the node `turn` and once behind it
 * (forward and backward, or update), up or down. */
#ifndef PASS_RUNS_H
#define PASS_RUNS_H
#include "pass/pass.h"

enum { MOST_RUNS = 4 * MOST_STRETCHES };
struct run {
    int tower, length;                          /* steps of block 1, and of 2 */
    int64_t more;                               /* blocks to put in */
    bool down;
    int begin[PLANNED_BLOCKS], end[PLANNED_BLOCKS];             /* of each block's stretch */
};
struct runs { const struct plan *plan; rk_ref turn; int turned, n; struct run run[MOST_RUNS]; };      /* turned: the first step behind the turn */

/* Those of all towers that have more blocks than were lowered; plan and turn are given. False: steps do not run so. */
bool runs_find(struct runs *l, const struct tower *towers);
/* Where a block begins is a matter of names, not of what hangs together: so many steps later. */
void runs_shift(struct runs *l);
static inline bool run_has(const struct run *r, int block, int step) { return step >= r->begin[block] && step < r->end[block]; }
/* The run of a tower and the block that a step is in, 1 and 2 before the outermost, which reach far; -1: none. */
int runs_of(const struct runs *l, int tower, int step, int *block);

#endif
