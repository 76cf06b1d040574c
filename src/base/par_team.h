/* par_team.h: what a body of par.h brings (par_pthreads.c, par_openmp.c, par_tbb.cpp). Nobody else includes this. */
#ifndef BASE_PAR_TEAM_H
#define BASE_PAR_TEAM_H
#include "reckon/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct team;

struct loop { int64_t tasks; void (*body)(void *arg, int64_t task, int worker); void *arg; int threads; };

/* NULL where there is nothing to keep, or no memory: team_run then does what it can with that. */
struct team *team_open(const rk_allocator *allocator, int threads);
void team_close(struct team *team);
void team_run(struct team *team, const struct loop *loop);       /* tasks >= 2, threads >= 2; not called by two at a time */
int  team_worker(const struct team *team);                       /* who calls this, from inside a task of team_run */
extern const char *const team_name;

#ifdef __cplusplus
}
#endif
#endif
