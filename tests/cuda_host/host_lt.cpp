/* host_lt.cpp: products of matrices by three loops: sums of f32 and narrower in double, rounded once. What a device refuses is refused:
 * types that do not go together, addresses that break the alignment an algorithm was promised. */
#include "cublasLt.h"
#include "host_inner.h"
#include <algorithm>
#include <stdlib.h>
#include <vector>

struct layout { cudaDataType type; int32_t order, batches; uint64_t rows, columns; int64_t ld, batch; };
struct description { cublasComputeType_t compute; cudaDataType scale; int32_t mode, trans_a, trans_b; uint32_t epilogue; };
struct preference { uint64_t workspace; uint32_t alignment[4], schemes; };
static_assert(sizeof(struct layout) <= sizeof(cublasLtMatrixLayoutOpaque_t) && sizeof(struct description) <= sizeof(cublasLtMatmulDescOpaque_t) &&
                  sizeof(struct preference) <= sizeof(cublasLtMatmulPreferenceOpaque_t), "kept in what the caller may have on a stack");

static struct layout *of(cublasLtMatrixLayout_t l) { return (struct layout *)l; }
static struct description *of(cublasLtMatmulDesc_t d) { return (struct description *)d; }
static struct preference *of(cublasLtMatmulPreference_t p) { return (struct preference *)p; }

static size_t width(cudaDataType type) { return type == CUDA_R_64F ? 8 : type == CUDA_R_32F || type == CUDA_R_32I ? 4 : type == CUDA_R_8I ? 1 : 2; }

template <typename T> static cublasStatus_t take(T *to, const void *from, size_t bytes)
{
    if (bytes != sizeof *to) return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(to, from, bytes);
    return CUBLAS_STATUS_SUCCESS;
}

extern "C" const char *cublasLtGetStatusName(cublasStatus_t status) { return status == CUBLAS_STATUS_SUCCESS ? "CUBLAS_STATUS_SUCCESS" : "CUBLAS_STATUS_NOT_SUPPORTED"; }
extern "C" const char *cublasLtGetStatusString(cublasStatus_t status) { return cublasLtGetStatusName(status); }
extern "C" size_t cublasLtGetVersion(void) { return 130000; }
extern "C" cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle) { return *handle = (cublasLtHandle_t)malloc(1), CUBLAS_STATUS_SUCCESS; }
extern "C" cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) { return free(handle), CUBLAS_STATUS_SUCCESS; }

template <typename Out, typename In> static void make(Out *out, const In &in)
{
    *out = (Out)calloc(1, sizeof **out);
    memcpy(*out, &in, sizeof in);
}

extern "C" cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *d, cublasComputeType_t compute, cudaDataType_t scale)
{
    make(d, description{ compute, scale, CUBLASLT_POINTER_MODE_HOST, CUBLAS_OP_N, CUBLAS_OP_N, CUBLASLT_EPILOGUE_DEFAULT });
    return CUBLAS_STATUS_SUCCESS;
}

extern "C" cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t d) { return free(d), CUBLAS_STATUS_SUCCESS; }

extern "C" cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t d, cublasLtMatmulDescAttributes_t attribute, const void *from, size_t bytes)
{
    switch (attribute) {
    case CUBLASLT_MATMUL_DESC_POINTER_MODE: return take(&of(d)->mode, from, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSA: return take(&of(d)->trans_a, from, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB: return take(&of(d)->trans_b, from, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE: return take(&of(d)->epilogue, from, bytes);
    default: return CUBLAS_STATUS_NOT_SUPPORTED;
    }
}

extern "C" cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *l, cudaDataType type, uint64_t rows, uint64_t columns, int64_t ld)
{
    make(l, layout{ type, CUBLASLT_ORDER_COL, 1, rows, columns, ld, 0 });
    return CUBLAS_STATUS_SUCCESS;
}

extern "C" cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t l) { return free(l), CUBLAS_STATUS_SUCCESS; }

extern "C" cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t l, cublasLtMatrixLayoutAttribute_t attribute, const void *from, size_t bytes)
{
    switch (attribute) {
    case CUBLASLT_MATRIX_LAYOUT_ORDER: return take(&of(l)->order, from, bytes);
    case CUBLASLT_MATRIX_LAYOUT_ROWS: return take(&of(l)->rows, from, bytes);
    case CUBLASLT_MATRIX_LAYOUT_COLS: return take(&of(l)->columns, from, bytes);
    case CUBLASLT_MATRIX_LAYOUT_LD: return take(&of(l)->ld, from, bytes);
    case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT: return take(&of(l)->batches, from, bytes);
    case CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET: return take(&of(l)->batch, from, bytes);
    default: return CUBLAS_STATUS_NOT_SUPPORTED;
    }
}

extern "C" cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *p)
{
    make(p, preference{ 0, { 256, 256, 256, 256 }, CUBLASLT_REDUCTION_SCHEME_MASK });
    return CUBLAS_STATUS_SUCCESS;
}

extern "C" cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t p) { return free(p), CUBLAS_STATUS_SUCCESS; }

extern "C" cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t p, cublasLtMatmulPreferenceAttributes_t attribute, const void *from, size_t bytes)
{
    switch (attribute) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES: return take(&of(p)->workspace, from, bytes);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK: return take(&of(p)->schemes, from, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES: return take(&of(p)->alignment[0], from, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES: return take(&of(p)->alignment[1], from, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES: return take(&of(p)->alignment[2], from, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES: return take(&of(p)->alignment[3], from, bytes);
    default: return CUBLAS_STATUS_NOT_SUPPORTED;
    }
}

/* --- what goes together --- */

static bool is_sound(const struct layout *l)
{
    return l->rows > 0 && l->columns > 0 && l->batches > 0 && l->ld >= (int64_t)(l->order == CUBLASLT_ORDER_COL ? l->rows : l->columns);
}

static bool types_fit(const struct description *d, const struct layout *a, const struct layout *b, const struct layout *c)
{
    if (a->type != b->type) return false;
    if (d->compute == CUBLAS_COMPUTE_64F || d->compute == CUBLAS_COMPUTE_64F_PEDANTIC) return a->type == CUDA_R_64F && c->type == CUDA_R_64F && d->scale == CUDA_R_64F;
    bool f32 = d->compute == CUBLAS_COMPUTE_32F || d->compute == CUBLAS_COMPUTE_32F_PEDANTIC || d->compute == CUBLAS_COMPUTE_32F_FAST_TF32;
    return f32 && d->scale == CUDA_R_32F && (c->type == a->type || c->type == CUDA_R_32F) && a->type != CUDA_R_64F && width(a->type) > 1;
}

static uint64_t op_rows(const struct layout *l, int32_t trans) { return trans == CUBLAS_OP_N ? l->rows : l->columns; }
static uint64_t op_columns(const struct layout *l, int32_t trans) { return trans == CUBLAS_OP_N ? l->columns : l->rows; }

static cublasStatus_t check(const struct description *d, const struct layout *a, const struct layout *b, const struct layout *c, const struct layout *to)
{
    if (!is_sound(a) || !is_sound(b) || !is_sound(c) || !is_sound(to)) return CUBLAS_STATUS_INVALID_VALUE;
    if (op_rows(a, d->trans_a) != to->rows || op_columns(b, d->trans_b) != to->columns || op_columns(a, d->trans_a) != op_rows(b, d->trans_b)) return CUBLAS_STATUS_INVALID_VALUE;
    if (c->rows != to->rows || c->columns != to->columns || a->batches != to->batches || b->batches != to->batches || c->batches != to->batches) return CUBLAS_STATUS_INVALID_VALUE;
    bool plain = d->epilogue == CUBLASLT_EPILOGUE_DEFAULT && d->mode == CUBLASLT_POINTER_MODE_HOST && c->type == to->type;
    return plain && types_fit(d, a, b, to) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

extern "C" cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t d, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                                                         cublasLtMatrixLayout_t to, cublasLtMatmulPreference_t p, int most, cublasLtMatmulHeuristicResult_t *results, int *n)
{
    *n = 0;
    cublasStatus_t status = check(of(d), of(a), of(b), of(c), of(to));
    if (status != CUBLAS_STATUS_SUCCESS) return status;
    if (most < 1) return CUBLAS_STATUS_INVALID_VALUE;
    for (int i = 0; i < 2 && i < most; i++) {       /* two, so that there is a choice; each remembers the promise */
        results[i] = cublasLtMatmulHeuristicResult_t();
        results[i].algo.data[0] = (uint64_t)i + 1;
        for (int k = 0; k < 4; k++) results[i].algo.data[1 + k] = of(p)->alignment[k];
        results[i].workspaceSize = results[i].algo.data[5] = std::min<uint64_t>(of(p)->workspace, 1024 * (uint64_t)i);
        results[i].state = CUBLAS_STATUS_SUCCESS;
        results[i].wavesCount = 1;
    }
    *n = std::min(2, most);
    return CUBLAS_STATUS_SUCCESS;
}

extern "C" cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t *algo, cublasLtMatmulAlgoConfigAttributes_t attribute, void *to, size_t bytes, size_t *written)
{
    int32_t value = attribute == CUBLASLT_ALGO_CONFIG_ID ? (int32_t)algo->data[0] : attribute == CUBLASLT_ALGO_CONFIG_SPLITK_NUM ? 1 : 0;
    if (bytes != sizeof value) return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(to, &value, sizeof value);
    if (written != nullptr) *written = sizeof value;
    return CUBLAS_STATUS_SUCCESS;
}

/* --- the product --- */

static int64_t place(const struct layout *l, int64_t row, int64_t column) { return l->order == CUBLASLT_ORDER_COL ? column * l->ld + row : row * l->ld + column; }

static double load(const void *from, cudaDataType type, int64_t at)
{
    switch (type) {
    case CUDA_R_64F: return ((const double *)from)[at];
    case CUDA_R_32F: return (double)((const float *)from)[at];
    case CUDA_R_16BF: return (double)host_from_bf16(((const uint16_t *)from)[at]);
    default: return (double)host_from_f16(((const uint16_t *)from)[at]);
    }
}

static void store(void *to, cudaDataType type, int64_t at, double x)
{
    switch (type) {
    case CUDA_R_64F: ((double *)to)[at] = x; break;
    case CUDA_R_32F: ((float *)to)[at] = (float)x; break;
    case CUDA_R_16BF: ((uint16_t *)to)[at] = host_to_bf16((float)x); break;
    default: ((uint16_t *)to)[at] = host_to_f16((float)x); break;
    }
}

/* Rows of op(X), or columns of it: `lines` of `n` neighbours, in double. */
static std::vector<double> spread(const void *from, const struct layout *l, int64_t batch, bool rows_are_lines)
{
    std::vector<double> all((size_t)(l->rows * l->columns));
    size_t at = 0;
    for (int64_t i = 0; i < (int64_t)(rows_are_lines ? l->rows : l->columns); i++)
        for (int64_t k = 0; k < (int64_t)(rows_are_lines ? l->columns : l->rows); k++)
            all[at++] = load(from, l->type, batch * l->batch + (rows_are_lines ? place(l, i, k) : place(l, k, i)));
    return all;
}

struct product { struct description d; struct layout a, b, c, to; double alpha, beta; const void *at_a, *at_b, *at_c; void *at_to; };

static void multiply(const struct product &p)
{
    int64_t depth = (int64_t)op_columns(&p.a, p.d.trans_a);
    for (int64_t batch = 0; batch < p.to.batches; batch++) {
        std::vector<double> a = spread(p.at_a, &p.a, batch, p.d.trans_a == CUBLAS_OP_N), b = spread(p.at_b, &p.b, batch, p.d.trans_b != CUBLAS_OP_N);
        for (int64_t i = 0; i < (int64_t)p.to.rows; i++)
            for (int64_t j = 0; j < (int64_t)p.to.columns; j++) {
                double sum = 0;
                for (int64_t k = 0; k < depth; k++) sum += a[(size_t)(i * depth + k)] * b[(size_t)(j * depth + k)];
                sum *= p.alpha;
                if (p.beta != 0) sum += p.beta * load(p.at_c, p.c.type, batch * p.c.batch + place(&p.c, i, j));
                store(p.at_to, p.to.type, batch * p.to.batch + place(&p.to, i, j), sum);
            }
    }
}

static bool aligned(const void *at, uint64_t to) { return (uintptr_t)at % to == 0; }

extern "C" cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t d, const void *alpha, const void *a, cublasLtMatrixLayout_t a_layout, const void *b,
                                         cublasLtMatrixLayout_t b_layout, const void *beta, const void *c, cublasLtMatrixLayout_t c_layout, void *to, cublasLtMatrixLayout_t to_layout,
                                         const cublasLtMatmulAlgo_t *algo, void *workspace, size_t workspace_bytes, cudaStream_t stream)
{
    cublasStatus_t status = check(of(d), of(a_layout), of(b_layout), of(c_layout), of(to_layout));
    if (status != CUBLAS_STATUS_SUCCESS) return status;
    struct product p = { *of(d), *of(a_layout), *of(b_layout), *of(c_layout), *of(to_layout), 0, 0, a, b, c, to };
    bool f64 = p.d.scale == CUDA_R_64F;
    p.alpha = f64 ? *(const double *)alpha : (double)*(const float *)alpha;
    p.beta = f64 ? *(const double *)beta : (double)*(const float *)beta;
    if (algo != nullptr) {
        if (algo->data[0] == 0 || algo->data[5] > workspace_bytes || (algo->data[5] > 0 && workspace == nullptr)) return CUBLAS_STATUS_INVALID_VALUE;
        if (!aligned(a, algo->data[1]) || !aligned(b, algo->data[2]) || !aligned(c, algo->data[3]) || !aligned(to, algo->data[4])) return CUBLAS_STATUS_INVALID_VALUE;
    }
    return host_do(stream, [p]() { multiply(p); }) == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}
