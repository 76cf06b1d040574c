/* plan.h: what will be done, decided to the byte: steps in order, each with its kernel and addresses in arenas.
 *
 * Made by pass/lower (steps) and pass/plan (addresses); carried out by run. States are not in the plan's arenas: they live
 * in a store, which several plans share. */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H
#include "core/problem.h"

enum { PLAN_ALIGNMENT = 64 };

enum place_kind { IN_NOTHING, IN_ARENA, IN_STORE, IN_INPUT };
/* index: of plan->values, states or inputs. at: IN_ARENA: byte offset, once there are addresses; else the index. */
struct place { enum place_kind kind; int index; int64_t at; };

struct step {
    struct problem problem;
    const struct kernel *kernel;
    const struct backend *backend;
    struct prepared prepared;
    struct place *in, *out;                 /* of the problem's operands and results */
    int64_t scratch;                        /* byte offset of workspace in the arena */
    int part;                               /* not -1: copies operand `part` of the node into its place there */
};

struct plan_slot { rk_ref ref; const char *name; rk_kind kind; rk_dtype dtype; int64_t elements; };
struct plan_value {                         /* one stored value: when it lives and where */
    rk_ref ref;                             /* 0: a step's workspace */
    rk_kind tag;                            /* ACTIVATION or WORKSPACE */
    int first, last;                        /* steps; last == n_steps: an output, alive to the end */
    int64_t bytes, at;
};

/* A value that lies in another's memory: in the place of operand `part` of `whole`, a join. value 0: none. */
struct plan_part { rk_ref value, whole; int part; };

/* What steps and shared memory rest on besides the graph: a problem that a back end was asked about while lowering, and who would
 * take it, NULL: nobody; with the first n_parts of the plan's parts in place, and perhaps another one on trial. */
struct plan_asked { struct problem problem; const struct kernel *answer; int n_parts; struct plan_part trial; };

struct plan {
    rk_ctx *ctx;
    const rk_graph *g;                      /* borrowed: outlives the plan */
    const struct backend *backend;
    struct arena arena;                     /* of this description, not of tensors */
    int n_steps;
    struct step *steps;
    int n_states, n_inputs, n_outputs, n_values;
    struct plan_slot *states, *inputs, *outputs;
    struct place *output_places;
    struct plan_value *values;
    int n_parts, n_asked;                   /* of what pass/resize wants to know; 0 where nobody said that it may be asked */
    struct plan_part *parts;
    struct plan_asked *asked;
    int64_t bytes;                          /* of the arena: activations and workspace */
    int64_t workspace;                      /* the largest workspace of a step, within bytes */
    int peak_step;                          /* where most is alive */
    int64_t peak_bytes;                     /* how much is alive there: bytes - peak_bytes is lost to fragmentation */
};

void plan_free(struct plan *plan);
void plan_add_workspaces(struct plan *plan);        /* of the steps as they are prepared, behind all other values; there is room */
rk_status plan_text(rk_ctx *ctx, const struct plan *plan, struct str *out) RK_CHECK;

#endif
