/* par_openmp.c: the body of par.h that leaves the threads to OpenMP. Compiled when RECKON_PAR_OPENMP is defined. */
#ifdef RECKON_PAR_OPENMP
#include "base/par_team.h"
#include <omp.h>

const char *const team_name = "openmp";

struct team *team_open(const rk_allocator *allocator, int threads)
{
    (void)allocator, (void)threads;
    return NULL;
}

void team_close(struct team *team) { (void)team; }

void team_run(struct team *team, const struct loop *loop)
{
    (void)team;
    int threads = loop->tasks < loop->threads ? (int)loop->tasks : loop->threads;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int64_t i = 0; i < loop->tasks; i++) loop->body(loop->arg, i, omp_get_thread_num());
}

int team_worker(const struct team *team)
{
    (void)team;
    return omp_get_thread_num();
}
#else
typedef int par_openmp_is_not_in_this_build;                /* C wants a declaration in every file */
#endif
