/* place.c: zeros but for a stretch, or one index, of a dimension: the stretch is copied, what is before and behind it is zeroed. */
#include "backend/cuda/copy.h"
#include "backend/cuda/kernels.h"
#include <string.h>

bool cuda_place_accepts(const struct problem *p) { return p->n_in == 1 && p->n_out == 1 && !p->accumulate && p->in[0].dtype == p->out[0].dtype; }

rk_status cuda_place_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    (void)ctx, (void)p;
    memset(out, 0, sizeof *out);
    return RK_OK;
}

/* The indices start .. end - 1 of an axis. */
static struct layout stretch(struct layout l, int axis, int64_t start, int64_t end)
{
    l.offset += start * l.stride[axis];
    l.size[axis] = end > start ? end - start : 0;
    return l;
}

rk_status cuda_place_run(rk_ctx *ctx, const struct call *c)
{
    const struct attributes *at = &c->problem->node->at;
    const struct cuda_move all = cuda_move_of(c, 0);
    struct cuda_move hole = all, before = all, behind = all;
    cudaStream_t stream = cuda_of(c->problem)->stream;
    int axis = layout_axis(&all.to_layout, (rk_dim)at->i[0]), part = at->i[1] == 0 ? -1 : layout_axis(&all.from_layout, (rk_dim)at->i[1]);
    int64_t size = all.to_layout.size[axis], start = at->i[2], end = start + (part < 0 ? 1 : all.from_layout.size[part]);
    hole.to_layout = stretch(all.to_layout, axis, start, end);
    if (part >= 0) hole.to_layout.dim[axis] = (rk_dim)at->i[1];
    before.from = behind.from = NULL;
    before.to_layout = stretch(all.to_layout, axis, 0, cuda_least(start, size));
    behind.to_layout = stretch(all.to_layout, axis, end, size);
    TRY(cuda_move(ctx, stream, &hole));
    TRY(cuda_move(ctx, stream, &before));
    return cuda_move(ctx, stream, &behind);
}
