/* lt_choose.c: which of the library's algorithms is the fastest for a shape: each is timed on random numbers, once. */
#include "backend/cuda/lt_inner.h"
#include <string.h>

enum { CANDIDATES = 12, ROUNDS = 4 };
static const double WORTH_TIMING = 1e8;     /* FLOPs: a smaller product is over before a choice would matter */

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
        if (lt_multiply(ctx, lt, s, algorithm, t->a, t->b, t->c) != RK_OK) {
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

/* NULL: nobody chose. */
static struct choice *chosen_before(const struct lt *lt, const struct key *key)
{
    for (int i = 0; i < lt->choices.n; i++)
        if (memcmp(&lt->choices.at[i].key, key, sizeof *key) == 0) return &lt->choices.at[i];
    return NULL;
}

/* What a file says is taken only where the library itself still offers it. */
static bool is_among(const cublasLtMatmulAlgo_t *algorithm, const cublasLtMatmulHeuristicResult_t *found, int n)
{
    bool is = false;
    for (int i = 0; i < n && !is; i++) is = memcmp(algorithm, &found[i].algo, sizeof *algorithm) == 0;
    return is;
}

rk_status lt_choose(rk_ctx *ctx, struct lt *lt, struct shape *s)
{
    struct choice fresh = { .key = lt_key(&s->p) };
    cublasLtMatmulHeuristicResult_t found[CANDIDATES];
    int n = 0;
    double flops = 2.0 * (double)s->p.m * (double)s->p.n * (double)s->p.k * (double)s->p.batch;
    TRY(ask(ctx, lt, s, found, &n));
    s->algorithm = found[0].algo;
    if (n < 2 || flops < WORTH_TIMING) return RK_OK;
    struct choice *before = chosen_before(lt, &fresh.key);
    if (before != NULL && is_among(&before->algorithm, found, n)) {
        s->algorithm = before->algorithm;
        return RK_OK;
    }
    TRY(choose(ctx, lt, s, found, n));
    fresh.algorithm = s->algorithm;
    lt->learned = true;
    if (before == NULL) VEC_PUSH(&lt->choices, fresh);
    else *before = fresh;
    return RK_OK;
}
