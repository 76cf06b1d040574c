/* layout.c: strides of stored values and of views, and walking several layouts at once. */
#include "core/layout.h"
#include "core/opdef.h"

struct layout layout_dense(const rk_graph *g, int rank, const rk_dim *dim)
{
    struct layout l = { .rank = rank };
    int64_t stride = 1;
    for (int i = rank - 1; i >= 0; i--) {
        l.dim[i] = dim[i];
        l.size[i] = dim_size(g, dim[i]);
        l.stride[i] = stride;
        stride *= l.size[i];
    }
    return l;
}

struct layout layout_of(const rk_graph *g, rk_ref x, rk_ref *base)
{
    const struct node *n = node_of(g, x);
    if ((n->op->flags & OP_VIEW) == 0) {
        if (base != NULL) *base = x;
        return layout_dense(g, n->rank, n->dim);
    }
    struct layout inner = layout_of(g, n->in[0], base), l = { 0 };
    (void)n->op->view(g, x, &inner, &l);                    /* infer has asked already: it holds */
    return l;
}

bool layout_is_dense(const struct layout *l)
{
    int64_t stride = 1;
    for (int i = l->rank - 1; i >= 0; i--) {
        if (l->size[i] != 1 && l->stride[i] != stride) return false;
        stride *= l->size[i];
    }
    return true;
}

bool layout_same(const struct layout *a, const struct layout *b)
{
    bool same = a->rank == b->rank && a->offset == b->offset;
    for (int i = 0; i < a->rank && same; i++) same = a->dim[i] == b->dim[i] && a->stride[i] == b->stride[i];
    return same;
}

int64_t layout_elements(const struct layout *l)
{
    int64_t n = 1;
    for (int i = 0; i < l->rank; i++) n *= l->size[i];
    return n;
}

int layout_axis(const struct layout *l, rk_dim dim)
{
    for (int i = 0; i < l->rank; i++)
        if (l->dim[i] == dim) return i;
    return -1;
}

int64_t layout_stride(const struct layout *l, rk_dim dim)
{
    int axis = layout_axis(l, dim);
    return axis < 0 ? 0 : l->stride[axis];
}

void loops_over(struct loops *loops, const struct layout *space, const struct layout *const *operands, int n)
{
    loops->rank = 0;
    for (int i = 0; i < space->rank; i++) {
        int64_t stride[24];
        if (space->size[i] == 1) continue;
        for (int k = 0; k < n; k++) stride[k] = layout_stride(operands[k], space->dim[i]);
        int last = loops->rank - 1;
        bool joins = last >= 0;
        for (int k = 0; k < n && joins; k++) joins = loops->stride[k][last] == stride[k] * space->size[i];
        if (joins) loops->size[last] *= space->size[i];
        else loops->size[++last] = space->size[i];
        for (int k = 0; k < n; k++) loops->stride[k][last] = stride[k];
        loops->rank = last + 1;
    }
}
