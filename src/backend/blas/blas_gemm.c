/* blas_gemm.c: our problem as calls of a library's product, cut into blocks by the shape alone and run side by side.
 *
 * A block is at least BLOCK wide, so that what the library packs again and again stays a few percent. */
#include "backend/blas/blas_inner.h"
#include "base/par.h"
#include <limits.h>

enum { ROW_MAJOR = 101, AS_IT_IS = 111, TRANSPOSED = 112 };         /* the numbers of cblas.h */
enum { BLOCK = 192, TASKS = 16 };

struct matrix { int64_t row, column; bool transposed; int64_t lead; };

/* Can cblas see it? One unit stride, the other at least as long as what it steps over, and within an int. */
static bool matrix_of(int64_t rows, int64_t columns, int64_t row, int64_t column, struct matrix *out)
{
    if (columns == 1) column = 1;                /* a stride that is never taken may be called anything */
    if (rows == 1) row = column == 1 ? columns : 1;
    *out = (struct matrix){ row, column, column != 1, column == 1 ? row : column };
    if (column != 1 && row != 1) return false;
    int64_t least = out->transposed ? rows : columns;
    return out->lead >= (least > 1 ? least : 1) && out->lead <= INT_MAX;
}

struct call {
    const struct blas *blas;
    const struct gemm_problem *p;
    const struct gemm_operands *o;
    struct matrix a, b, c;
    int64_t row_parts, column_parts;
};

static bool call_of(const struct gemm_problem *p, struct call *call)
{
    call->p = p;
    return p->m <= INT_MAX && p->n <= INT_MAX && p->k <= INT_MAX && matrix_of(p->m, p->k, p->a_m, p->a_k, &call->a)
        && matrix_of(p->k, p->n, p->b_k, p->b_n, &call->b) && matrix_of(p->m, p->n, p->c_m, p->c_n, &call->c);
}

bool blas_takes(const struct gemm_problem *p)
{
    struct call call;
    return gemm_refuse(p) == NULL && p->m > 0 && p->n > 0 && p->k > 0 && call_of(p, &call);
}

void blas_by_cblas(const struct blas *b, const struct blas_product *p)
{
    b->cblas(ROW_MAJOR, p->a_transposed ? TRANSPOSED : AS_IT_IS, p->b_transposed ? TRANSPOSED : AS_IT_IS, p->m, p->n, p->k, p->alpha, p->a, p->lda,
             p->b, p->ldb, p->beta, p->c, p->ldc);
}

/* oneDNN asks OpenMP for threads in every call; how many the caller's own regions get is its own affair, and is put back. */
void blas_by_dnnl(const struct blas *b, const struct blas_product *p)
{
    int threads = b->openmp_threads != NULL ? b->openmp_threads() : 1;
    if (threads != 1) b->set_openmp_threads(1);
    (void)b->dnnl(p->a_transposed ? 'T' : 'N', p->b_transposed ? 'T' : 'N', p->m, p->n, p->k, p->alpha, p->a, p->lda, p->b, p->ldb, p->beta, p->c, p->ldc);
    if (threads != 1) b->set_openmp_threads(threads);
}

static void task(void *arg, int64_t t, int worker)
{
    const struct call *q = arg;
    const struct gemm_problem *p = q->p;
    int64_t parts = q->row_parts * q->column_parts, batch = t / parts, i = t % parts / q->column_parts, j = t % q->column_parts;
    int64_t row = p->m * i / q->row_parts, rows = p->m * (i + 1) / q->row_parts - row;
    int64_t column = p->n * j / q->column_parts, columns = p->n * (j + 1) / q->column_parts - column;
    int64_t outer = batch / p->batch[1], inner = batch % p->batch[1];
    const float *a = (const float *)q->o->a + outer * p->a_batch[0] + inner * p->a_batch[1] + row * p->a_m;
    const float *b = (const float *)q->o->b + outer * p->b_batch[0] + inner * p->b_batch[1] + column * p->b_n;
    float *c = q->o->c + outer * p->c_batch[0] + inner * p->c_batch[1] + row * p->c_m + column * p->c_n;
    float beta = p->accumulate ? 1 : 0;
    (void)worker;
    struct blas_product product = { q->a.transposed, q->b.transposed, (int)rows, (int)columns, (int)p->k, (int)q->a.lead, (int)q->b.lead, (int)q->c.lead,
                                    p->alpha, beta, a, b, c };
    if (q->c.transposed)                         /* the transpose of C is B^T A^T */
        product = (struct blas_product){ !q->b.transposed, !q->a.transposed, (int)columns, (int)rows, (int)p->k, (int)q->b.lead, (int)q->a.lead,
                                         (int)q->c.lead, p->alpha, beta, b, a, c };
    q->blas->multiply(q->blas, &product);
    if (q->o->done != NULL) q->o->done(q->o->arg, batch, row, rows, column, columns);
}

static int64_t parts_of(int64_t extent, int64_t wanted)
{
    int64_t most = extent / BLOCK;
    if (most < 1) most = 1;
    return wanted < 1 ? 1 : wanted < most ? wanted : most;
}

void blas_gemm_run(rk_ctx *ctx, const struct blas *b, const struct gemm_problem *p, const struct gemm_operands *o)
{
    struct call q = { .row_parts = 1, .column_parts = 1 };
    int64_t products = p->batch[0] * p->batch[1];
    if (!call_of(p, &q)) return;
    q.blas = b;
    q.o = o;
    if (p->m >= p->n) {
        q.row_parts = parts_of(p->m, TASKS / products);
        q.column_parts = parts_of(p->n, TASKS / (products * q.row_parts));
    } else {
        q.column_parts = parts_of(p->n, TASKS / products);
        q.row_parts = parts_of(p->m, TASKS / (products * q.column_parts));
    }
    par_for(ctx, products * q.row_parts * q.column_parts, task, &q);
}
