/* guard.h: another back end, watched: what a kernel writes outside its results, does not write, or reads before anybody wrote it.
 *
 * guard_over makes a back end that computes as the inner one does. Its memory has fences on both sides; a guard, handed to run
 * as its watch, knows the regions to look after. Around each call
 *   before   workspace and results are filled with ones (a NaN in every floating format), and every region is remembered
 *   after    a byte that changed must belong to the call's results or workspace; no floating element of a result may still be
 *            all ones; the fences stand
 * and three ends are kept per region: of what ever changed, of results, and of workspace. Results are known to be written whole;
 * of workspace a call takes what it needs, so its end is what was handed out. Every call costs a sweep over all regions: for
 * tests. */
#ifndef GUARD_GUARD_H
#define GUARD_GUARD_H
#include "core/problem.h"

enum { MOST_REGIONS = 12 };

/* Ends are offsets, one past the last byte; 0: nothing. */
struct guard_region { const char *name; unsigned char *at, *shadow, *allowed; size_t bytes, changed_end, results_end, workspace_end; };
struct guard { rk_ctx *ctx; const struct backend *inner; int n; struct guard_region region[MOST_REGIONS]; uint64_t calls; };

void      guard_over(const struct backend *inner, struct backend *out);
rk_status guard_open(rk_ctx *ctx, const struct backend *inner, struct guard **guard) RK_CHECK;
void      guard_close(struct guard *g);
/* Memory that came from the guarded back end's alloc. fresh: nobody has written it yet, it is filled with ones. */
rk_status guard_watch(rk_ctx *ctx, struct guard *g, const char *name, void *at, size_t bytes, bool fresh) RK_CHECK;

#endif
