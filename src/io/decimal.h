/* decimal.h: doubles as decimal digits and back, the same under every locale. */
#ifndef IO_DECIMAL_H
#define IO_DECIMAL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DECIMAL_MOST = 1000, DECIMAL_ROOM = 32 };

bool   decimal_integer(const char *text, size_t n, int64_t *out);       /* -?[0-9]+; false when it does not fit */
double decimal_read(const char *text, size_t n);                        /* a JSON number of at most DECIMAL_MOST characters; correctly rounded */
/* As Python's repr: the fewest of 15, 16 or 17 digits that read back as the same bits (subnormals: of 1 to 17), trailing zeros
 * dropped; always with a point or an exponent. x is finite. Returns the length. */
size_t decimal_write(double x, char out[DECIMAL_ROOM]);

#endif
