/* cpu_trial.h: one problem tried on every instruction set that runs here, against values from the reference.
 *
 * Operands and results are laid out densely, then with their axes in any order, gaps between elements and an offset; results
 * also on top of operands, and added to what is there. One thread and two must give the same bits; gaps must stay as they
 * were; nothing may be allocated by prepare or run. */
#ifndef UNIT_CPU_TRIAL_H
#define UNIT_CPU_TRIAL_H
#include "backend/cpu/cpu.h"
#include "law/evaluate.h"
#include "test.h"

enum { MOST_VALUES = 64 };

/* A graph, and what its values are: numbers in the order of each value's dims. */
struct trial {
    rk_ctx *ctx, *two;                          /* one thread, two threads */
    rk_graph *g;
    double *value[MOST_VALUES];                 /* by ref */
    double tolerance, least;                    /* |error| <= tolerance (|x| + scale); scale: the largest of the result, at least this */
    int64_t *extent;
    struct live live;
    struct problem_room room;                   /* of the problem that was stated last */
};

struct arrangement { bool strided; int onto; };         /* onto: result 0 lies on this operand; -1: apart */

void *trial_room(size_t n, size_t size);                                        /* zeroed; aborts where there is none */
void trial_begin(struct trial *t, double tolerance);
void trial_end(struct trial *t);
int64_t trial_count(const rk_graph *g, rk_ref r);                               /* elements of a value */
int64_t trial_size(int64_t large);                                              /* mostly small, now and then 0, 1, or up to large */

/* Normal numbers for inputs and states; ids (integers) below `below`, now and then outside. */
void trial_fill(const struct values *v, int64_t below);
/* The values of t's graph from those of another one: map[ref], or the same graph (NULL). */
void trial_take(struct trial *t, const struct values *v, const rk_ref *map);
void trial_evaluate(struct trial *t, int64_t below);                            /* fills, evaluates, takes; fused operations written out */
struct problem trial_problem(struct trial *t, rk_ref y);                  /* of one node, as lower would state it */

void trial_arrangement(struct trial *t, const struct kernel *k, struct problem p, struct arrangement a);
void trial_run(struct trial *t, const struct problem *p, bool in_place);        /* every set and arrangement */
/* Evaluates the graph and tries the problem of its node y. */
void trial_node(struct trial *t, rk_ref y, int64_t below, bool in_place, bool accumulate);
/* The gradients of every floating operand of the fused y, for one dy, against those of its expansion. */
void trial_adjoint(struct trial *t, rk_ref y);

#endif
