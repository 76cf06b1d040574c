/* par_tbb.cpp: the body of par.h that leaves the threads to oneTBB, the only C++ here: the library has no other face.
 *
 * The arena has room for as many threads as the context wants (oneTBB fills it up to the processors that it sees); tasks
 * are handed out one by one, as in the other bodies.
 * Compiled when RECKON_PAR_TBB is defined. */
#ifdef RECKON_PAR_TBB
#include "base/par_team.h"
#include <new>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

struct team {
    oneapi::tbb::task_arena arena;
    explicit team(int threads) : arena(threads) {}
};

extern "C" {

extern const char *const team_name = "tbb";

team *team_open(const rk_allocator *, int threads)
{
    try {
        return new (std::nothrow) team(threads);             /* oneTBB allocates as it likes anyway */
    } catch (...) {
        return nullptr;
    }
}

void team_close(team *t) { delete t; }

int team_worker(const team *t)
{
    return t != nullptr ? oneapi::tbb::this_task_arena::current_thread_index() : 0;
}

void team_run(team *t, const loop *l)
{
    if (t == nullptr) {
        for (int64_t i = 0; i < l->tasks; i++) l->body(l->arg, i, 0);
        return;
    }
    t->arena.execute([l] {
        oneapi::tbb::parallel_for(
            oneapi::tbb::blocked_range<int64_t>(0, l->tasks, 1),
            [l](const oneapi::tbb::blocked_range<int64_t> &r) {
                for (int64_t i = r.begin(); i < r.end(); i++) l->body(l->arg, i, oneapi::tbb::this_task_arena::current_thread_index());
            },
            oneapi::tbb::simple_partitioner());
    });
}

}
#endif
