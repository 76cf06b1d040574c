/* vmath_array.c: the table by instruction set. */
#include "backend/cpu/vmath_array.h"

const struct vmath_array *vmath_array(enum isa isa)
{
#define X(isa) &vmath_array_##isa,
    static const struct vmath_array *const tables[ISA_COUNT] = { FOR_EVERY_ISA(X) };
#undef X
    return tables[isa];
}
