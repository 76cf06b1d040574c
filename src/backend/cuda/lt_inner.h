/* lt_inner.h: cuBLASLt from the inside: its functions, and what is known of each shape.
 *
 *   lt.c          opening, what is taken, shapes, running
 *   lt_choose.c   which algorithm is the fastest
 *   lt_keep.c     and into a file, and out of it */
#ifndef CUDA_LT_INNER_H
#define CUDA_LT_INNER_H
#include "backend/cuda/lt.h"
#include "backend/cuda/machine.h"
#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"
#include <cublasLt.h>

struct cublas {
    cublasStatus_t (*create)(cublasLtHandle_t *);
    cublasStatus_t (*destroy)(cublasLtHandle_t);
    size_t (*version)(void);
    cublasStatus_t (*desc_create)(cublasLtMatmulDesc_t *, cublasComputeType_t, cudaDataType_t);
    cublasStatus_t (*desc_destroy)(cublasLtMatmulDesc_t);
    cublasStatus_t (*desc_set)(cublasLtMatmulDesc_t, cublasLtMatmulDescAttributes_t, const void *, size_t);
    cublasStatus_t (*layout_create)(cublasLtMatrixLayout_t *, cudaDataType, uint64_t, uint64_t, int64_t);
    cublasStatus_t (*layout_destroy)(cublasLtMatrixLayout_t);
    cublasStatus_t (*layout_set)(cublasLtMatrixLayout_t, cublasLtMatrixLayoutAttribute_t, const void *, size_t);
    cublasStatus_t (*preference_create)(cublasLtMatmulPreference_t *);
    cublasStatus_t (*preference_destroy)(cublasLtMatmulPreference_t);
    cublasStatus_t (*preference_set)(cublasLtMatmulPreference_t, cublasLtMatmulPreferenceAttributes_t, const void *, size_t);
    cublasStatus_t (*heuristic)(cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                cublasLtMatrixLayout_t, cublasLtMatmulPreference_t, int, cublasLtMatmulHeuristicResult_t *, int *);
    cublasStatus_t (*matmul)(cublasLtHandle_t, cublasLtMatmulDesc_t, const void *, const void *, cublasLtMatrixLayout_t, const void *, cublasLtMatrixLayout_t,
                             const void *, const void *, cublasLtMatrixLayout_t, void *, cublasLtMatrixLayout_t, const cublasLtMatmulAlgo_t *, void *, size_t,
                             cudaStream_t);
};

enum { WORKSPACE = 128 << 20 };

enum { KEY_WORDS = 20 };
struct key { int64_t at[KEY_WORDS]; };
struct choice { struct key key; cublasLtMatmulAlgo_t algorithm; };

/* A shape with everything the library wants to know of it, made once. */
struct shape {
    struct lt_product p;
    cublasLtMatmulDesc_t desc;
    cublasLtMatrixLayout_t a, b, c;         /* as the library sees them: after the change of places */
    cublasLtMatmulAlgo_t algorithm;
};

struct lt {
    void *library;
    struct cublas f;
    cublasLtHandle_t handle;
    cudaStream_t stream;
    void *workspace;
    char text[64];
    struct arena arena;                     /* of keys */
    VEC(struct shape) shapes;
    struct map by_product;
    VEC(struct choice) choices;             /* that were timed, now or by a process before */
    bool learned;                           /* one of them now */
};

const char *lt_status_words(cublasStatus_t s);
#define LT_TRY(call, doing) do { cublasStatus_t s_ = (call); if (s_ != CUBLAS_STATUS_SUCCESS) return FAIL(RK_E_DEVICE, "cuBLASLt, %s: %s", doing, lt_status_words(s_)); } while (0)

struct key lt_key(const struct lt_product *p);
RK_CHECK rk_status lt_multiply(rk_ctx *ctx, const struct lt *lt, const struct shape *s, const cublasLtMatmulAlgo_t *algorithm, const void *a, const void *b, void *c);
/* The algorithm of a shape that is described: as chosen before, or the library's own choice, or by timing. */
RK_CHECK rk_status lt_choose(rk_ctx *ctx, struct lt *lt, struct shape *s);

#endif
