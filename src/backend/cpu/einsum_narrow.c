/* einsum_narrow.c: contractions of operands in 16 or 8 bits, which a policy of dtypes makes.
 *
 *   bf16 both, and there are tiles    multiplied as they are, summed in f32 (bf16.h)
 *   anything else                     widened where it is packed, multiplied and summed in f32 (gemm.h)
 *
 * A result in 16 bits is rounded once, from the whole sum: while a block of it is in cache by tiles, from an f32 copy of the result in the
 * workspace elsewhere. Not here: one operand in fewer bits, the other in f32 (einsum.c). */
#include "backend/cpu/bf16.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/einsum.h"
#include "base/num.h"
#include "base/par.h"
#include <string.h>

struct narrow { struct contraction c; bool tiles, rounds; size_t sums_bytes; union { struct gemm_plan widened; struct bf16_plan tiles; } plan; };
_Static_assert(sizeof(struct narrow) <= PREPARED_BYTES, "a narrow product fits its place");

static bool rounds(const struct problem *p) { return p->out[0].dtype != RK_f32; }

/* The sum is whole before it is rounded: nothing is added to what is stored. */
static bool whole_sums(const struct problem *p, const struct contraction *c)
{
    bool whole = !p->accumulate;
    for (int i = 0; i < c->n_extra; i++) whole = whole && (c->extra_c[i] != 0 || c->extra[i] == 1);
    return whole;
}

bool einsum_narrow_accepts(const struct problem *p)
{
    struct contraction c;
    enum gemm_type a, b;
    if (p->n_in != 2 || !einsum_type(p->in[0].dtype, &a) || !einsum_type(p->in[1].dtype, &b) || a == GEMM_f32 || b == GEMM_f32) return false;
    if (p->out[0].dtype != RK_f32 && p->out[0].dtype != RK_bf16 && p->out[0].dtype != RK_f16) return false;
    if (!contraction_of(p, &c) || c.dot || gemm_refuse(&c.product) != NULL) return false;
    return !rounds(p) || whole_sums(p, &c);
}

static bool by_tiles(const struct problem *p)
{
    return machine_tiles(p) && p->in[0].dtype == RK_bf16 && p->in[1].dtype == RK_bf16 && p->out[0].dtype != RK_f16;
}

/* The same, into rows of f32 that lie one behind the other. */
static struct gemm_problem summed(struct gemm_problem p)
{
    p.c_m = p.n;
    p.c_n = 1;
    p.c_batch[1] = p.m * p.n;
    p.c_batch[0] = p.batch[1] * p.c_batch[1];
    return p;
}

rk_status einsum_narrow_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    struct narrow e = { .tiles = by_tiles(p), .rounds = rounds(p) };
    memset(out, 0, sizeof *out);
    PROMISE(contraction_of(p, &e.c));
    struct gemm_problem *g = &e.c.product;
    PROMISE(einsum_type(p->in[0].dtype, &g->a_type) && einsum_type(p->in[1].dtype, &g->b_type));
    if (e.tiles) {
        e.plan.tiles = bf16_plan(g, e.rounds);
        out->scratch = bf16_scratch(&e.plan.tiles, par_workers(ctx));
    } else {
        struct gemm_problem into = e.rounds ? summed(*g) : *g;
        e.plan.widened = gemm_plan(&into, machine_isa(p));
        e.sums_bytes = e.rounds ? ((size_t)(g->batch[0] * g->batch[1] * g->m * g->n) * sizeof(float) + 63) & ~(size_t)63 : 0;
        out->scratch = e.sums_bytes + gemm_scratch(&e.plan.widened, par_workers(ctx));
    }
    out->product_flops = (uint64_t)(gemm_flops(g) + 0.5) * (uint64_t)contraction_repeats(&e.c);
    memcpy(out->own, &e, sizeof e);
    return RK_OK;
}

struct work { rk_ctx *ctx; const struct narrow *e; const struct call *c; void *y; };

/* A block of sums is whole. */
static void round_block(void *arg, int64_t batch, int64_t row, int64_t rows, int64_t column, int64_t columns)
{
    const struct work *w = arg;
    const struct gemm_problem *g = &w->e->c.product;
    const float *sums = (const float *)w->c->scratch + (batch * g->m + row) * g->n + column;
    int64_t at = batch / g->batch[1] * g->c_batch[0] + batch % g->batch[1] * g->c_batch[1] + row * g->c_m + column * g->c_n;
    uint16_t *y = (uint16_t *)w->y + at;
    int dtype = (int)w->c->problem->out[0].dtype;
    for (int64_t i = 0; i < rows; i++, sums += g->n, y += g->c_m) {
        if (g->c_n == 1) num_store_f32(y, dtype, sums, (size_t)columns);
        else for (int64_t j = 0; j < columns; j++) num_store_f32(y + j * g->c_n, dtype, sums + j, 1);
    }
}

static void one_product(void *arg, int64_t a, int64_t b, int64_t y, bool more)
{
    struct work *w = arg;
    const struct narrow *e = w->e;
    const struct problem *p = w->c->problem;
    const void *left = gemm_at(w->c->in[0], e->c.product.a_type, p->in[0].at.offset + a), *right = gemm_at(w->c->in[1], e->c.product.b_type, p->in[1].at.offset + b);
    w->y = (char *)w->c->out[0] + (p->out[0].at.offset + y) * (int64_t)rk_dtype_bytes(p->out[0].dtype);
    if (e->tiles) {
        struct bf16_plan plan = e->plan.tiles;
        plan.p.accumulate = p->accumulate || more;
        bf16_run(w->ctx, &plan, &(struct bf16_operands){ .a = left, .b = right, .c = w->y }, w->c->scratch);
    } else {
        struct gemm_plan plan = e->plan.widened;
        plan.p.accumulate = p->accumulate || more;
        gemm_run(w->ctx, &plan, &(struct gemm_operands){ .a = left, .b = right, .c = e->rounds ? w->c->scratch : w->y, .done = e->rounds ? round_block : NULL, .arg = w },
                 (char *)w->c->scratch + e->sums_bytes);
    }
}

rk_status einsum_narrow_run(rk_ctx *ctx, const struct call *c)
{
    struct narrow e;
    memcpy(&e, c->prepared->own, sizeof e);
    contraction_each(&e.c, one_product, &(struct work){ .ctx = ctx, .e = &e, .c = c });
    if (c->issued != NULL) *c->issued += c->prepared->product_flops;
    return RK_OK;
}
