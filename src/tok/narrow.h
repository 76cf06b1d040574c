/* narrow.h: ids of 32 bits into numbers of 16, little end first. The loop of narrow.isa.c, for this machine. */
#ifndef TOK_NARROW_H
#define TOK_NARROW_H
#include "base/isa.h"
#include <stddef.h>
#include <stdint.h>

/* Writes n numbers of two bytes; returns all ids or-ed: above 0xffff when one of them did not fit. */
typedef uint32_t narrow_body(const uint32_t *ids, size_t n, unsigned char *to);
#define X(isa) narrow_body narrow_##isa;
FOR_EVERY_ISA(X)
#undef X
extern narrow_body *const narrow_bodies[ISA_COUNT];

#endif
