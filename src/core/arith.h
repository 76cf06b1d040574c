/* arith.h: the arithmetic of references, which can be counted.
 *
 * A reference reads with GET, writes with PUT, multiplies and adds with MUL and ADD, and applies an elementwise function of
 * price c with FN(c, value). Compiled for `ref` these are the bare operations; compiled with RECKON_METER each is tallied:
 * FLOPs of products (the multiplies and adds of einsum), elementwise FLOPs, and which elements were read and written. */
#ifndef CORE_ARITH_H
#define CORE_ARITH_H
#include "core/graph.h"
#include "core/layout.h"
#include "core/program.h"
#include "core/walk.h"

struct tally {
    uint64_t product_flops, elementwise_flops;
    uint64_t read, written;                                 /* distinct elements */
    unsigned char *seen[MOST_PROBLEM_OPERANDS];             /* one bit per element of the operand's layout walk: in[0..], then out */
};

/* One operand as the reference sees it: doubles at `at`, laid out by `l`. */
struct refarray { double *at; struct layout l; };

struct refcall {
    const rk_graph *g;
    rk_ref y;                                               /* the node */
    const struct node *n;
    int arity;
    struct refarray in[MOST_OPERANDS], out;
    const struct live *live;
    struct tally *tally;                                    /* NULL in ref */
};

void tally_read(struct tally *t, int operand, int64_t at);
void tally_written(struct tally *t, int64_t at);

/* GET_EACH: an element that is read again counts again (rows of a table, asked for by ids). */
#ifdef RECKON_METER
#define GET_EACH(c, i, at_) ((c)->tally->read++, (c)->in[i].at[at_])
#define GET(c, i, at_)      (tally_read((c)->tally, (i), (at_)), (c)->in[i].at[at_])
#define PUT(c, at_, value)  (tally_written((c)->tally, (at_)), (c)->out.at[at_] = (value))
#define PRODUCT(c, a, b)    ((c)->tally->product_flops += 1, (a) * (b))
#define PRODUCT_ADD(c, a, b) ((c)->tally->product_flops += 1, (a) + (b))
#define FN(c, price, value) ((c)->tally->elementwise_flops += (uint64_t)(price), (value))
#else
#define GET_EACH(c, i, at_) ((c)->in[i].at[at_])
#define GET(c, i, at_)      ((c)->in[i].at[at_])
#define PUT(c, at_, value)  ((c)->out.at[at_] = (value))
#define PRODUCT(c, a, b)    ((a) * (b))
#define PRODUCT_ADD(c, a, b) ((a) + (b))
#define FN(c, price, value) (value)
#endif

static inline void put_zeros(const struct refcall *c)
{
    struct walk w;
    for (walk_along(&w, &c->out.l); w.valid; walk_next(&w)) PUT(c, w.at[0], 0.0);
}

#endif
