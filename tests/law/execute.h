/* execute.h: a graph through lower, place, store and run, on a back end; and what comes out, next to what the evaluator says. */
#ifndef LAW_EXECUTE_H
#define LAW_EXECUTE_H
#include "core/plan.h"
#include "evaluate.h"
#include "run/run.h"

enum { MOST_OUTCOMES = 256 };

struct outcome { char plan[8192]; int n; char name[MOST_OUTCOMES][64]; int64_t count[MOST_OUTCOMES]; double *at[MOST_OUTCOMES]; };   /* outputs, then states */

struct execution { const struct backend *backend; bool no_reuse; int runs; void *(*watch)(void *user, struct run *r); void *user; };

/* Runs with the sources of `from` (which is not changed), `runs` times over (0: once), with its seed and step. */
rk_status execute(rk_ctx *ctx, const rk_graph *g, const struct values *from, const struct execution *e, struct outcome *out) RK_CHECK;
void      outcome_of(struct values *v, struct outcome *out);      /* evaluates, updates included */
void      outcome_free(struct outcome *o);

#endif
