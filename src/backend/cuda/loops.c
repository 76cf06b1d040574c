/* loops.c: see loops.h. */
#include "backend/cuda/loops.h"

void cuda_walk_over(struct cuda_walk *w, const struct layout *space, const struct layout *const *operands, int n)
{
    struct loops loops;
    loops_over(&loops, space, operands, n);
    *w = (struct cuda_walk){ .rank = loops.rank, .count = layout_elements(space) };
    for (int a = 0; a < loops.rank; a++) {
        w->size[a] = loops.size[a];
        for (int k = 0; k < n; k++) w->stride[k][a] = loops.stride[k][a];
    }
}

bool cuda_walk_in_units(struct cuda_walk *w, unsigned moved, int elements)
{
    int last = w->rank - 1;
    if (elements == 1) return true;
    if (last < 0 || w->size[last] % elements != 0) return false;
    for (int k = 0; k < CUDA_WALKS; k++) {
        bool moves = (moved >> k & 1) != 0;
        if (w->stride[k][last] != (moves ? 1 : 0)) return false;
        for (int a = 0; a < last && moves; a++)
            if (w->stride[k][a] % elements != 0) return false;
    }
    w->size[last] /= elements;
    w->count /= elements;
    for (int k = 0; k < CUDA_WALKS; k++) w->stride[k][last] *= elements;
    return true;
}
