/* einsum_int8.c: the operations einsum_stored of integers with scales, and einsum_panels: which of them are products of int8.h.
 * Not here: matrices of fewer bits without scales (einsum.c). */
#include "backend/cpu/cpu.h"
#include "backend/cpu/einsum.h"
#include "backend/cpu/int8.h"
#include "backend/cpu/int8_kernel.h"
#include "backend/cpu/panels.h"
#include "base/par.h"
#include <string.h>

/* `all`: accepted is one product; where sequences of a batch are shorter than the plan's, it is one for each of them. */
struct integers { struct contraction all; struct int8_plan plan; };
_Static_assert(sizeof(struct integers) <= PREPARED_BYTES, "a product of integers fits its place");

/* ---- what is accepted ---- */

/* The scales lie as the integers do, one for 64. */
static bool scales_fit(const struct problem *p)
{
    const struct layout *q = &p->in[1].at, *s = &p->in[2].at;
    int last = q->rank - 1;
    if (s->rank != q->rank || last < 0 || q->size[last] != s->size[last] * INT8_BLOCK || q->stride[last] != 1) return false;
    if (s->stride[last] != 1 && s->size[last] != 1) return false;
    for (int i = 0; i < last; i++)
        if (q->size[i] != 1 && (s->size[i] != q->size[i] || s->stride[i] * INT8_BLOCK != q->stride[i])) return false;
    return true;
}

bool einsum_int8_accepts(const struct problem *p)
{
    struct contraction c;
    if (p->n_in != 3 || p->in[0].dtype != RK_f32 || p->in[1].dtype != RK_i8 || p->in[2].dtype != RK_f32 || p->out[0].dtype != RK_f32) return false;
    if (!scales_fit(p) || !contraction_of(p, &c) || c.n_extra != 0) return false;
    return int8_accepts(&c.product);
}

bool einsum_panels_accepts(const struct problem *p)
{
    return p->n_in == 3 && p->in[0].dtype == RK_f32 && p->in[2].dtype == RK_f32 && p->out[0].dtype == RK_f32 && layout_is_dense(&p->in[2].at) && panels_are_one_product(p);
}

/* ---- prepared and run ---- */

static rk_status prepare(rk_ctx *ctx, const struct problem *p, bool packed, struct prepared *out)
{
    struct integers e;
    memset(out, 0, sizeof *out);
    PROMISE(contraction_of(p, &e.all));
    e.plan = int8_plan(&e.all.product, machine_isa(p), machine_tiles(p), packed);
    out->scratch = int8_scratch(&e.plan, par_workers(ctx));
    out->product_flops = (uint64_t)(gemm_flops(&e.plan.p) * (double)contraction_repeats(&e.all) + 0.5);
    memcpy(out->own, &e, sizeof e);
    return RK_OK;
}

rk_status einsum_int8_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out) { return prepare(ctx, p, false, out); }

rk_status einsum_panels_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    struct panels_in_rows r;
    panels_in_rows(p, &r);
    return prepare(ctx, &r.p, true, out);
}

struct running { rk_ctx *ctx; const struct int8_plan *plan; struct int8_operands all; void *scratch; };

static void one_product(void *arg, int64_t x, int64_t w, int64_t y, bool more)
{
    const struct running *r = arg;
    struct int8_operands o = r->all;
    o.x += x, o.w += w, o.scale += w / INT8_BLOCK, o.y += y;
    o.add = o.add || more;
    int8_run(r->ctx, r->plan, &o, r->scratch);
}

static rk_status run(rk_ctx *ctx, const struct call *c)
{
    const struct problem *p = c->problem;
    struct integers e;
    memcpy(&e, c->prepared->own, sizeof e);
    struct running r = { ctx, &e.plan, { .x = (const float *)c->in[0] + p->in[0].at.offset, .w = (const int8_t *)c->in[1] + p->in[1].at.offset,
                                         .scale = (const float *)c->in[2] + p->in[2].at.offset, .y = (float *)c->out[0] + p->out[0].at.offset, .add = p->accumulate }, c->scratch };
    contraction_each(&e.all, one_product, &r);
    if (c->issued != NULL) *c->issued += c->prepared->product_flops;
    return RK_OK;
}

rk_status einsum_int8_run(rk_ctx *ctx, const struct call *c)   { return run(ctx, c); }
rk_status einsum_panels_run(rk_ctx *ctx, const struct call *c) { return run(ctx, c); }
