/* lt.c: see lt.h.
 *
 * The library counts columns first: a matrix whose second index is fast is, to it, its transpose. A product whose result has fast
 * columns is handed over as Cᵀ = Bᵀ · Aᵀ, so that the result never needs an order of its own. */
#include "backend/cuda/lt_inner.h"
#include "base/library.h"
#include <stdio.h>
#include <string.h>

static const char *const symbols[] = {
    "cublasLtCreate", "cublasLtDestroy", "cublasLtGetVersion", "cublasLtMatmulDescCreate", "cublasLtMatmulDescDestroy", "cublasLtMatmulDescSetAttribute",
    "cublasLtMatrixLayoutCreate", "cublasLtMatrixLayoutDestroy", "cublasLtMatrixLayoutSetAttribute", "cublasLtMatmulPreferenceCreate",
    "cublasLtMatmulPreferenceDestroy", "cublasLtMatmulPreferenceSetAttribute", "cublasLtMatmulAlgoGetHeuristic", "cublasLtMatmul",
};
enum { SYMBOLS = sizeof symbols / sizeof *symbols };
_Static_assert(sizeof(struct cublas) == SYMBOLS * sizeof(void *), "a name for each function");

#ifdef RECKON_CUDA_HOST
static const char *const files[] = { RECKON_CUDA_HOST_LIBRARY };
#else
static const char *const files[] = { "libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so" };
#endif

const char *lt_status_words(cublasStatus_t s)
{
    switch (s) {
    case CUBLAS_STATUS_NOT_INITIALIZED: return "not initialized";
    case CUBLAS_STATUS_ALLOC_FAILED: return "no memory for its own use";
    case CUBLAS_STATUS_INVALID_VALUE: return "a value that it does not take";
    case CUBLAS_STATUS_ARCH_MISMATCH: return "not on this device";
    case CUBLAS_STATUS_EXECUTION_FAILED: return "the device failed";
    case CUBLAS_STATUS_NOT_SUPPORTED: return "not supported";
    default: return "failed";
    }
}

/* --- opening --- */

rk_status lt_open(rk_ctx *ctx, cudaStream_t stream, struct lt **out)
{
    struct lt *lt;
    *out = NULL;
    TRY(NEW(lt, 1));
    *out = lt;                                      /* closed by whoever opens the device */
    lt->stream = stream;
    for (size_t i = 0; i < sizeof files / sizeof *files && lt->library == NULL; i++) (void)library_open(files[i], symbols, SYMBOLS, &lt->f, &lt->library);
    if (lt->library == NULL) {
        (void)FAIL(RK_E_MISSING, "cuBLASLt, which makes products of matrices, is not here");
        return ctx_hint(ctx, "libcublasLt.so is part of the CUDA toolkit; LD_LIBRARY_PATH says where it lies");
    }
    LT_TRY(lt->f.create(&lt->handle), "opening it");
    size_t version = lt->f.version();
    (void)snprintf(lt->text, sizeof lt->text, "cuBLASLt %zu.%zu.%zu", version / 10000, version / 100 % 100, version % 100);
    return cuda_check(ctx, cudaMalloc(&lt->workspace, WORKSPACE), "allocating the workspace of cuBLASLt");
}

static void shape_close(const struct lt *lt, struct shape *s)
{
    if (s->desc != NULL) (void)lt->f.desc_destroy(s->desc);
    if (s->a != NULL) (void)lt->f.layout_destroy(s->a);
    if (s->b != NULL) (void)lt->f.layout_destroy(s->b);
    if (s->c != NULL) (void)lt->f.layout_destroy(s->c);
}

void lt_close(rk_ctx *ctx, struct lt *lt)
{
    if (lt == NULL) return;
    for (int i = 0; i < lt->shapes.n; i++) shape_close(lt, &lt->shapes.at[i]);
    VEC_FREE(&lt->shapes);
    VEC_FREE(&lt->choices);
    map_free(ctx, &lt->by_product);
    arena_clear(ctx, &lt->arena);
    if (lt->workspace != NULL) (void)cudaFree(lt->workspace);
    if (lt->handle != NULL) (void)lt->f.destroy(lt->handle);
    library_close(lt->library);
    FREE(lt, 1);
}

const char *lt_text(const struct lt *lt) { return lt->text; }
size_t lt_workspace(const struct lt *lt) { return lt->workspace != NULL ? WORKSPACE : 0; }

/* --- what it takes --- */

static bool type_of(rk_dtype dtype, cudaDataType_t *type)
{
    static const struct { rk_dtype dtype; cudaDataType_t type; } all[] = { { RK_f32, CUDA_R_32F }, { RK_f64, CUDA_R_64F }, { RK_bf16, CUDA_R_16BF }, { RK_f16, CUDA_R_16F } };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].dtype == dtype) {
            *type = all[i].type;
            return true;
        }
    return false;
}

/* A matrix of rows and columns, one of whose indices is fast, and the other no narrower than it must be. */
static bool is_matrix(int64_t rows, int64_t columns, int64_t by_row, int64_t by_column)
{
    if (by_column == 1 && (by_row >= columns || rows == 1)) return true;
    return by_row == 1 && (by_column >= rows || columns == 1);
}

bool lt_takes(const struct lt_product *p)
{
    cudaDataType_t type;
    bool types = type_of(p->in, &type) && type_of(p->out, &type) && p->in_b == p->in && (p->out == p->in || (p->out == RK_f32 && p->in != RK_f64));
    bool sizes = p->m > 0 && p->n > 0 && p->k > 0 && p->batch > 0 && p->m <= INT32_MAX && p->n <= INT32_MAX && p->k <= INT32_MAX && p->batch <= INT32_MAX;
    return types && sizes && is_matrix(p->m, p->k, p->a_m, p->a_k) && is_matrix(p->k, p->n, p->b_k, p->b_n) && is_matrix(p->m, p->n, p->c_m, p->c_n);
}

/* --- shapes --- */

/* Stored so that its fast index is the row, to the library; transposed: the product wants it the other way round. */
struct side { int64_t rows, columns, by_row, by_column, batch; rk_dtype dtype; };

static rk_status make_layout(rk_ctx *ctx, const struct lt *lt, const struct side *s, int64_t batches, bool *transposed, cublasLtMatrixLayout_t *out)
{
    cudaDataType_t type;
    bool rows_fast = s->by_row == 1 && (s->by_column >= s->rows || s->columns == 1);
    if (s->by_column == 1 && s->by_row >= s->columns && (s->rows > 1 || !rows_fast)) rows_fast = false;
    int64_t fast = rows_fast ? s->rows : s->columns, slow = rows_fast ? s->columns : s->rows, lead = rows_fast ? s->by_column : s->by_row;
    int32_t count = (int32_t)batches;
    if (lead < fast) lead = fast;                   /* of a single line, whose step nobody takes */
    *transposed = !rows_fast;
    PROMISE(type_of(s->dtype, &type));
    LT_TRY(lt->f.layout_create(out, type, (uint64_t)fast, (uint64_t)slow, lead), "describing a matrix");
    if (batches == 1) return RK_OK;
    LT_TRY(lt->f.layout_set(*out, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count), "describing matrices");
    LT_TRY(lt->f.layout_set(*out, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &s->batch, sizeof s->batch), "describing matrices");
    return RK_OK;
}

static bool result_is_turned(const struct lt_product *p) { return !(p->c_m == 1 && (p->c_n >= p->m || p->n == 1)) || (p->c_n == 1 && p->m == 1 && p->c_m >= p->n); }

static rk_status describe(rk_ctx *ctx, const struct lt *lt, struct shape *s)
{
    const struct lt_product *p = &s->p;
    struct side a = { p->m, p->k, p->a_m, p->a_k, p->a_batch, p->in }, b = { p->k, p->n, p->b_k, p->b_n, p->b_batch, p->in }, c = { p->m, p->n, p->c_m, p->c_n, p->c_batch, p->out };
    bool turn_a, turn_b, turn_c;
    if (result_is_turned(p)) {
        const struct side t = { a.columns, a.rows, a.by_column, a.by_row, a.batch, a.dtype };
        a = (struct side){ b.columns, b.rows, b.by_column, b.by_row, b.batch, b.dtype };
        b = t;
        c = (struct side){ c.columns, c.rows, c.by_column, c.by_row, c.batch, c.dtype };
    }
    bool is_f64 = p->in == RK_f64;
    LT_TRY(lt->f.desc_create(&s->desc, is_f64 ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F, is_f64 ? CUDA_R_64F : CUDA_R_32F), "describing a product");
    TRY(make_layout(ctx, lt, &a, p->batch, &turn_a, &s->a));
    TRY(make_layout(ctx, lt, &b, p->batch, &turn_b, &s->b));
    TRY(make_layout(ctx, lt, &c, p->batch, &turn_c, &s->c));
    PROMISE(!turn_c);
    cublasOperation_t op_a = turn_a ? CUBLAS_OP_T : CUBLAS_OP_N, op_b = turn_b ? CUBLAS_OP_T : CUBLAS_OP_N;
    LT_TRY(lt->f.desc_set(s->desc, CUBLASLT_MATMUL_DESC_TRANSA, &op_a, sizeof op_a), "describing a product");
    LT_TRY(lt->f.desc_set(s->desc, CUBLASLT_MATMUL_DESC_TRANSB, &op_b, sizeof op_b), "describing a product");
    return RK_OK;
}

rk_status lt_multiply(rk_ctx *ctx, const struct lt *lt, const struct shape *s, const cublasLtMatmulAlgo_t *algorithm, const void *a, const void *b, void *c)
{
    float alpha = (float)s->p.alpha, beta = s->p.accumulate ? 1 : 0;
    double alpha_f64 = s->p.alpha, beta_f64 = s->p.accumulate ? 1 : 0;
    bool is_f64 = s->p.in == RK_f64, turned = result_is_turned(&s->p);
    LT_TRY(lt->f.matmul(lt->handle, s->desc, is_f64 ? (const void *)&alpha_f64 : &alpha, turned ? b : a, s->a, turned ? a : b, s->b, is_f64 ? (const void *)&beta_f64 : &beta, c, s->c, c,
                        s->c, algorithm, lt->workspace, WORKSPACE, lt->stream),
           "multiplying");
    return RK_OK;
}

struct key lt_key(const struct lt_product *p)
{
    const struct key key = { { p->m, p->n, p->k, p->a_m, p->a_k, p->b_k, p->b_n, p->c_m, p->c_n, p->batch, p->a_batch, p->b_batch, p->c_batch, (int64_t)p->in, (int64_t)p->out,
                               (int64_t)p->in_b, p->alignment, p->accumulate } };
    struct key full = key;
    memcpy(&full.at[KEY_WORDS - 1], &p->alpha, sizeof p->alpha);
    return full;
}

static rk_status make(rk_ctx *ctx, struct lt *lt, struct shape *s)
{
    TRY(describe(ctx, lt, s));
    return lt_choose(ctx, lt, s);
}

static rk_status find(rk_ctx *ctx, struct lt *lt, const struct lt_product *p, struct shape **out)
{
    struct key key = lt_key(p);
    const char *kept;
    int at;
    if (map_get(&lt->by_product, (const char *)&key, sizeof key, &at)) {
        *out = &lt->shapes.at[at];
        return RK_OK;
    }
    struct shape s = { .p = *p };
    rk_status status = make(ctx, lt, &s);
    if (status == RK_OK) status = VEC_ROOM(&lt->shapes, 1);
    if (status == RK_OK) status = arena_text(ctx, &lt->arena, (const char *)&key, sizeof key, &kept);
    if (status == RK_OK) status = map_put(ctx, &lt->by_product, kept, sizeof key, lt->shapes.n);
    if (status != RK_OK) {
        shape_close(lt, &s);
        return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
    }
    lt->shapes.at[lt->shapes.n++] = s;
    *out = &lt->shapes.at[lt->shapes.n - 1];
    return RK_OK;
}

rk_status lt_prepare(rk_ctx *ctx, struct lt *lt, const struct lt_product *p)
{
    struct shape *s;
    PROMISE(lt_takes(p));
    return find(ctx, lt, p, &s);
}

rk_status lt_run(rk_ctx *ctx, struct lt *lt, const struct lt_product *p, const void *a, const void *b, void *c)
{
    struct shape *s;
    TRY(find(ctx, lt, p, &s));
    return lt_multiply(ctx, lt, s, &s->algorithm, a, b, c);
}
