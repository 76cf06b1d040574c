/* einsum.c: contractions on this processor: by a BLAS where it won the race, by our own products elsewhere.
 *
 * One operand may be stored in fewer bits, and is widened where it is read. Everything is decided in prepare; running is calling. A sum over everything (a dot product, the square of a norm) is taken
 * in double over blocks of a fixed length, and the blocks are added in order. */
#include "backend/cpu/einsum.h"
#include "backend/blas/blas.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/dot.h"
#include "base/par.h"
#include <string.h>

enum { DOT_BLOCK = 1 << 15 };

struct einsum { struct contraction c; struct gemm_plan plan; };
_Static_assert(sizeof(struct einsum) <= PREPARED_BYTES, "an einsum fits its place");

static bool all_f32(const struct problem *p)
{
    return p->in[0].dtype == RK_f32 && p->in[1].dtype == RK_f32 && p->out[0].dtype == RK_f32;
}

bool einsum_accepts(const struct problem *p)
{
    struct contraction c;
    if (p->n_in != 2 + p->bias || !all_f32(p) || !contraction_of(p, &c)) return false;
    return (c.dot || gemm_refuse(&c.product) == NULL) && (!p->bias || contraction_takes_bias(p, &c));
}

bool einsum_type(rk_dtype dtype, enum gemm_type *type)
{
    static const struct { rk_dtype dtype; enum gemm_type type; } all[] = {
#define X(type, element) { RK_##type, GEMM_##type },
        FOR_EVERY_GEMM_TYPE(X)
#undef X
    };
    for (int i = 0; i < GEMM_TYPES; i++)
        if (all[i].dtype == dtype) {
            *type = all[i].type;
            return true;
        }
    return false;
}

bool einsum_stored_accepts(const struct problem *p)
{
    struct contraction c;
    enum gemm_type type;
    if (p->n_in != 2 + p->bias || p->in[0].dtype != RK_f32 || p->out[0].dtype != RK_f32 || !einsum_type(p->in[1].dtype, &type)) return false;
    return contraction_of(p, &c) && !c.dot && gemm_refuse(&c.product) == NULL && (!p->bias || contraction_takes_bias(p, &c));
}

bool einsum_blas_accepts(const struct problem *p)
{
    const struct machine *m = p->machine;
    struct contraction c;
    if (m == NULL || m->blas == NULL || p->live || !all_f32(p) || !contraction_of(p, &c) || c.dot) return false;
    return m->blas_wins[gemm_class_of(&c.product)] && gemm_refuse(&c.product) == NULL && blas_takes(&c.product);
}

static rk_status prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out, struct einsum *e)
{
    memset(out, 0, sizeof *out);
    PROMISE(contraction_of(p, &e->c));
    bool empty = layout_elements(&p->out[0].at) == 0;                   /* its strides may be 0: nobody walks them */
    PROMISE(empty || e->c.dot || gemm_refuse(&e->c.product) == NULL);   /* accepted at the bounds, prepared at what is live */
    out->product_flops = (uint64_t)(gemm_flops(&e->c.product) + 0.5) * (uint64_t)contraction_repeats(&e->c);
    out->elementwise_flops = p->bias ? (uint64_t)layout_elements(&p->out[0].at) : 0;
    memcpy(out->own, e, sizeof *e);
    return RK_OK;
}

rk_status einsum_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    struct einsum e = { 0 };
    PROMISE(contraction_of(p, &e.c));
    if (e.c.dot) e.plan.isa = machine_isa(p);
    else e.plan = gemm_plan(&e.c.product, machine_isa(p));
    TRY(prepare(ctx, p, out, &e));
    out->scratch = e.c.dot ? (size_t)((e.c.product.k + DOT_BLOCK - 1) / DOT_BLOCK) * sizeof(double) : gemm_scratch(&e.plan, par_workers(ctx));
    return RK_OK;
}

rk_status einsum_stored_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    struct einsum e = { 0 };
    TRY(prepare(ctx, p, out, &e));
    PROMISE(einsum_type(p->in[1].dtype, &e.c.product.b_type));
    e.c.dot = false;                                                    /* of live sizes that are all 1 */
    e.plan = gemm_plan(&e.c.product, machine_isa(p));
    memcpy(out->own, &e, sizeof e);
    out->scratch = gemm_scratch(&e.plan, par_workers(ctx));
    return RK_OK;
}

rk_status einsum_blas_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    struct einsum e = { 0 };
    return prepare(ctx, p, out, &e);
}

/* --- dots --- */

struct dot { const struct contraction *c; dot_stretch_fn *stretch; const float *a, *b; double *sums; };

static void dot_block(void *arg, int64_t task, int worker)
{
    const struct dot *d = arg;
    const struct gemm_problem *g = &d->c->product;
    int64_t from = task * DOT_BLOCK, n = g->k - from < DOT_BLOCK ? g->k - from : DOT_BLOCK;
    const float *a = d->a + from * g->a_k, *b = d->b + from * g->b_k;
    (void)worker;
    if (g->a_k == 1 && g->b_k == 1) {
        d->sums[task] = d->stretch(a, b, n);
        return;
    }
    double lane[8] = { 0 };
    for (int64_t i = 0; i < n; i++) lane[i & 7] += (double)a[i * g->a_k] * (double)b[i * g->b_k];
    d->sums[task] = ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

static double dot(rk_ctx *ctx, const struct einsum *e, const float *a, const float *b, double *scratch)
{
#define X(isa) dot_stretch_##isa,
    static dot_stretch_fn *const stretch[ISA_COUNT] = { FOR_EVERY_ISA(X) };
#undef X
    const struct contraction *c = &e->c;
    struct dot d = { c, stretch[e->plan.isa], a, b, scratch };
    int64_t blocks = (c->product.k + DOT_BLOCK - 1) / DOT_BLOCK;
    double sum = 0;
    par_for(ctx, blocks, dot_block, &d);
    for (int64_t i = 0; i < blocks; i++) sum += scratch[i];
    return sum;
}

/* --- running --- */

typedef void product_fn(rk_ctx *ctx, const struct einsum *e, const struct call *c, const void *a, const void *b, float *y, bool more);

static void own_product(rk_ctx *ctx, const struct einsum *e, const struct call *c, const void *a, const void *b, float *y, bool more)
{
    if (e->c.dot) {
        double sum = dot(ctx, e, a, b, c->scratch);
        *y = (float)(more ? (double)*y + sum : sum);
        return;
    }
    struct gemm_plan plan = e->plan;
    plan.p.accumulate = more;
    gemm_run(ctx, &plan, &(struct gemm_operands){ .a = a, .b = b, .c = y, .bias = einsum_bias(c) }, c->scratch);
}

static void library_product(rk_ctx *ctx, const struct einsum *e, const struct call *c, const void *a, const void *b, float *y, bool more)
{
    const struct machine *m = c->problem->machine;
    struct gemm_problem g = e->c.product;
    g.accumulate = more;
    blas_gemm_run(ctx, m->blas, &g, &(struct gemm_operands){ .a = a, .b = b, .c = y });
}

struct running { rk_ctx *ctx; const struct einsum *e; const struct call *c; product_fn *product; };

static void one_product(void *arg, int64_t a, int64_t b, int64_t y, bool more)
{
    const struct running *r = arg;
    const struct problem *p = r->c->problem;
    const struct gemm_problem *g = &r->e->c.product;
    r->product(r->ctx, r->e, r->c, gemm_at(r->c->in[0], g->a_type, p->in[0].at.offset + a), gemm_at(r->c->in[1], g->b_type, p->in[1].at.offset + b),
               (float *)r->c->out[0] + p->out[0].at.offset + y, p->accumulate || more);
}

static rk_status run(rk_ctx *ctx, const struct call *c, product_fn *product)
{
    struct einsum e;
    memcpy(&e, c->prepared->own, sizeof e);
    contraction_each(&e.c, one_product, &(struct running){ ctx, &e, c, product });
    if (c->issued != NULL) *c->issued += c->prepared->product_flops;
    return RK_OK;
}

rk_status einsum_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c, own_product); }
rk_status einsum_stored_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c, own_product); }
rk_status einsum_blas_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c, library_product); }
