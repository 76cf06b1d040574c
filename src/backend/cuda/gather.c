/* gather.c: rows of a table by their numbers, in units of up to 16 bytes where one id stands for neighbours; an id outside reads 0. */
#include "backend/cuda/gather.h"
#include "backend/cuda/kernels.h"
#include <string.h>

enum { LARGEST_UNIT = 16 };

bool cuda_gather_accepts(const struct problem *p)
{
    return p->n_in == 2 && p->n_out == 1 && !p->accumulate && p->in[0].dtype == p->out[0].dtype && p->in[1].dtype > RK_f8e5m2;
}

rk_status cuda_gather_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    (void)ctx, (void)p;
    memset(out, 0, sizeof *out);
    return RK_OK;
}

rk_status cuda_gather_run(rk_ctx *ctx, const struct call *c)
{
    const struct problem *p = c->problem;
    const struct layout *table = &p->in[0].at, *to = &p->out[0].at;
    int axis = layout_axis(table, (rk_dim)p->node->at.i[0]), element = (int)rk_dtype_bytes(p->out[0].dtype);
    struct gather_args a = { .element = element, .dtype = p->in[1].dtype, .size = table->size[axis], .step = table->stride[axis],
                             .to = cuda_out(c, 0), .table = cuda_in(c, 0), .ids = cuda_in(c, 1) };
    struct layout rows = *table;
    rows.dim[axis] = -1;                                    /* ids choose along it: no loop moves it */
    const struct layout *const all[] = { to, &rows, &p->in[1].at };
    if (layout_elements(to) == 0) return RK_OK;
    cuda_walk_over(&a.walk, to, all, 3);
    for (a.unit = LARGEST_UNIT; a.unit > element; a.unit /= 2) {
        bool whole = cuda_is_at(a.to, (size_t)a.unit) && cuda_is_at(a.table, (size_t)a.unit) && a.step * element % a.unit == 0;
        if (whole && cuda_walk_in_units(&a.walk, 1u << GATHER_TO | 1u << GATHER_TABLE, a.unit / element)) break;
    }
    gather_launch(&a, cuda_of(p)->stream);
    return LAUNCHED("gather");
}
