/* attend.c: attention and its gradients, a head at a time: scores never leave the cache, masked tiles are never made.
 *
 * A task is one head of one sequence. It takes the queries in blocks; the weights of a block against the keys it may see are
 * made, used and forgotten. The gradients make them again (nothing but q, k and v is kept) and add up dk and dv from block to
 * block: one owner, one order, the same bits on any number of threads.
 * Source for forgetting and remaking: Dao et al. 2022 (arXiv 2205.14135). */
#include "backend/cpu/attend.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/machine.h"
#include "base/par.h"
#include "core/opdef.h"
#include <string.h>

enum { BLOCK = 64, MOST_OUTER = RK_MAX_RANK };

/* Strides of one operand or result: queries or keys, numbers of a head, and the dims in front. */
struct strides { int64_t row, number, outer[MOST_OUTER], offset; };

struct attend {
    int64_t seq, key, width, heads;             /* heads: product of the dims in front */
    int     n_outer;
    int64_t outer[MOST_OUTER];
    struct strides q, k, v, y, dy, dq, dk, dv;
    int     q_out, k_out, v_out;                /* which result is the gradient, -1: not wanted */
    bool    causal, gradients;
    float   scale;
    double  keep;
    uint64_t site;
    size_t  worker_bytes, gemm_bytes;
    enum isa isa;
};
_Static_assert(sizeof(struct attend) <= PREPARED_BYTES, "attention fits its place");

static const struct node *op_node(const struct problem *p)
{
    return p->op == &op_adjoint ? node_of(p->g, (rk_ref)p->node->at.i[1]) : p->node;
}

static struct strides strides_of(const struct problem *p, const struct layout *l, rk_dim row, rk_dim number, const struct attend *a, const struct layout *q)
{
    struct strides s = { .row = l->stride[layout_axis(l, row)], .number = l->stride[layout_axis(l, number)], .offset = l->offset };
    const struct node *n = op_node(p);
    int k = 0;
    for (int i = 0; i < q->rank; i++)
        if (q->dim[i] != (rk_dim)n->at.i[0] && q->dim[i] != (rk_dim)n->at.i[2]) s.outer[k++] = l->stride[layout_axis(l, q->dim[i])];
    (void)a;
    return s;
}

static struct attend attend_of(const struct problem *p)
{
    const struct node *n = op_node(p);
    rk_dim seq = (rk_dim)n->at.i[0], key = (rk_dim)n->at.i[1], width = (rk_dim)n->at.i[2];
    const struct layout *q = &p->in[0].at, *k = &p->in[1].at;
    struct attend a = { .heads = 1, .q_out = -1, .k_out = -1, .v_out = -1, .causal = n->at.i[3] != 0, .gradients = p->op == &op_adjoint, .scale = (float)n->at.f[0], .keep = n->at.f[1], .site = rand_site(n->text), .isa = machine_isa(p) };
    a.seq = q->size[layout_axis(q, seq)];
    a.width = q->size[layout_axis(q, width)];
    a.key = k->size[layout_axis(k, key)];
    for (int i = 0; i < q->rank; i++) {
        if (q->dim[i] == seq || q->dim[i] == width) continue;
        a.outer[a.n_outer++] = q->size[i];
        a.heads *= q->size[i];
    }
    a.q = strides_of(p, q, seq, width, &a, q);
    a.k = strides_of(p, k, key, width, &a, q);
    a.v = strides_of(p, &p->in[2].at, key, width, &a, q);
    if (!a.gradients) a.y = strides_of(p, &p->out[0].at, seq, width, &a, q);
    else a.dy = strides_of(p, &p->in[4].at, seq, width, &a, q);
    for (int i = 0; i < p->n_out && a.gradients; i++) {
        const struct layout *l = &p->out[i].at;
        if (p->out_role[i] == 1) a.q_out = i, a.dq = strides_of(p, l, seq, width, &a, q);
        if (p->out_role[i] == 2) a.k_out = i, a.dk = strides_of(p, l, key, width, &a, q);
        if (p->out_role[i] == 3) a.v_out = i, a.dv = strides_of(p, l, key, width, &a, q);
    }
    return a;
}

static bool accepts(const struct problem *p)
{
    bool ok = !p->accumulate;
    for (int i = 0; i < 3; i++) ok = ok && p->in[i].dtype == RK_f32;
    for (int i = 0; i < p->n_out; i++) ok = ok && p->out[i].dtype == RK_f32 && (p->op != &op_adjoint || (p->out_role[i] >= 1 && p->out_role[i] <= 3));
    return ok;
}

bool attend_accepts(const struct problem *p) { return accepts(p); }
bool attend_adjoint_accepts(const struct problem *p) { return accepts(p); }

/* --- the products of a block: rows of queries, seen keys --- */

static struct gemm_plan product(const struct attend *a, int64_t m, int64_t n, int64_t k, int64_t a_m, int64_t a_k, int64_t b_k, int64_t b_n, int64_t c_m, int64_t c_n, bool more)
{
    return gemm_plan(&(struct gemm_problem){ .m = m, .n = n, .k = k, .a_m = a_m, .a_k = a_k, .b_k = b_k, .b_n = b_n, .c_m = c_m, .c_n = c_n, .batch = { 1, 1 }, .alpha = 1, .accumulate = more }, a->isa);
}

static struct gemm_plan scores_plan(const struct attend *a, int64_t rows, int64_t seen, const struct strides *q, const struct strides *k)
{
    return product(a, rows, seen, a->width, q->row, q->number, k->number, k->row, a->key, 1, false);
}

static struct gemm_plan values_plan(const struct attend *a, int64_t rows, int64_t seen, const struct strides *v, const struct strides *y)
{
    return product(a, rows, a->width, seen, a->key, 1, v->row, v->number, y->row, y->number, false);
}

static struct gemm_plan keys_plan(const struct attend *a, int64_t rows, int64_t seen, const struct strides *q, const struct strides *dk)
{
    return product(a, seen, a->width, rows, 1, a->key, q->row, q->number, dk->row, dk->number, true);
}

static size_t largest(size_t most, struct gemm_plan plan)
{
    size_t bytes = gemm_scratch(&plan, 1);
    return bytes > most ? bytes : most;
}

/* The largest workspace of any product of any block. */
static size_t gemm_bytes(const struct attend *a)
{
    size_t most = 0;
    for (int64_t from = 0; from < a->seq; from += BLOCK) {
        int64_t rows = a->seq - from < BLOCK ? a->seq - from : BLOCK, seen = a->causal ? from + rows + a->key - a->seq : a->key;
        most = largest(most, scores_plan(a, rows, seen, &a->q, &a->k));
        if (!a->gradients) most = largest(most, values_plan(a, rows, seen, &a->v, &a->y));
        if (!a->gradients) continue;
        most = largest(most, scores_plan(a, rows, seen, &a->dy, &a->v));
        if (a->q_out >= 0) most = largest(most, values_plan(a, rows, seen, &a->k, &a->dq));
        if (a->k_out >= 0) most = largest(most, keys_plan(a, rows, seen, &a->q, &a->dk));
        if (a->v_out >= 0) most = largest(most, keys_plan(a, rows, seen, &a->dy, &a->dv));
    }
    return (most + 63) & ~(size_t)63;
}

static uint64_t issued(const struct attend *a)
{
    uint64_t products = a->gradients ? 2 + (uint64_t)((a->q_out >= 0) + (a->k_out >= 0) + (a->v_out >= 0)) : 2, flops = 0;
    for (int64_t from = 0; from < a->seq; from += BLOCK) {
        int64_t rows = a->seq - from < BLOCK ? a->seq - from : BLOCK, seen = a->causal ? from + rows + a->key - a->seq : a->key;
        flops += (uint64_t)(2 * rows * seen * a->width) * products;
    }
    return flops * (uint64_t)a->heads;
}

static rk_status prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    struct attend a = attend_of(p);
    memset(out, 0, sizeof *out);
    if (a.causal && a.key < a.seq && !p->live) return FAIL(RK_E_SHAPE, "attention: causal with %lld keys for %lld queries", (long long)a.key, (long long)a.seq);
    if (a.causal && a.key < a.seq) a.key = a.seq;           /* bounds of live sizes need not fit each other */
    a.gemm_bytes = gemm_bytes(&a);
    size_t block = ((size_t)(BLOCK * a.key) * sizeof(float) + 63) & ~(size_t)63;
    a.worker_bytes = block * (a.gradients ? 2 : 1) + (a.gradients && a.keep < 1 ? block : 0) + a.gemm_bytes;
    out->scratch = a.worker_bytes * (size_t)par_workers(ctx);
    out->product_flops = issued(&a);
    memcpy(out->own, &a, sizeof a);
    return RK_OK;
}

rk_status attend_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, out); }
rk_status attend_adjoint_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, out); }

/* --- one head --- */

struct work { const struct attend *a; const struct call *c; attend_softmax_fn *softmax; attend_slope_fn *slope; };

static float *at(const struct attend *a, void *base, const struct strides *s, int64_t head)
{
    float *p = (float *)base + s->offset;
    for (int i = a->n_outer - 1; i >= 0; i--) {
        p += head % a->outer[i] * s->outer[i];
        head /= a->outer[i];
    }
    return p;
}

static void weights_of(const struct work *w, float *p, int64_t from, int64_t rows, int64_t seen, const float *q, const float *k, void *scratch)
{
    const struct attend *a = w->a;
    struct gemm_plan plan = scores_plan(a, rows, seen, &a->q, &a->k);
    gemm_alone(&plan, &(struct gemm_operands){ .a = q + from * a->q.row, .b = k, .c = p }, scratch);
    for (int64_t r = 0; r < rows; r++)
        w->softmax(p + r * a->key, seen, a->causal ? from + r + 1 + a->key - a->seq : seen, a->scale);
}

/* Dropout of weights: the mask of element (head, query, key) in the space of all scores. */
static void drop(const struct work *w, const float *p, float *out, int64_t head, int64_t from, int64_t rows, int64_t seen)
{
    const struct attend *a = w->a;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t s = 0; s < seen; s++) {
            uint64_t index = (uint64_t)((head * a->seq + from + r) * a->key + s);
            out[r * a->key + s] = p[r * a->key + s] * (float)rand_value(w->c->live->seed, w->c->live->step, a->site, index, a->keep);
        }
}

static void forward_head(void *arg, int64_t head, int worker)
{
    const struct work *w = arg;
    const struct attend *a = w->a;
    void *const *in = w->c->in;
    float *p = (float *)((char *)w->c->scratch + (size_t)worker * a->worker_bytes);
    void *scratch = (char *)p + a->worker_bytes - a->gemm_bytes;
    const float *q = at(a, in[0], &a->q, head), *k = at(a, in[1], &a->k, head), *v = at(a, in[2], &a->v, head);
    float *y = at(a, w->c->out[0], &a->y, head);
    for (int64_t from = 0; from < a->seq; from += BLOCK) {
        int64_t rows = a->seq - from < BLOCK ? a->seq - from : BLOCK, seen = a->causal ? from + rows + a->key - a->seq : a->key;
        weights_of(w, p, from, rows, seen, q, k, scratch);
        if (a->keep < 1) drop(w, p, p, head, from, rows, seen);
        struct gemm_plan plan = values_plan(a, rows, seen, &a->v, &a->y);
        gemm_alone(&plan, &(struct gemm_operands){ .a = p, .b = v, .c = y + from * a->y.row }, scratch);
    }
}

static void clear(const struct attend *a, float *x, const struct strides *s)
{
    for (int64_t t = 0; t < a->key; t++)
        for (int64_t i = 0; i < a->width; i++) x[t * s->row + i * s->number] = 0;
}

/* dp is the gradient of the dropped weights on the way in; p are the weights before dropping. */
static void slopes(const struct work *w, const float *p, float *dp, int64_t head, int64_t from, int64_t rows, int64_t seen)
{
    const struct attend *a = w->a;
    if (a->keep < 1) drop(w, dp, dp, head, from, rows, seen);
    for (int64_t r = 0; r < rows; r++) w->slope(p + r * a->key, dp + r * a->key, seen, a->scale);
}

static void backward_head(void *arg, int64_t head, int worker)
{
    const struct work *w = arg;
    const struct attend *a = w->a;
    void *const *in = w->c->in;
    size_t block = ((size_t)(BLOCK * a->key) * sizeof(float) + 63) & ~(size_t)63;
    char *own = (char *)w->c->scratch + (size_t)worker * a->worker_bytes;
    float *p = (float *)own, *dp = (float *)(own + block), *dropped = a->keep < 1 ? (float *)(own + 2 * block) : p;
    void *scratch = own + a->worker_bytes - a->gemm_bytes;
    const float *q = at(a, in[0], &a->q, head), *k = at(a, in[1], &a->k, head), *v = at(a, in[2], &a->v, head), *dy = at(a, in[4], &a->dy, head);
    float *dq = a->q_out < 0 ? NULL : at(a, w->c->out[a->q_out], &a->dq, head);
    float *dk = a->k_out < 0 ? NULL : at(a, w->c->out[a->k_out], &a->dk, head);
    float *dv = a->v_out < 0 ? NULL : at(a, w->c->out[a->v_out], &a->dv, head);
    if (dk != NULL) clear(a, dk, &a->dk);
    if (dv != NULL) clear(a, dv, &a->dv);
    for (int64_t from = 0; from < a->seq; from += BLOCK) {
        int64_t rows = a->seq - from < BLOCK ? a->seq - from : BLOCK, seen = a->causal ? from + rows + a->key - a->seq : a->key;
        struct gemm_plan plan;
        weights_of(w, p, from, rows, seen, q, k, scratch);
        if (a->keep < 1) drop(w, p, dropped, head, from, rows, seen);
        if (dv != NULL) {
            plan = keys_plan(a, rows, seen, &a->dy, &a->dv);
            gemm_alone(&plan, &(struct gemm_operands){ .a = dropped, .b = dy + from * a->dy.row, .c = dv }, scratch);
        }
        plan = scores_plan(a, rows, seen, &a->dy, &a->v);
        gemm_alone(&plan, &(struct gemm_operands){ .a = dy + from * a->dy.row, .b = v, .c = dp }, scratch);
        slopes(w, p, dp, head, from, rows, seen);
        if (dq != NULL) {
            plan = values_plan(a, rows, seen, &a->k, &a->dq);
            gemm_alone(&plan, &(struct gemm_operands){ .a = dp, .b = k, .c = dq + from * a->dq.row }, scratch);
        }
        if (dk != NULL) {
            plan = keys_plan(a, rows, seen, &a->q, &a->dk);
            gemm_alone(&plan, &(struct gemm_operands){ .a = dp, .b = q + from * a->q.row, .c = dk }, scratch);
        }
    }
}

static rk_status run(rk_ctx *ctx, const struct call *c, par_body *body)
{
#define X(isa) attend_softmax_##isa,
    static attend_softmax_fn *const softmax[] = { FOR_EVERY_ISA(X) };
#undef X
#define X(isa) attend_slope_##isa,
    static attend_slope_fn *const slope[] = { FOR_EVERY_ISA(X) };
#undef X
    struct attend a;
    memcpy(&a, c->prepared->own, sizeof a);
    struct work w = { &a, c, softmax[a.isa], slope[a.isa] };
    par_for(ctx, a.heads, body, &w);
    if (c->issued != NULL) *c->issued += c->prepared->product_flops;
    return RK_OK;
}

rk_status attend_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c, forward_head); }
rk_status attend_adjoint_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c, backward_head); }
