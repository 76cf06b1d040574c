/* opdef.h: the contract of an operation: everything the rest of the house may know of it is one of these tables.
 *
 * A primitive says shape, bill, gradient and reference. A fused operation says shape and expansion, nothing else: its bill,
 * gradient and reference are those of its expansion, so it cannot disagree with itself.
 *
 * Every file of src/op is compiled twice: as `op_NAME`, and with RECKON_METER as `meter_NAME`, where ADD, MUL, FN, GET and
 * PUT of a reference count what they do (core/arith.h). */
#ifndef CORE_OPDEF_H
#define CORE_OPDEF_H
#include "core/graph.h"

struct bill_line;                               /* core/bill.h */
struct refcall;                                 /* core/arith.h */

enum opflags {
    OP_SOURCE  = 1,     /* has no operands: input, state, const, iota, rand */
    OP_VIEW    = 2,     /* shares its operand's storage: has `view` */
    OP_VIRTUAL = 4,     /* computed where it is used, never stored, when it is used elementwise: const, iota, rand */
    OP_SINK    = 8,     /* run for its effect: update, append */
    OP_MAP     = 16,    /* elementwise over its result's dims: may join a map group */
    OP_FUSED   = 32,    /* has `expand` */
    OP_REDUCES = 64,    /* a sum over names: may add into its result in place */
    OP_LIGHT   = 128,   /* costs little more than reading its operands and writing its result, which is no smaller: see pass/remat.c */
    OP_PICKS   = 256,   /* reads of its first operand, a table, only as many elements as its result has */
    OP_CASTS   = 512,   /* the same numbers in another dtype: its gradient is added up in the wider of both, and it may join a map group */
};

/* In which dtype it is computed where a policy says so of modules (pass/cast.c). */
enum precision {
    PRECISION_WIDEST,   /* that of the widest operand */
    PRECISION_PRODUCT,  /* that of its module's products */
    PRECISION_MODULE,   /* that of its module, where the policy names it */
    PRECISION_WIDE,     /* f32 at least: many numbers are added, or exponentials taken */
    PRECISION_ROWS,     /* rows of a table: as they lie there, and then as its module is named */
    PRECISION_STATE,    /* that of its first operand, a state */
};

struct opdef {
    const char *name;
    unsigned flags;
    enum precision precision;
    /* Shape rule: n has op, operands, text and attributes; fills dtype and dims, or fails with what disagrees. */
    rk_status (*infer)(rk_ctx *ctx, rk_graph *g, struct node *n);
    /* The price of the meaning, in polynomials of the dims: core/bill.h. */
    rk_status (*bill)(rk_ctx *ctx, const rk_graph *g, rk_ref y, struct bill_line *line);
    /* The gradient for operand i, given dy; 0 where none passes. Called only for operands that need one. */
    rk_ref (*grad)(rk_graph *g, rk_ref y, int i, rk_ref dy);
    /* Several gradients of one value that this op made, summed more cleverly than by add; 0: no better way. */
    rk_ref (*sum)(rk_graph *g, const rk_ref *parts, int n);
    /* Fused only: the same value from primitives, over the operands `in` (which live in g). */
    rk_ref (*expand)(rk_graph *g, const rk_graph *from, rk_ref y, const rk_ref *in);
    /* Fused only: what its gradient depends on: bit i for operand i, ADJOINT_RESULT for the result. The rest may be forgotten. */
    unsigned adjoint_reads;
    /* Operands that kernels may take as a file has them, in another dtype and order of axes: bit i. A view passes on what it shows: its readers decide. */
    unsigned takes_stored;
    /* Views only: the layout of y from its operand's; false when there is none without a copy. */
    bool (*view)(const rk_graph *g, rk_ref y, const struct layout *x, struct layout *out);
    /* Views that show every element once in its own place: the operand's layout from y's. NULL: there is none. */
    void (*unview)(const rk_graph *g, rk_ref y, const struct layout *out, struct layout *x);
    /* Ops that only put their operands side by side: the layout of operand i inside the result's. */
    void (*part)(const rk_graph *g, rk_ref y, int i, const struct layout *whole, struct layout *out);
    /* The truth, in f64: naive on purpose. */
    void (*ref)(const struct refcall *c);
};

enum { ADJOINT_RESULT = 1 << 16 };
/* Whether the gradient node n reads its operand i. */
static inline bool adjoint_reads(const rk_graph *g, const struct node *n, int i)
{
    unsigned reads = node_of(g, (rk_ref)n->at.i[1])->op->adjoint_reads;
    return i == n->arity - 1 || (i == n->arity - 2 ? (reads & ADJOINT_RESULT) != 0 : (reads >> i & 1) != 0);
}

#ifdef RECKON_METER
#define OPDEF(name) const struct opdef meter_##name
#else
#define OPDEF(name) const struct opdef op_##name
#endif

#define ROW(name) extern const struct opdef op_##name, meter_##name;
#include "core/op.def"
#undef ROW

extern const struct opdef *const op_list[];     /* op/list.c; ends with NULL */
extern const struct opdef *const meter_list[];  /* the same order, counting */

#endif
