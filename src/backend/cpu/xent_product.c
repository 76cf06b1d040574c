/* xent_product.c: the products of the head with its loss: of f32 by gemm.h, of bf16 by tiles. */
#include "backend/cpu/bf16.h"
#include "backend/cpu/xent_inner.h"

/* Dense matrices, A [m k], B [k n] as strides, C [m n]. */
static struct gemm_problem product(int64_t m, int64_t n, int64_t k, const int64_t strides[4], bool more)
{
    return (struct gemm_problem){ .m = m, .n = n, .k = k, .a_m = strides[0], .a_k = strides[1], .b_k = strides[2], .b_n = strides[3], .c_m = n, .c_n = 1,
                                  .batch = { 1, 1 }, .alpha = 1, .accumulate = more };
}

struct gemm_problem xent_logits_product(const struct head *h, int64_t rows)
{
    return product(rows, h->vocab, h->hidden, (const int64_t[]){ h->hidden, 1, 1, h->hidden }, false);
}

struct gemm_problem xent_dx_product(const struct head *h, int64_t rows)
{
    return product(rows, h->hidden, h->vocab, (const int64_t[]){ h->vocab, 1, h->hidden, 1 }, false);
}

struct gemm_problem xent_dw_product(const struct head *h, int64_t rows, bool more)
{
    return product(h->vocab, h->hidden, rows, (const int64_t[]){ 1, h->vocab, h->hidden, 1 }, more);
}

size_t xent_scratch(const struct head *h, const struct gemm_problem *g, bool narrow, int workers)
{
    if (h->tiles) {
        struct bf16_plan plan = bf16_plan(g, narrow);
        return bf16_scratch(&plan, workers);
    }
    struct gemm_plan plan = gemm_plan(g, h->isa);
    return gemm_scratch(&plan, workers);
}

void xent_multiply(rk_ctx *ctx, const struct head *h, struct gemm_problem g, bool narrow, const struct gemm_operands *o, void *scratch)
{
    if (h->tiles) {
        struct bf16_plan plan = bf16_plan(&g, narrow);
        bf16_run(ctx, &plan, &(struct bf16_operands){ .a = o->a, .b = o->b, .c = o->c, .done = o->done, .arg = o->arg }, scratch);
    } else {
        struct gemm_plan plan = gemm_plan(&g, h->isa);
        gemm_run(ctx, &plan, o, scratch);
    }
}
