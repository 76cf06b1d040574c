/* dot.h: the sum of products of two stretches of floats, in double: element i belongs to lane i mod 8, lanes are added in a tree. The same
 * bits from every instruction set, because a product of two floats is exact in double. */
#ifndef CPU_DOT_H
#define CPU_DOT_H
#include "backend/cpu/isa.h"
#include <stdint.h>

typedef double dot_stretch_fn(const float *a, const float *b, int64_t n);

#define X(isa) dot_stretch_fn dot_stretch_##isa;
FOR_EVERY_ISA(X)
#undef X

#endif
