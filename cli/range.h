/* range.h: the values that one knob takes in turn: "seq=1Ki..128Ki", "layer=1..8", "hidden=64..1024:64", "act=relu,gelu". */
#ifndef CLI_RANGE_H
#define CLI_RANGE_H
#include <stdbool.h>
#include <stddef.h>

enum { RANGE_MOST = 4096 };

struct range_point { char at[40]; };            /* a whole number in digits, or the word as it was typed */
struct range { char name[48]; int n; size_t room; struct range_point *point; char why[160]; };

/* NAME=ITEM,...: an item is a value, A..B, A..B:STEP or A..B:*FACTOR. A..B steps by 1 up to 16 and doubles beyond. false: why says
 * what is wrong. range_free in any case. */
bool range_read(const char *text, struct range *r);
void range_free(struct range *r);

#endif
