/* narrow.c: the bodies. */
#include "tok/narrow.h"

#define X(isa) [ISA_##isa] = narrow_##isa,
narrow_body *const narrow_bodies[ISA_COUNT] = { FOR_EVERY_ISA(X) };
#undef X
