/* rows.c: see rows.h. */
#include "backend/cuda/rows.h"

/* The other dimensions, as one walk over all operands. */
static struct layout without(const struct layout *l, rk_dim dim)
{
    struct layout rest = { .offset = l->offset };
    for (int i = 0; i < l->rank; i++) {
        if (l->dim[i] == dim) continue;
        rest.dim[rest.rank] = l->dim[i];
        rest.size[rest.rank] = l->size[i];
        rest.stride[rest.rank++] = l->stride[i];
    }
    return rest;
}

bool cuda_rows_over(struct cuda_rows *r, rk_dim dim, const struct layout *const *operands, int n)
{
    struct layout rest[CUDA_ROW_OPERANDS];
    const struct layout *all[CUDA_ROW_OPERANDS];
    struct loops loops;
    for (int k = 0; k < n; k++) {
        int axis = layout_axis(operands[k], dim);
        if (axis < 0 || (operands[k]->stride[axis] != 1 && operands[k]->size[axis] > 1)) return false;
        r->n = operands[k]->size[axis];
        rest[k] = without(operands[k], dim);
        all[k] = &rest[k];
    }
    loops_over(&loops, &rest[0], all, n);
    if (loops.rank > 1) return false;
    r->count = loops.rank == 0 ? 1 : loops.size[0];
    for (int k = 0; k < n; k++) r->stride[k] = loops.rank == 0 ? 0 : loops.stride[k][0];
    return true;
}
