/* pass.h: what can be known before anything runs: each pass is a function of a graph, with one entry.
 *
 *   cast     a policy of dtypes becomes nodes (policy.h)                 graph -> graph
 *   expand   the same graph with fused operations written out          graph -> graph
 *   grad     gradients as nodes (public: rk_grad)                       adds to a graph
 *   shorten  a few blocks instead of all, for counting                   graph -> graph
 *   remat    cheap values computed again instead of kept               graph -> graph
 *   count    the bill                                                  graph -> bill
 *   lower    nodes -> problems -> the first kernel that accepts          graph -> plan without addresses
 *   plan     lifetimes and addresses                                   plan -> plan
 *   resize   the same steps for other sizes                            graph, plan -> themselves
 *   lengthen when values live, of more blocks than were lowered         plan -> values
 *   validate the promises of a graph                                    graph -> status */
#ifndef PASS_PASS_H
#define PASS_PASS_H
#include "core/opdef.h"
#include "core/plan.h"

/* Copies `from` into a fresh graph, with every fused node for which keep(user, from, ref) is false replaced by its
 * expansion. keep NULL expands all. map (may be NULL) receives the new id of every old one: room for from's nodes. */
rk_status pass_expand(rk_ctx *ctx, const rk_graph *from, bool (*keep)(void *user, const rk_graph *g, rk_ref r), void *user,
                      rk_graph **to, rk_ref *map) RK_CHECK;

/* Copies `from` with four or five periods of the blocks that stand in the modules of each tower, the second standing for all that
 * are left out (node.times): a sealed graph to take gradients of and to count. *to is NULL where nothing repeats, or not in a tower
 * that has more blocks than were built. map: room for from's nodes; what is left out has the id of the node that stands for it. */
enum { MOST_STRETCHES = 4, FEW_BLOCKS = 5 };                /* FEW_BLOCKS: enough to build of a tower of any height, where blocks are alike */
struct tower { const char *pattern; int64_t more; };        /* "h.*", NULL ends a list; more: blocks like these that were not built */
struct shortened_stretch { const char *pattern; int middle, late, blocks; };       /* the first blocks of periods 1 and of those at the end; blocks in a period */
struct shortened { int n; struct shortened_stretch at[MOST_STRETCHES]; };
rk_status pass_shorten(rk_ctx *ctx, const rk_graph *from, const struct tower *towers, struct shortened *how, rk_graph **to, rk_ref *map) RK_CHECK;
/* Whether a graph made from a shortened one counts what the whole would: see shorten_holds.c. */
rk_status pass_shortened_holds(rk_ctx *ctx, const rk_graph *g, const struct shortened *how, bool *holds) RK_CHECK;

/* Copies `from`, with elementwise values of before `backward` (an id) computed again where elementwise nodes from there on
 * read them, when what they are made of is kept anyway: FLOPs for bytes, a good trade for cheap functions. */
rk_status pass_remat(rk_ctx *ctx, const rk_graph *from, rk_ref backward, rk_graph **to) RK_CHECK;

rk_status pass_validate(rk_ctx *ctx, const rk_graph *g) RK_CHECK;
/* Which nodes a sink or an output needs: needed[id], room for g's nodes. */
void pass_needed(const rk_graph *g, bool *needed);

struct plan_options { bool reuse; };                        /* reuse false: every value has its own place (the law of reuse) */
rk_status pass_lower(rk_ctx *ctx, const rk_graph *g, const struct backend *backend, struct plan **plan) RK_CHECK;
rk_status pass_lower_resizable(rk_ctx *ctx, const rk_graph *g, const struct backend *backend, struct plan **plan) RK_CHECK;     /* one that pass_resize takes */

/* Other sizes of dims that say how much is computed, not what: batch, seq. *holds false: with these sizes there would be other nodes,
 * other steps, or other shares of memory; then graph or plan are of no use any more, and have to be made anew.
 * The graph first, which nobody else may be looking at, then plans of it: pass_lower_resizable's, and afterwards to be placed again. */
rk_status pass_resize_graph(rk_ctx *ctx, rk_graph *g, const struct dim_extent *sizes, int n, bool *holds) RK_CHECK;
rk_status pass_resize(rk_ctx *ctx, struct plan *plan, bool *holds) RK_CHECK;

rk_status pass_place(rk_ctx *ctx, struct plan *plan, const struct plan_options *options) RK_CHECK;
/* The same of values alone, of which first, last and bytes are known: at, and *bytes of the arena. */
rk_status place_values(rk_ctx *ctx, struct plan_value *values, int n, bool reuse, int64_t *bytes) RK_CHECK;
/* From the plan of a graph with four blocks of each tower that has more: the values of one with all of them, in time but without
 * addresses, and for how many each step stands. turn: the node behind which the towers are gone through again, gradients after
 * the loss, updates after their norm. *holds false: the blocks are not alike, and all have to be lowered. longer_free in any case. */
enum { PLANNED_BLOCKS = 4 };
struct longer { int n_values, n_steps; struct plan_value *values; int64_t *times; };
rk_status pass_lengthen(rk_ctx *ctx, const struct plan *plan, const struct tower *towers, rk_ref turn, struct longer *out, bool *holds) RK_CHECK;
void longer_free(rk_ctx *ctx, struct longer *l);

#endif
