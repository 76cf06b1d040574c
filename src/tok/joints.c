/* joints.c: filling the tables, and cutting a word. */
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

size_t joints_cut(const struct joints *j, const unsigned char *word, size_t n, size_t at, size_t *ends, size_t most)
{
    size_t made = 0;
    for (size_t i = at + 1; i < n && made < most; i++)
        if (word[i] >= 0xc0 && !joints_at(j, word, n, i)) ends[made++] = i;
    if (made < most) ends[made++] = n;
    return made;
}
