/* bill.h: what one node costs, by meaning: exact polynomials. Sums, tables and formulas over a graph are pass/count. */
#ifndef CORE_BILL_H
#define CORE_BILL_H
#include "core/poly.h"

struct bill_line {
    struct polys *polys;
    struct poly products;           /* FLOPs of einsum: one multiply-add is 2 */
    struct poly elementwise;        /* FLOPs of everything else */
    struct poly read, written;      /* distinct elements */
    struct poly moved;              /* bytes of both */
};

/* What most ops say: every operand read once, the result written once. */
void bill_reads_operands(const rk_graph *g, rk_ref y, struct bill_line *line);
void bill_reads_operand(const rk_graph *g, rk_ref y, int i, struct bill_line *line);
void bill_reads(struct bill_line *line, rk_dtype dtype, struct poly elements);        /* some of what lies there */
void bill_writes(struct bill_line *line, rk_dtype dtype, struct poly elements);
void bill_writes_result(const rk_graph *g, rk_ref y, struct bill_line *line);
struct poly bill_elements(struct polys *p, const rk_graph *g, rk_ref x);           /* Π dims */

#endif
