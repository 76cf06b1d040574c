/* attend.c: attention and its gradients, a head at a time: scores never leave the cache, what is masked is never made.
 *
 * A task is one head of one sequence. The weights of a panel of queries against the keys they may see are made, used and
 * forgotten; the gradients make them again (nothing but q, k and v is kept). Here: what is asked, and who does it:
 * attend_panel.c, or attend_few.c for the tokens of a decode. Source for forgetting and remaking: Dao et al. 2022
 * (arXiv 2205.14135). */
#include "backend/cpu/attend_inner.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/machine.h"
#include "base/par.h"
#include <string.h>

_Static_assert(sizeof(struct attend) <= PREPARED_BYTES, "attention fits its place");

static struct attend_strides strides_of(const struct problem *p, const struct layout *l, rk_dim row, rk_dim number, const struct layout *q)
{
    struct attend_strides s = { .row = l->stride[layout_axis(l, row)], .number = l->stride[layout_axis(l, number)], .offset = l->offset };
    const struct node *n = problem_operation(p);
    int k = 0;
    for (int i = 0; i < q->rank; i++)
        if (q->dim[i] != (rk_dim)n->at.i[0] && q->dim[i] != (rk_dim)n->at.i[2]) s.outer[k++] = l->stride[layout_axis(l, q->dim[i])];
    return s;
}

/* Lengths have some of the dims in front. */
static struct attend_strides lengths_of(const struct problem *p, const struct layout *l, const struct layout *q)
{
    struct attend_strides s = { .offset = l->offset };
    const struct node *n = problem_operation(p);
    int k = 0;
    for (int i = 0; i < q->rank; i++) {
        if (q->dim[i] == (rk_dim)n->at.i[0] || q->dim[i] == (rk_dim)n->at.i[2]) continue;
        int axis = layout_axis(l, q->dim[i]);
        s.outer[k++] = axis < 0 ? 0 : l->stride[axis];
    }
    return s;
}

static struct attend attend_of(const struct problem *p)
{
    const struct node *n = problem_operation(p);
    rk_dim seq = (rk_dim)n->at.i[0], key = (rk_dim)n->at.i[1], width = (rk_dim)n->at.i[2];
    const struct layout *q = &p->in[0].at, *k = &p->in[1].at;
    struct attend a = { .heads = 1, .q_out = -1, .k_out = -1, .v_out = -1, .lengths_in = n->arity > 3 ? 3 : -1, .dy_in = n->arity + 1, .causal = n->at.i[3] != 0, .gradients = problem_is_adjoint(p),
                        .scale = (float)n->at.f[0], .keep = n->at.f[1], .site = rand_site(n->text), .isa = machine_isa(p) };
    a.seq = q->size[layout_axis(q, seq)];
    a.width = q->size[layout_axis(q, width)];
    a.key = k->size[layout_axis(k, key)];
    for (int i = 0; i < q->rank; i++) {
        if (q->dim[i] == seq || q->dim[i] == width) continue;
        a.outer[a.n_outer++] = q->size[i];
        a.heads *= q->size[i];
    }
    a.q = strides_of(p, q, seq, width, q);
    a.k = strides_of(p, k, key, width, q);
    a.v = strides_of(p, &p->in[2].at, key, width, q);
    if (!a.gradients) a.y = strides_of(p, &p->out[0].at, seq, width, q);
    else a.dy = strides_of(p, &p->in[a.dy_in].at, seq, width, q);
    if (a.lengths_in >= 0) a.lengths = lengths_of(p, &p->in[a.lengths_in].at, q);
    for (int i = 0; i < p->n_out && a.gradients; i++) {
        const struct layout *l = &p->out[i].at;
        if (p->out_role[i] == 1) a.q_out = i, a.dq = strides_of(p, l, seq, width, q);
        if (p->out_role[i] == 2) a.k_out = i, a.dk = strides_of(p, l, key, width, q);
        if (p->out_role[i] == 3) a.v_out = i, a.dv = strides_of(p, l, key, width, q);
    }
    return a;
}

static bool accepts(const struct problem *p)
{
    bool ok = !p->accumulate;
    for (int i = 0; i < 3; i++) ok = ok && p->in[i].dtype == RK_f32;
    ok = ok && (problem_operation(p)->arity < 4 || p->in[3].dtype == RK_i32);
    for (int i = 0; i < p->n_out; i++) ok = ok && p->out[i].dtype == RK_f32 && (!problem_is_adjoint(p) || (p->out_role[i] >= 1 && p->out_role[i] <= 3));
    return ok;
}

bool attend_accepts(const struct problem *p) { return accepts(p); }
bool attend_adjoint_accepts(const struct problem *p) { return accepts(p); }

static bool few(const struct attend *a) { return !a->gradients && a->seq <= ATTEND_FEW && a->k.number == 1 && a->v.number == 1; }

/* Live sizes may shrink to few queries, and come back: what those want at any number of keys fits into one of the two. */
static size_t worker_bytes(const struct attend *a, bool live)
{
    size_t panel = attend_panel_bytes(a), rows = 0;
    struct attend least = *a;
    least.seq = least.seq < ATTEND_FEW ? least.seq : ATTEND_FEW;
    if (few(&least) && (few(a) || live)) rows = attend_few_bytes(&least);
    if (few(a) && !live) panel = 0;
    return ((panel > rows ? panel : rows) + 63) & ~(size_t)63;
}

static uint64_t product_flops(const struct attend *a, uint64_t scores)
{
    uint64_t products = a->gradients ? 2 + (uint64_t)((a->q_out >= 0) + (a->k_out >= 0) + (a->v_out >= 0)) : 2;
    return 2 * scores * (uint64_t)a->width * products;
}

/* Forward: two products; per score the scale and a softmax. Gradients: those of the scores and dP again, one more for each
 * gradient; the softmax again, its gradient, and the scale twice. Dropout multiplies what it meets. */
static void price(const struct attend *a, struct prepared *out)
{
    uint64_t scores = (few(a) ? attend_few_scores(a, a->key) : attend_panel_scores(a, a->key)) * (uint64_t)a->heads, each = a->gradients ? 5 + 4 + 2 : 5 + 1;
    if (a->keep < 1) each += a->gradients ? 2 : 1;
    out->product_flops = product_flops(a, scores);
    out->elementwise_flops = scores * each;
}

static rk_status prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    struct attend a = attend_of(p);
    memset(out, 0, sizeof *out);
    if (a.causal && a.key < a.seq && !p->live) return FAIL(RK_E_SHAPE, "attention: causal with %lld keys for %lld queries", (long long)a.key, (long long)a.seq);
    if (a.causal && a.key < a.seq) a.key = a.seq;           /* bounds of live sizes need not fit each other */
    a.worker_bytes = worker_bytes(&a, p->live);
    out->scratch = a.worker_bytes * (size_t)par_workers(ctx);
    price(&a, out);
    memcpy(out->own, &a, sizeof a);
    return RK_OK;
}

rk_status attend_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, out); }
rk_status attend_adjoint_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, out); }

/* Products of padding are planned for, but not made. */
static uint64_t issued(const struct attend_work *w)
{
    uint64_t scores = 0;
    if (w->a->lengths_in < 0) return w->c->prepared->product_flops;
    for (int64_t head = 0; head < w->a->heads; head++) scores += (few(w->a) ? attend_few_scores : attend_panel_scores)(w->a, attend_keys(w, head));
    return product_flops(w->a, scores);
}

static rk_status run(rk_ctx *ctx, const struct call *c)
{
#define X(isa) &attend_kernels_##isa,
    static const struct attend_kernels *const kernels[] = { FOR_EVERY_ISA(X) };
#undef X
    struct attend a;
    memcpy(&a, c->prepared->own, sizeof a);
    struct attend_work w = { &a, c, kernels[a.isa], gemm_kernels(a.isa) };
    par_for(ctx, few(&a) ? attend_few_tasks(&a) : a.heads, a.gradients ? attend_panel_adjoint : few(&a) ? attend_few : attend_panel, &w);
    if (c->issued != NULL) *c->issued += issued(&w);
    return RK_OK;
}

rk_status attend_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c); }
rk_status attend_adjoint_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c); }
