/* joints.c: filling the tables. */
#include "tok/joints.h"

static void set(uint64_t *bits, uint32_t i) { bits[i >> 6] |= UINT64_C(1) << (i & 63); }

void joints_add(struct joints *j, rk_text left, rk_text right)
{
    const unsigned char *l = (const unsigned char *)left.at + left.n, *r = (const unsigned char *)right.at;
    uint32_t pair = (uint32_t)l[-1] << 8 | r[0];
    set(j->some, pair);
    if (left.n == 1 || right.n == 1) set(j->near, pair);
    else set(j->wide, joints_hash(l[-2], l[-1], r[0], r[1]));
}
