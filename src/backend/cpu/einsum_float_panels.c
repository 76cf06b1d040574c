/* einsum_float_panels.c: the operation einsum_panels of floats: products of gemm.h whose B lies in panels (core/panel.h). Not here: integers (einsum_int8.c). */
#include "backend/cpu/cpu.h"
#include "backend/cpu/einsum.h"
#include "backend/cpu/panels.h"
#include "base/par.h"
#include "core/panel.h"
#include <string.h>

_Static_assert((int)GEMM_PANEL_COLUMNS == (int)FLOAT_PANEL_COLUMNS, "panels of products are those of files");

struct floats { struct contraction c; struct gemm_plan plan; };
_Static_assert(sizeof(struct floats) <= PREPARED_BYTES, "a product with panels fits its place");

bool einsum_float_panels_accepts(const struct problem *p)
{
    return p->n_in == 2 + p->bias && p->in[0].dtype == RK_f32 && p->in[1].dtype == RK_f32 && p->out[0].dtype == RK_f32 && panels_are_one_product(p);
}

rk_status einsum_float_panels_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    struct floats e = { .plan.spread = false };
    struct panels_in_rows r;
    memset(out, 0, sizeof *out);
    panels_in_rows(p, &r);
    PROMISE(contraction_of(&r.p, &e.c));
    e.c.product.b_panels = true;
    e.plan = gemm_plan(&e.c.product, machine_isa(p));
    out->scratch = gemm_scratch(&e.plan, par_workers(ctx));
    out->product_flops = (uint64_t)(gemm_flops(&e.c.product) + 0.5) * (uint64_t)contraction_repeats(&e.c);
    out->elementwise_flops = p->bias ? (uint64_t)layout_elements(&p->out[0].at) : 0;
    memcpy(out->own, &e, sizeof e);
    return RK_OK;
}

struct running { rk_ctx *ctx; const struct floats *e; const struct call *c; };

/* Accepted is one product; where sequences of a batch are shorter than the plan's, it is one for each of them. */
static void one_product(void *arg, int64_t x, int64_t w, int64_t y, bool more)
{
    const struct running *r = arg;
    const struct problem *p = r->c->problem;
    struct gemm_plan plan = r->e->plan;
    plan.p.accumulate = p->accumulate || more;
    gemm_run(r->ctx, &plan, &(struct gemm_operands){ .a = (const float *)r->c->in[0] + p->in[0].at.offset + x, .b = (const float *)r->c->in[1] + p->in[1].at.offset + w,
                                                     .c = (float *)r->c->out[0] + p->out[0].at.offset + y, .bias = einsum_bias(r->c) }, r->c->scratch);
}

rk_status einsum_float_panels_run(rk_ctx *ctx, const struct call *c)
{
    struct floats e;
    memcpy(&e, c->prepared->own, sizeof e);
    contraction_each(&e.c, one_product, &(struct running){ ctx, &e, c });
    if (c->issued != NULL) *c->issued += c->prepared->product_flops;
    return RK_OK;
}
