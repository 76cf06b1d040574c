/* attend_few.c: attention of few queries, weights in rows: the products read keys and values as they lie. */
#include "backend/cpu/attend_inner.h"

static struct gemm_plan product(const struct attend *a, int64_t n, int64_t k, const int64_t strides[6])
{
    return gemm_plan(&(struct gemm_problem){ .m = a->seq, .n = n, .k = k, .a_m = strides[0], .a_k = strides[1], .b_k = strides[2],
                                             .b_n = strides[3], .c_m = strides[4], .c_n = strides[5], .batch = { 1, 1 }, .alpha = 1 }, a->isa);
}

static struct gemm_plan scores_plan(const struct attend *a)
{
    return product(a, a->key, a->width, (const int64_t[]){ a->q.row, a->q.number, a->k.number, a->k.row, a->key, 1 });
}

static struct gemm_plan values_plan(const struct attend *a)
{
    return product(a, a->width, a->key, (const int64_t[]){ a->key, 1, a->v.row, a->v.number, a->y.row, a->y.number });
}

static size_t weights_bytes(const struct attend *a) { return ((size_t)(a->seq * a->key) * sizeof(float) + 63) & ~(size_t)63; }

size_t attend_few_bytes(const struct attend *a)
{
    struct gemm_plan scores = scores_plan(a), values = values_plan(a);
    size_t one = gemm_scratch(&scores, 1), other = gemm_scratch(&values, 1);
    return weights_bytes(a) + (((one > other ? one : other) + 63) & ~(size_t)63);
}

uint64_t attend_few_scores(const struct attend *a) { return (uint64_t)(a->seq * a->key) * (uint64_t)a->heads; }

void attend_few(void *work, int64_t head, int worker)
{
    const struct attend_work *w = work;
    const struct attend *a = w->a;
    void *const *in = w->c->in;
    char *own = (char *)w->c->scratch + (size_t)worker * a->worker_bytes;
    float *p = (float *)own;
    struct gemm_plan scores = scores_plan(a), values = values_plan(a);
    const float *q = attend_at(a, in[0], &a->q, head), *k = attend_at(a, in[1], &a->k, head), *v = attend_at(a, in[2], &a->v, head);
    int64_t keys = attend_keys(w, head);
    gemm_alone(&scores, &(struct gemm_operands){ .a = q, .b = k, .c = p }, own + weights_bytes(a));
    for (int64_t t = 0; t < a->seq; t++) {
        w->kernels->row(p + t * a->key, a->key, attend_seen(a, t + 1, keys), a->scale);
        for (int64_t s = 0; s < a->key && a->keep < 1; s++) p[t * a->key + s] *= attend_mask(w, head, t, s);
    }
    gemm_alone(&values, &(struct gemm_operands){ .a = p, .b = v, .c = attend_at(a, w->c->out[0], &a->y, head) }, own + weights_bytes(a));
}
