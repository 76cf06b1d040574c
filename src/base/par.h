/* par.h: the one way to use several threads: a loop over independent tasks.
 *
 * What a task is depends on the problem's shape alone, never on the number of threads, so that results are the same bits
 * on 1..n threads. Which worker runs which task is not fixed. Bodies: plain pthreads (default), OpenMP, oneTBB (the first is the one
 * that ThreadSanitizer understands), chosen when building. Loops do not nest: a par_for inside a task runs in that task. */
#ifndef BASE_PAR_H
#define BASE_PAR_H
#include "base/ctx.h"

enum { PAR_MOST = 1024 };                                           /* most threads of one context */

typedef void par_body(void *arg, int64_t task, int worker);         /* worker: 0 .. par_workers - 1 */

void par_for(rk_ctx *ctx, int64_t tasks, par_body *body, void *arg);        /* returns when every task is done */
int  par_workers(const rk_ctx *ctx);                                /* scratch is needed for this many */
int  par_processors(void);                                          /* min(affinity mask, cgroup quota), at least 1 */
int  par_quota(const char *mount, const char *cgroups);             /* the cgroups' part of it, INT_MAX for none; arguments for its test */
void par_free(rk_ctx *ctx);

#endif
