/* rows.c: see rows.h. */
#include "backend/cpu/rows.h"
#include "backend/cpu/extent.h"

void rows_over(struct rows *r, rk_dim dim, const struct layout *const *operands, int n)
{
    const struct layout *first = operands[0];
    struct layout others = { 0 };
    r->count = 1;
    for (int i = 0; i < first->rank; i++) {
        if (first->dim[i] == dim) {
            r->n = first->size[i];
            continue;
        }
        others.dim[others.rank] = first->dim[i];
        others.size[others.rank++] = first->size[i];
        r->count *= first->size[i];
    }
    for (int k = 0; k < n; k++) r->stride[k] = layout_stride(operands[k], dim);
    loops_over(&r->loops, &others, operands, n);
    int64_t fit = r->n > 0 ? ROWS_ELEMENTS / r->n : ROWS_ELEMENTS;
    r->per_task = fit < 1 ? 1 : fit;
    r->tasks = extent_parts(r->count, r->per_task);
}

void rows_cut(struct rows *r, int64_t tasks)
{
    int64_t least = extent_parts(r->count, tasks);
    if (r->per_task > ROWS_SUMMED) r->per_task = ROWS_SUMMED;
    if (r->per_task < least) r->per_task = least;
    r->tasks = extent_parts(r->count, r->per_task);
}

int64_t rows_end(const struct rows *r, int64_t task) { return extent_least((task + 1) * r->per_task, r->count); }

int64_t rows_at(const struct rows *r, int k, int64_t i) { return loops_at(&r->loops, k, i); }

const float *rows_read(const float *x, int64_t stride, int64_t n, float *own)
{
    if (stride == 1) return x;
    for (int64_t i = 0; i < n; i++) own[i] = x[i * stride];
    return own;
}

void rows_write(float *y, int64_t stride, int64_t n, const float *own)
{
    if (stride == 1 && own == y) return;
    for (int64_t i = 0; i < n; i++) y[i * stride] = own[i];
}
