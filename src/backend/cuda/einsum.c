/* einsum.c: contractions by cuBLASLt: names become rows, columns, sums and batches (backend/cpu/contraction.c), and what one call does
 * not express is repeated: an outer batch, further sums. A few rows are thin.h's, which reads the large matrix as fast as it can be read. What has no unit strides, or too many repetitions, is einsum_any's. */
#include "backend/cpu/einsum.h"
#include "backend/cuda/kernels.h"
#include "backend/cuda/lt.h"
#include "backend/cuda/thin.h"
#include <string.h>

enum { MOST_REPEATS = 256, WORTH_IT = 1 << 14 };

/* One call, and loops around it. */
struct own {
    struct lt_product product;
    int n_extra;
    int64_t extra[MOST_EXTRA + 1], extra_a[MOST_EXTRA + 1], extra_b[MOST_EXTRA + 1], extra_c[MOST_EXTRA + 1];
};
enum { OTHER = PREPARED_BYTES - 1 };        /* the byte that says `other`, where einsum_any keeps what is its own */
_Static_assert(sizeof(struct own) < PREPARED_BYTES, "a product fits its place");

static void put_loop(struct own *o, int64_t n, int64_t a, int64_t b, int64_t c)
{
    if (n == 1) return;
    o->extra[o->n_extra] = n, o->extra_a[o->n_extra] = a, o->extra_b[o->n_extra] = b, o->extra_c[o->n_extra++] = c;
}

static int64_t repeats(const struct own *o)
{
    int64_t n = 1;
    for (int i = 0; i < o->n_extra; i++) n *= o->extra[i];
    return n;
}

static int divides(int64_t offset, int64_t bytes, int most)
{
    while (most > 1 && offset * bytes % most != 0) most /= 2;
    return most;
}

/* What every address that is passed is a multiple of; places of the plan begin at multiples of 64. */
static int alignment(const struct problem *p, const struct own *o)
{
    int most = 16;
    most = divides(p->in[0].at.offset, (int64_t)rk_dtype_bytes(p->in[0].dtype), most);
    most = divides(p->in[1].at.offset, (int64_t)rk_dtype_bytes(p->in[1].dtype), most);
    most = divides(p->out[0].at.offset, (int64_t)rk_dtype_bytes(p->out[0].dtype), most);
    for (int i = 0; i < o->n_extra; i++) {
        most = divides(o->extra_a[i], (int64_t)rk_dtype_bytes(p->in[0].dtype), most);
        most = divides(o->extra_b[i], (int64_t)rk_dtype_bytes(p->in[1].dtype), most);
        most = divides(o->extra_c[i], (int64_t)rk_dtype_bytes(p->out[0].dtype), most);
    }
    return most;
}

static bool own_of(const struct problem *p, struct own *o)
{
    struct contraction c;
    memset(o, 0, sizeof *o);
    if (p->n_in != 2 || !contraction_of(p, &c) || c.dot) return false;
    const struct gemm_problem *g = &c.product;
    o->product = (struct lt_product){
        .m = g->m, .n = g->n, .k = g->k, .a_m = g->a_m, .a_k = g->a_k, .b_k = g->b_k, .b_n = g->b_n, .c_m = g->c_m, .c_n = g->c_n, .batch = g->batch[1], .a_batch = g->a_batch[1],
        .b_batch = g->b_batch[1], .c_batch = g->c_batch[1], .in = p->in[0].dtype, .in_b = p->in[1].dtype, .out = p->out[0].dtype, .alpha = 1, .accumulate = p->accumulate,
    };
    struct lt_product *q = &o->product;
    if (q->k == 1) q->a_k = q->a_m == 1 ? q->m : 1, q->b_k = q->b_n == 1 ? q->n : 1;         /* of one number no stride matters */
    put_loop(o, g->batch[0], g->a_batch[0], g->b_batch[0], g->c_batch[0]);
    for (int i = 0; i < c.n_extra; i++) put_loop(o, c.extra[i], c.extra_a[i], c.extra_b[i], c.extra_c[i]);
    q->alignment = alignment(p, o);
    return true;
}

/* A few rows, or a few columns, beside a matrix that is worth the trouble. */
static bool thin_of(const struct own *o, struct thin_args *a)
{
    const struct lt_product *q = &o->product;
    bool rows = q->m <= q->n;
    *a = (struct thin_args){ .m = q->m, .n = q->n, .k = q->k, .x_m = q->a_m, .x_k = q->a_k, .w_k = q->b_k, .w_n = q->b_n, .y_m = q->c_m, .y_n = q->c_n,
                             .x_dtype = q->in, .w_dtype = q->in_b, .y_dtype = q->out, .accumulate = q->accumulate };
    if (!rows)
        *a = (struct thin_args){ .m = q->n, .n = q->m, .k = q->k, .x_m = q->b_n, .x_k = q->b_k, .w_k = q->a_k, .w_n = q->a_m, .y_m = q->c_n, .y_n = q->c_m,
                                 .x_dtype = q->in_b, .w_dtype = q->in, .y_dtype = q->out, .accumulate = q->accumulate };
    return a->m <= THIN_ROWS && a->n * a->k >= WORTH_IT && q->batch == 1 && o->n_extra == 0 && thin_takes(a);
}

static bool is_made(const struct problem *p, struct own *o) { return own_of(p, o) && repeats(o) <= MOST_REPEATS && lt_takes(&o->product); }

bool cuda_einsum_lt_accepts(const struct problem *p)
{
    struct own o;
    return is_made(p, &o);
}

rk_status cuda_einsum_lt_prepare(rk_ctx *ctx, const struct problem *p, struct prepared *out)
{
    struct own o;
    if (!is_made(p, &o)) {
        TRY(cuda_einsum_any_prepare(ctx, p, out));
        out->own[OTHER] = 1;
        return RK_OK;
    }
    memset(out, 0, sizeof *out);
    out->product_flops = 2 * (uint64_t)o.product.m * (uint64_t)o.product.n * (uint64_t)o.product.k * (uint64_t)o.product.batch * (uint64_t)repeats(&o);
    memcpy(out->own, &o, sizeof o);
    struct thin_args thin;
    return thin_of(&o, &thin) ? RK_OK : lt_prepare(ctx, cuda_of(p)->lt, &o.product);
}

rk_status cuda_einsum_lt_run(rk_ctx *ctx, const struct call *c)
{
    struct own o;
    if (c->prepared->own[OTHER] != 0) return cuda_einsum_any_run(ctx, c);
    memcpy(&o, c->prepared->own, sizeof o);
    const struct problem *p = c->problem;
    const char *a = cuda_in(c, 0), *b = cuda_in(c, 1);
    char *y = cuda_out(c, 0);
    int64_t a_bytes = (int64_t)rk_dtype_bytes(p->in[0].dtype), b_bytes = (int64_t)rk_dtype_bytes(p->in[1].dtype), y_bytes = (int64_t)rk_dtype_bytes(p->out[0].dtype);
    struct thin_args thin;
    if (c->issued != NULL) *c->issued += c->prepared->product_flops;
    if (thin_of(&o, &thin)) {
        bool rows = o.product.m <= o.product.n;
        thin.x = rows ? a : b, thin.w = rows ? b : a, thin.y = y;
        thin_launch(&thin, cuda_of(p)->stream);
        return LAUNCHED("a product of few rows");
    }
    int64_t n = repeats(&o), index[MOST_EXTRA + 1] = { 0 };
    for (int64_t i = 0; i < n; i++) {
        struct lt_product q = o.product;
        int64_t at_a = 0, at_b = 0, at_y = 0;
        for (int k = 0; k < o.n_extra; k++) {
            at_a += index[k] * o.extra_a[k];
            at_b += index[k] * o.extra_b[k];
            at_y += index[k] * o.extra_c[k];
            q.accumulate = q.accumulate || (o.extra_c[k] == 0 && index[k] > 0);
        }
        TRY(lt_run(ctx, cuda_of(p)->lt, &q, a + at_a * a_bytes, b + at_b * b_bytes, y + at_y * y_bytes));
        for (int k = o.n_extra - 1; k >= 0 && ++index[k] == o.extra[k]; k--) index[k] = 0;
    }
    return RK_OK;
}
