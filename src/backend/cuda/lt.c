/* lt.c: see lt.h.
 *
 * The library counts columns first: a matrix whose second index is fast is, to it, its transpose. A product whose result has fast
 * columns is handed over as Cᵀ = Bᵀ · Aᵀ, so that the result never needs an order of its own. */
#include "backend/cuda/lt.h"
#include "backend/cuda/machine.h"
#include "base/file.h"
#include "base/library.h"
#include "base/map.h"
#include "base/arena.h"
#include "base/str.h"
#include "base/vec.h"
#include <cublasLt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

enum { WORKSPACE = 128 << 20, CANDIDATES = 12, ROUNDS = 4 };
static const double WORTH_TIMING = 1e8;     /* FLOPs: a smaller product is over before a choice would matter */

enum { KEY_WORDS = 20 };
struct key { int64_t at[KEY_WORDS]; };
struct choice { struct key key; cublasLtMatmulAlgo_t algorithm; };

/* A shape with everything the library wants to know of it, made once. */
struct shape {
    struct lt_product p;
    cublasLtMatmulDesc_t desc;
    cublasLtMatrixLayout_t a, b, c;         /* as the library sees them: after the change of places */
    cublasLtMatmulAlgo_t algorithm;
    size_t workspace;
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

static const char *status_words(cublasStatus_t s)
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
#define LT_TRY(call, doing) do { cublasStatus_t s_ = (call); if (s_ != CUBLAS_STATUS_SUCCESS) return FAIL(RK_E_DEVICE, "cuBLASLt, %s: %s", doing, status_words(s_)); } while (0)

/* --- opening --- */

rk_status lt_open(rk_ctx *ctx, int capability, cudaStream_t stream, struct lt **out)
{
    struct lt *lt;
    (void)capability;
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

static rk_status multiply(rk_ctx *ctx, const struct lt *lt, const struct shape *s, const cublasLtMatmulAlgo_t *algorithm, const void *a, const void *b, void *c)
{
    float alpha = (float)s->p.alpha, beta = s->p.accumulate ? 1 : 0;
    double alpha_f64 = s->p.alpha, beta_f64 = s->p.accumulate ? 1 : 0;
    bool is_f64 = s->p.in == RK_f64, turned = result_is_turned(&s->p);
    LT_TRY(lt->f.matmul(lt->handle, s->desc, is_f64 ? (const void *)&alpha_f64 : &alpha, turned ? b : a, s->a, turned ? a : b, s->b, is_f64 ? (const void *)&beta_f64 : &beta, c, s->c, c,
                        s->c, algorithm, lt->workspace, WORKSPACE, lt->stream),
           "multiplying");
    return RK_OK;
}

/* --- the choice --- */

static struct key key_of(const struct lt_product *p)
{
    const struct key key = { { p->m, p->n, p->k, p->a_m, p->a_k, p->b_k, p->b_n, p->c_m, p->c_n, p->batch, p->a_batch, p->b_batch, p->c_batch, (int64_t)p->in, (int64_t)p->out,
                               (int64_t)p->in_b, p->alignment, p->accumulate } };
    struct key full = key;
    memcpy(&full.at[KEY_WORDS - 1], &p->alpha, sizeof p->alpha);
    return full;
}

static rk_status ask(rk_ctx *ctx, const struct lt *lt, const struct shape *s, cublasLtMatmulHeuristicResult_t *found, int *n)
{
    cublasLtMatmulPreference_t preference;
    size_t workspace = WORKSPACE;
    uint32_t alignment = s->p.alignment > 0 ? (uint32_t)s->p.alignment : 16;
    uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_MASK & ~(uint32_t)CUBLASLT_REDUCTION_SCHEME_INPLACE;       /* that one adds up in any order */
    LT_TRY(lt->f.preference_create(&preference), "asking for algorithms");
    cublasStatus_t status = lt->f.preference_set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace);
    if (status == CUBLAS_STATUS_SUCCESS) status = lt->f.preference_set(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &schemes, sizeof schemes);
    static const cublasLtMatmulPreferenceAttributes_t sides[] = { CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                                                                  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES };
    for (int i = 0; i < 4 && status == CUBLAS_STATUS_SUCCESS; i++) status = lt->f.preference_set(preference, sides[i], &alignment, sizeof alignment);
    if (status == CUBLAS_STATUS_SUCCESS) status = lt->f.heuristic(lt->handle, s->desc, s->a, s->b, s->c, s->c, preference, CANDIDATES, found, n);
    (void)lt->f.preference_destroy(preference);
    LT_TRY(status, "asking for algorithms");
    return *n > 0 ? RK_OK : FAIL(RK_E_DEVICE, "cuBLASLt knows no algorithm for a product of %lld x %lld x %lld", (long long)s->p.m, (long long)s->p.n, (long long)s->p.k);
}

static size_t reach(int64_t rows, int64_t columns, int64_t by_row, int64_t by_column, int64_t batches, int64_t batch, rk_dtype dtype)
{
    int64_t last = (rows - 1) * by_row + (columns - 1) * by_column + (batches - 1) * batch;
    return (size_t)(last + 1) * rk_dtype_bytes(dtype);
}

struct trial { void *a, *b, *c; cudaEvent_t begin, end; };

static void trial_close(struct trial *t)
{
    if (t->a != NULL) (void)cudaFree(t->a);
    if (t->b != NULL) (void)cudaFree(t->b);
    if (t->c != NULL) (void)cudaFree(t->c);
    if (t->begin != NULL) (void)cudaEventDestroy(t->begin);
    if (t->end != NULL) (void)cudaEventDestroy(t->end);
}

rk_status lt_fill(rk_ctx *ctx, void *to, size_t bytes, rk_dtype dtype)
{
    enum { SOME = 1 << 16 };
    static const unsigned char exponent[] = { [RK_f64] = 0x3f, [RK_f32] = 0x3f, [RK_f16] = 0x3c, [RK_bf16] = 0x3f };
    unsigned char *some;
    size_t width = rk_dtype_bytes(dtype);
    uint32_t x = 1;
    TRY(NEW(some, SOME));
    for (size_t i = 0; i < SOME; i++) {
        x = x * 1664525u + 1013904223u;
        some[i] = (unsigned char)(x >> 24);
        if (i % width == width - 1) some[i] = (unsigned char)(exponent[dtype] | (some[i] & 0x80));
    }
    rk_status status = RK_OK;
    for (size_t i = 0; i < bytes && status == RK_OK; i += SOME)
        status = cuda_check(ctx, cudaMemcpy((char *)to + i, some, bytes - i < SOME ? bytes - i : SOME, cudaMemcpyHostToDevice), "filling matrices for a trial");
    FREE(some, SOME);
    return status;
}

static rk_status trial_open(rk_ctx *ctx, const struct lt_product *p, struct trial *t)
{
    size_t a = reach(p->m, p->k, p->a_m, p->a_k, p->batch, p->a_batch, p->in), b = reach(p->k, p->n, p->b_k, p->b_n, p->batch, p->b_batch, p->in);
    size_t c = reach(p->m, p->n, p->c_m, p->c_n, p->batch, p->c_batch, p->out);
    CUDA_TRY(cudaMalloc(&t->a, a), "allocating matrices for a trial");
    CUDA_TRY(cudaMalloc(&t->b, b), "allocating matrices for a trial");
    CUDA_TRY(cudaMalloc(&t->c, c), "allocating matrices for a trial");
    CUDA_TRY(cudaEventCreate(&t->begin), "timing a trial");
    CUDA_TRY(cudaEventCreate(&t->end), "timing a trial");
    TRY(lt_fill(ctx, t->a, a, p->in));
    TRY(lt_fill(ctx, t->b, b, p->in));
    return cuda_check(ctx, cudaMemset(t->c, 0, c), "filling matrices for a trial");
}

/* The best of some rounds, after one that does not count. Infinite where the algorithm refuses. */
static rk_status time_one(rk_ctx *ctx, const struct lt *lt, const struct shape *s, const cublasLtMatmulAlgo_t *algorithm, const struct trial *t, float *best)
{
    *best = 1e30f;
    for (int round = -1; round < ROUNDS; round++) {
        float now;
        CUDA_TRY(cudaEventRecord(t->begin, lt->stream), "timing a trial");
        if (multiply(ctx, lt, s, algorithm, t->a, t->b, t->c) != RK_OK) {
            rk_error_clear(ctx);
            return RK_OK;
        }
        CUDA_TRY(cudaEventRecord(t->end, lt->stream), "timing a trial");
        CUDA_TRY(cudaEventSynchronize(t->end), "timing a trial");
        CUDA_TRY(cudaEventElapsedTime(&now, t->begin, t->end), "timing a trial");
        if (round >= 0 && now < *best) *best = now;
    }
    return RK_OK;
}

static rk_status choose(rk_ctx *ctx, const struct lt *lt, struct shape *s, const cublasLtMatmulHeuristicResult_t *found, int n)
{
    struct trial t = { NULL, NULL, NULL, NULL, NULL };
    float best = 1e30f;
    int chosen = 0;
    rk_status status = trial_open(ctx, &s->p, &t);
    if (status == RK_E_NOMEM) {                             /* no room to try: the first is the library's own choice */
        rk_error_clear(ctx);
        status = RK_OK;
        n = 0;
    }
    for (int i = 0; i < n && status == RK_OK; i++) {
        float now = 1e30f;
        if (found[i].state == CUBLAS_STATUS_SUCCESS) status = time_one(ctx, lt, s, &found[i].algo, &t, &now);
        if (now < best) best = now, chosen = i;
    }
    trial_close(&t);
    s->algorithm = found[chosen].algo;
    return status;
}


static const struct choice *chosen_before(const struct lt *lt, const struct key *key)
{
    for (int i = 0; i < lt->choices.n; i++)
        if (memcmp(&lt->choices.at[i].key, key, sizeof *key) == 0) return &lt->choices.at[i];
    return NULL;
}

static rk_status make(rk_ctx *ctx, struct lt *lt, struct shape *s)
{
    struct choice fresh = { .key = key_of(&s->p) };
    cublasLtMatmulHeuristicResult_t found[CANDIDATES];
    int n = 0;
    double flops = 2.0 * (double)s->p.m * (double)s->p.n * (double)s->p.k * (double)s->p.batch;
    TRY(describe(ctx, lt, s));
    const struct choice *before = chosen_before(lt, &fresh.key);
    if (before != NULL) {
        s->algorithm = before->algorithm;
        return RK_OK;
    }
    TRY(ask(ctx, lt, s, found, &n));
    s->algorithm = found[0].algo;
    if (n < 2 || flops < WORTH_TIMING) return RK_OK;
    TRY(choose(ctx, lt, s, found, n));
    fresh.algorithm = s->algorithm;
    VEC_PUSH(&lt->choices, fresh);
    lt->learned = true;
    return RK_OK;
}

static rk_status find(rk_ctx *ctx, struct lt *lt, const struct lt_product *p, struct shape **out)
{
    struct key key = key_of(p);
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
    return multiply(ctx, lt, s, &s->algorithm, a, b, c);
}

/* --- kept in a file: a line that says of what, then one for each choice: the words of its key, and of the algorithm --- */

enum { ALGORITHM_WORDS = sizeof(cublasLtMatmulAlgo_t) / sizeof(uint64_t), MOST_FILE = 16 << 20 };
_Static_assert(sizeof(cublasLtMatmulAlgo_t) % sizeof(uint64_t) == 0, "an algorithm is whole words");

static rk_status heading(rk_ctx *ctx, const struct lt *lt, const char *device, struct str *text)
{
    return str_format(ctx, text, "reckon products 1, %s, %s\n", lt->text, device);
}

/* The rest of a line; NULL: it is no choice. */
static const char *read_choice(const char *at, struct choice *c)
{
    uint64_t word[ALGORITHM_WORDS];
    char *end;
    for (int i = 0; i < KEY_WORDS; i++, at = end) {
        c->key.at[i] = strtoll(at, &end, 10);
        if (end == at) return NULL;
    }
    for (int i = 0; i < ALGORITHM_WORDS; i++, at = end) {
        word[i] = strtoull(at, &end, 16);
        if (end == at) return NULL;
    }
    memcpy(&c->algorithm, word, sizeof word);
    return *at == '\n' ? at + 1 : NULL;
}

rk_status lt_recall(rk_ctx *ctx, struct lt *lt, const char *file, const char *device)
{
    struct str text = { 0 }, head = { 0 };
    struct choice c;
    rk_status status = file_read(ctx, file, MOST_FILE, &text);
    if (status == RK_OK) status = heading(ctx, lt, device, &head);
    const char *at = status == RK_OK && strncmp(str_c(&text), str_c(&head), (size_t)head.n) == 0 ? str_c(&text) + head.n : NULL;
    while (status == RK_OK && at != NULL && *at != '\0') {
        at = read_choice(at, &c);
        if (at == NULL || (status = VEC_ROOM(&lt->choices, 1)) != RK_OK) break;
        lt->choices.at[lt->choices.n++] = c;
    }
    str_free(ctx, &text);
    str_free(ctx, &head);
    if (status == RK_OK || status == RK_E_NOMEM) return status;
    rk_error_clear(ctx);                            /* there is no such file yet */
    return RK_OK;
}

static rk_status write_choices(rk_ctx *ctx, const struct lt *lt, const char *device, struct str *text)
{
    TRY(heading(ctx, lt, device, text));
    for (int i = 0; i < lt->choices.n; i++) {
        uint64_t word[ALGORITHM_WORDS];
        memcpy(word, &lt->choices.at[i].algorithm, sizeof word);
        for (int k = 0; k < KEY_WORDS; k++) TRY(str_format(ctx, text, "%lld ", (long long)lt->choices.at[i].key.at[k]));
        for (int k = 0; k < ALGORITHM_WORDS; k++) TRY(str_format(ctx, text, "%llx%s", (unsigned long long)word[k], k + 1 < ALGORITHM_WORDS ? " " : "\n"));
    }
    return RK_OK;
}

rk_status lt_keep(rk_ctx *ctx, const struct lt *lt, const char *file, const char *device)
{
    struct str text = { 0 };
    struct file_writer w = { .fd = -1 };
    rk_status status = RK_OK;
    if (!lt->learned) return RK_OK;
    GO(write_choices(ctx, lt, device, &text));
    GO(file_create(ctx, &w, file));
    GO(file_write(ctx, &w, str_c(&text), (size_t)text.n));
    GO(file_commit(ctx, &w));
out:
    file_abandon(ctx, &w);
    str_free(ctx, &text);
    if (status == RK_OK || status == RK_E_NOMEM) return status;
    ctx_log(ctx, RK_WARNING, "which products are fastest is not kept: %s", rk_error_message(ctx));
    rk_error_clear(ctx);
    return RK_OK;
}
