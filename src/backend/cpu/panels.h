/* panels.h: what products with panels (core/panel.h) ask, of integers (einsum_int8.c) and of floats (einsum_float_panels.c). */
#ifndef CPU_PANELS_H
#define CPU_PANELS_H
#include "backend/cpu/machine.h"

/* What einsum_panels says, as if the matrix lay in rows: the problem that einsum_stored would have been asked. */
struct panels_in_rows { struct problem p; struct operand in[3]; };
void panels_in_rows(const struct problem *p, struct panels_in_rows *r);
/* Whether that is one product, of a matrix whose rows are what is summed. */
bool panels_are_one_product(const struct problem *p);

#endif
