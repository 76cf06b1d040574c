/* vmath_array.h: the functions of vmath.h over arrays, one table per instruction set.
 *
 * For passes that do nothing else, and for the test that holds every set to the promised errors. */
#ifndef CPU_VMATH_ARRAY_H
#define CPU_VMATH_ARRAY_H
#include "backend/cpu/isa.h"
#include <stdint.h>

typedef void vmath_array_fn(float *y, const float *x, int64_t n);        /* y may be x */
struct vmath_array { vmath_array_fn *exp, *log, *tanh, *erf, *sigmoid; };

#define X(isa) extern const struct vmath_array vmath_array_##isa;
FOR_EVERY_ISA(X)
#undef X
const struct vmath_array *vmath_array(enum isa isa);

#endif
