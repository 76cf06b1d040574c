/* blas_inner.h: an opened library, and the table of those that are known. */
#ifndef BLAS_BLAS_INNER_H
#define BLAS_BLAS_INNER_H
#include "backend/blas/blas.h"

/* One product of row-major matrices: C = alpha · op(A) · op(B) + beta · C. */
struct blas_product { bool a_transposed, b_transposed; int m, n, k, lda, ldb, ldc; float alpha, beta; const float *a, *b; float *c; };

typedef void blas_multiply_fn(const struct blas *b, const struct blas_product *p);
blas_multiply_fn blas_by_cblas, blas_by_dnnl;

typedef void cblas_sgemm_fn(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda, const float *b,
                            int ldb, float beta, float *c, int ldc);
typedef int dnnl_sgemm_fn(char transpose_a, char transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
                          const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

struct blas {
    void             *handle;
    const struct blas_row *row;
    blas_multiply_fn *multiply;
    cblas_sgemm_fn   *cblas;                     /* one of the two */
    dnnl_sgemm_fn    *dnnl;
    int             (*openmp_threads)(void);     /* of the calling thread; NULL: the library needs no such care */
    void            (*set_openmp_threads)(int);
    char              name[256], core[64];
};

struct blas_core { int id; const char *name; };

struct blas_row {
    const char *name, *title, *package;          /* what a person types; how it is called; what installs it */
    const char *files[4];                        /* tried in this order */
    const char *product;                         /* the function that multiplies, */
    blas_multiply_fn *multiply;                  /* and who calls it */
    const char *set_layer;                       /* int (int): 1 chooses the layer without threads */
    const char *set_threads;                     /* void (int) */
    bool        wide_threads;                    /* its argument is 64 bits */
    bool        openmp;                          /* it asks OpenMP, in every call */
    const char *core_name;                       /* const char *(void) */
    const char *core_id, *core_of_id;            /* or int (void), const char *(int) */
    const struct blas_core *cores;               /* or a table, up to a NULL name */
    const char *variable;                        /* the environment's way to choose a core */
};

extern const struct blas_row blas_rows[];        /* up to a NULL name */
const struct blas_row *blas_row_find(const char *name);     /* regardless of case; NULL */

#endif
