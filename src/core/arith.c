/* arith.c: walking spaces of named dims, and the meter's tallies. */
#include "core/arith.h"

static void add_axis(struct walk *w, rk_dim dim, int64_t size)
{
    w->dim[w->rank] = dim;
    w->size[w->rank] = size;
    w->index[w->rank++] = 0;
    if (size == 0) w->valid = false;
}

void walk_begin(struct walk *w, const struct layout *a)
{
    w->rank = 0;
    w->valid = true;
    for (int i = 0; i < a->rank; i++) add_axis(w, a->dim[i], a->size[i]);
}

void walk_also(struct walk *w, const struct layout *b)
{
    int known = w->rank;
    for (int i = 0; i < b->rank; i++) {
        bool there = false;
        for (int k = 0; k < known; k++) there = there || w->dim[k] == b->dim[i];
        if (!there) add_axis(w, b->dim[i], b->size[i]);
    }
}

void walk_next(struct walk *w)
{
    for (int i = w->rank - 1; i >= 0; i--) {
        if (++w->index[i] < w->size[i]) return;
        w->index[i] = 0;
    }
    w->valid = false;
}

int64_t walk_at(const struct walk *w, const struct layout *l)
{
    int64_t at = l->offset;
    for (int i = 0; i < l->rank; i++)
        for (int k = 0; k < w->rank; k++)
            if (w->dim[k] == l->dim[i]) at += w->index[k] * l->stride[i];
    return at;
}

void walk_set(struct walk *w, rk_dim dim, int64_t index)
{
    for (int k = 0; k < w->rank; k++)
        if (w->dim[k] == dim) w->index[k] = index;
}

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
