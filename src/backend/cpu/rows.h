/* rows.h: problems that are rows: every kernel that works along one dimension walks the others through this.
 *
 * A row is what lies along one dimension (n elements, a stride per operand); rows are counted in the order of the other
 * dimensions of the first layout. Rows whose elements do not lie side by side are brought into the workspace and back. */
#ifndef CPU_ROWS_H
#define CPU_ROWS_H
#include "core/layout.h"

enum { MOST_ROW_OPERANDS = 4, ROWS_ELEMENTS = 1 << 15, ROWS_ALIGNED = 16 };

struct rows {
    int64_t n, count;                                   /* elements of a row; rows */
    int64_t stride[MOST_ROW_OPERANDS];                  /* from element to element */
    int64_t per_task, tasks;                            /* rows of one task: a function of the shape */
    struct loops loops;                                 /* over the other dimensions */
};

/* The rows along `dim` of several layouts with equal dimensions; one may lack `dim`, and has one number for a row. */
void rows_over(struct rows *r, rk_dim dim, const struct layout *const *operands, int n);
int64_t rows_end(const struct rows *r, int64_t task);   /* the row after the task's last; its first is task * per_task */
/* Cut again, for sums per task: at most `tasks` tasks, and few rows in each where that allows it. */
enum { ROWS_SUMMED = 256 };
void rows_cut(struct rows *r, int64_t tasks);
/* Element offset of row i of operand k, from its layout's offset. */
int64_t rows_at(const struct rows *r, int k, int64_t i);
/* Where a row can be read as n neighbours: itself, or a copy in `own`. */
const float *rows_read(const float *x, int64_t stride, int64_t n, float *own);
void rows_write(float *y, int64_t stride, int64_t n, const float *own);
static inline int64_t rows_padded(int64_t n) { return (n + ROWS_ALIGNED - 1) / ROWS_ALIGNED * ROWS_ALIGNED; }

#endif
