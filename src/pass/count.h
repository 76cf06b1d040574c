/* count.h: the bill of a graph by meaning, before it is written: rows of equal nodes, and their sums.
 *
 * A training graph repeats itself: blocks are unrolled, and within a block the same few operations stand at many places. So
 * a row is all nodes of one module, phase and price, where "h.0.attn" .. "h.11.attn" are one module, h.*.attn; it knows how
 * often it stands in each repetition. Sums over rows are sums over nodes, exactly.
 *
 *   place    where a node stands: a module, and in which repetition
 *   class    what a node is and costs: op, label, polynomials
 *   row      place × phase × class, how often
 *   account  a sum of rows that prints as V·D + L·(12·D² + 13·D) + 2·D
 */
#ifndef PASS_COUNT_H
#define PASS_COUNT_H
#include "core/bill.h"
#include "core/opdef.h"
#include "core/plan.h"
#include "reckon/bill.h"

/* The modules h.0, h.1 .. are repetitions of one, "h.*", and their number is written L. */
struct bill_repeat { const char *path; char letter; };
struct bill_terms {
    int n_phases;
    const rk_bill_phase *phases;            /* the last one's end may be anything beyond: it takes all the rest */
    int n_repeats;
    const struct bill_repeat *repeats;          /* NULL: every numbered module is a repetition, without a letter */
    struct bill_seen *seen;                     /* states of earlier graphs on the same store, which are not counted again; or NULL */
    bool totals;                                /* groups without their shares, and no reasons but those of states and inputs, without formulas */
    bool numbers;                               /* the same, but groups have their shares, without formulas */
};
struct bill_seen { struct map names[RK_KIND_COUNT]; struct arena arena; };            /* zero it to begin */

enum quantity { PRODUCTS, ELEMENTWISE, READ, WRITTEN, MOVED, ELEMENTS, BYTES, QUANTITIES };      /* the last two: of states and inputs */

struct count_repeat {                           /* [0]: none, once */
    const char *path;
    char letter;
    int64_t n;                                  /* how often: the sum of what its instances stand for */
    VEC(int64_t) instances;                     /* for how many each stands: 1, but in a shortened graph */
};
struct count_module { const char *path; int parent, depth, repeat; bool used; };        /* [0]: the root */
struct count_place { int module, repeat, instance; };
struct count_class {
    const struct opdef *op;
    const char *label;                          /* equation, function, or a state's own name */
    rk_kind kind;                               /* of states and inputs */
    rk_dtype dtype;                             /* what it is computed in: that of what it reads */
    rk_ref first;                               /* a node of this class */
    struct poly price[QUANTITIES];
};
struct count_row {
    int module, repeat, phase, class;           /* phase -1: a state or an input */
    rk_ref first;
    int64_t times;                              /* nodes altogether */
    int64_t *per;                               /* nodes in each instance of the repetition; NULL outside of one */
};

struct count {
    rk_ctx *ctx;
    const rk_graph *g;                          /* borrowed; its ids are those of `first` */
    const struct bill_terms *terms;
    struct arena arena, scratch;                /* scratch: of one number, or one row's share */
    struct polys polys;
    VEC(struct count_repeat) repeats;
    VEC(struct count_module) modules;
    VEC(struct count_place) places;
    VEC(struct count_class) classes;
    VEC(struct count_row) rows;
};

/* Counts a sealed graph without fused nodes (pass_expand writes them out). Only what an output or a sink needs costs
 * anything; every state and input has its bytes. E_DECLINED where an op has no price. Call count_clear in any case. */
rk_status count_graph(rk_ctx *ctx, const rk_graph *g, const struct bill_terms *terms, struct count *count) RK_CHECK;
void count_clear(struct count *count);

/* pass/count_place.c: the place of a dotted path, made if it is new; `times`: for how many a new instance stands. */
struct placing { struct map paths, modules, repeats, instances; };
rk_status place_find(struct count *count, struct placing *p, const char *path, size_t length, int times, int *place) RK_CHECK;
void placing_clear(rk_ctx *ctx, struct placing *p);

/* The modules in the order of the tree, those with nothing in them left out: parents first. order: room for all. */
rk_status count_tree(rk_ctx *ctx, const struct count *count, int *order, int *n) RK_CHECK;

/* pass/count_often.c: how often every row stands, as often in every repetition and the rest outside of it, in the order of the tree. together: what
 * stands in several modules of a repetition and costs the same is said of the first, and none of the others. often: room for all rows. */
struct often { int row; int64_t each, outside; };
rk_status count_often(rk_ctx *ctx, const struct count *count, const int *tree, int n_tree, bool together, struct often *often) RK_CHECK;

/* Sums, in the order in which rows came: parts outside of repetitions, and one part for each repetition. */
struct account_part { int repeat, room; struct poly each; };
struct account { int n, room; struct account_part *parts; };                        /* zero it to begin; in the count's arena */
/* What so many of a row add. Asked once, added to every account it belongs to; gone when the next
 * one, or a number, is asked for. */
struct share { int repeat; struct poly each, outside; };
rk_status account_share(struct count *count, const struct often *often, enum quantity q, struct share *share) RK_CHECK;
rk_status account_add(struct count *count, struct account *a, const struct share *share) RK_CHECK;
rk_status account_number(struct count *count, const struct account *a, uint64_t *number) RK_CHECK;
/* number_out: what divides every term is taken out too, 4·(V·D + ..): bytes. */
rk_status account_text(struct count *count, const struct account *a, bool number_out, struct str *out) RK_CHECK;

/* Writes fused operations out; *own is that graph, or NULL where g has none. The ends of phases become those of *own. */
rk_status bill_expand(rk_ctx *ctx, const rk_graph *g, int n_phases, rk_bill_phase *phases, rk_graph **own) RK_CHECK;

/* The bill of one or several graphs that make a step together (micro and update): pass/count_bill.c. A state that several
 * have is counted once; other entries of one name add up. The bill outlives the graphs. */
rk_status bill_new(rk_ctx *ctx, rk_bill **bill) RK_CHECK;
rk_status bill_add_graph(rk_bill *bill, const rk_graph *g, const struct bill_terms *terms) RK_CHECK;
rk_status bill_of_graph(rk_ctx *ctx, const rk_graph *g, const struct bill_terms *terms, rk_bill **bill) RK_CHECK;
/* What a graph does not know, such as bytes.plan.activations; replaces. formula: text, or "" for none. */
rk_status bill_set(rk_bill *bill, const char *name, uint64_t number, const char *formula) RK_CHECK;
rk_status bill_reason(rk_bill *bill, const char *name, const rk_bill_reason *reason) RK_CHECK;        /* one more line behind it; texts are copied */
/* A plan's steps and values over time; steps from the node `backward` on are of the backward pass: pass/count_time.c. */
rk_status bill_add_time(rk_bill *bill, const struct plan *plan, rk_ref backward) RK_CHECK;

#endif
