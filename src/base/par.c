/* par.c: what the bodies have in common: when not to use threads at all, and loops inside loops.
 *
 * The memory of a pool is, like the context itself, not counted in the context's bytes: it is no one's leak, and stays
 * until the context is closed. Not here: the threads (par_pthreads.c, par_openmp.c, par_tbb.cpp, one of them in a build)
 * and how many there should be (par_processors.c). */
#include "base/par.h"
#include "base/par_team.h"
#include <string.h>

enum state { IDLE, ALONE, TOGETHER };                       /* no loop, one on the calling thread, one on the team */

struct par { enum state state; struct team *team; bool tried; };

int par_workers(const rk_ctx *ctx) { return ctx->threads; }
const char *rk_threads_of(void) { return team_name; }

static struct par *par_of(rk_ctx *ctx)
{
    if (ctx->par == NULL && ctx->threads > 1) {
        ctx->par = ctx->allocator.resize(ctx->allocator.user, NULL, 0, sizeof *ctx->par);
        if (ctx->par != NULL) memset(ctx->par, 0, sizeof *ctx->par);
    }
    return ctx->par;
}

static void alone(int64_t tasks, par_body *body, void *arg, int worker)
{
    for (int64_t i = 0; i < tasks; i++) body(arg, i, worker);
}

/* The state is written by the context's own thread, before the team starts and after it is done: a task may read it. */
void par_for(rk_ctx *ctx, int64_t tasks, par_body *body, void *arg)
{
    struct par *p = par_of(ctx);
    if (p == NULL || p->state == ALONE) {                   /* one thread, no memory for more, or inside a loop of that kind */
        alone(tasks, body, arg, 0);
    } else if (p->state == TOGETHER) {
        alone(tasks, body, arg, team_worker(p->team));
    } else if (tasks <= 1) {
        p->state = ALONE;
        alone(tasks, body, arg, 0);
        p->state = IDLE;
    } else {
        if (!p->tried) p->team = team_open(&ctx->allocator, ctx->threads);
        p->tried = true;
        p->state = TOGETHER;
        team_run(p->team, &(struct loop){ tasks, body, arg, ctx->threads });
        p->state = IDLE;
    }
}

void par_free(rk_ctx *ctx)
{
    if (ctx->par == NULL) return;
    if (ctx->par->team != NULL) team_close(ctx->par->team);
    ctx->allocator.resize(ctx->allocator.user, ctx->par, sizeof *ctx->par, 0);
    ctx->par = NULL;
}
