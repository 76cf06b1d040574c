/* blas_inner.h: an opened library, and the table of those that are known. */
#ifndef BLAS_BLAS_INNER_H
#define BLAS_BLAS_INNER_H
#include "backend/blas/blas.h"

enum { ROW_MAJOR = 101, AS_IT_IS = 111, TRANSPOSED = 112 };         /* the numbers of cblas.h */

typedef void sgemm_fn(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda, const float *b,
                      int ldb, float beta, float *c, int ldc);

struct blas {
    void       *handle;
    sgemm_fn   *sgemm;
    char        name[256], core[64];
};

struct blas_row {
    const char *name;                            /* what a person types */
    const char *files[4];                        /* tried in this order; a path with a slash is taken as it is */
    const char *set_threads;                     /* void (int) */
    bool        wide_threads;                    /* its argument is 64 bits */
    const char *core_name;                       /* const char *(void) */
    const char *core_id, *core_of_id;            /* or int (void), const char *(int) */
};

#endif
