/* outer.c: see outer.h. */
#include "backend/cuda/outer.h"

struct cuda_divisor cuda_divisor_of(int64_t by)
{
    int log = 0;
    while ((int64_t)1 << log < by) log++;
    int shift = 31 + log;
    return (struct cuda_divisor){ (uint32_t)by, (uint32_t)((((uint64_t)1 << shift) + (uint64_t)by - 1) / (uint64_t)by), shift };
}

bool cuda_outer_over(struct cuda_outer *o, rk_dim dim, const struct layout *const *operands, int n)
{
    const struct layout *first = operands[0];
    struct layout others = { 0 };
    struct loops loops;
    *o = (struct cuda_outer){ .count = 1 };
    for (int i = 0; i < first->rank; i++) {
        if (first->dim[i] == dim) {
            o->n = first->size[i];
            continue;
        }
        others.dim[others.rank] = first->dim[i];
        others.size[others.rank++] = first->size[i];
        o->count *= first->size[i];
    }
    if (o->count > INT32_MAX) return false;
    for (int k = 0; k < n; k++) {
        int axis = layout_axis(operands[k], dim);
        if (axis < 0 || (operands[k]->stride[axis] != 1 && operands[k]->size[axis] > 1)) return false;
    }
    if (o->count == 0) return true;
    loops_over(&loops, &others, operands, n);
    o->loops = loops.rank;
    for (int i = 0; i < loops.rank; i++) {
        o->size[i] = cuda_divisor_of(loops.size[i]);
        for (int k = 0; k < n; k++) o->stride[k][i] = loops.stride[k][i];
    }
    return true;
}

bool cuda_outer_aligned(const struct cuda_outer *o, int k, int64_t width)
{
    bool aligned = true;
    for (int i = 0; i < o->loops; i++) aligned = aligned && o->stride[k][i] % width == 0;
    return aligned;
}
