/* rational.h: exact quotients of 128-bit integers: what formulas are computed with. Too large is an answer, never a wrap. */
#ifndef BOOKS_RATIONAL_H
#define BOOKS_RATIONAL_H
#include <stdbool.h>
#include <stdint.h>

typedef __int128 whole;
struct rational { whole over, under; };                 /* under > 0, in lowest terms */

static inline struct rational rational_of(int64_t n) { return (struct rational){ n, 1 }; }
/* False where a part would not fit into 127 bits, or for a division by zero; *r is then as it was. */
bool rational_add(struct rational *r, struct rational by);
bool rational_subtract(struct rational *r, struct rational by);
bool rational_multiply(struct rational *r, struct rational by);
bool rational_divide(struct rational *r, struct rational by);
/* < 0, 0, > 0 in *order, like memcmp. */
bool rational_compare(struct rational a, struct rational b, int *order);
struct rational rational_floor(struct rational r);
bool rational_ceil(struct rational *r);
/* The nearest integer above, where it lies in 0 .. 2^64 - 1. */
bool rational_to_u64(struct rational r, uint64_t *n, bool *exact);
double rational_to_real(struct rational r);

#endif
