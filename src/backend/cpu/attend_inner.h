/* attend_inner.h: what the files of attention share. */
#ifndef CPU_ATTEND_INNER_H
#define CPU_ATTEND_INNER_H
#include "backend/cpu/attend.h"
#include "backend/cpu/gemm_inner.h"
#include "core/problem.h"

/* Strides of one operand or result: queries or keys, numbers of a head, and the dims in front. */
struct attend_strides { int64_t row, number, outer[RK_MAX_RANK], offset; };

struct attend {
    int64_t seq, key, width, heads;             /* heads: product of the dims in front */
    int     n_outer;
    int64_t outer[RK_MAX_RANK];
    struct attend_strides q, k, v, y, dy, dq, dk, dv, lengths;
    int     lengths_in, dy_in;                  /* which operand; lengths_in -1: every sequence has all keys */
    int     q_out, k_out, v_out;                /* which result is the gradient, -1: not wanted */
    bool    causal, gradients;
    float   scale;
    double  keep;
    uint64_t site;
    size_t  worker_bytes;
    enum isa isa;
};

/* One call: what every task of it sees. */
struct attend_work { const struct attend *a; const struct call *c; const struct attend_kernels *kernels; const struct gemm_kernels *products; };

static inline float *attend_at(const struct attend *a, void *base, const struct attend_strides *s, int64_t head)
{
    float *p = (float *)base + s->offset;
    for (int i = a->n_outer - 1; i >= 0; i--) {
        p += head % a->outer[i] * s->outer[i];
        head /= a->outer[i];
    }
    return p;
}

/* Keys that are no padding in the sequence of this head. */
static inline int64_t attend_keys(const struct attend_work *w, int64_t head)
{
    const struct attend *a = w->a;
    if (a->lengths_in < 0 || a->key == 0) return a->key;
    int64_t n = *(const int32_t *)attend_at(a, w->c->in[a->lengths_in], &a->lengths, head);
    return n < 1 ? 1 : n > a->key ? a->key : n;
}
/* Keys that a block of queries up to `end` may see, of the `keys` that there are. */
static inline int64_t attend_seen(const struct attend *a, int64_t end, int64_t keys)
{
    return a->causal && end + a->key - a->seq < keys ? end + a->key - a->seq : keys;
}
/* The mask of the weight of (head, query, key): an index in the space of all scores. */
static inline float attend_mask(const struct attend_work *w, int64_t head, int64_t query, int64_t key)
{
    const struct attend *a = w->a;
    uint64_t index = (uint64_t)((head * a->seq + query) * a->key + key);
    return (float)rand_value(w->c->live->seed, w->c->live->step, a->site, index, a->keep);
}

/* attend_few.c: forward, for fewer queries than fill the lanes, where numbers of a key and of a value lie side by side. */
enum { ATTEND_FEW = 4 };
size_t   attend_few_bytes(const struct attend *a);
uint64_t attend_few_scores(const struct attend *a, int64_t keys);              /* that one head makes, which has so many keys */
int64_t  attend_few_tasks(const struct attend *a);
void     attend_few(void *work, int64_t task, int worker);
/* attend_panel.c: forward and gradients. */
size_t   attend_panel_bytes(const struct attend *a);
uint64_t attend_panel_scores(const struct attend *a, int64_t keys);            /* that one head makes, which has so many keys */
void     attend_panel(void *work, int64_t head, int worker);
void     attend_panel_adjoint(void *work, int64_t head, int worker);

#endif
