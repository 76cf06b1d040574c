/* arith.c: the meter's tallies. */
#include "core/arith.h"

static bool first_time(unsigned char *seen, int64_t at)
{
    unsigned char bit = (unsigned char)(1 << (at & 7));
    if (seen[at >> 3] & bit) return false;
    seen[at >> 3] |= bit;
    return true;
}

void tally_read(struct tally *t, int operand, int64_t at)
{
    if (first_time(t->seen[operand], at)) t->read++;
}

void tally_written(struct tally *t, int64_t at)
{
    if (first_time(t->seen[MOST_PROBLEM_OPERANDS - 1], at)) t->written++;
}
